"""Large answers leave the real binary while they are computed: whole, or visibly broken off."""
import gzip
import http.client
import json
import pathlib
import shutil
import socket
import sys
import tempfile
import time
import unittest
import urllib.parse
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from remote_write_client import encode_series, send  # noqa: E402
from server_process import thermocline  # noqa: E402

SERIES = 20_000
STEPS = 5_000
REQUEST_SERIES = 4_000
MEBIBYTE = 1 << 20
# What a query may add to the resident memory, whatever its answer's size.
MOST_GROWTH_BYTES = 160 * MEBIBYTE


class StreamedAnswersTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-stream-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        # Series arrive one after another, each with its whole past.
        cls.server = thermocline(
            cls.folder, "--storage.tsdb.out-of-order-time-window=2h", "--query.timeout=5m").start()
        cls.addClassCleanup(cls.server.kill)
        cls.end_s = int(time.time()) // 60 * 60
        cls.start_s = cls.end_s - STEPS
        times = range(cls.start_s * 1000, (cls.end_s + 1) * 1000, 250_000)
        for first in range(0, SERIES, REQUEST_SERIES):
            series = [encode_series({"__name__": "wide", "i": f"{number:05}"},
                                    [(at, 1.0) for at in times])
                      for number in range(first, first + REQUEST_SERIES)]
            status, body = send(cls.server.url, series)
            assert status == 204, body

    def path(self, query, steps=STEPS, first=0, **more):
        start_s = self.start_s + first
        return "/api/v1/query_range?" + urllib.parse.urlencode(
            {"query": query, "start": start_s, "end": start_s + steps - 1, "step": 1, **more})

    def connect(self):
        address = urllib.parse.urlsplit(self.server.url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=120)
        self.addCleanup(connection.close)
        return connection

    def request(self, path, headers=None):
        connection = self.connect()
        connection.request("GET", path, headers=headers or {})
        return connection.getresponse()

    def resident_bytes(self, field):
        status = pathlib.Path(f"/proc/{self.server.process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith(field))
        return int(line.split()[1]) * 1024

    def reset_peak(self):
        pathlib.Path(f"/proc/{self.server.process.pid}/clear_refs").write_text("5")

    def test_memory_stays_flat_while_a_hundred_million_points_go_out(self):
        self.reset_peak()
        before = self.resident_bytes("VmRSS")
        started = time.monotonic()
        response = self.request(self.path("wide"))
        self.assertEqual(response.status, 200)
        self.assertEqual(response.headers["Transfer-Encoding"], "chunked")
        size, series, tail = 0, 0, b""
        while piece := response.read(MEBIBYTE):
            size += len(piece)
            # A name may lie across two pieces.
            series += (tail + piece).count(b'"__name__":"wide"') - tail.count(b'"__name__":"wide"')
            tail = piece[-16:]
        growth = self.resident_bytes("VmHWM") - before
        print(f"figure: {SERIES * STEPS / 1e6:.0f} M points streamed in "
              f"{time.monotonic() - started:.1f} s, {size / 1e6:.0f} MB of JSON, resident memory "
              f"grew by {growth / MEBIBYTE:.0f} MiB")
        self.assertEqual(series, SERIES)
        self.assertTrue(tail.endswith(b"]]}]}}"), tail)
        self.assertGreater(size, SERIES * STEPS * 15)
        self.assertLess(growth, MOST_GROWTH_BYTES)

    def test_what_is_streamed_is_valid_json_in_label_order(self):
        response = self.request(self.path("wide + 1", steps=10))
        self.assertEqual(response.headers["Transfer-Encoding"], "chunked")
        answer = json.loads(response.read())
        self.assertEqual(answer["status"], "success")
        names = [series["metric"]["i"] for series in answer["data"]["result"]]
        self.assertEqual(names, [f"{number:05}" for number in range(SERIES)])
        first = answer["data"]["result"][0]["values"]
        self.assertEqual(first, [[self.start_s + k, "2"] for k in range(10)])

    def test_the_connection_serves_on_after_a_streamed_answer(self):
        connection = self.connect()
        for _ in range(3):
            connection.request("GET", self.path("wide", steps=10))
            response = connection.getresponse()
            self.assertEqual(len(json.loads(response.read())["data"]["result"]), SERIES)

    def test_gzip_is_one_text(self):
        response = self.request(self.path("wide", steps=20), {"Accept-Encoding": "gzip"})
        self.assertEqual(response.headers["Content-Encoding"], "gzip")
        self.assertEqual(response.headers["Transfer-Encoding"], "chunked")
        body = response.read()
        # One member: some clients read no further.
        reader = zlib.decompressobj(wbits=31)
        text = reader.decompress(body)
        self.assertEqual((reader.eof, reader.unused_data), (True, b""))
        self.assertEqual(text, gzip.decompress(body))
        self.assertEqual(len(json.loads(text)["data"]["result"]), SERIES)

    def test_warnings_limit_and_stats_come_after_the_series(self):
        answer = json.loads(self.request(
            self.path("rate(wide[10m])", steps=20, first=2_000, limit=15_000, stats="all")).read())
        self.assertEqual(len(answer["data"]["result"]), 15_000)
        self.assertEqual(answer["warnings"], ["results truncated due to limit"])
        self.assertIn("might not be a counter", answer["infos"][0])
        self.assertGreater(answer["data"]["stats"]["samples"]["totalQueryableSamples"], SERIES)

    def test_small_answers_have_a_length(self):
        response = self.request(self.path('wide{i="00007"}', steps=3))
        self.assertIsNone(response.headers["Transfer-Encoding"])
        self.assertEqual(int(response.headers["Content-Length"]), len(response.read()))

    def test_an_error_before_the_first_mebibyte_keeps_its_status(self):
        response = self.request(self.path("wide", timeout="1ms"))
        self.assertEqual(response.status, 503)
        self.assertEqual(json.loads(response.read())["errorType"], "timeout")

    def test_an_error_later_breaks_the_body_off(self):
        connection = self.connect()
        # What lies in buffers counts as taken, so ours is small.
        connection.sock = socket.socket()
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        connection.sock.settimeout(120)
        connection.sock.connect((connection.host, connection.port))
        connection.request("GET", self.path("wide", timeout="4s"))
        response = connection.getresponse()
        self.assertEqual(response.status, 200)
        # Less than a MiB a second: the query's time runs out while it waits for us.
        time.sleep(14)
        with self.assertRaises(http.client.IncompleteRead):
            response.read()

    def test_http_1_0_gets_the_body_without_chunks(self):
        address = urllib.parse.urlsplit(self.server.url)
        with socket.create_connection((address.hostname, address.port), timeout=60) as client:
            client.sendall(f"GET {self.path('wide', steps=10)} HTTP/1.0\r\n\r\n".encode())
            received = b""
            while piece := client.recv(MEBIBYTE):
                received += piece
        head, body = received.split(b"\r\n\r\n", 1)
        self.assertNotIn(b"Transfer-Encoding", head)
        self.assertEqual(len(json.loads(body)["data"]["result"]), SERIES)

    def test_a_client_that_leaves_ends_its_query(self):
        for _ in range(6):
            connection = self.connect()
            connection.request("GET", self.path("wide"))
            response = connection.getresponse()
            response.read(MEBIBYTE)
            response.close()
            connection.close()
        # The slots are free again, long before the queries would have ended.
        started = time.monotonic()
        status, _ = self.server.get("/api/v1/query", query="count(wide)", time=self.end_s)
        self.assertEqual(status, 200)
        self.assertLess(time.monotonic() - started, 20)


if __name__ == "__main__":
    unittest.main()
