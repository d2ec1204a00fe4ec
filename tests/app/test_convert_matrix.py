"""Sources of every layout converted to every layout: the samples are the truth's, and answer."""
import json
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from golden_truth import GOLDEN, SMALL as BLOCKS, filled, lines_of, run, truth  # noqa: E402
from server_process import ROOT  # noqa: E402

SHARDS = ROOT / "src/shards/testdata/small-shards"
TRUTH = GOLDEN / "truth"
LAYOUTS = ("parquet-common", "gateway", "samples")
HOLD_STARTS = ("samples",)


def samples(one, starts):
    """time -> all that two correct readers agree on; hints are left out."""
    found = {}
    floats = one.get("floats", {})
    sts = floats.get("st") if starts else None
    for t, v, st in zip(floats.get("t", []), floats.get("v", []),
                        sts or [0] * len(floats.get("t", []))):
        found[t] = (v, st)
    for h in one.get("hists", []):
        found[h["t"]] = (h["kind"], h.get("st", 0) if starts else 0, h["schema"],
                         h.get("zero_threshold"), h.get("zero_count"), h["count"], h["sum"],
                         filled(h.get("pos_spans", []), h.get("pos", [])),
                         filled(h.get("neg_spans", []), h.get("neg", [])), h.get("custom"))
    return found


def as_map(series, starts, labels=()):
    """labels -> samples; series of the same labels become one, later ones win."""
    found = {}
    for one in series:
        key = tuple(sorted(map(tuple, [*one["labels"], *labels])))
        found.setdefault(key, {}).update(samples(one, starts))
    return {key: value for key, value in found.items() if value}


class MatrixCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def convert(self, source, layout, *options):
        to = self.folder / f"{len(list(self.folder.iterdir()))}-{layout}"
        code, text, error = run("convert", source, f"--to={to}", f"--layout={layout}",
                                "--progress=none", *options)
        self.assertEqual((code, error), (0, ""), text)
        return to

    def dump(self, source):
        code, text, error = run("dump", source)
        self.assertEqual((code, error), (0, ""))
        return lines_of(text)

    def assert_holds(self, found, wanted):
        self.assertEqual(found.keys(), wanted.keys())
        for labels, ours in found.items():
            theirs = wanted[labels]
            if ours == theirs:
                continue
            self.assertEqual(ours.keys(), theirs.keys(), labels)
            for t, value in ours.items():
                self.assertEqual(value, theirs[t], f"{labels} @{t}")

    def check(self, source, wanted, verify=()):
        """`wanted`: whether with start times -> as_map"""
        of_starts = {starts: wanted(starts) for starts in (True, False)}
        has_starts = of_starts[True] != of_starts[False]
        self.assertTrue(of_starts[True])
        for layout in LAYOUTS:
            with self.subTest(source=str(source), layout=layout):
                starts = layout in HOLD_STARTS
                to = self.convert(source, layout, *(("--external-labels-from-meta",)
                                                    if verify and layout != "gateway" else ()))
                self.assert_holds(as_map(self.dump(to), starts), of_starts[starts])
                dropped = has_starts and not starts
                flags = (*verify, *(("--ignore-start-times",) if dropped else ()))
                code, text, error = run("verify", source, to, *flags)
                self.assertEqual((code, error), (0, ""), text)
                if dropped:
                    self.assertEqual(run("verify", source, to, *verify)[0], 1)


class SmallMatrixTest(MatrixCase):
    """On data that are always there."""

    def test_blocks_and_logs_come_back_from_every_layout_as_their_truth(self):
        for source, path in (
                (BLOCKS / "blocks-2h", "blocks-2h/01HF96RR88AEWTP9VWFAY43MQ6"),
                (BLOCKS / "blocks-st", "blocks-st/01HF8S19R440J24F8QJDC741RX"),
                (BLOCKS / "wal-torn", "wal-torn/series")):
            series = truth(BLOCKS / "truth" / path)
            self.check(source, lambda starts, series=series: as_map(series, starts))

    def test_shards_come_back_from_every_layout_as_they_are_read_in_place(self):
        series = self.dump(SHARDS)
        rows = truth(SHARDS / "rows-0")
        self.assertEqual({tuple(map(tuple, one["labels"])) for one in series},
                         {tuple(sorted(map(tuple, row["labels"]))) for row in rows})
        self.check(SHARDS, lambda starts: as_map(series, starts))
        for layout in ("gateway", "samples"):
            self.check(self.convert(SHARDS, layout), lambda starts: as_map(series, starts))

    def test_queries_answer_alike_on_every_layout(self):
        block = next((BLOCKS / "blocks-2h").iterdir())
        sources = [block, block.parent, *(self.convert(block, layout) for layout in LAYOUTS)]
        at = "--time=1700035900"
        for query in ('count({__name__=~".+"})', 'sort(sum by (job) ({__name__=~".+"}))',
                      'count by (__name__) ({instance=~"10.*",code!="200"})',
                      'count_over_time({job="job-2"}[1h])',
                      'max_over_time({__name__=~"golden_w.+"}[2h]) > 0'):
            answers = set()
            for source in sources:
                code, text, error = run("query", "instant", query, f"--storage={source}", at)
                self.assertEqual(code, 0, f"{query} on {source}: {error}")
                answers.add("\n".join(sorted(text.splitlines())))
            with self.subTest(query=query):
                self.assertEqual(len(answers), 1, answers)
                self.assertTrue(answers.pop().strip())


@unittest.skipUnless(GOLDEN.is_dir(), "no golden data")
class GoldenMatrixTest(MatrixCase):
    def test_golden_data_come_back_from_every_layout_as_their_truth(self):
        compacted = f"blocks-8h/{next((GOLDEN / 'blocks-8h').iterdir()).name}"
        for source, path in (
                ("blocks-2h", "blocks-2h-merged"), ("blocks-8h", compacted),
                ("blocks-st", "blocks-st-merged"),
                ("wal-unclean", "wal-unclean/series"),
                ("wal-unclean-st", "wal-unclean-st/series"), ("wal-torn", "wal-torn/series"),
                ("parquet-common/default", compacted),
                ("parquet-common/small-shards", compacted),
                ("parquet-common/day-parquet-go-0.30",
                 "parquet-common/day-parquet-go-0.30/series")):
            series = truth(TRUTH / path)
            self.check(GOLDEN / source, lambda starts, series=series: as_map(series, starts))

    def external_labels(self):
        """name -> labels of each stream of blocks-day"""
        found = {}
        for block in sorted((GOLDEN / "blocks-day").iterdir()):
            meta = json.loads((block / "meta.json").read_text())
            found[block.name] = sorted(meta["thanos"]["labels"].items())
        return found

    def test_blocks_of_two_streams_come_back_with_their_labels(self):
        streams = {name: (labels, truth(TRUTH / "blocks-day" / name))
                   for name, labels in self.external_labels().items()}

        def wanted(starts):
            whole = {}
            for labels, series in streams.values():
                for key, found in as_map(series, starts, labels).items():
                    whole.setdefault(key, {}).update(found)
            return whole

        self.assertEqual(len({tuple(labels) for labels, _ in streams.values()}), 2)
        self.check(GOLDEN / "blocks-day", wanted, ("--external-labels-from-meta",))

    def test_a_bucket_of_the_gateway_comes_back_from_every_layout(self):
        whole = {}
        for stream in (GOLDEN / "gateway").iterdir():
            labels = (stream / "stream.pb").read_bytes()
            mine = [one for one in self.external_labels().values()
                    if all(value.encode() in labels for _, value in one)]
            self.assertTrue(mine)
            for day in (TRUTH / "gateway" / stream.name).iterdir():
                whole.update(as_map(truth(day / "series-0"), True, mine[0]))
        self.check(GOLDEN / "gateway", lambda starts: whole)

    def test_a_golden_day_in_two_streams_is_the_golden_bucket(self):
        to = self.convert(GOLDEN / "blocks-day", "gateway")
        for stream in (GOLDEN / "gateway").iterdir():
            self.assertEqual((to / stream.name / "stream.pb").read_bytes(),
                             (stream / "stream.pb").read_bytes())
            for day in stream.iterdir():
                if day.is_dir():
                    self.assertTrue((to / stream.name / day.name / "meta.pb").is_file())
        code, text, error = run("verify", GOLDEN / "gateway", to, "--start=2023-11-15T00:00:00Z",
                                "--end=2023-11-15T23:59:59.999Z")
        self.assertEqual((code, error), (0, ""), text)
        self.assertRegex(text, r"series: [1-9]\d+ in both, 0 only in A, 0 only in B")


if __name__ == "__main__":
    unittest.main()
