"""convert: from blocks to every layout and back, with the real binary."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from server_process import BINARY, ROOT  # noqa: E402

SMALL = ROOT / "src/blocks/testdata"
SHARED = pathlib.Path(os.environ.get("THERMOCLINE_SHARED") or ROOT.parent / "shared")
GOLDEN = SHARED / "data/golden"
FLOATS = SMALL / "index_format_v1"


def run(*arguments):
    """(exit code, standard output, standard error)"""
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, timeout=300, env={})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def dump(source):
    code, text, error = run("dump", source)
    assert (code, error) == (0, ""), error
    return [json.loads(line) for line in text.splitlines()]


def truth(path):
    """What Prometheus reads, without its chunks."""
    done = subprocess.run(["zstd", "-dc", "--long=27", f"{path}.jsonl.zst"], capture_output=True,
                          check=True)
    lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    return [{key: value for key, value in one.items() if key != "chunks"} for one in lines]


class ConvertCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def convert(self, *arguments):
        code, text, error = run("convert", *arguments, "--progress=none")
        self.assertEqual((code, error), (0, ""))
        return text

    def assert_same(self, a, b, *arguments):
        code, text, error = run("verify", a, b, *arguments)
        self.assertEqual((code, error), (0, ""), text)

    def left(self):
        return sorted(entry.name for entry in self.folder.iterdir())


class ConvertTest(ConvertCase):
    def test_a_block_goes_to_both_shard_layouts_and_back_unchanged(self):
        source = SMALL / "blocks-2h"
        for layout in ("parquet-common", "gateway"):
            to = self.folder / layout
            text = self.convert(source, f"--to={to}", f"--layout={layout}", "--verify")
            self.assertRegex(text, r"35 series, 51 samples")
            self.assertRegex(text, r"\d+ bytes in, \d+ bytes out in \d+ files, [\d.]+ s")
            self.assertRegex(text, r"verified: 51 samples are the same")
            self.assert_same(source, to)
            code, text, _ = run("inspect", to)
            self.assertEqual(code, 0)
            self.assertIn(f"layout {layout},", text)
        self.convert(self.folder / "gateway", f"--to={self.folder}/again",
                     "--layout=parquet-common", "--verify", "--name=shards")
        self.assert_same(source, self.folder / "again" / "shards")
        self.assertEqual(self.left(), ["again", "gateway", "parquet-common"])

    def test_floats_go_to_a_data_folder_of_ours_and_back(self):
        data = self.folder / "data"
        text = self.convert(FLOATS, f"--to={data}", "--layout=samples", "--verify", "--jobs=2",
                            "--memory=128MiB")
        self.assertIn("verified:", text)
        self.assert_same(FLOATS, data)
        self.convert(data, f"--to={self.folder}/back", "--layout=parquet-common", "--verify")
        self.assert_same(FLOATS, self.folder / "back")
        code, text, _ = run("check", "data", data)
        self.assertEqual(code, 0, text)

    def test_histograms_and_start_times_go_to_a_data_folder_of_ours_and_back(self):
        for folder, block in (("blocks-2h", "01HF96RR88AEWTP9VWFAY43MQ6"),
                              ("blocks-st", "01HF8S19R440J24F8QJDC741RX")):
            source, data = SMALL / folder, self.folder / folder
            self.convert(source, f"--to={data}", "--layout=samples", "--verify")
            self.assertEqual(dump(data), truth(SMALL / "truth" / folder / block))
            self.assert_same(source, data)
            code, text, _ = run("check", "data", data)
            self.assertEqual(code, 0, text)
        data = self.folder / "blocks-2h"
        self.assertTrue(list(data.glob("cold/histograms/date=*/*.parquet")))
        code, text, _ = run("inspect", data)
        self.assertEqual(code, 0)
        self.assertRegex(text, r"histogram\.positive_spans\.list\.element\.offset +int64")
        code, text, error = run("query", "instant", 'count({__name__=~".+"})',
                                f"--storage={data}", "--time=1700035900")
        self.assertEqual(code, 0, error)
        self.convert(data, f"--to={self.folder}/back", "--layout=parquet-common", "--verify")
        self.assert_same(SMALL / "blocks-2h", self.folder / "back")

    def test_an_empty_folder_is_filled_and_little_memory_suffices(self):
        to = self.folder / "mount"
        to.mkdir()
        before = to.stat().st_ino
        self.convert(FLOATS, f"--to={to}", "--layout=parquet-common", "--memory=1MiB", "--verify")
        self.assertEqual(to.stat().st_ino, before)  # nothing was renamed onto it
        self.assertEqual(sorted(entry.name for entry in to.iterdir()),
                         ["0.chunks.parquet", "0.labels.parquet"])
        self.assert_same(FLOATS, to)

    def test_shards_and_mark_go_beside_the_block(self):
        block = self.folder / "tenant/01DXXFZDYD1MQW6079WK0K6ED0"
        shutil.copytree(FLOATS, block)
        arguments = (block, f"--to={block.parent}", f"--name={block.name}",
                     "--layout=parquet-common", "--converter-mark", "--verify")
        self.convert(*arguments)
        mark = json.loads((block / "parquet-converter-mark.json").read_text())
        self.assertEqual(mark, {"version": 2, "shards": 1})
        copy = block.parent / f"parquet-markers/{block.name}-parquet-converter-mark.json"
        self.assertEqual(json.loads(copy.read_text()), mark)
        self.assertTrue((block / "index").exists() and (block / "0.labels.parquet").exists())
        code, _, error = run("convert", *arguments)
        self.assertEqual(code, 1)
        self.assertIn("converted before", error)

    def test_a_stream_of_the_gateway_has_the_labels_given(self):
        to = self.folder / "bucket"
        self.convert(FLOATS, f"--to={to}", "--layout=gateway", "--external-label=cluster=eu",
                     "--verify")
        code, text, _ = run("dump", to, '--match={cluster="eu"}')
        self.assertEqual(code, 0)
        self.assertEqual(len(text.splitlines()), len(run("dump", FLOATS)[1].splitlines()))
        code, _, error = run("convert", FLOATS, f"--to={to}", "--layout=gateway",
                             "--external-label=cluster=eu")
        self.assertEqual(code, 1)
        self.assertIn("converted before", error)

    def test_time_is_cut_at_both_ends_inclusive(self):
        source = SMALL / "blocks-2h"
        cut = 1700035800
        self.convert(source, f"--to={self.folder}/late", "--layout=parquet-common",
                     f"--min-time={cut}", "--verify")
        self.convert(source, f"--to={self.folder}/early", "--layout=parquet-common",
                     f"--max-time={cut - 0.001:.3f}", "--verify")
        self.assert_same(source, self.folder / "late", f"--start={cut}")
        self.convert(self.folder / "late", self.folder / "early", f"--to={self.folder}/joined",
                     "--layout=gateway", "--verify")
        self.assert_same(source, self.folder / "joined")

    def test_wrong_usage_is_told(self):
        to = f"--to={self.folder}/x"
        for arguments in (
                (), (FLOATS, to), (FLOATS, "--layout=samples"), (FLOATS, to, "--layout=block"),
                (FLOATS, to, "--layout=samples", "--rowgroup-size=5"),
                (FLOATS, to, "--layout=parquet-common", "--external-label==b"),
                (FLOATS, to, "--layout=gateway", "--external-labels-from-meta"),
                (FLOATS, to, "--layout=gateway", "--external-label=a"),
                (FLOATS, to, "--layout=gateway", "--column-duration=1h"),
                (FLOATS, to, "--layout=gateway", "--converter-mark"),
                (FLOATS, to, "--layout=parquet-common", "--column-duration=0s"),
                (FLOATS, to, "--layout=parquet-common", "--rowgroup-count=-1"),
                (FLOATS, to, "--layout=parquet-common", "--max-columns=2"),
                (FLOATS, to, "--layout=parquet-common", "--samples-per-chunk=0"),
                (FLOATS, to, "--layout=parquet-common", "--jobs=0"),
                (FLOATS, to, "--layout=parquet-common", "--memory=much"),
                (FLOATS, to, "--layout=parquet-common", "--max-time=never"),
                (FLOATS, to, "--layout=parquet-common", "--on-error=panic"),
                (FLOATS, to, "--layout=parquet-common", "--rowgroup-size=0"),
                (FLOATS, to, "--layout=parquet-common", "--compression=lz4"),
                (FLOATS, to, "--layout=parquet-common", "--progress=loud"),
                (FLOATS, to, "--layout=parquet-common", "--name=../y"),
                (FLOATS, to, "--layout=parquet-common", "--min-time=never"),
                (FLOATS, to, "--layout=parquet-common", "--from-layout=stone")):
            with self.subTest(arguments=arguments):
                self.assertEqual(run("convert", *arguments)[0], 2)
        self.assertEqual(run("convert", FLOATS, to, "--layout=gateway", "--min-time=1e12")[0], 1)
        self.assertEqual(self.left(), [])
        full = self.folder / "full"
        full.mkdir()
        (full / "mine").write_text("x")
        code, _, error = run("convert", FLOATS, f"--to={full}", "--layout=samples")
        self.assertEqual(code, 1)
        self.assertIn("not empty", error)
        self.assertEqual([entry.name for entry in full.iterdir()], ["mine"])

    def test_a_source_given_twice_is_read_once(self):
        blocks = SMALL / "blocks-2h"
        once = self.convert(blocks, f"--to={self.folder}/once", "--layout=parquet-common")
        self.assertIn(", 0 encoded", once)
        # Nothing but the folder's name and the speed differs.
        wanted = [once.splitlines()[0].split(": ")[1], once.splitlines()[2]]
        block = next(blocks.glob("01*"))
        for number, sources in enumerate(((blocks, blocks), (blocks, f"{blocks}/"),
                                          (f"{blocks}/../blocks-2h", os.path.relpath(blocks)),
                                          (block, blocks))):
            with self.subTest(sources=sources):
                text = self.convert(*sources, f"--to={self.folder}/{number}",
                                    "--layout=parquet-common")
                self.assertEqual([text.splitlines()[0].split(": ")[1], text.splitlines()[2]],
                                 wanted)
                self.assertEqual(text.splitlines()[1].split(",")[0],
                                 once.splitlines()[1].split(",")[0])

    def test_a_label_that_no_series_has_is_told(self):
        for flag in ("sort-label", "bloom-label"):
            with self.subTest(flag=flag):
                code, _, error = run("convert", FLOATS, f"--to={self.folder}/{flag}",
                                     "--layout=parquet-common", f"--{flag}=nosuch")
                self.assertEqual(code, 0)
                self.assertIn(f"--{flag}=nosuch", error)
                self.assertEqual(error.count("\n"), 1)
                self.convert(FLOATS, f"--to={self.folder}/{flag}-known",
                             "--layout=parquet-common", f"--{flag}=bar")

    def test_the_summary_names_the_folder_of_the_shards(self):
        text = self.convert(FLOATS, f"--to={self.folder}/to", "--layout=parquet-common",
                            "--name=x/y")
        path = text.split(": ")[0]
        self.assertEqual(path, f"{self.folder}/to/x/y")
        self.assertEqual(run("inspect", path)[0], 0)

    def test_a_bucket_of_the_gateway_holds_nothing_else(self):
        block = self.folder / "block"
        shutil.copytree(FLOATS, block)
        for source, to in ((block, block), (block, self.folder)):
            with self.subTest(to=to.name):
                code, _, error = run("convert", source, f"--to={to}", "--layout=gateway")
                self.assertEqual(code, 1, error)
                self.assertIn("gateway", error)
                self.assertEqual(self.left(), ["block"])
                self.assertEqual(sorted(path.name for path in block.iterdir()),
                                 sorted(path.name for path in FLOATS.iterdir()))
        to = self.folder / "to"
        for number in (1, 2):
            self.convert(FLOATS, f"--to={to}", "--layout=gateway",
                         f"--external-label=replica={number}")
        self.convert(FLOATS, f"--to={to}", "--layout=gateway")
        self.convert(SMALL / "blocks-2h", f"--to={to}", "--layout=gateway")

    def test_damage_fails_or_is_left_out_and_told(self):
        block = self.folder / "block"
        shutil.copytree(FLOATS, block)
        segment = block / "chunks/000001"
        content = bytearray(segment.read_bytes())
        content[20] ^= 1
        segment.write_bytes(content)
        to = self.folder / "to"
        code, _, error = run("convert", block, f"--to={to}", "--layout=parquet-common")
        self.assertEqual(code, 1)
        self.assertIn("chunks/000001", error)
        self.assertEqual(self.left(), ["block"])
        code, text, error = run("convert", block, f"--to={to}", "--layout=parquet-common",
                                "--on-error=skip")
        self.assertEqual(code, 0, error)
        self.assertIn("1 damaged chunks", error)


@unittest.skipUnless(GOLDEN.is_dir(), "no golden data")
class GoldenConvertTest(ConvertCase):
    def to_samples(self, source):
        to = self.folder / str(source.relative_to(GOLDEN)).replace("/", "-")
        self.convert(source, f"--to={to}", "--layout=samples")
        return dump(to)

    def assert_dumps(self, found, wanted):
        self.assertEqual([one["labels"] for one in found], [one["labels"] for one in wanted])
        for ours, theirs in zip(found, wanted):
            self.assertEqual(ours, theirs)

    def test_golden_data_in_the_samples_layout_dump_as_their_truth(self):
        for folder in ("blocks-2h", "blocks-8h", "blocks-st", "blocks-day"):
            for block in sorted((GOLDEN / folder).iterdir()):
                with self.subTest(block=block.name):
                    self.assert_dumps(self.to_samples(block),
                                      truth(GOLDEN / "truth" / folder / block.name))
        for folder in ("blocks-2h", "blocks-st"):
            with self.subTest(folder=folder):
                self.assert_dumps(self.to_samples(GOLDEN / folder),
                                  truth(GOLDEN / "truth" / f"{folder}-merged"))

    def test_golden_folders_of_every_layout_dump_from_the_samples_layout_as_in_place(self):
        for folder in ("wal-unclean", "wal-unclean-st", "wal-torn", "gateway",
                       "parquet-common/default", "parquet-common/small-shards",
                       "parquet-common/day-parquet-go-0.30"):
            with self.subTest(folder=folder):
                self.assert_dumps(self.to_samples(GOLDEN / folder), dump(GOLDEN / folder))

    def test_a_killed_run_leaves_nothing_that_looks_finished(self):
        runs = self.folder / "runs"
        runs.mkdir()
        whole, to = self.folder / "whole", runs / "to"
        options = (GOLDEN / "blocks-day", "--layout=gateway", "--verify")
        self.convert(*options, f"--to={whole}")
        command = [BINARY, "convert", *map(str, options), f"--to={to}"]
        stopped = 0
        for wait, number in ((0, signal.SIGKILL), (0.02, signal.SIGKILL), (0.1, signal.SIGKILL),
                             (0, signal.SIGTERM), (0.1, signal.SIGTERM)):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env={})
            while not any(runs.iterdir()) and process.poll() is None:
                time.sleep(0.001)  # until it has begun to write aside
            time.sleep(wait)
            process.send_signal(number)
            stopped += process.wait() != 0
            if to.exists():  # the signal came after the publishing
                self.assert_same(whole, to)
                shutil.rmtree(to)
        self.assertGreater(stopped, 0)
        self.convert(*options, f"--to={to}")
        self.assert_same(whole, to)
        self.assertEqual([entry.name for entry in runs.iterdir()], ["to"])


if __name__ == "__main__":
    unittest.main()
