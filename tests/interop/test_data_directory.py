"""The data directory of a real Prometheus, read in place: while the server writes to it, after it
ended with a memory snapshot, after kill -9, and as the blocks of its snapshot call."""
import json
import math
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from server_process import BINARY, free_port, prometheus  # noqa: E402

CONFIG = """
global:
  scrape_interval: 200ms
  scrape_timeout: 200ms
  scrape_native_histograms: true
  always_scrape_classic_histograms: true
scrape_configs:
  - job_name: prometheus
    static_configs: [{{targets: ['127.0.0.1:{port}'], labels: {{name: 'käse "1"'}}}}]
"""
READS_WHILE_WRITTEN = 5
WINDOW_SECONDS = 6
QUERIES = (
    "sum by (job) (rate(prometheus_http_requests_total[5s]))",
    "topk(3, prometheus_tsdb_head_samples_appended_total)",
    "histogram_quantile(0.9, rate(prometheus_http_request_duration_seconds_bucket[5s]))",
    'count({__name__=~"go_.+", instance!=""})',
    "prometheus_build_info",
)


def run(*arguments):
    """(exit code, standard output, standard error) of our program."""
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, timeout=300, env={})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def is_stale(bits):
    return bits == "7ff0000000000002"


def as_double(bits):
    return struct.unpack(">d", bytes.fromhex(bits))[0]


def dumped(folder, start_s, end_s):
    """Labels to {time in ms: (value) or (count, sum)} of what dump prints for (start, end]."""
    code, text, error = run("dump", folder, f"--start={start_s + 0.001:.3f}", f"--end={end_s}")
    assert code == 0, error
    found = {}
    for line in text.splitlines():
        series = json.loads(line)
        samples = {}
        floats = series.get("floats", {"t": [], "v": []})
        for t, bits in zip(floats["t"], floats["v"]):
            if not is_stale(bits):
                samples[t] = (as_double(bits),)
        for one in series.get("hists", []):
            if not is_stale(one["sum"]):
                count = one["count"]
                samples[one["t"]] = (as_double(count) if isinstance(count, str) else count,
                                     as_double(one["sum"]))
        if samples:
            found[json.dumps(dict(series["labels"]), sort_keys=True)] = samples
    return found, error


def values_of(vector):
    return {json.dumps(e["metric"], sort_keys=True): float(e["value"][1]) for e in vector}


def same(ours, theirs):
    return len(ours) == len(theirs) and all(
        a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(ours, theirs))


class DataDirectoryTest(unittest.TestCase):
    """The tests run in the order of their names: each takes the directory one step further."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-datadir-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        port = free_port()
        cls.data = cls.folder / "data"
        cls.server = prometheus(
            cls.folder, CONFIG.format(port=port), "--enable-feature=memory-snapshot-on-shutdown",
            "--web.enable-admin-api", port=port, data="data").start()
        cls.addClassCleanup(lambda: cls.server.stop())
        cls.wait_for_window()

    @classmethod
    def wait_for_window(cls):
        """Until it has scraped for longer than a window, since it was started last."""
        begun = time.time()
        deadline = begun + 10 * WINDOW_SECONDS
        while time.time() < begun + WINDOW_SECONDS or not cls.server.query(
                f"up offset {WINDOW_SECONDS}s", time.time()):
            assert time.time() < deadline, "Prometheus does not scrape itself"
            time.sleep(0.2)

    @classmethod
    def answered(cls, end_s):
        """What the server answers for the raw samples of (end - window, end]."""
        theirs = {}
        for series in cls.server.query(f'{{__name__=~".+"}}[{WINDOW_SECONDS}s]', end_s):
            samples = {round(t * 1000): (float(v),) for t, v in series.get("values", [])}
            for t, h in series.get("histograms", []):
                samples[round(t * 1000)] = (float(h["count"]), float(h["sum"]))
            theirs[json.dumps(series["metric"], sort_keys=True)] = samples
        return theirs

    def assert_holds(self, folder, end_s, theirs):
        ours, error = dumped(folder, end_s - WINDOW_SECONDS, end_s)
        self.assertEqual(ours.keys(), theirs.keys())
        for labels, samples in theirs.items():
            self.assertEqual(ours[labels].keys(), samples.keys(), labels)
            for t, sample in samples.items():
                self.assertTrue(same(ours[labels][t], sample), (labels, t, ours[labels][t], sample))
        return error

    def test_1_while_the_server_writes(self):
        histograms = torn = points = 0
        for _ in range(READS_WHILE_WRITTEN):
            end_s = int(time.time()) - 1
            theirs = self.answered(end_s)
            error = self.assert_holds(self.data, end_s, theirs)
            torn += "torn logs" in error
            points += sum(len(samples) for samples in theirs.values())
            histograms += sum(len(next(iter(s.values()))) == 2 for s in theirs.values())
            time.sleep(0.3)
        self.assertGreater(points, 10_000, "Prometheus had hardly any data")
        self.assertGreater(histograms, 0, "no native histograms were scraped")
        print(f"figure: {points} samples of a running server equal, {torn} reads met a torn tail")

    def test_2_queries_on_its_files(self):
        end_s = int(time.time()) - 1
        for query in QUERIES:
            theirs = self.server.query(query, end_s)
            code, text, error = run("query", "instant", query, f"--storage={self.data}",
                                    f"--time={end_s}", "--json")
            with self.subTest(query):
                self.assertEqual(code, 0, error)
                ours = values_of(json.loads(text)["data"]["result"])
                theirs = values_of(theirs)
                self.assertTrue(theirs)
                self.assertEqual(ours.keys(), theirs.keys())
                for labels, value in theirs.items():
                    close = math.isclose(ours[labels], value, rel_tol=1e-12) or (
                        math.isnan(ours[labels]) and math.isnan(value))
                    self.assertTrue(close, (labels, ours[labels], value))

    def test_3_the_blocks_of_its_snapshot_call(self):
        end_s = int(time.time()) - 1
        theirs = self.answered(end_s)
        status, answer = self.server.post("/api/v1/admin/tsdb/snapshot")
        self.assertEqual(status, 200, answer)
        snapshot = self.data / "snapshots" / answer["data"]["name"]
        self.assertEqual(self.assert_holds(snapshot, end_s, theirs), "")

    def test_4_stopped_with_a_memory_snapshot(self):
        """The log still holds what the memory snapshot holds."""
        end_s = int(time.time()) - 1
        theirs = self.answered(end_s)
        self.assertEqual(self.server.stop(), 0)
        self.assertTrue(list(self.data.glob("chunk_snapshot.*")), sorted(self.data.iterdir()))
        self.assertEqual(self.assert_holds(self.data, end_s, theirs), "")
        whole = run("dump", self.data)
        for snapshot in self.data.glob("chunk_snapshot.*"):
            shutil.rmtree(snapshot)
        self.assertTrue(run("dump", self.data) == whole)

    def test_5_restarted_and_killed(self):
        self.server.start()
        self.wait_for_window()
        end_s = int(time.time()) - 1
        theirs = self.answered(end_s)
        self.server.kill()
        self.assert_holds(self.data, end_s, theirs)


if __name__ == "__main__":
    unittest.main()
