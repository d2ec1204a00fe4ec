"""Kills the real server at random moments and at every named failpoint, starts it again, and
compares what it serves with what an outside observer saw acknowledged. THERMOCLINE_CRASH_CYCLES
kills, 25 by default; THERMOCLINE_CRASH_SEED repeats the choices (not the timing)."""
import os
import pathlib
import random
import re
import shutil
import signal
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from oracle import ABSENT, ACKNOWLEDGED, NAME, PRESENT, Oracle, Request  # noqa: E402
from remote_write_client import encode_series, send  # noqa: E402
from server_process import ROOT, thermocline  # noqa: E402

CYCLES = int(os.environ.get("THERMOCLINE_CRASH_CYCLES") or 25)
SEED = int(os.environ.get("THERMOCLINE_CRASH_SEED") or random.randrange(1 << 32))
WRITERS = 4
LATEST_KILL_SECONDS = 1.2
FAILPOINT_PATIENCE_SECONDS = 10
RANDOM_EVERY = 6
RECOVERY_LIMIT_SECONDS = 30
# Small segments, so that the log rotates and lets segments go within a cycle.
FLAGS = ["--wal.segment-size=256KB", "--storage.free-space-floor=0", "--log.level=warn"]
# Hit once, when the server starts.
AT_START = {"cold.after_rebuild"}
# Hit by every commit: die at a later one. All others are rare.
FREQUENT = {"wal.after_write", "wal.before_sync", "wal.after_sync", "wal.before_settle"}
# No traffic imports or converts: tests/app/test_import.py and test_convert.py die there.
ELSEWHERE = re.compile(r"store\.(before|after)_import_install|convert\..*")
FAILPOINT = re.compile(r'\bFailPoint \w+\("([a-z_.]+)"\)')


def failpoint_names():
    names = set()
    for source in (ROOT / "src").rglob("*.cc"):
        if not source.name.endswith("_test.cc"):
            names |= set(FAILPOINT.findall(source.read_text()))
    return sorted(name for name in names if not ELSEWHERE.fullmatch(name))


class Traffic:
    """Writers and a flusher that go on until the server dies."""

    def __init__(self, server, oracle, cycle, clock, sparse):
        """`sparse`: one writer that pauses, so that flushes often leave the head empty."""
        self.server, self.oracle, self.cycle, self.clock = server, oracle, cycle, clock
        self.pause_seconds = 0.005 if sparse else 0
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.write, args=(n,))
                        for n in range(1 if sparse else WRITERS)]

    def start(self, flushing):
        if flushing:
            self.threads.append(threading.Thread(target=self.flush))
        for thread in self.threads:
            thread.start()
        return self

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def write(self, writer):
        number = 0
        while not self.stopping.wait(self.pause_seconds):
            number += 1
            at = self.clock.next_ms()
            request = Request(self.cycle, writer, number, [at, at + 1, at + 2])
            self.oracle.add(request)
            if post(self.server.url, request) is None:
                return

    def flush(self):
        while not self.stopping.wait(0.02):
            try:
                self.server.post("/api/v1/admin/tsdb/flush")
            except OSError:
                return


def post(url, request):
    """The HTTP status, or None when no answer came: then the request's fate is unknown."""
    cycle = str(request.cycle)
    series = [encode_series({"__name__": NAME, "series": name, "cycle": cycle}, samples)
              for name, samples in request.series().items()]
    try:
        status, body = send(url, series)
    except (OSError, ValueError):
        return None
    if status in (200, 204):
        request.state = ACKNOWLEDGED
    elif status < 500:
        raise AssertionError(f"a good request got {status}: {body}")
    return status


class MillisecondClock:
    """Wall time, never the same millisecond for two requests."""

    def __init__(self):
        self.lock = threading.Lock()
        self.last = 0

    def next_ms(self):
        with self.lock:
            self.last = max(self.last + 10, int(time.time() * 1000))
            return self.last


class KillTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline_crash_"))
        self.random = random.Random(SEED)
        self.oracle = Oracle()
        self.clock = MillisecondClock()
        self.reached = set()
        self.again = []

    def test_acknowledged_requests_survive_every_kill(self):
        print(f"seed {SEED}, data in {self.folder}")
        failpoints = failpoint_names()
        due = []
        for cycle in range(CYCLES):
            if not due:
                due = self.random.sample(failpoints, len(failpoints))
            # A random moment now and then, where the failpoints that are left leave a cycle for it.
            spare = CYCLES - cycle - len(due)
            failpoint = due.pop(0) if spare <= 0 or cycle % RANDOM_EVERY else None
            if not self.live_and_die(cycle, failpoint) and failpoint:
                due.append(failpoint)
            if self.random.random() < 0.3:
                self.die_in_recovery()
            self.recover_and_check(cycle, everything=cycle % 10 == 9 or cycle + 1 == CYCLES)
        self.assertGreater(self.oracle.acknowledged(), 10 * CYCLES, "hardly anything was written")
        missing = ", ".join(sorted(set(failpoints) - self.reached))
        print(f"{CYCLES} kills, {self.oracle.acknowledged()} requests acknowledged, "
              f"{len(self.reached)} of {len(failpoints)} failpoints reached; not: "
              f"{missing or 'none'}; armed again: {', '.join(self.again) or 'none'}")
        if CYCLES >= len(failpoints):
            self.assertEqual(missing, "", "failpoints that no cycle reached")
        # Kept when anything above failed.
        shutil.rmtree(self.folder)

    def server(self, *flags):
        return thermocline(self.folder, *FLAGS, *flags)

    def arm(self, failpoint):
        """The flag that kills at `failpoint`: at its first hit when an earlier cycle missed it."""
        latest = 60 if failpoint in FREQUENT else 1 if failpoint in AT_START else 2
        hit = 1 if failpoint in self.again else self.random.randint(1, latest)
        return f"--debug.failpoints={failpoint}=kill@{hit}"

    def live_and_die(self, cycle, failpoint):
        """Whether `failpoint` was what killed the server; None stands for a random moment."""
        flags = [self.arm(failpoint)] if failpoint else []
        if failpoint == "cold.after_rebuild":
            self.lose_the_manifest()
        server = self.server(*flags)
        try:
            server.start()
        except RuntimeError:
            # Killed by its failpoint before it was ready.
            status = server.process.returncode if server.process else -signal.SIGKILL
            self.assertEqual((status, bool(failpoint)), (-signal.SIGKILL, True), server.log_tail())
            self.reached.add(failpoint)
            return True
        flushing = bool(failpoint) or self.random.random() < 0.5
        sparse = self.random.random() < 0.3
        traffic = Traffic(server, self.oracle, cycle, self.clock, sparse).start(flushing)
        if failpoint:
            deadline = time.monotonic() + FAILPOINT_PATIENCE_SECONDS
            while server.process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            if server.process.poll() is not None:
                self.assertEqual(server.process.returncode, -signal.SIGKILL, server.log_tail())
                self.reached.add(failpoint)
            else:
                self.again.append(failpoint)
        else:
            time.sleep(self.random.uniform(0.05, LATEST_KILL_SECONDS))
            self.assertIsNone(server.process.poll(), server.log_tail())
        server.kill()
        traffic.stop()
        return failpoint in self.reached

    def lose_the_manifest(self):
        for path in (self.folder / "data" / "cold").glob("MANIFEST*"):
            path.unlink()

    def die_in_recovery(self):
        server = self.server()
        killer = threading.Timer(self.random.uniform(0.0, 0.2), lambda: server.process.kill())
        killer.start()
        try:
            server.start()
        except (RuntimeError, OSError):
            pass
        killer.join()
        server.kill()

    def recover_and_check(self, cycle, everything):
        server = self.server()
        begun = time.monotonic()
        server.start()
        self.assertLess(time.monotonic() - begun, RECOVERY_LIMIT_SECONDS)
        try:
            for past in range(cycle + 1) if everything else range(max(0, cycle - 1), cycle + 1):
                self.check(server, past)
            self.repeat_some(server, cycle)
            self.check(server, cycle)
        finally:
            server.kill()

    def check(self, server, cycle):
        at_s = self.clock.last / 1000 + 60
        matrix = server.query(f'{NAME}{{cycle="{cycle}"}}[1d]', at_s)
        self.assertEqual(self.oracle.check(cycle, matrix), [], f"cycle {cycle}, seed {SEED}")

    def repeat_some(self, server, cycle):
        """A client that got no answer sends again: nothing may be there twice then."""
        requests = self.oracle.requests.get(cycle, [])
        unanswered = [r for r in requests if r.state in (PRESENT, ABSENT)]
        for request in unanswered[:5]:
            self.assertIn(post(server.url, request), (200, 204))


if __name__ == "__main__":
    unittest.main()
