"""Stops the real server under load by signals. What was acknowledged is there afterwards, what was
not is whole or absent, the exit code is 0, and nobody holds the end up: reliability.md's T22."""
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from oracle import NAME, Oracle  # noqa: E402
from remote_write_client import encode_series, send  # noqa: E402
from server_process import thermocline  # noqa: E402
from test_kill import MillisecondClock, Traffic  # noqa: E402

SEED = int(os.environ.get("THERMOCLINE_CRASH_SEED") or random.randrange(1 << 32))
LIMIT_SECONDS = 30
FLAGS = ["--wal.segment-size=256KB", "--storage.free-space-floor=0", "--log.level=info"]
# Sanitizers slow everything down: then the bounds on time are wider.
PATIENCE = float(os.environ.get("THERMOCLINE_TEST_PATIENCE") or 1)


class ShutdownTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline_stop_"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.random = random.Random(SEED)
        self.oracle = Oracle()
        self.clock = MillisecondClock()

    def start(self, *flags):
        server = thermocline(self.folder, *FLAGS, *flags).start()
        self.addCleanup(server.kill)
        return server

    def await_log(self, server, text, before=0):
        """Until the log says `text` more often than `before`."""
        deadline = time.monotonic() + 20
        while server.log_path.read_text().count(text) <= before:
            self.assertLess(time.monotonic(), deadline, server.log_tail())
            time.sleep(0.002)

    def await_running(self, server):
        """Until a query is being answered."""
        deadline = time.monotonic() + 20
        running = re.compile(r'^thermocline_http_requests_running{lane="query"} [1-9]', re.M)
        while True:
            with urllib.request.urlopen(server.url + "/metrics", timeout=10) as response:
                if running.search(response.read().decode()):
                    return
            self.assertLess(time.monotonic(), deadline, "no query runs")

    def end(self, server, number=signal.SIGTERM, twice=False, limit_s=LIMIT_SECONDS):
        """Seconds from the signal to the end; the exit code must be 0."""
        process = server.process
        begun = time.monotonic()
        process.send_signal(number)
        if twice:
            # Two signals that nobody has looked at are one.
            self.await_log(server, "Shutting down")
            process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(limit_s + 30), 0, server.log_tail())
        took = time.monotonic() - begun
        self.assertLess(took, limit_s, server.log_tail())
        return took

    def check(self, server, cycle):
        matrix = server.query(f'{NAME}{{cycle="{cycle}"}}[1d]', self.clock.last / 1000 + 60)
        self.assertEqual(self.oracle.check(cycle, matrix), [], f"cycle {cycle}, seed {SEED}")

    def fill(self, server):
        """Enough samples that a query over them can take seconds."""
        now_ms = int(time.time() * 1000)
        for first in range(0, 400, 100):
            status, body = send(server.url, [
                encode_series({"__name__": "load", "n": str(n)},
                              [(now_ms - k * 15_000, float(k * n % 997))
                               for k in range(200, 0, -1)]) for n in range(first, first + 100)])
            self.assertEqual(status, 204, body)
        return "/api/v1/query_range?" + urllib.parse.urlencode({
            "query": "sum(quantile_over_time(0.9, "
                     "quantile_over_time(0.5, load[40m])[40m:1s]))",
            "start": now_ms / 1000 - 3000, "end": now_ms / 1000, "step": "1s"})

    def raw(self, server, data):
        host, port = server.url.removeprefix("http://").split(":")
        connection = socket.create_connection((host, int(port)), timeout=60)
        self.addCleanup(connection.close)
        connection.sendall(data)
        return connection

    def ask(self, server, path):
        return self.raw(server, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    def test_nothing_acknowledged_is_lost_by_a_signal_under_load(self):
        print(f"seed {SEED}")
        for cycle in range(8):
            server = self.start()
            traffic = Traffic(server, self.oracle, cycle, self.clock, sparse=False)
            traffic.start(flushing=cycle % 2 == 1)
            time.sleep(self.random.uniform(0.05, 0.8))
            self.end(server, self.random.choice([signal.SIGTERM, signal.SIGINT]),
                     limit_s=10 * PATIENCE)
            traffic.stop()
            again = self.start()
            for past in range(cycle + 1):
                self.check(again, past)
            self.end(again, limit_s=10 * PATIENCE)
        self.assertGreater(self.oracle.acknowledged(), 50)

    def test_a_request_in_progress_is_answered_and_a_query_ends_by_the_deadline(self):
        server = self.start("--web.drain-timeout=1s")
        heavy = self.fill(server)
        connection = self.ask(server, heavy)
        self.await_running(server)
        took = self.end(server, limit_s=6 * PATIENCE)
        self.assertGreater(took, 0.9)  # it was given its second
        answer = connection.recv(65536)
        self.assertIn(b"499", answer.split(b"\r\n")[0])
        self.assertIn(b'"errorType":"canceled"', answer)

    def test_a_second_signal_cancels_at_once(self):
        server = self.start()
        heavy = self.fill(server)
        connections = [self.ask(server, heavy) for _ in range(20)]
        self.await_running(server)
        self.end(server, twice=True, limit_s=8 * PATIENCE)
        self.assertIn("A second signal", server.log_tail())
        for connection in connections:
            connection.close()

    def test_stuck_clients_do_not_hold_it_up(self):
        server = self.start()
        self.fill(server)
        half = self.raw(server, b"POST /api/v1/write HTTP/1.1\r\nHost: x\r\n"
                                b"Content-Length: 100000\r\n\r\nabc")
        header = self.raw(server, b"GET /api/v1/qu")
        idle = self.ask(server, "/-/healthy")
        self.assertIn(b"200", idle.recv(4096))
        # One that asks for much and takes nothing.
        deaf = socket.socket()
        self.addCleanup(deaf.close)
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, port = server.url.removeprefix("http://").split(":")
        deaf.connect((host, int(port)))
        deaf.sendall(b"GET /api/v1/query?query=load%5B3h%5D HTTP/1.1\r\nHost: x\r\n\r\n" * 20)
        time.sleep(0.5)
        took = self.end(server, limit_s=12 * PATIENCE)
        self.assertGreater(took, 3)  # they were given their time
        for connection in (half, header, idle):
            self.assertEqual(connection.recv(100), b"")

    def test_a_signal_while_the_log_is_replayed(self):
        server = self.start()
        request = 0
        until = time.monotonic() + 3
        while time.monotonic() < until:
            request += 1
            status, _ = send(server.url, [encode_series(
                {"__name__": "replayed", "n": str(n), "r": str(request % 50)},
                [(int(time.time() * 1000), float(request))]) for n in range(200)])
            self.assertEqual(status, 204)
        count = server.query("count(replayed)", time.time())[0]["value"][1]
        server.kill()
        stopped_early = 0
        for _ in range(6):
            again = thermocline(self.folder, *FLAGS)
            starts = again.log_path.read_text().count("Starting Thermocline")
            starter = threading.Thread(target=self.start_quietly, args=(again,))
            starter.start()
            # Before that line a signal ends it as it ends any program.
            self.await_log(again, "Starting Thermocline", starts)
            time.sleep(self.random.uniform(0, 0.2))
            process = again.process
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(LIMIT_SECONDS), 0, again.log_tail())
            stopped_early += "Stopped while opening" in again.log_tail()
            starter.join()
        print(f"{stopped_early} of 6 stopped during the replay")
        server = self.start()
        self.assertEqual(server.query("count(replayed)", time.time())[0]["value"][1], count)
        self.end(server)

    @staticmethod
    def start_quietly(server):
        try:
            server.start()
        except (RuntimeError, OSError, AttributeError):
            pass


if __name__ == "__main__":
    unittest.main()
