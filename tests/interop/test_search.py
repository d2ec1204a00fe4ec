"""The search endpoints answer the same bytes as a real Prometheus' with its search API switched on:
algorithms, orders, batches, limits, errors."""
import itertools
import json
import pathlib
import random
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from remote_write_client import encode_series, send  # noqa: E402
from server_process import prometheus, thermocline  # noqa: E402
from test_api_bodies import body_of  # noqa: E402

NOW_S = int(time.time())
NAMES = [
    "http_requests_total", "http_request_duration_seconds_bucket", "http_errors", "HTTP_Total",
    "node_cpu_seconds_total", "node_memory_MemFree_bytes", "node_load1", "up", "UP",
    "go_memstats_alloc_bytes", "prometheus_tsdb_head_series", "prometheus_http_requests_total",
    "a", "aa", "aab", "abc", "with.dots", "caf\u00e9_total", "\u00c9t\u00e9", "stra\u00dfe",
    "\u0130stanbul", "a<b>&c", "\u2028x", "job_total_total"]
TERMS = ["http", "hrt", "total", "TOTAL", "up", "htpp", "e", "ab", "caf\u00e9", "\u00e9", "t\u00c9",
         "node_cpu_seconds_total", "zzz", "", "secnods", "prometheus_tsdb_head_serie"]
ENDPOINTS = ["metric_names", "label_names", "label_values"]
ERRORS = [
    {"limit": "0"}, {"limit": "-1"}, {"limit": "x"}, {"limit": "10001"}, {"limit": "+50"},
    {"limit": "10000"}, {"limit": "99999999999999999999"},
    {"batch_size": "0"}, {"batch_size": "1.5"}, {"fuzz_threshold": "101"},
    {"fuzz_threshold": "-1"}, {"fuzz_threshold": "x\"<"}, {"fuzz_alg": "levenshtein"},
    {"fuzz_alg": "<\""}, {"case_sensitive": "yes"}, {"include_score": "2"},
    {"include_metadata": "maybe"}, {"sort_dir": "asc"}, {"sort_by": "score"},
    {"sort_by": "score", "sort_dir": "asc", "search[]": "a"},
    {"sort_by": "alpha", "sort_dir": "up"},
    {"sort_by": "size"}, {"sort_by": "size", "limit": "x"}, {"start": "x"}, {"end": "1<2"},
    {"start": "10", "end": "5"}, {"match[]": "{"},
    {"match[]": '{a=~".*"}'}, {"search[]": ["a"] * 33}, {"search[]": ["a"] * 32},
    {"search[]": ["a"] * 33, "start": "x"}, {"include_metadata": "x", "label": ""}]


class SearchTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-search-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.ours = thermocline(cls.folder).start()
        cls.addClassCleanup(lambda: cls.ours.kill())
        cls.theirs = prometheus(cls.folder, "global: {}\n", "--web.enable-remote-write-receiver",
                                "--enable-feature=search-api").start()
        cls.addClassCleanup(lambda: cls.theirs.kill())
        at_ms = (NOW_S - 60) * 1000
        series = [
            encode_series({"__name__": name, "path": value, f"label_{value}": "1", "n": str(i % 3)},
                          [(at_ms, 1)])
            for i, (name, value) in enumerate(itertools.product(NAMES, NAMES[:12]))]
        for server in (cls.ours, cls.theirs):
            status, body = send(server.url, series)
            assert status == 204, (server.command[0], status, body)

    def assert_same(self, requests):
        wrong = []
        for endpoint, parameters in requests:
            path = f"/api/v1/search/{endpoint}"
            theirs = body_of(self.theirs, path, parameters)
            ours = body_of(self.ours, path, parameters)
            if ours != theirs:
                wrong.append(f"{path} {parameters}\n  ours:   {ours}\n  theirs: {theirs}")
        print(f"figure: {len(requests) - len(wrong)} of {len(requests)} answers equal Prometheus'")
        self.assertFalse(wrong, f"{len(wrong)} of {len(requests)}:\n" + "\n".join(wrong[:20]))

    def test_terms_algorithms_and_orders(self):
        seed = 1
        chance = random.Random(seed)
        requests = []
        for _ in range(1500):
            parameters = {"label": "path", "search[]": chance.sample(TERMS, chance.randint(1, 3)),
                          "include_score": chance.choice(["true", "1", "false"])}
            for name, values in {
                    "fuzz_alg": ["", "subsequence", "jarowinkler"],
                    "fuzz_threshold": ["", "0", "1", "30", "70", "95", "100"],
                    "case_sensitive": ["", "true", "false"], "sort_by": ["", "alpha", "score"],
                    "limit": ["", "1", "5", "7"], "batch_size": ["", "1", "3", "1000"],
                    "match[]": ["", "", "up", '{n="1"}', '{__name__=~"h.*",path!=""}']}.items():
                value = chance.choice(values)
                if value:
                    parameters[name] = value
            if parameters.get("sort_by") == "alpha":
                parameters["sort_dir"] = chance.choice(["", "asc", "dsc"])
            # Without a term Prometheus cuts and ranks names in the order in which they came.
            if any(parameters["search[]"]):
                requests.append((chance.choice(ENDPOINTS), parameters))
        self.assertGreater(len(requests), 1000, f"seed {seed}")
        self.assert_same(requests)

    def test_without_terms(self):
        self.assert_same([
            (endpoint, {"label": "path", **parameters})
            for endpoint in ENDPOINTS for parameters in [
                {}, {"batch_size": 2}, {"batch_size": len(NAMES)}, {"limit": len(NAMES)},
                {"sort_by": "alpha", "batch_size": 7}, {"include_score": "T"},
                {"sort_by": "alpha", "sort_dir": "dsc", "limit": 5},
                {"sort_by": "alpha", "sort_dir": "dsc", "limit": 6, "batch_size": 3},
                {"search[]": ["", ""], "batch_size": 5}, {"match[]": "nothing"},
                {"match[]": ["up", "aa"]}, {"include_metadata": "true"}]])

    def test_names_ascend_where_prometheus_takes_them_as_they_came(self):
        for endpoint, parameters in itertools.product(ENDPOINTS, [
                {"limit": 3}, {"limit": 4, "batch_size": 2}, {"limit": 5, "search[]": ""},
                {"limit": 2, "sort_by": "score", "search[]": ""}]):
            parameters = {"label": "path", **parameters}
            path = f"/api/v1/search/{endpoint}"
            shapes, found = [], []
            for server in (self.ours, self.theirs):
                body = body_of(server, path, parameters)[2]
                lines = [json.loads(line) for line in body.split("\n") if line]
                shapes.append([len(line.get("results", [])) for line in lines] + lines[-1:])
                found.append([next(iter(result.values())) for line in lines[:-1]
                              for result in line["results"]])
            self.assertEqual(shapes[0], shapes[1])
            everything = body_of(self.ours, path, {"label": "path"})[2].split("\n")[0]
            names = [next(iter(result.values())) for result in json.loads(everything)["results"]]
            self.assertEqual(found[0], names[:len(found[0])])
            self.assertEqual(names, sorted(names))

    def test_a_range_without_data_has_no_names(self):
        # Prometheus 3.14 closes the connection.
        for endpoint, (start, end) in itertools.product(ENDPOINTS, [(1, 2), (10, 10)]):
            self.assertEqual(
                body_of(self.ours, f"/api/v1/search/{endpoint}",
                        {"label": "path", "start": start, "end": end})[2],
                '{"results":[]}\n{"status":"success","has_more":false}\n')

    def test_errors(self):
        self.assert_same([(endpoint, {"label": "path", **parameters})
                          for endpoint in ENDPOINTS for parameters in ERRORS]
                         + [("label_values", {}), ("label_values", {"label": "missing"}),
                            ("label_values", {"label": "__name__"})])


class OursTest(unittest.TestCase):
    def test_metadata_of_writers_is_told_and_limits_are_ours(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-search-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        server = thermocline(folder, "--web.search.max-limit=2").start()
        self.addCleanup(server.kill)
        metadata = b"\x1a\x0f\x08\x01\x12\x02up\x22\x04<up>\x2a\x01s"
        series = [encode_series({"__name__": name}, [(NOW_S * 1000, 1)])
                  for name in ("a", "b", "up")]
        self.assertEqual(send(server.url, [*series, metadata])[0], 204)
        status, _, body = body_of(
            server, "/api/v1/search/metric_names",
            {"include_metadata": "true", "sort_by": "alpha", "sort_dir": "dsc"})
        self.assertEqual((status, body), (
            200, '{"results":[{"name":"up","type":"counter","help":"\\u003cup\\u003e","unit":"s"},'
                 '{"name":"b"}]}\n{"status":"success","has_more":true}\n'))
        status, _, body = body_of(server, "/api/v1/search/metric_names", {"limit": 3})
        self.assertEqual(status, 400)
        self.assertIn("limit 3 exceeds the configured maximum (2, see --web.search.max-limit)",
                      body)
        status, _, body = body_of(server, "/api/v1/search/metric_names", {"search[]": "x" * 4097})
        self.assertEqual(status, 400)
        self.assertIn("a search[] term has 4097 bytes, maximum is 4096", body)


if __name__ == "__main__":
    unittest.main()
