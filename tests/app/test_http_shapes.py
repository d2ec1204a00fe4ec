"""Keys and types that clients of Prometheus' API parse, endpoint by endpoint, GET and POST."""
import json
import pathlib
import re
import shutil
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from remote_write_client import encode_series, send  # noqa: E402
from server_process import thermocline  # noqa: E402


class HttpShapesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-shapes-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.server = thermocline(cls.folder).start()
        cls.addClassCleanup(cls.server.kill)
        cls.now_s = int(time.time())
        status, body = send(cls.server.url, [
            encode_series({"__name__": f"shape_{n % 3}", "n": str(n)},
                          [((cls.now_s - 60 + k) * 1000, float(k)) for k in range(60)])
            for n in range(9)])
        assert status == 204, body

    def form(self, path, **parameters):
        body = urllib.parse.urlencode(parameters, doseq=True).encode()
        request = urllib.request.Request(self.server.url + path, body, {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def data(self, path, **parameters):
        status, answer = self.server.get(path, **parameters)
        self.assertEqual((status, answer["status"]), (200, "success"), answer)
        return answer["data"]

    def test_get_and_post_answer_the_same(self):
        times = {"start": self.now_s - 60, "end": self.now_s}
        for path, parameters in (
                ("/api/v1/query", {"query": "sum by (n) (shape_0)", "time": self.now_s}),
                ("/api/v1/query_range", {"query": "shape_1", "step": "5s", **times}),
                ("/api/v1/series", {"match[]": ["shape_0", "shape_1"], **times}),
                ("/api/v1/labels", times), ("/api/v1/labels", {"match[]": "shape_2", "limit": 1}),
                ("/api/v1/query_exemplars", {"query": "shape_0", **times}),
                ("/api/v1/query", {"query": "sum("}), ("/api/v1/series", {})):
            self.assertEqual(self.form(path, **parameters), self.server.get(path, **parameters),
                             path)
        # Label values are for GET alone; Grafana falls back on 405.
        self.assertEqual(self.form("/api/v1/label/n/values")[0], 405)

    def test_range_results_are_points_of_a_number_and_a_text(self):
        found = self.data("/api/v1/query_range", query="shape_0", start=self.now_s - 30.5,
                          end=self.now_s, step=10)
        self.assertEqual(found["resultType"], "matrix")
        self.assertEqual(len(found["result"]), 3)
        for series in found["result"]:
            self.assertEqual(series["metric"]["__name__"], "shape_0")
            self.assertEqual([at for at, _ in series["values"]],
                             [self.now_s - 30.5 + 10 * k for k in range(4)])
            self.assertTrue(all(isinstance(value, str) for _, value in series["values"]))

    def test_limits_cut_and_warn_everywhere(self):
        for path, parameters in (
                ("/api/v1/query", {"query": "shape_0"}),
                ("/api/v1/query_range", {"query": "shape_0", "start": self.now_s - 9,
                                         "end": self.now_s, "step": 1}),
                ("/api/v1/series", {"match[]": "shape_0"}), ("/api/v1/labels", {}),
                ("/api/v1/label/n/values", {})):
            status, answer = self.server.get(path, limit=1, **parameters)
            found = answer["data"]
            self.assertEqual((status, len(found["result"] if "result" in found else found)),
                             (200, 1), path)
            self.assertEqual(answer["warnings"], ["results truncated due to limit"], path)
            status, answer = self.server.get(path, limit=0, **parameters)
            self.assertNotIn("warnings", answer)
            for wrong in ("-1", "x", "1.5"):
                status, answer = self.server.get(path, limit=wrong, **parameters)
                self.assertEqual((status, answer["errorType"]), (400, "bad_data"), (path, wrong))

    def test_status_pages_have_prometheus_keys(self):
        build = self.data("/api/v1/status/buildinfo")
        self.assertLessEqual({"version", "revision", "branch", "buildUser", "buildDate",
                              "goVersion"}, set(build))
        self.assertRegex(build["version"], r"^3\.\d+\.\d+$")
        self.assertNotIn("features", build)
        runtime = self.data("/api/v1/status/runtimeinfo")
        self.assertLessEqual(
            {"startTime", "CWD", "hostname", "serverTime", "reloadConfigSuccess", "lastConfigTime",
             "corruptionCount", "goroutineCount", "GOMAXPROCS", "GOMEMLIMIT", "GOGC", "GODEBUG",
             "storageRetention"}, set(runtime))
        self.assertRegex(runtime["startTime"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        tsdb = self.data("/api/v1/status/tsdb", limit=2)
        self.assertEqual(set(tsdb["headStats"]),
                         {"numSeries", "numLabelPairs", "chunkCount", "minTime", "maxTime"})
        for key in ("seriesCountByMetricName", "labelValueCountByLabelName",
                    "memoryInBytesByLabelName", "seriesCountByLabelValuePair"):
            self.assertEqual(len(tsdb[key]), 2, key)
            self.assertEqual(set(tsdb[key][0]), {"name", "value"})
            self.assertGreaterEqual(tsdb[key][0]["value"], tsdb[key][1]["value"])
        flags = self.data("/api/v1/status/flags")
        self.assertTrue(all(isinstance(value, str) for value in flags.values()))
        self.assertEqual(self.data("/api/v1/metadata"), {})

    def test_lists_without_content_check_their_questions(self):
        for path, parameters in (("/api/v1/rules", {"type": "both"}),
                                 ("/api/v1/rules", {"group_limit": "x"}),
                                 ("/api/v1/rules", {"match[]": "}"}),
                                 ("/api/v1/query_exemplars", {"query": "up", "start": 2, "end": 1}),
                                 ("/api/v1/query_exemplars", {"query": "up("}),
                                 ("/api/v1/metadata", {"limit": "x"})):
            status, answer = self.server.get(path, **parameters)
            self.assertEqual((status, answer["errorType"]), (400, "bad_data"), (path, parameters))
        self.assertEqual(self.data("/api/v1/rules", type="alert", group_limit=5), {"groups": []})

    def test_stats_are_added_on_request(self):
        found = self.data("/api/v1/query", query="shape_0", stats="true")
        self.assertLessEqual({"timings", "samples"}, set(found["stats"]))
        self.assertEqual(set(found["stats"]["samples"]),
                         {"totalQueryableSamples", "samplesRead", "peakSamples"})
        self.assertNotIn("stats", self.data("/api/v1/query", query="shape_0"))

    def test_a_query_that_takes_too_long_is_a_timeout(self):
        status, answer = self.server.get(
            "/api/v1/query_range", timeout="50ms", start=self.now_s - 3600, end=self.now_s,
            step="1s", query="quantile_over_time(0.9, vector(1)[1h:100ms])")
        self.assertEqual((status, answer["errorType"], answer["error"]),
                         (503, "timeout", "query timed out in expression evaluation: it may run "
                                          "50ms (the request's timeout)"))

    def test_the_metrics_page_is_the_text_format(self):
        with urllib.request.urlopen(self.server.url + "/metrics", timeout=10) as response:
            self.assertEqual(response.headers["Content-Type"],
                             "text/plain; version=0.0.4; charset=utf-8")
            lines = response.read().decode().splitlines()
        sample = re.compile(r'^[a-z_:][a-z0-9_:]*(\{([a-z_]+="([^"\\\n]|\\.)*",?)*\})? '
                            r'([-+]?[0-9.e+-]+|NaN|[-+]Inf)$', re.I)
        families, types = [], {}
        for line in lines:
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                self.assertNotIn(name, types)
                families.append(name)
                types[name] = kind
            elif not line.startswith("# HELP "):
                self.assertRegex(line, sample)
                name = re.split(r"[{ ]", line)[0]
                family = families[-1]
                self.assertIn(name.removeprefix(family), ("", "_bucket", "_sum", "_count"), line)
        self.assertLessEqual(set(types.values()), {"counter", "gauge", "histogram"})
        self.assertIn("thermocline_http_requests_running", types)


if __name__ == "__main__":
    unittest.main()
