"""More than the server can do at once: cancelled queries stop, full lanes answer 503 with
Retry-After, and writes go on beside them."""
import concurrent.futures
import os
import pathlib
import re
import shutil
import socket
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from remote_write_client import encode_series, send  # noqa: E402
from server_process import thermocline  # noqa: E402

SERIES, SAMPLES, STEP_S = 400, 200, 15
QUERIES_AT_ONCE, QUEUE = 2, 64
# Sanitizers slow everything down: then the bounds on time are wider.
PATIENCE = float(os.environ.get("THERMOCLINE_TEST_PATIENCE") or 1)


class OverloadTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-load-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.server = thermocline(
            cls.folder, f"--query.max-concurrency={QUERIES_AT_ONCE}", "--query.timeout=60s",
            "--storage.free-space-floor=0").start()
        cls.addClassCleanup(cls.server.kill)
        cls.now_s = int(time.time())
        start_ms = (cls.now_s - SAMPLES * STEP_S) * 1000
        for first in range(0, SERIES, 100):
            status, body = send(cls.server.url, [
                encode_series({"__name__": "load", "n": str(n)},
                              [(start_ms + k * STEP_S * 1000, float(k * n % 997))
                               for k in range(SAMPLES)])
                for n in range(first, first + 100)])
            assert status == 204, body
        # Seconds of work: a sorted window of every series at every step of every step.
        cls.heavy = "/api/v1/query_range?" + urllib.parse.urlencode({
            "query": "sum(quantile_over_time(0.9, "
                     "quantile_over_time(0.5, load[40m])[40m:1s]))",
            "start": cls.now_s - SAMPLES * STEP_S, "end": cls.now_s, "step": "1s"})

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.server.process.pid}/stat").read_text().rsplit(")")[-1]
        return sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")

    def lane(self, figure, lane="query"):
        with urllib.request.urlopen(self.server.url + "/metrics", timeout=10) as response:
            text = response.read().decode()
        found = re.search(rf'^thermocline_http_requests_{figure}{{lane="{lane}"}} (\S+)$', text,
                          re.M)
        return float(found.group(1))

    def await_lane(self, figure, wanted, seconds):
        """Seconds until the figure is as wanted."""
        begun = time.monotonic()
        while self.lane(figure) != wanted:
            self.assertLess(time.monotonic() - begun, seconds,
                            f"{figure} is {self.lane(figure)}, not {wanted}")
            time.sleep(0.005)
        return time.monotonic() - begun

    def begin(self, path):
        host, port = self.server.url.removeprefix("http://").split(":")
        connection = socket.create_connection((host, int(port)), timeout=60)
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        return connection

    def write_one(self, number):
        return send(self.server.url, [encode_series(
            {"__name__": "beside", "n": str(number)}, [(self.now_s * 1000, 1.0)])])[0]

    def tearDown(self):
        self.await_lane("running", 0, 45 * PATIENCE)
        self.assertEqual(self.write_one(0), 204)

    def test_a_query_ends_when_its_client_goes(self):
        took = []
        for way in ("close", "shut down sending") * 3:
            connection = self.begin(self.heavy)
            self.await_lane("running", 1, 5 * PATIENCE)
            time.sleep(0.3)
            self.assertEqual(self.lane("running"), 1, "the query is not heavy enough")
            if way == "close":
                connection.close()
            else:
                connection.shutdown(socket.SHUT_WR)
            took.append(self.await_lane("running", 0, 2 * PATIENCE))
            before = self.cpu_seconds()
            time.sleep(0.5)
            self.assertLess(self.cpu_seconds() - before, 0.25, "somebody works on")
            connection.close()
        # Of six one at least is not held up by whatever else the machine does.
        self.assertLess(min(took), 0.1 * PATIENCE, took)

    def test_a_waiting_query_leaves_the_lane_when_its_client_goes(self):
        running = [self.begin(self.heavy) for _ in range(QUERIES_AT_ONCE)]
        self.await_lane("running", QUERIES_AT_ONCE, 5 * PATIENCE)
        waiting = [self.begin(self.heavy) for _ in range(3)]
        self.await_lane("waiting", 3, 5 * PATIENCE)
        for connection in waiting:
            connection.close()
        self.await_lane("waiting", 0, 2 * PATIENCE)
        for connection in running:
            connection.close()

    def test_a_full_query_lane_answers_503_and_writes_go_on(self):
        connections = [self.begin(self.heavy) for _ in range(QUERIES_AT_ONCE + QUEUE)]
        self.await_lane("running", QUERIES_AT_ONCE, 10 * PATIENCE)
        self.await_lane("waiting", QUEUE, 10 * PATIENCE)
        before = self.lane("refused_total")
        begun = time.monotonic()
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(self.server.url + "/api/v1/query?query=1", timeout=10)
        self.assertEqual(refused.exception.code, 503)
        self.assertEqual(refused.exception.headers["Retry-After"], "5")
        body = refused.exception.read()
        self.assertIn(b'"errorType":"unavailable"', body)
        self.assertIn(b"too many requests", body)
        for number in range(20):
            self.assertEqual(self.write_one(number), 204)
        with urllib.request.urlopen(self.server.url + "/-/healthy", timeout=5) as response:
            self.assertEqual(response.status, 200)
        self.assertLess(time.monotonic() - begun, 3 * PATIENCE)
        self.assertEqual(self.lane("refused_total"), before + 1)
        for connection in connections:
            connection.close()

    def test_a_query_that_waited_too_long_gets_its_503_though_no_thread_is_free(self):
        running = [self.begin(self.heavy) for _ in range(QUERIES_AT_ONCE)]
        self.await_lane("running", QUERIES_AT_ONCE, 5 * PATIENCE)
        begun = time.monotonic()
        status, answer = self.server.get("/api/v1/query", query="1")
        took = time.monotonic() - begun
        self.assertEqual((status, answer["errorType"]), (503, "unavailable"))
        self.assertGreater(took, 9)
        self.assertLess(took, 12 * PATIENCE)
        for connection in running:
            connection.close()

    def test_a_storm_of_writes_is_answered_204_or_503_and_nothing_else(self):
        blob = [encode_series({"__name__": "storm", "n": str(n), "x": "y" * 200},
                              [(self.now_s * 1000, 1.0)]) for n in range(2000)]
        stop = time.monotonic() + 3
        statuses = []
        lock = threading.Lock()

        def client():
            while time.monotonic() < stop:
                status = send(self.server.url, blob)[0]
                with lock:
                    statuses.append(status)

        with concurrent.futures.ThreadPoolExecutor(300) as pool:
            for _ in range(300):
                pool.submit(client)
        self.assertIn(204, statuses)
        self.assertLessEqual(set(statuses), {204, 503})
        self.assertGreater(len(statuses), 300)


class ShortOfMemoryTest(unittest.TestCase):
    """The process' own limit, reached by writes alone."""

    def test_writes_and_queries_get_503_until_a_flush_has_given_memory_back(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-short-"))
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        server = thermocline(folder, "--memory.limit=24MiB", "--storage.head-memory=64MiB",
                             "--storage.free-space-floor=0").start()
        self.addCleanup(server.kill)
        now_s = int(time.time())
        acknowledged, refused, queries, after = 0, 0, set(), 0
        deadline = time.monotonic() + 60 * PATIENCE
        while after < 3 and time.monotonic() < deadline:
            status, body = send(server.url, [
                encode_series({"__name__": "fill", "n": str(acknowledged + n), "x": "y" * 200},
                              [(now_s * 1000, 1.0)]) for n in range(1000)])
            if status == 204:
                acknowledged += 1000
                after += refused > 0
                continue
            self.assertEqual(status, 503, body)
            self.assertIn("that it may: try again later", body)
            refused += 1
            queries.add(server.get("/api/v1/query", query="vector(1)")[0])
            time.sleep(0.05)
        self.assertGreater(refused, 0)
        self.assertEqual(after, 3, "no flush gave memory back")
        self.assertIn(503, queries)
        self.assertLessEqual(queries, {200, 503})
        counted = server.query("count(fill)", now_s)
        self.assertEqual(counted[0]["value"][1], str(acknowledged))


if __name__ == "__main__":
    unittest.main()
