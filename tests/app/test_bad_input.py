"""What hostile or broken clients send: the documented status, flat memory, others still served."""
import contextlib
import pathlib
import shutil
import socket
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
SMALL_STACK_BYTES = 256 << 10
READ_TIMEOUT_S = 2


class BadInputCase(unittest.TestCase):
    """A server that holds one sample, which it must still tell after each test."""
    flags = []
    launcher = []

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-bad-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.server = thermocline(cls.folder, *cls.flags)
        cls.server.command[:0] = cls.launcher
        cls.server.start()
        cls.addClassCleanup(cls.server.kill)
        cls.now_ms = int(time.time() * 1000)
        status, body = send(cls.server.url,
                            [encode_series({"__name__": "ok"}, [(cls.now_ms, 1.0)])])
        assert status == 204, body

    def tearDown(self):
        # Whatever was sent, the server answers others.
        self.assertEqual(self.server.query("ok", self.now_ms / 1000)[0]["value"][1], "1")

    @contextlib.contextmanager
    def flat(self, most_bytes=32 * MIB):
        """What is done inside costs the server at most so much memory, at its peak."""
        process = pathlib.Path(f"/proc/{self.server.process.pid}")
        before = self.server.resident_bytes()
        (process / "clear_refs").write_text("5")  # the peak begins anew
        yield
        peak = next(line for line in (process / "status").read_text().splitlines()
                    if line.startswith("VmHWM:"))
        self.assertLess(int(peak.split()[1]) * 1024 - before, most_bytes)

    def connect(self):
        host, port = self.server.url.removeprefix("http://").split(":")
        return socket.create_connection((host, int(port)), timeout=30)

    def status_of(self, query, **parameters):
        """The status of an instant query that is sent as a form."""
        body = urllib.parse.urlencode({"query": query, "time": 1, **parameters}).encode()
        request = urllib.request.Request(self.server.url + "/api/v1/query", body)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return response.status
        except urllib.error.HTTPError as error:
            error.read()
            return error.code

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
        with self.connect() as connection:
            connection.settimeout(wait_s)
            connection.sendall(data)
            answer = b""
            try:
                while chunk := connection.recv(65536):
                    answer += chunk
            except TimeoutError:
                pass
            return answer


class BadInputTest(BadInputCase):
    def test_bodies_that_lie_about_their_size_are_400_and_cost_no_memory(self):
        with self.flat():
            for claimed in (1 << 20, 32 * MIB, 1 << 31, (1 << 32) - 1, 1 << 35):
                self.assertEqual(self.post(varint(claimed) + b"\x00\x01"), 400, claimed)
            self.assertEqual(self.post(b""), 400)
            self.assertEqual(self.post(b"\xff" * 100), 400)

    def test_a_body_over_the_limit_is_413(self):
        self.assertEqual(self.post(b"x" * (33 * MIB)), 413)

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
        good = encode_series({"__name__": "beside_bad"}, [(self.now_ms, 3.0)])
        for labels in bad:  # each of them in a request of 90,000 series
            body = snappy_block(field(1, labels + sample) * 90_000 + good)
            self.assertEqual(self.post(body), 204)
            with self.flat():
                for _ in range(3):
                    self.assertEqual(self.post(body), 204)
        self.assertEqual(self.server.query("beside_bad", self.now_ms / 1000)[0]["value"][1], "3")
        self.assertEqual(self.server.query("m", self.now_ms / 1000), [])

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

    def test_absurd_times_and_ranges_are_400_or_empty(self):
        with self.flat():
            for parameters in ({"query": "ok", "time": "1e300"}, {"query": "ok", "time": "NaN"},
                               {"query": "ok[999999999y]"}, {"query": "ok offset 9999999999y"}):
                status, answer = self.server.get("/api/v1/query", **parameters)
                self.assertEqual(status, 400, (parameters, answer))
            for parameters in ({"start": -9e15, "end": 9e15, "step": "1s"},
                               {"start": 0, "end": 1e9, "step": "1e-9"},
                               {"start": 0, "end": 1e9, "step": "1"}):
                status, _ = self.server.get("/api/v1/query_range", query="ok", **parameters)
                self.assertEqual(status, 400, parameters)
            # The widest times there are, and a subquery that would never end.
            self.assertEqual(self.server.get("/api/v1/query_range", query="ok", start=-9e12,
                                             end=9e12, step="100y")[0], 200)
            self.assertEqual(self.server.get("/api/v1/query", query="ok[200y]")[0], 200)
            self.assertEqual(self.server.get("/api/v1/query",
                                             query="count_over_time(ok[100y:1ms])")[0], 400)

    def test_a_long_url_is_414_and_says_what_to_do(self):
        def ask(size):
            path = "/api/v1/query?time=1&query="
            return self.raw(f"GET {path}1{'+' * (size - len(path) - 1)} HTTP/1.1\r\nHost: x\r\n"
                            f"Connection: close\r\nUser-Agent: {'u' * 4000}\r\n\r\n".encode())
        with self.flat():
            self.assertTrue(ask(16 << 10).startswith(b"HTTP/1.1 200"))
            for size in (17_000, 32 << 10, (32 << 10) + 1, 100_000, 1_000_000):
                answer = ask(size)
                self.assertTrue(answer.startswith(b"HTTP/1.1 414 URI Too Long\r\n"), answer[:80])
                self.assertIn(b"as a form by POST", answer, size)
        status, answer = self.server.get("/api/v1/query", query="1" * 17_000)
        self.assertEqual((status, answer["errorType"]), (414, "bad_data"))
        # As a form it is read.
        self.assertEqual(self.status_of("1 +" + " " * 17_000 + "1"), 200)

    def test_large_headers_are_refused(self):
        for headers in (b"".join(b"X-%d: y\r\n" % i for i in range(200)),
                        b"X: " + b"y" * (17 << 10) + b"\r\n", b"X: " + b"y" * 100_000 + b"\r\n"):
            answer = self.raw(b"GET / HTTP/1.1\r\nHost: x\r\n" + headers + b"\r\n", 2)
            self.assertTrue(answer.startswith(b"HTTP/1.1 431"), answer[:80])
        answer = self.raw(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: " +
                          b"y" * (15 << 10) + b"\r\n\r\n", 2)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200"), answer[:80])

    def test_bad_framing_is_refused_and_the_connection_closed(self):
        for head in (b"GARBAGE\r\n\r\n",
                     b"POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                     b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                     b"POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: -2\r\n\r\n",
                     b"POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                     b"Content-Length: 2\r\n\r\nab"):
            answer = self.raw(head, 2)
            self.assertTrue(answer.startswith(b"HTTP/1.1 400"), (head[:40], answer[:80]))

    def test_a_client_that_never_finishes_its_header_is_cut_off_and_holds_nobody_up(self):
        with self.flat():
            slow = [self.connect() for _ in range(50)]
            for connection in slow:
                connection.sendall(b"POST /api/v1/write HT")
            started = time.monotonic()
            self.assertEqual(self.server.query("ok", self.now_ms / 1000)[0]["value"][1], "1")
            self.assertLess(time.monotonic() - started, 5)
            for connection in slow:
                self.assertEqual(connection.recv(100), b"")
                connection.close()

    def test_memory_stays_flat_under_a_thousand_bad_requests(self):
        bomb = varint(32 * MIB) + b"\xfe\x00\x00\x00" * 2000
        self.post(bomb)
        with self.flat():
            for _ in range(1000):
                self.post(bomb)


class SmallStackTest(BadInputCase):
    """Every thread of the server has 256 KiB."""
    launcher = ["prlimit", f"--stack={SMALL_STACK_BYTES}"]

    def test_nesting_is_taken_to_256_and_refused_beyond(self):
        with self.flat():
            for opened, closed in (("(", ")"), ("sum(", ")"), ("-(", ")")):
                depth = 250 // len(opened.replace("sum", ""))
                deepest = opened * depth + "vector(1)" + closed * depth
                self.assertEqual(self.status_of(deepest), 200, opened)
                self.assertEqual(self.status_of(opened * 260 + "vector(1)" + closed * 260), 400)

    def test_ten_thousand_of_anything_end_in_an_error(self):
        with self.flat():
            for query in ("(" * 10_000, "(" * 10_000 + "1" + ")" * 10_000, "-" * 10_000 + "1",
                          "sum(" * 3_000 + "ok" + ")" * 3_000, "ok[" * 10_000, "{" * 10_000):
                self.assertEqual(self.status_of(query), 400, query[:9])
            self.assertIn(self.status_of("1" + "+1" * 10_000), (200, 400))


class SlowBodyTest(BadInputCase):
    """A body may take 2 s here, and a second more for each KiB that arrived."""
    flags = [f"--web.read-timeout={READ_TIMEOUT_S}s"]
    head = (b"POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n"
            b"Content-Encoding: snappy\r\nConnection: close\r\nContent-Length: %d\r\n\r\n")

    def test_bodies_that_trickle_are_cut_off_and_hold_nobody_up(self):
        with self.flat():
            slow = [self.connect() for _ in range(200)]
            started = time.monotonic()
            for connection in slow:
                connection.sendall(self.head % (32 * MIB))
            while time.monotonic() - started < READ_TIMEOUT_S + 0.8:
                for connection in slow:
                    with contextlib.suppress(OSError):
                        connection.sendall(b"x")
                asked = time.monotonic()
                self.assertEqual(self.server.query("ok", self.now_ms / 1000)[0]["value"][1], "1")
                self.assertLess(time.monotonic() - asked, 5)
                time.sleep(0.1)
            for connection in slow:
                connection.settimeout(3)
                try:
                    self.assertEqual(connection.recv(100), b"")
                except ConnectionResetError:
                    pass  # closed with our bytes unread
                connection.close()

    def test_a_body_of_two_kibibytes_a_second_is_taken(self):
        samples = [(self.now_ms - 1000 + k, float(k)) for k in range(400)]
        body = snappy_block(encode_series({"__name__": "slow"}, samples))
        with self.connect() as connection:
            started = time.monotonic()
            connection.sendall(self.head % len(body))
            for begin in range(0, len(body), 512):
                connection.sendall(body[begin:begin + 512])
                time.sleep(0.25)
            answer = connection.recv(100)
            self.assertGreater(time.monotonic() - started, READ_TIMEOUT_S + 1)
        self.assertTrue(answer.startswith(b"HTTP/1.1 204"), answer)

    def test_a_body_that_stops_is_cut_off_in_time(self):
        with self.connect() as connection:
            started = time.monotonic()
            connection.sendall(self.head % 10_000 + b"x" * 1024)
            connection.settimeout(10)
            self.assertEqual(connection.recv(100), b"")
            waited = time.monotonic() - started
        self.assertTrue(READ_TIMEOUT_S <= waited < READ_TIMEOUT_S + 3, waited)


if __name__ == "__main__":
    unittest.main()
