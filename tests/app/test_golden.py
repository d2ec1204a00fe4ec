"""Golden data of every kind, dumped line by line against its truth: labels, samples, buckets and
hints as the writer's own reader returns them."""
import json
import pathlib
import re
import shutil
import struct
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from golden_truth import (  # noqa: E402
    GOLDEN, ROOTS, SMALL, SMALL_SHARDS, lines_of, rewritten, run, truth, without_chunks)


class GoldenCase(unittest.TestCase):
    maxDiff = 2000

    def dump(self, *arguments):
        code, text, error = run("dump", *arguments)
        self.assertEqual((code, error), (0, ""))
        return lines_of(text)

    def assert_lines(self, dumped, wanted):
        """One by one: the difference of two series can be read, of two files it cannot."""
        self.assertEqual([one["labels"] for one in dumped], [one["labels"] for one in wanted])
        self.assertTrue(wanted)
        for ours, theirs in zip(dumped, wanted, strict=True):
            self.assertEqual(ours, theirs)

    def assert_rewritten(self, dumped, wanted):
        self.assert_lines(rewritten(dumped), rewritten(wanted))


class DataDirectoriesTest(GoldenCase):
    def test_what_logs_and_head_chunks_hold_is_what_prometheus_answers(self):
        for root in ROOTS:
            for name in ("wal-torn", "wal-unclean", "wal-unclean-st"):
                if (root / name).is_dir():
                    with self.subTest(root=root, name=name):
                        self.assert_rewritten(self.dump(root / name),
                                              truth(root / "truth" / name / "series"))

    def test_damaged_logs_hold_what_prometheus_answers_after_its_repair(self):
        names = {}
        for root in ROOTS:
            for case in json.loads((root / "truth/wal-torn/cases.json").read_text()):
                with self.subTest(root=root, case=case["name"]), \
                        tempfile.TemporaryDirectory() as folder:
                    copy = pathlib.Path(folder) / "data"
                    shutil.copytree(root / "wal-torn", copy, copy_function=shutil.copyfile)
                    segment = copy / "wal" / case["file"]
                    content = bytearray(segment.read_bytes())
                    content = content[:case.get("truncate_to", len(content))]
                    content += bytes(case.get("append_zero_bytes", 0))
                    if "flip_byte_at" in case:
                        content[case["flip_byte_at"]] ^= 0xff
                    segment.write_bytes(content)
                    code, text, error = run("dump", copy)
                    self.assertEqual(code, 0, error)
                    wanted = truth(root / "truth/wal-torn" / case["name"] / "series")
                    self.assert_rewritten(lines_of(text), wanted)
                    names.setdefault(case["name"], error)
        self.assertEqual(len(names), 5)
        for name, error in names.items():
            harmless = name in ("last-zero-tail", "last-truncated-few-bytes")
            self.assertEqual("1 torn logs" in error, not harmless, name)
            self.assertEqual(error == "", harmless, name)
        self.assertIn("wal/00000002: offset ", names["middle-flipped"])


class BlocksTest(GoldenCase):
    FOLDERS = ("blocks-2h", "blocks-8h", "blocks-st", "blocks-day")

    def test_every_block_dumps_as_prometheus_reads_it(self):
        blocks = 0
        for root in ROOTS:
            for folder in self.FOLDERS:
                for block in sorted((root / folder).glob("01*")):
                    with self.subTest(block=block):
                        wanted = truth(root / "truth" / folder / block.name)
                        if (block / "tombstones").stat().st_size == 9:
                            self.assert_lines(self.dump(block, "--chunks"), wanted)
                        else:  # the truth's chunks are as stored, not as tombstones cut them
                            self.assert_lines(self.dump(block), without_chunks(wanted))
                        blocks += 1
        self.assertGreaterEqual(blocks, 2)

    @unittest.skipUnless(GOLDEN.is_dir(), "no golden data: the committed blocks do not overlap")
    def test_folders_of_overlapping_blocks_dump_as_prometheus_merges_them(self):
        for folder in ("blocks-2h", "blocks-st"):
            with self.subTest(folder=folder):
                self.assert_lines(self.dump(GOLDEN / folder),
                                  truth(GOLDEN / "truth" / f"{folder}-merged"))

    @unittest.skipUnless(GOLDEN.is_dir(), "no golden data: the committed blocks do not overlap")
    def test_overlapping_blocks_hold_what_their_vertical_compaction_holds(self):
        compacted = next((GOLDEN / "blocks-8h").iterdir())
        meta = json.loads((compacted / "meta.json").read_text())
        with tempfile.TemporaryDirectory() as folder:
            for source in meta["compaction"]["sources"]:
                to = pathlib.Path(folder) / source
                # The tombstones came after the compaction.
                shutil.copytree(GOLDEN / "blocks-2h" / source, to,
                                ignore=shutil.ignore_patterns("tombstones"))
            code, text, error = run("verify", folder, compacted)
            self.assertEqual((code, error), (0, ""), text)
            self.assertIn(f"{meta['stats']['numSamples']} equal", text)


class ShardsTest(GoldenCase):
    def assert_rows(self, dumped, rows):
        """Per series and kind of chunk the first time, the last and the count."""
        def spans(times_of):
            return {kind: (min(times), max(times), len(times))
                    for kind, times in times_of.items() if times}

        wanted = {}
        for row in rows:
            records = [record for cell in row["cells"].values() for record in cell]
            wanted[json.dumps(sorted(row["labels"]))] = {
                kind: (min(r[1] for r in some), max(r[2] for r in some), sum(r[4] for r in some))
                for kind in (1, 2, 3) if (some := [r for r in records if r[0] == kind])}
        found = {}
        for one in dumped:
            hists = one.get("hists", [])
            found[json.dumps(one["labels"])] = spans({
                1: one.get("floats", {}).get("t", []),
                2: [h["t"] for h in hists if h["kind"] == "int"],
                3: [h["t"] for h in hists if h["kind"] == "float"]})
        self.assertEqual(found, wanted)

    def test_the_committed_shard_dumps_as_the_library_reads_it(self):
        dumped = self.dump(SMALL_SHARDS / "small-shards")
        self.assert_rows(dumped, truth(SMALL_SHARDS / "small-shards/rows-0"))
        # Every eighth series whole, as Prometheus reads them in the block that was converted.
        some = truth(SMALL_SHARDS / "small-shards/series-0-eighth")
        self.assert_lines(dumped[::8], some)

    @unittest.skipUnless(GOLDEN.is_dir(), "no golden data")
    def test_shards_dump_as_the_block_that_was_converted(self):
        block = next((GOLDEN / "blocks-8h").iterdir())
        wanted = without_chunks(truth(GOLDEN / "truth/blocks-8h" / block.name))
        for folder in ("default", "small-shards"):
            with self.subTest(folder=folder):
                dumped = self.dump(GOLDEN / "parquet-common" / folder)
                self.assert_rewritten(dumped, wanted)
                files = (GOLDEN / "truth/parquet-common" / folder).glob("rows-*")
                rows = [truth(str(file).removesuffix(".jsonl.zst")) for file in files]
                self.assert_rows(dumped, sum(rows, []))
        folder = "parquet-common/day-parquet-go-0.30"
        self.assert_lines(self.dump(GOLDEN / folder), truth(GOLDEN / "truth" / folder / "series"))

    @unittest.skipUnless(GOLDEN.is_dir(), "no golden data")
    def test_days_of_the_gateway_dump_with_their_streams_labels(self):
        everything = []
        for stream in sorted((GOLDEN / "gateway").iterdir()):
            # A map of strings: fields of two short strings, each of one byte of length.
            external = [[name.decode(), value.decode()] for name, value in re.findall(
                rb"\n.\n.([a-z]+)\x12.([a-z0-9-]+)", (stream / "stream.pb").read_bytes())]
            self.assertEqual([name for name, _ in sorted(external)], ["cluster", "replica"])
            days = [path for path in stream.iterdir() if path.is_dir()]
            self.assertEqual(len(days), 1)
            wanted = truth(GOLDEN / "truth/gateway" / stream.name / days[0].name / "series-0")
            for one in wanted:
                one["labels"] = sorted(one["labels"] + external)
            with self.subTest(stream=stream.name):
                self.assert_lines(self.dump(stream), sorted(wanted, key=lambda s: s["labels"]))
            everything += wanted
        self.assert_lines(self.dump(GOLDEN / "gateway"),
                          sorted(everything, key=lambda s: s["labels"]))


class ForeignBlocksTest(GoldenCase):
    """Blocks of other versions: src/blocks/testdata/README.md tells where each is from."""

    def counters(self):
        """What the blocks of `thanos` were made of."""
        def bits(value):
            return struct.pack(">d", value).hex()
        times = [1_700_006_400_000 + 15_000 * i for i in range(300)]
        series = [{"labels": [["__name__", f"old_{s % 3}_total"], ["instance", str(s)],
                              ["job", f"job-{s % 2}"]],
                   "floats": {"t": times, "v": [bits(i * (s + 1) + 0.25 * s) for i in range(300)]}}
                  for s in range(12)]
        return sorted(series, key=lambda one: one["labels"])

    def test_a_bucket_of_thanos_gives_its_raw_block(self):
        bucket = SMALL / "thanos"
        raw, *coarse = sorted(path.name for path in bucket.iterdir())
        self.assert_lines(self.dump(bucket / raw), self.counters())
        for name in coarse:
            code, text, error = run("dump", bucket / name)
            self.assertEqual((code, text, error.count("\n")), (1, "", 1), error)
            self.assertRegex(error, f"{name}/meta.json: .* (300000|3600000) ms: .*encoding 255")
        code, text, error = run("dump", bucket, "--on-error=skip")
        self.assertEqual(code, 0, error)
        self.assertIn("2 blocks left out", error)
        self.assert_lines(lines_of(text), self.counters())
        with tempfile.TemporaryDirectory() as folder:
            to = pathlib.Path(folder) / "to"
            code, _, error = run("convert", bucket / raw, f"--to={to}", "--layout=gateway")
            self.assertEqual((code, error), (0, ""))
            external = [["cluster", "eu-1"], ["replica", "a"]]
            self.assert_lines(self.dump(to),
                              [{**one, "labels": sorted(one["labels"] + external)}
                               for one in self.counters()])

    def test_a_meta_json_of_version_two_is_refused(self):
        for source in (SMALL / "repair_index_version", *(SMALL / "repair_index_version").iterdir()):
            code, text, error = run("dump", source)
            self.assertEqual((code, text, error.count("\n")), (1, "", 1), error)
            self.assertIn("meta.json: version 2, only 1 is read", error)


class InspectTest(unittest.TestCase):
    @unittest.skipUnless(GOLDEN.is_dir(), "no golden data")
    def test_inspect_knows_every_layout(self):
        layouts = {"blocks-8h": "blocks", "wal-unclean": "prometheus", "wal-torn": "prometheus",
                   "parquet-common/default": "parquet-common", "gateway": "gateway"}
        for folder, layout in layouts.items():
            with self.subTest(folder=folder):
                code, text, error = run("inspect", GOLDEN / folder)
                self.assertEqual(code, 0, error)
                self.assertIn(f"layout {layout},", text)


if __name__ == "__main__":
    unittest.main()
