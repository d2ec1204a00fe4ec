"""The HTTP surface of the real binary: endpoints, methods, statuses, Grafana's contract."""
import gzip
import json
import pathlib
import re
import shutil
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from remote_write_client import encode_series, send  # noqa: E402
from server_process import thermocline  # noqa: E402


class HttpApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-api-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.server = thermocline(cls.folder).start()
        cls.addClassCleanup(cls.server.kill)
        cls.now_s = int(time.time())
        start_ms = (cls.now_s - 300) * 1000
        series = []
        for job in ("api", "web"):
            for instance in range(3):
                labels = {"__name__": "requests_total", "job": job, "instance": f"i{instance}"}
                samples = [(start_ms + k * 15000, float(k * (instance + 1))) for k in range(20)]
                series.append(encode_series(labels, samples))
        series.append(encode_series({"__name__": "odd", "naïve label": "ü \"x\"\n"},
                                    [(start_ms, 1.5)]))
        status, body = send(cls.server.url, series)
        assert status == 204, body

    def ask(self, path, method="GET", body=None, headers=None):
        """(status, headers, bytes), errors too."""
        request = urllib.request.Request(self.server.url + path, body, headers or {}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status, response.headers, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def get(self, path, **parameters):
        return self.server.get(path, **parameters)

    def test_own_metrics_come_as_json(self):
        path = "/api/v1/status/self_metrics"
        text = self.ask("/metrics")[2].decode()
        status, answer = self.get(path, metric_name_pattern="thermocline_h.*")
        self.assertEqual(status, 200)
        families = {family["name"]: family for family in answer["data"]}
        self.assertGreater(len(families), 3)
        for name, family in families.items():
            self.assertTrue(name.startswith("thermocline_h"), name)
            self.assertIn(f"# TYPE {name} {family['type'].lower()}\n", text)
        requests = {label["value"]: point["counter"]["value"]
                    for point in families["thermocline_http_requests_total"]["metric"]
                    for label in point["label"] if label["name"] == "handler"}
        self.assertGreaterEqual(requests["/metrics"], 1)
        for point in families["thermocline_http_request_duration_seconds"]["metric"]:
            counts = [int(bucket["cumulativeCount"]) for bucket in point["histogram"]["bucket"]]
            self.assertEqual(counts, sorted(counts))
            self.assertLessEqual(counts[-1], int(point["histogram"]["sampleCount"]))
        names = [family["name"] for family in self.get(path)[1]["data"]]
        self.assertEqual(sorted(names), sorted(re.findall("# TYPE ([^ ]*)", text)))
        self.assertEqual(self.get(path, metric_name_pattern="(")[0], 400)

    def test_a_trace_tells_what_each_tier_read_and_skipped(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-trace-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        server = thermocline(folder).start()
        self.addCleanup(server.kill)
        day_s = 86_400
        start_s = (self.now_s // day_s - 3) * day_s
        for day in range(3):
            at_ms = (start_s + day * day_s) * 1000
            self.assertEqual(send(server.url, [encode_series(
                {"__name__": "m"}, [(at_ms + k * 1000, k) for k in range(50)])])[0], 204)
            server.flush()
        self.assertEqual(send(server.url, [encode_series(
            {"__name__": "m"}, [(self.now_s * 1000, 1)])])[0], 204)

        def tiers(at_s):
            status, answer = server.get("/api/v1/query", query="sum(m)", time=at_s, trace=1)
            self.assertEqual(status, 200)
            evaluation = answer["trace"]["children"][1]
            self.assertEqual(evaluation["message"], "evaluate")
            for node in (answer["trace"], evaluation, *evaluation["children"]):
                self.assertGreaterEqual(node["duration_msec"], 0)
            selection, = evaluation["children"]
            return selection["tiers"]

        cold = tiers(start_s + day_s + 30)
        files = cold["cold"]["files"]
        self.assertEqual((files["considered"], files["skippedByTime"], files["read"]), (3, 2, 1))
        self.assertGreater(cold["cold"]["pages"]["read"], 0)
        self.assertGreater(cold["cold"]["samples"], 0)
        self.assertEqual(cold["head"]["samples"], 0)
        hot = tiers(self.now_s + 1)
        self.assertEqual(hot["cold"]["files"]["skippedByTime"], 3)
        self.assertEqual(hot["head"]["series"], 1)
        self.assertNotIn("trace", server.get("/api/v1/query", query="m")[1])
        self.assertEqual(server.get("/api/v1/query", query="m", trace="x")[0], 400)
        status, answer = server.get("/api/v1/query_range", query="m", start=start_s,
                                    end=start_s + 60, step=10, trace="true", stats="true")
        self.assertEqual(answer["trace"]["message"], "m")
        self.assertEqual(answer["data"]["stats"]["tiers"]["cold"]["blocksConsidered"], 3)

    def test_instant_query_answers_in_prometheus_shape(self):
        status, answer = self.get("/api/v1/query", query='sum by (job) (requests_total)',
                                  time=self.now_s - 10)
        self.assertEqual(status, 200)
        self.assertEqual(answer, {"status": "success", "data": {"resultType": "vector", "result": [
            {"metric": {"job": "api"}, "value": [self.now_s - 10, "114"]},
            {"metric": {"job": "web"}, "value": [self.now_s - 10, "114"]}]}})

    def test_range_query_has_one_point_per_step(self):
        status, answer = self.get(
            "/api/v1/query_range", query='requests_total{job="api",instance="i0"}',
            start=self.now_s - 300, end=self.now_s - 270, step="15s")
        self.assertEqual(status, 200)
        first = self.now_s - 300
        self.assertEqual(answer["data"]["result"][0]["values"],
                         [[first, "0"], [first + 15, "1"], [first + 30, "2"]])

    def test_grafana_save_and_test_gets_a_scalar_of_1970(self):
        status, answer = self.get("/api/v1/query", query="1+1", time=4)
        self.assertEqual((status, answer["data"]),
                         (200, {"resultType": "scalar", "result": [4, "2"]}))
        status, answer = self.get("/api/v1/status/buildinfo")
        self.assertEqual(status, 200)
        self.assertNotIn("features", answer["data"])

    def test_string_and_special_numbers_print_as_prometheus_prints_them(self):
        for query, value in (("NaN", "NaN"), ("1/0", "+Inf"), ("-1/0", "-Inf"),
                             ("1e21", "1" + 21 * "0"), ("100000", "100000"),
                             ("0.000001", "0.000001"), ("1e-7", "0.0000001")):
            _, answer = self.get("/api/v1/query", query=query, time=0)
            self.assertEqual(answer["data"]["result"][1], value, query)
        _, answer = self.get("/api/v1/query", query='"<a&b>"', time=0)
        self.assertEqual(answer["data"], {"resultType": "string", "result": [0, "<a&b>"]})

    def test_a_form_post_equals_a_get_also_with_a_charset(self):
        body = b"query=count(requests_total)&time=%d" % (self.now_s - 10)
        for content_type in ("application/x-www-form-urlencoded",
                             "application/x-www-form-urlencoded; charset=UTF-8"):
            status, _, answer = self.ask("/api/v1/query", "POST", body,
                                         {"Content-Type": content_type})
            self.assertEqual(status, 200, answer)
            self.assertEqual(json.loads(answer)["data"]["result"][0]["value"][1], "6")

    def test_labels_values_and_series_honour_matchers_and_limit(self):
        _, answer = self.get("/api/v1/labels")
        self.assertEqual(answer["data"], ["__name__", "instance", "job", "naïve label"])
        _, answer = self.get("/api/v1/labels", **{"match[]": "requests_total"})
        self.assertEqual(answer["data"], ["__name__", "instance", "job"])
        _, answer = self.get("/api/v1/label/instance/values")
        self.assertEqual(answer["data"], ["i0", "i1", "i2"])
        _, answer = self.get("/api/v1/label/instance/values", limit=2)
        self.assertEqual((answer["data"], answer["warnings"]),
                         (["i0", "i1"], ["results truncated due to limit"]))
        _, answer = self.get("/api/v1/label/U__na_ef_ve_20_label/values")
        self.assertEqual(answer["data"], ["ü \"x\"\n"])
        _, answer = self.get("/api/v1/series", **{"match[]": 'requests_total{job="api"}'})
        self.assertEqual(len(answer["data"]), 3)
        self.assertEqual(answer["data"][0],
                         {"__name__": "requests_total", "instance": "i0", "job": "api"})
        _, answer = self.get("/api/v1/series", **{"match[]": '{__name__!=""}', "limit": 1})
        self.assertEqual(len(answer["data"]), 1)
        _, answer = self.get("/api/v1/labels", start=1, end=2)
        self.assertEqual(answer["data"], [])

    def test_wrong_requests_get_prometheus_statuses_and_error_types(self):
        ranged = "/api/v1/query_range"
        cases = [
            ("/api/v1/query", {"query": "sum("}, 400, "bad_data"),
            ("/api/v1/query", {"query": "up", "time": "soon"}, 400, "bad_data"),
            ("/api/v1/query", {"query": ""}, 400, "bad_data"),
            ("/api/v1/query", {"query": 'a{b=~"("}'}, 400, "bad_data"),
            (ranged, {"query": "up", "start": 2, "end": 1, "step": 1}, 400, "bad_data"),
            (ranged, {"query": "up", "start": 1, "end": 2, "step": 0}, 400, "bad_data"),
            (ranged, {"query": "up", "start": 0, "end": 11001, "step": 1}, 400, "bad_data"),
            (ranged, {"query": "up[5m]", "start": 0, "end": 1, "step": 1}, 400, "bad_data"),
            ("/api/v1/series", {}, 400, "bad_data"),
            ("/api/v1/series", {"match[]": '{x=""}'}, 400, "bad_data"),
            ("/api/v1/status/tsdb", {"limit": 0}, 400, "bad_data"),
            ("/api/v1/labels", {"limit": -1}, 400, "bad_data"),
            ("/api/v1/nothing", {}, 404, "not_found"),
            ("/api/v1/query", {"query": "requests_total + on(job) requests_total",
                               "time": self.now_s - 10}, 422, "execution")]
        for path, parameters, status, kind in cases:
            got, answer = self.get(path, **parameters)
            self.assertEqual((got, answer["status"], answer.get("errorType")),
                             (status, "error", kind), (path, parameters, answer))
            self.assertTrue(answer["error"])

    def test_a_wrong_method_is_405_and_options_is_204(self):
        status, headers, _ = self.ask("/api/v1/write", "GET")
        self.assertEqual((status, headers["Allow"]), (405, "POST"))
        self.assertEqual(self.ask("/api/v1/query", "DELETE")[0], 405)
        self.assertEqual(self.ask("/api/v1/query", "OPTIONS")[0], 204)
        status, _, body = self.ask("/-/healthy", "HEAD")
        self.assertEqual((status, body), (200, b""))

    def test_large_answers_are_compressed_when_the_client_accepts_it(self):
        path = f"/api/v1/query?query=%7B__name__%3D~%22.%2B%22%7D[5m]&time={self.now_s - 1}"
        status, headers, packed = self.ask(path, headers={"Accept-Encoding": "gzip"})
        self.assertEqual((status, headers["Content-Encoding"]), (200, "gzip"))
        self.assertEqual(gzip.decompress(packed), self.ask(path)[2])

    def test_the_empty_lists_are_truly_empty(self):
        for path, data in (("rules", {"groups": []}), ("alerts", {"alerts": []})):
            self.assertEqual(self.get("/api/v1/" + path),
                             (200, {"status": "success", "data": data}))
        _, answer = self.get("/api/v1/query_exemplars", query="up", start=1, end=2)
        self.assertEqual(answer["data"], [])

    def test_status_pages_tell_what_is_there(self):
        _, answer = self.get("/api/v1/status/tsdb")
        self.assertEqual(answer["data"]["headStats"]["numSeries"], 7)
        self.assertEqual(answer["data"]["seriesCountByMetricName"][0],
                         {"name": "requests_total", "value": 6})
        _, answer = self.get("/api/v1/status/flags")
        self.assertEqual(answer["data"]["web.enable-admin-api"], "true")
        _, answer = self.get("/api/v1/status/runtimeinfo")
        self.assertEqual(answer["data"]["storageRetention"], "unlimited")
        status, headers, text = self.ask("/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(headers["Content-Type"].startswith("text/plain; version=0.0.4"))
        self.assertIn(b"process_cpu_seconds_total", text)

    def test_a_select_by_limit_and_stats_reports_what_was_read(self):
        _, answer = self.get("/api/v1/query", query="requests_total", time=self.now_s - 10,
                             limit=2, stats="true")
        self.assertEqual(len(answer["data"]["result"]), 2)
        self.assertEqual(answer["warnings"], ["results truncated due to limit"])
        self.assertEqual(answer["data"]["stats"]["tiers"]["head"]["series"], 6)


class SyncModeTest(unittest.TestCase):
    def test_metrics_tell_what_an_acknowledgement_is_worth(self):
        for flag, mode, interval in (("always", "always", "0"), ("os", "os", "0"),
                                     ("interval:1500ms", "interval", "1.5")):
            folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-sync-"))
            self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
            server = thermocline(folder, f"--wal.sync={flag}").start()
            self.addCleanup(server.kill)
            with urllib.request.urlopen(server.url + "/metrics", timeout=30) as response:
                lines = response.read().decode().splitlines()
            for other in ("always", "interval", "os"):
                self.assertIn('thermocline_wal_sync_mode{mode="%s"} %d' % (other, other == mode),
                              lines)
            self.assertIn(f"thermocline_wal_sync_interval_seconds {interval}", lines)
            for name in ("thermocline_wal_last_durable_lsn ",
                         "thermocline_wal_fsync_duration_seconds_count "):
                self.assertTrue(any(line.startswith(name) for line in lines), name)
            server.kill()


class AdminOffTest(unittest.TestCase):
    def test_without_the_flag_the_flush_is_403_and_names_the_flag(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-api-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        server = thermocline(folder, "--no-web.enable-admin-api")
        server.command.remove("--web.enable-admin-api")
        server.start()
        self.addCleanup(server.kill)
        status, answer = server.post("/api/v1/admin/tsdb/flush")
        self.assertEqual(status, 403)
        self.assertIn("--web.enable-admin-api", answer["error"])
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
