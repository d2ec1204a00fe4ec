"""What a query may use, over HTTP: each error says which limit it met, its value and the flag."""
import pathlib
import shutil
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from remote_write_client import encode_series, send  # noqa: E402
from server_process import thermocline  # noqa: E402

NOW_S = int(time.time())
SERIES = 2000
STEPS = {"start": NOW_S - 3600, "end": NOW_S, "step": 2}
JOIN = "limited * on(i) group_left limited"
SAMPLES = ("query processing would load too many samples into memory in query execution: more "
           "than 50000 at once (--query.max-samples)")


class QueryLimitsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-limits-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)

    def serve(self, *flags):
        folder = self.folder / self.id().rpartition(".")[2]
        folder.mkdir()
        server = thermocline(folder, *flags).start()
        self.addCleanup(server.kill)
        series = [encode_series({"__name__": "limited", "i": str(i)}, [(NOW_S * 1000 - 60_000, i)])
                  for i in range(SERIES)]
        status, body = send(server.url, series)
        self.assertEqual(status, 204, body)
        return server

    def assert_refused(self, answer, status, error_type, message):
        self.assertEqual((answer[0], answer[1]["errorType"], answer[1]["error"]),
                         (status, error_type, message))

    def test_samples_held_at_once(self):
        server = self.serve("--query.max-samples=50000")
        self.assert_refused(server.get("/api/v1/query_range", query="sort(limited)", **STEPS),
                            422, "execution", SAMPLES)
        self.assert_refused(server.get("/api/v1/query", query="vector(1)[1h:1ms]"), 400,
                            "bad_data", 'invalid parameter "query": subquery of 3600000 steps '
                            "exceeds the maximum of 100000 per series: use a larger resolution, "
                            "<range>:<resolution> (--query.max-subquery-points)")
        self.assertEqual(server.get("/api/v1/query", query="count(limited)")[0], 200)

    def test_bytes_of_a_query(self):
        server = self.serve("--query.max-memory=1MiB", "--query.max-memory-total=100MiB")
        self.assert_refused(
            server.get("/api/v1/query_range", query=f"sort({JOIN})", **STEPS), 422, "execution",
            "query needs more memory than its limit of 1048576 bytes (--query.max-memory)")
        self.assertEqual(server.get("/api/v1/query", query="count(limited)")[0], 200)

    def test_bytes_of_all_queries(self):
        server = self.serve("--query.max-memory=2MiB", "--query.max-memory-total=2MiB")
        status, answer = server.get("/api/v1/query_range", query=f"sort({JOIN})", **STEPS)
        self.assertIn((status, answer["error"]), [
            (422, "query needs more memory than its limit of 2097152 bytes (--query.max-memory)"),
            (503, "queries together need more memory than their limit of 2097152 bytes "
                  "(--query.max-memory-total)")])

    def test_time(self):
        server = self.serve("--query.timeout=100ms")
        heavy = {"query": "quantile_over_time(0.9, vector(1)[1h:100ms])", **STEPS}
        self.assert_refused(
            server.get("/api/v1/query_range", **heavy), 503, "timeout",
            "query timed out in expression evaluation: it may run 100ms (--query.timeout)")
        self.assert_refused(
            server.get("/api/v1/query_range", timeout="50ms", **heavy), 503, "timeout",
            "query timed out in expression evaluation: it may run 50ms (the request's timeout)")

    def test_points_depth_and_text(self):
        server = self.serve()
        self.assert_refused(
            server.get("/api/v1/query_range", query="1", start=0, end=11_001, step=1), 400,
            "bad_data", "exceeded maximum resolution of 11,000 points per timeseries. Try "
            "decreasing the query resolution (?step=XX)")
        status, answer = server.get("/api/v1/query", query="(" * 300 + "1" + ")" * 300)
        self.assertEqual(status, 400)
        self.assertIn("expression is nested deeper than 256 levels", answer["error"])
        form = urllib.parse.urlencode({"query": "a" * 70_000}).encode()
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(server.url + "/api/v1/query", form, timeout=60)
        self.assertEqual(refused.exception.code, 413)
        self.assertIn(b"the form is 70006 bytes long, at most 65536 are taken",
                      refused.exception.read())


if __name__ == "__main__":
    unittest.main()
