"""What hostile or broken clients send: the documented status, flat memory, others still served."""
import pathlib
import shutil
import socket
import struct
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from remote_write_client import (  # noqa: E402
    encode_sample, encode_series, field, send, snappy_block, varint)
from server_process import thermocline  # noqa: E402

MIB = 1 << 20


class BadInputTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-bad-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.server = thermocline(cls.folder).start()
        cls.addClassCleanup(cls.server.kill)
        cls.now_ms = int(time.time() * 1000)
        status, body = send(cls.server.url,
                            [encode_series({"__name__": "ok"}, [(cls.now_ms, 1.0)])])
        assert status == 204, body

    def tearDown(self):
        # Whatever was sent, the server answers others.
        self.assertEqual(self.server.query("ok", self.now_ms / 1000)[0]["value"][1], "1")

    def post(self, body, headers=None):
        request = urllib.request.Request(self.server.url + "/api/v1/write", body, {
            "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
            **(headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status
        except urllib.error.HTTPError as error:
            error.read()
            return error.code

    def raw(self, data, wait_s=5):
        """What the server says to raw bytes, until it closes or goes quiet."""
        host, port = self.server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=wait_s) as connection:
            connection.sendall(data)
            answer = b""
            try:
                while chunk := connection.recv(65536):
                    answer += chunk
            except TimeoutError:
                pass
            return answer

    def test_bodies_that_lie_about_their_size_are_400_and_cost_no_memory(self):
        before = self.server.resident_bytes()
        for claimed in (1 << 20, 32 * MIB, 1 << 31, (1 << 32) - 1, 1 << 35):
            self.assertEqual(self.post(varint(claimed) + b"\x00\x01"), 400, claimed)
        self.assertEqual(self.post(b""), 400)
        self.assertEqual(self.post(b"\xff" * 100), 400)
        self.assertLess(self.server.resident_bytes() - before, 64 * MIB)

    def test_a_body_over_the_limit_is_413(self):
        self.assertEqual(self.post(b"x" * (33 * MIB)), 413)

    def test_wrong_encodings_and_types_are_415(self):
        self.assertEqual(self.post(b"x", {"Content-Encoding": "gzip"}), 415)
        self.assertEqual(self.post(b"x", {"Content-Type": "application/json"}), 415)
        self.assertEqual(self.post(b"x", {
            "Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request"}), 415)

    def test_truncated_and_malformed_protobuf_is_400(self):
        whole = encode_series({"__name__": "cut", "a": "b"}, [(self.now_ms, 1.0)])
        for size in range(1, len(whole)):
            self.assertEqual(self.post(snappy_block(whole[:size])), 400, size)
        self.assertEqual(self.post(snappy_block(field(1, field(1, b"\x0a\xff\x01")))), 400)

    def test_series_with_bad_labels_are_left_out_and_the_others_stored(self):
        def pair(name, value):
            return field(1, field(1, name) + field(2, value))
        sample = encode_sample(self.now_ms, 1.0)
        bad = [pair(b"__name__", b"\xff\xfe"), pair(b"\xc3\x28", b"x") + pair(b"__name__", b"m"),
               pair(b"__name__", b"m") + pair(b"a", b"1") + pair(b"a", b"2")]
        body = b"".join(field(1, labels + sample) for labels in bad)
        body += encode_series({"__name__": "beside_bad"}, [(self.now_ms, 3.0)])
        self.assertEqual(self.post(snappy_block(body)), 204)
        self.assertEqual(self.server.query("beside_bad", self.now_ms / 1000)[0]["value"][1], "3")

    def test_one_refused_sample_rolls_the_request_back(self):
        status, text = send(self.server.url, [
            encode_series({"__name__": "rolled", "x": "1"}, [(self.now_ms, 1.0)]),
            encode_series({"__name__": "ok"}, [(self.now_ms - 86_400_000, 1.0)])])
        self.assertEqual(status, 400, text)
        self.assertEqual(self.server.query("rolled", self.now_ms / 1000), [])
        status, _ = send(self.server.url, [
            encode_series({"__name__": "future"}, [(self.now_ms + 3_600_000, 1.0)])])
        self.assertEqual(status, 400)

    def test_a_retry_of_the_same_request_is_accepted_and_stored_once(self):
        series = [encode_series({"__name__": "again"}, [(self.now_ms, 2.0)])]
        self.assertEqual([send(self.server.url, series)[0] for _ in range(3)], [204] * 3)
        self.assertEqual(
            self.server.query("count_over_time(again[1h])", self.now_ms / 1000)[0]["value"][1], "1")
        status, text = send(self.server.url,
                            [encode_series({"__name__": "again"}, [(self.now_ms, 3.5e6)])])
        self.assertEqual(status, 400)
        self.assertIn(f"duplicate sample for timestamp {self.now_ms}; overrides not allowed: "
                      "existing 2, new value 3.5e+06", text)

    def test_deep_nesting_ends_in_an_error(self):
        for query in ("(" * 10_000, "-" * 10_000 + "1", "(" * 300 + "1" + ")" * 300,
                      "sum(" * 3_000 + "1" + ")" * 3_000, "1" + "+1" * 5_000):
            body = urllib.parse.urlencode({"query": query, "time": 1}).encode()
            request = urllib.request.Request(self.server.url + "/api/v1/query", body)
            try:
                with urllib.request.urlopen(request, timeout=30) as response:
                    status = response.status
            except urllib.error.HTTPError as error:
                status = error.code
            allowed = (400, 413, 200) if query.startswith("1") else (400, 413)
            self.assertIn(status, allowed, query[:9])

    def test_absurd_times_and_ranges_are_400_or_empty(self):
        for parameters in ({"query": "ok", "time": "1e300"}, {"query": "ok", "time": "NaN"},
                           {"query": "ok[999999999y]"}, {"query": "ok offset 9999999999y"}):
            status, answer = self.server.get("/api/v1/query", **parameters)
            self.assertEqual(status, 400, (parameters, answer))
        for parameters in ({"start": -9e15, "end": 9e15, "step": "1s"},
                           {"start": 0, "end": 1e9, "step": "1e-9"}):
            status, _ = self.server.get("/api/v1/query_range", query="ok", **parameters)
            self.assertEqual(status, 400, parameters)

    def test_long_urls_and_headers_are_refused(self):
        self.assertEqual(self.server.get("/api/v1/query", query="1" * 17_000)[0], 431)
        answer = self.raw(b"GET / HTTP/1.1\r\nHost: x\r\n" +
                          b"".join(b"X-%d: y\r\n" % i for i in range(200)) + b"\r\n", 2)
        self.assertTrue(answer.startswith(b"HTTP/1.1 431"), answer[:80])

    def test_bad_framing_is_refused_and_the_connection_closed(self):
        for head in (b"GARBAGE\r\n\r\n",
                     b"POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     b"POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\n",
                     b"POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                     b"Content-Length: 2\r\n\r\nab"):
            answer = self.raw(head, 2)
            self.assertTrue(answer.startswith(b"HTTP/1.1 400"), (head[:40], answer[:80]))

    def test_a_slow_client_is_cut_off_and_holds_nobody_up(self):
        host, port = self.server.url.removeprefix("http://").split(":")
        slow = [socket.create_connection((host, int(port))) for _ in range(50)]
        for connection in slow:
            connection.sendall(b"POST /api/v1/write HT")
        started = time.monotonic()
        self.assertEqual(self.server.query("ok", self.now_ms / 1000)[0]["value"][1], "1")
        self.assertLess(time.monotonic() - started, 5)
        for connection in slow:
            connection.settimeout(15)
            self.assertEqual(connection.recv(100), b"")
            connection.close()

    def test_memory_stays_flat_under_a_thousand_bad_requests(self):
        bomb = varint(32 * MIB) + b"\xfe\x00\x00\x00" * 2000
        self.post(bomb)
        before = self.server.resident_bytes()
        for _ in range(1000):
            self.post(bomb)
        self.assertLess(self.server.resident_bytes() - before, 32 * MIB)


if __name__ == "__main__":
    unittest.main()
