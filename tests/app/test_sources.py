"""dump, verify, query --storage and inspect on data of every layout."""
import csv
import io
import json
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from golden_truth import (  # noqa: E402
    SMALL, lines_of, plain, run, truth, without_chunks)

SMALL_BLOCK = SMALL / "blocks-2h/01HF96RR88AEWTP9VWFAY43MQ6"
FLOATS = SMALL / "index_format_v1"
START_BLOCK = SMALL / "blocks-st/01HF8S19R440J24F8QJDC741RX"


def damage(path, places=(40,)):
    """Flips bytes, by default one of the first stored ones: a chunk's, or the first page's."""
    content = bytearray(path.read_bytes())
    for place in places:
        content[place] ^= 0x55
    path.write_bytes(content)


class DumpTest(unittest.TestCase):
    maxDiff = 2000

    def dump(self, *arguments):
        code, text, error = run("dump", *arguments)
        self.assertEqual((code, error), (0, ""))
        return lines_of(text)

    def assert_dumps(self, source, wanted, *arguments):
        dumped = self.dump(source, *arguments)
        self.assertEqual([one["labels"] for one in dumped], [one["labels"] for one in wanted])
        for ours, theirs in zip(dumped, wanted):
            self.assertEqual(ours, theirs)


class SourcesTest(DumpTest):
    def test_dump_of_a_block_is_what_prometheus_reads_chunks_and_all(self):
        for block in (SMALL_BLOCK, START_BLOCK):
            wanted = truth(SMALL / "truth" / block.parent.name / block.name)
            self.assert_dumps(block, wanted, "--chunks")
            self.assert_dumps(block.parent, without_chunks(wanted))

    def test_match_and_times_select(self):
        everything = self.dump(SMALL_BLOCK)
        name = dict(everything[0]["labels"])["__name__"]
        selector = '{__name__=%s}' % json.dumps(name, ensure_ascii=False)
        some = self.dump(SMALL_BLOCK, f"--match={selector}")
        self.assertEqual(some, [one for one in everything
                                if dict(one["labels"])["__name__"] == name])
        cut_ms = 1700035800000
        late = self.dump(SMALL_BLOCK, f"--start={cut_ms // 1000}")
        self.assertTrue(late)
        for one in late:
            for t in one.get("floats", {}).get("t", []) + [h["t"] for h in one.get("hists", [])]:
                self.assertGreaterEqual(t, cut_ms)
        self.assertEqual(self.dump(SMALL_BLOCK, "--end=1"), [])

    def test_text_formats_hold_every_sample(self):
        floats = sum(len(one.get("floats", {}).get("t", [])) for one in self.dump(SMALL_BLOCK))
        hists = sum(len(one.get("hists", [])) for one in self.dump(SMALL_BLOCK))
        code, text, _ = run("dump", SMALL_BLOCK, "--format=openmetrics")
        self.assertEqual(code, 0)
        self.assertTrue(text.endswith("# EOF\n"))
        self.assertEqual(text.count("\n"), floats + 2 * hists + 1)
        code, text, _ = run("dump", SMALL / "index_format_v1", "--format=csv")
        self.assertEqual(code, 0)
        head, *rows = text.splitlines()
        self.assertEqual(head, "series,timestamp_ms,value,start_timestamp_ms,histogram")
        self.assertIn('"{foo=""bar""}",', "\n".join(rows))
        self.assertEqual(text.count("\n"), 103)

    def test_openmetrics_tells_that_it_has_no_native_histograms(self):
        hists = sum(len(one.get("hists", [])) for one in self.dump(SMALL_BLOCK))
        self.assertGreater(hists, 0)
        _, _, error = run("dump", SMALL_BLOCK, "--format=openmetrics")
        self.assertIn(f"{hists} native histograms written as _count and _sum", error)
        self.assertEqual(error.count("\n"), 1)
        for arguments in ((SMALL_BLOCK, "--format=csv"), (SMALL / "index_format_v1",
                                                          "--format=openmetrics")):
            self.assertEqual(run("dump", *arguments)[2], "")

    def test_csv_holds_histograms_whole(self):
        wanted = [{key: value for key, value in h.items() if key not in ("t", "st")}
                  for one in self.dump(SMALL_BLOCK) for h in one.get("hists", [])]
        _, text, _ = run("dump", SMALL_BLOCK, "--format=csv")
        rows = csv.DictReader(io.StringIO(text))
        self.assertEqual([json.loads(row["histogram"]) for row in rows if row["histogram"]], wanted)

    def test_match_and_times_select_alike_in_every_layout(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            sources = {"block": SMALL_BLOCK, "blocks": SMALL_BLOCK.parent}
            for layout in ("parquet-common", "gateway", "samples"):
                sources[layout] = folder / layout
                code, _, error = run("convert", SMALL_BLOCK, f"--to={sources[layout]}",
                                     f"--layout={layout}")
                self.assertEqual(code, 0, error)
            # A data directory with the block and an empty log.
            data = folder / "prometheus"
            shutil.copytree(SMALL_BLOCK, data / SMALL_BLOCK.name)
            (data / "wal").mkdir()
            (data / "wal/00000000").touch()
            sources["prometheus"] = data
            name = next(dict(one["labels"])["__name__"] for one in self.dump(SMALL_BLOCK)
                        if "floats" in one)
            selector = "--match={__name__=%s}" % json.dumps(name, ensure_ascii=False)
            cut_ms = 1700035800000
            for arguments in ((), (selector,), (f"--start={cut_ms / 1000}",),
                              (f"--end={(cut_ms - 1) / 1000}", '--match={__name__!=""}'),
                              (selector, f"--start={cut_ms / 1000}", "--end=1700036400"),
                              ("--end=1",)):
                wanted = plain(self.dump(SMALL_BLOCK, *arguments))
                self.assertEqual(bool(wanted), arguments != ("--end=1",))
                for layout, source in sources.items():
                    with self.subTest(layout=layout, arguments=arguments):
                        code, text, error = run("inspect", source)
                        self.assertEqual(code, 0, error)
                        self.assertEqual(plain(self.dump(source, *arguments)), wanted)

    def test_damage_is_left_out_and_counted_in_every_layout(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            whole = len(self.dump(FLOATS))
            for layout in ("block", "parquet-common", "gateway", "samples"):
                source = folder / layout
                if layout == "block":
                    shutil.copytree(FLOATS, source)
                    victim = source / "chunks/000001"
                else:
                    code, _, error = run("convert", FLOATS, f"--to={source}", f"--layout={layout}",
                                         *([] if layout == "samples" else ["--rowgroup-size=10"]))
                    self.assertEqual(code, 0, error)
                    victim = next(path for path in sorted(source.rglob("*.parquet"))
                                  if "chunks.parquet" in path.name or "samples" in path.parts[-3:])
                # Of a data folder's file the columns that a dump reads come last before the index.
                damage(victim, *([range(4, victim.stat().st_size // 2)] if layout == "samples"
                                 else []))
                with self.subTest(layout=layout):
                    code, _, error = run("dump", source)
                    self.assertEqual(code, 1)
                    self.assertIn(victim.name, error)
                    self.assertRegex(error, "offset [0-9]+|page")
                    code, text, error = run("dump", source, "--on-error=skip")
                    self.assertEqual(code, 0, error)
                    self.assertLess(len(text.splitlines()), whole)
                    self.assertRegex(error, "[1-9][0-9]* damaged (chunks|series)")
                    lost = whole - len(text.splitlines())
                    code, text, error = run("verify", FLOATS, source, "--on-error=skip")
                    self.assertEqual(code, 1)
                    self.assertIn(f"{whole - lost} in both, {lost} only in A, 0 only in B", text)
                    code, text, error = run("convert", source, f"--to={folder}/{layout}-again",
                                            "--layout=parquet-common", "--on-error=skip",
                                            "--verify")
                    if lost == whole:  # the one block of the data folder
                        self.assertEqual(code, 1)
                        self.assertIn("no samples", error)
                        continue
                    self.assertEqual(code, 0, error)
                    self.assertIn(f"{whole - lost} series", text)
                    self.assertRegex(error, "[1-9][0-9]* damaged (chunks|series)")

    def test_a_damaged_file_of_a_data_folder_is_not_passed_over_silently(self):
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder) / "data"
            code, _, error = run("convert", FLOATS, f"--to={data}", "--layout=samples")
            self.assertEqual(code, 0, error)
            victim = next(data.glob("cold/samples/*/*.parquet"))
            damage(victim, (victim.stat().st_size - 200,))  # in the footer
            for command in (("dump", data), ("verify", FLOATS, data),
                            ("convert", data, f"--to={folder}/to", "--layout=gateway")):
                with self.subTest(command=command[0]):
                    code, _, error = run(*command)
                    self.assertEqual(code, 1)
                    self.assertIn(victim.name, error)
            code, text, error = run("dump", data, "--on-error=skip")
            self.assertEqual((code, text), (0, ""))
            self.assertIn("1 blocks left out", error)

    def test_damage_names_its_file_as_the_user_finds_it(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            blocks = folder / "blocks"
            shutil.copytree(SMALL / "blocks-2h", blocks)
            victim = sorted(blocks.glob("01*/chunks/000001"))[-1]
            damage(victim, (victim.stat().st_size // 2,))
            where = rf"(^|\s){re.escape(str(victim))}: offset [0-9]+"
            block = victim.parent.parent
            for source in (blocks, block):
                for number, command in enumerate((
                        ("dump", source), ("verify", FLOATS, source),
                        ("convert", source, f"--to={folder}/to", "--layout=samples"),
                        ("convert", source, f"--to={folder}/to", "--layout=parquet-common"),
                        ("import", source, f"--data={folder}/data"))):
                    with self.subTest(source=source.name, command=command):
                        code, _, error = run(*command)
                        self.assertEqual(code, 1, error)
                        self.assertRegex(error, where)
                        self.assertEqual(error.count(str(victim)), 1, error)
                        if command[0] in ("convert", "import"):
                            command = (*command[:2], f"{command[2]}-{source.name}-{number}",
                                       *command[3:])
                        code, _, error = run(*command, "--on-error=skip")
                        self.assertEqual(code, 1 if command[0] == "verify" else 0, error)
                        self.assertRegex(error, f"left out: {where[6:]}")

    def test_damage_of_shards_names_their_file(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            for layout in ("parquet-common", "gateway"):
                source = folder / layout
                code, _, error = run("convert", FLOATS, f"--to={source}", f"--layout={layout}",
                                     "--rowgroup-size=10")
                self.assertEqual(code, 0, error)
                victim = next(source.rglob("0.chunks.parquet"))
                damage(victim)
                for command in (("dump", source),
                                ("convert", source, f"--to={folder}/to", "--layout=samples")):
                    with self.subTest(command=command):
                        code, _, error = run(*command)
                        self.assertEqual(code, 1)
                        self.assertIn(str(victim), error)
                        code, _, error = run(*command, "--on-error=skip")
                        self.assertEqual(code, 0, error)
                        self.assertIn(str(victim), error)
                        shutil.rmtree(folder / "to", ignore_errors=True)

    def test_a_folder_of_two_layouts_is_ambiguous(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder) / "both"
            shutil.copytree(SMALL / "blocks-2h", folder)
            code, _, error = run("convert", SMALL_BLOCK, f"--to={folder}-gateway",
                                 "--layout=gateway")
            self.assertEqual(code, 0, error)
            day = next(path for path in pathlib.Path(f"{folder}-gateway").iterdir()
                       if path.name.startswith("2023-"))
            shutil.copytree(f"{folder}-gateway", folder, dirs_exist_ok=True)
            code, text, error = run("dump", folder)
            self.assertEqual((code, text), (2, ""))
            for part in (SMALL_BLOCK.name[:2], day.name, "--from-layout"):
                self.assertIn(part, error)
            for layout, wanted in (("blocks", SMALL / "blocks-2h"), ("gateway", SMALL_BLOCK)):
                code, text, error = run("dump", folder, f"--from-layout={layout}")
                self.assertEqual((code, error), (0, ""))
                self.assertEqual(plain(lines_of(text)), plain(self.dump(wanted)))

    def test_a_layout_insisted_on_must_be_there(self):
        for layout in ("gateway", "parquet-common", "blocks"):
            source = FLOATS if layout != "gateway" else SMALL / "blocks-2h"
            with self.subTest(layout=layout), tempfile.TemporaryDirectory() as folder:
                for command in (("dump",), ("inspect",),
                                ("convert", f"--to={folder}/to", "--layout=samples")):
                    code, text, error = run(*command, source, f"--from-layout={layout}")
                    self.assertNotEqual(code, 0, text)
                    self.assertIn(str(source), error)
                    self.assertIn("holds no", error)

    def test_a_stream_of_a_gateway_is_a_source_of_its_own(self):
        with tempfile.TemporaryDirectory() as folder:
            bucket = pathlib.Path(folder) / "bucket"
            for number in (1, 2):
                code, _, error = run("convert", SMALL_BLOCK, f"--to={bucket}", "--layout=gateway",
                                     f"--external-label=replica={number}")
                self.assertEqual(code, 0, error)
            streams = sorted(path.parent for path in bucket.glob("*/stream.pb"))
            self.assertEqual(len(streams), 2)
            dumps = [self.dump(stream) for stream in streams]
            replicas = [{dict(one["labels"])["replica"] for one in two} for two in dumps]
            self.assertIn(replicas, ([{"1"}, {"2"}], [{"2"}, {"1"}]))
            self.assertEqual(sum(map(len, dumps)), len(self.dump(bucket)))
            self.assertEqual(plain(self.dump(f"{streams[0]}/")), plain(dumps[0]))
            code, text, error = run("convert", streams[0], f"--to={folder}/to",
                                    "--layout=gateway", "--verify")
            self.assertEqual((code, error), (0, ""))
            self.assertEqual(plain(self.dump(f"{folder}/to")), plain(dumps[0]))
            renamed = bucket / "stream"
            streams[0].rename(renamed)
            code, _, error = run("dump", renamed)
            self.assertNotEqual(code, 0)
            self.assertIn("bucket", error)

    def test_downsampled_blocks_are_refused_by_name_or_left_out(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            raw, coarse = FLOATS.name, "01DXXFZDYD1MQW6079WK0K6EDB"
            shutil.copytree(FLOATS, folder / "01DXXFZDYD1MQW6079WK0K6EDA")
            shutil.copytree(FLOATS, folder / coarse)
            meta = json.loads((folder / coarse / "meta.json").read_text())
            meta["ulid"] = coarse
            meta["thanos"] = {"downsample": {"resolution": 300000}, "labels": {}}
            (folder / coarse / "meta.json").write_text(json.dumps(meta))
            for command in (("dump",), ("verify", FLOATS), ("convert", f"--to={folder}/to",
                                                            "--layout=parquet-common")):
                with self.subTest(command=command):
                    code, _, error = run(*command, folder)
                    self.assertEqual((code, error.count("\n")), (1, 1), error)
                    self.assertIn(coarse, error)
                    self.assertIn("encoding 255", error)
            self.assertEqual(raw, "index_format_v1")
            code, text, error = run("verify", FLOATS, folder, "--on-error=skip")
            self.assertEqual(code, 0, text + error)
            self.assertIn("1 blocks left out", error)
            code, _, error = run("convert", folder, f"--to={folder}/to", "--on-error=skip",
                                 "--layout=parquet-common")
            self.assertEqual(code, 0, error)
            self.assertIn(coarse, error)

    def test_partial_views_are_converted_but_cover_no_day(self):
        for hints, covers in (([], True), (["from-out-of-order"], True),
                              (["from-stale-series"], False)):
            with tempfile.TemporaryDirectory() as folder, self.subTest(hints=hints):
                folder = pathlib.Path(folder)
                block = folder / "01DXXFZDYD1MQW6079WK0K6EDA"
                shutil.copytree(SMALL_BLOCK, block)
                meta = json.loads((block / "meta.json").read_text())
                meta["ulid"] = block.name
                meta["compaction"]["hints"] = hints
                (block / "meta.json").write_text(json.dumps(meta))
                code, _, error = run("convert", block, f"--to={folder}/to", "--layout=gateway",
                                     "--verify")
                self.assertEqual((code, error), (0, ""))
                listed = [block.name.encode() in path.read_bytes()
                          for path in (folder / "to").rglob("meta.pb")]
                self.assertTrue(listed)
                self.assertEqual(all(listed), covers)

    def test_external_labels_of_meta_json_are_laid_over_series_on_demand(self):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            for letter, cluster in (("A", "eu"), ("B", "us")):
                block = folder / "blocks" / f"01DXXFZDYD1MQW6079WK0K6ED{letter}"
                shutil.copytree(FLOATS, block)
                meta = json.loads((block / "meta.json").read_text())
                meta["ulid"] = block.name
                meta["thanos"] = {"labels": {"cluster": cluster, "replica": "0"}}
                (block / "meta.json").write_text(json.dumps(meta))
            whole = len(self.dump(FLOATS))
            for layout in ("parquet-common", "samples"):
                with self.subTest(layout=layout):
                    to = folder / layout
                    code, text, error = run("convert", folder / "blocks", f"--to={to}-plain",
                                            f"--layout={layout}", "--verify")
                    self.assertEqual(code, 0, error)
                    self.assertIn("2 sets of external labels", error)
                    self.assertEqual(self.dump(f"{to}-plain"), self.dump(FLOATS))
                    code, text, error = run("convert", folder / "blocks", f"--to={to}",
                                            f"--layout={layout}", "--verify",
                                            "--external-labels-from-meta",
                                            "--external-label=replica=")
                    self.assertEqual(code, 2, error)
                    code, text, error = run("convert", folder / "blocks", f"--to={to}",
                                            f"--layout={layout}", "--verify",
                                            "--external-labels-from-meta",
                                            "--external-label=replica=both")
                    self.assertEqual((code, error), (0, ""), text)
                    self.assertEqual(len(self.dump(to)), 2 * whole)
                    some = self.dump(to, '--match={cluster="us", replica="both"}')
                    self.assertEqual(len(some), whole)
                    code, _, error = run("convert", FLOATS, f"--to={to}-one", f"--layout={layout}",
                                         "--external-label=foo=same")
                    self.assertEqual(code, 2)
                    self.assertIn("make two series one", error)
        code, _, error = run("convert", FLOATS, "--to=/nowhere/x", "--layout=gateway",
                             "--external-labels-from-meta")
        self.assertEqual(code, 2)

    def test_verify_tells_equal_from_different(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder) / SMALL_BLOCK.name
            shutil.copytree(SMALL_BLOCK, copy)
            code, text, _ = run("verify", SMALL_BLOCK, folder)
            self.assertEqual(code, 0, text)
            self.assertIn("35 in both, 0 only in A, 0 only in B, 0 differing", text)
            segment = copy / "chunks/000001"
            bytes_ = bytearray(segment.read_bytes())
            bytes_[20] ^= 1
            segment.write_bytes(bytes_)
            code, text, error = run("verify", SMALL_BLOCK, folder)
            self.assertEqual((code, text), (1, ""))
            self.assertIn("chunks/000001: offset ", error)
            code, text, error = run("verify", SMALL_BLOCK, folder, "--on-error=skip")
            self.assertEqual(code, 1)
            self.assertIn("only in A", text)
            self.assertIn("1 damaged chunks", error)

    def test_query_and_inspect_take_a_block(self):
        code, text, _ = run("query", "instant", 'count({__name__=~".+"})',
                            f"--storage={SMALL / 'index_format_v1'}", "--time=0")
        self.assertEqual(code, 0, text)
        code, text, _ = run("inspect", SMALL_BLOCK)
        self.assertEqual(code, 0)
        self.assertIn("layout block", text)
        self.assertIn("35 series, 51 samples", text)
        code, text, _ = run("inspect", SMALL_BLOCK.parent, "--json")
        self.assertEqual(json.loads(text)["layout"], "blocks")

    def test_what_is_no_source_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            code, _, error = run("dump", folder)
            self.assertEqual(code, 2)
            self.assertIn("--from-layout", error)
        self.assertEqual(run("dump", "/nowhere")[0], 1)
        self.assertEqual(run("dump")[0], 2)
        self.assertEqual(run("dump", SMALL_BLOCK, "--format=xml")[0], 2)
        self.assertEqual(run("dump", SMALL_BLOCK, "--from-layout=stone")[0], 2)
        self.assertEqual(run("verify", SMALL_BLOCK)[0], 2)


if __name__ == "__main__":
    unittest.main()
