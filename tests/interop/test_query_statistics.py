"""The statistics of queries are those that a real Prometheus tells of the same data."""
import json
import pathlib
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from remote_write_client import encode_series, send  # noqa: E402
from server_process import prometheus, thermocline  # noqa: E402

END_S = int(time.time()) // 60 * 60 - 60
FLAG = "--enable-feature=promql-per-step-stats"
# What the order of Go's maps decides is left out: a peak with unequal series below a subquery.
QUERIES = [
    "1", "1 + 2 * 3", "-1", '"text"', "time()", "vector(3)", "scalar(single)", "pi() * 2",
    "single", "many", "missing", "single offset 1m", "many @ 1", f"many @ {END_S - 300}",
    "many @ end()", "timestamp(many)", "timestamp(abs(many))", "abs(many)", "-many",
    "many > 30", "many > bool 30", "many + 1", "2 * many", "many + many", "many and single",
    "many or single", "many unless on(i) many{i='1'}", "single + on() group_right() many",
    "sum(many)", "sum by (i) (many)", "count(many)", "avg without (i) (many)", "topk(2, many)",
    "bottomk(0, many)", "quantile(0.5, many)", "count_values('v', many)",
    "topk(scalar(single), many)",
    "sum(many @ end()) + sum(many)", "sum(sum by (i) (many))",
    "rate(many[2m])", "sum(rate(many[90s]))", "increase(many[1m] offset 30s)",
    f"sum_over_time(many[2m] @ {END_S})", "predict_linear(many[2m], 60)",
    f"predict_linear(many[2m] @ {END_S}, 60 + time())", "quantile_over_time(0.5, many[1m])",
    "last_over_time(single[10m])", "max_over_time(rate(single[1m])[3m:20s])",
    "sum_over_time(many[3m:20s])", "sum_over_time(many[10s:5s])",
    "sum_over_time(many[2m:] offset 45s)",
    f"sum_over_time(many[2m:30s] @ {END_S})", "sum_over_time((many + 1)[1m:15s])",
    "sum_over_time(sum_over_time(single[1m:15s])[2m:30s])", "absent(missing)", "absent(many)",
    "absent_over_time(single[1m])", "absent_over_time(missing[1m])",
    "label_replace(many, 'j', '$1', 'i', '(.*)')", "label_join(many, 'j', '-', 'i')",
    "sort(many)", "sort_desc(many)", "clamp(many, 1, 20)", "round(many, 5)", "hour()",
    "hour(many)", "histogram_quantile(0.9, many)", "scalar(sum(many)) + many",
    "sum(many) / count(many)", "rate(many[5m:]) and many", "(1 + 2) * many",
]
RANGES = ["many[2m]", "single[5m] offset 1m", "many[2m:30s]", "missing[1m]",
          f"many[1m] @ {END_S}"]


def counted(server, path, **parameters):
    status, answer = server.get(f"/api/v1/{path}", **parameters)
    assert status == 200, (status, answer, parameters)
    stats = answer["data"]["stats"]
    stats.pop("tiers", None)
    return list(stats), list(stats["timings"]), list(stats["samples"]), json.dumps(stats["samples"])


class QueryStatisticsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-statistics-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.plain, cls.steps = cls.start("plain"), cls.start("steps", FLAG)

    @classmethod
    def start(cls, name, *flags):
        """Our server and theirs, with the same series."""
        folder = cls.folder / name
        folder.mkdir()
        pair = (thermocline(folder, *flags).start(),
                prometheus(folder, "global: {scrape_interval: 15s}\n",
                           "--web.enable-remote-write-receiver", *flags).start())
        for server in pair:
            cls.addClassCleanup(server.kill)
        times = [END_S - 1200 + 15 * k for k in range(81)]
        series = [encode_series({"__name__": "single"}, [(t * 1000, t % 7) for t in times])]
        # Two of the series have gaps and begin late.
        for i in range(4):
            series.append(encode_series(
                {"__name__": "many", "i": str(i)},
                [(t * 1000 + i, k * (i + 1)) for k, t in enumerate(times)
                 if i < 2 or (k > 20 and k % (i + 3) != 0)]))
        for server in pair:
            status, body = send(server.url, series)
            assert status == 204, (status, body)
        return pair

    def assert_same(self, pair, stats):
        wrong, asked = [], 0
        questions = [("query", {"query": query, "time": END_S - 7}) for query in QUERIES + RANGES]
        questions += [("query_range", {"query": query, "start": END_S - 613, "end": END_S - 3,
                                       "step": step})
                      for query in QUERIES if query[0] != '"' for step in (30, 100)]
        for path, parameters in questions:
            ours, theirs = (counted(server, path, stats=stats, **parameters) for server in pair)
            asked += 1
            if ours != theirs:
                wrong.append(f"{path} {parameters}\n  ours:   {ours}\n  theirs: {theirs}")
        print(f"figure: {asked - len(wrong)} of {asked} statistics equal Prometheus'")
        self.assertFalse(wrong, f"{len(wrong)} of {asked} differ:\n" + "\n".join(wrong))

    def test_totals_are_prometheus(self):
        self.assert_same(self.plain, "true")

    def test_without_the_feature_no_step_is_told(self):
        self.assert_same(self.plain, "all")

    def test_steps_are_prometheus(self):
        self.assert_same(self.steps, "all")

    def test_with_the_feature_totals_alone_are_told_of_true(self):
        self.assert_same(self.steps, "true")

    def test_the_feature_is_told(self):
        for pair, on in ((self.plain, False), (self.steps, True)):
            for server in pair:
                features = server.get("/api/v1/features")[1]["data"]["promql"]
                self.assertEqual(features["per_step_stats"], on)


if __name__ == "__main__":
    unittest.main()
