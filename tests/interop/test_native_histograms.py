"""A real Prometheus scrapes its own native histograms and writes them to us; our data folder, hot
and as Parquet, holds what its data directory holds."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from server_process import BINARY, free_port, prometheus, thermocline  # noqa: E402

SCRAPES = 12
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: prometheus
    scrape_native_histograms: true
    static_configs: [{{targets: ['127.0.0.1:{prometheus}']}}]
remote_write:
  - url: {url}/api/v1/write
    send_native_histograms: true
    queue_config: {{batch_send_deadline: 200ms, min_backoff: 50ms, max_backoff: 500ms}}
"""


def filled(spans, counts):
    """Bucket index to its count, without empty buckets."""
    found, index, counts = {}, 0, iter(counts)
    for span in spans:
        offset, length = span if isinstance(span, list) else (span["offset"], span["length"])
        index += offset
        for _ in range(length):
            count = next(counts)
            if count:
                found[index] = count
            index += 1
    return found


def plain(histogram):
    """What must agree: all but the hint, and empty buckets, which Prometheus' chunks may add."""
    kept = {key: value for key, value in histogram.items()
            if key not in ("hint", "pos", "neg", "pos_spans", "neg_spans")}
    sides = [filled(histogram.get(f"{side}_spans") or [], histogram.get(side) or [])
             for side in ("pos", "neg")]
    return kept, sides


def dump(source):
    """Labels to (time to histogram) of a source."""
    done = subprocess.run([BINARY, "dump", str(source)], capture_output=True, timeout=300, env={})
    assert done.returncode == 0, done.stderr.decode()
    found = {}
    for line in done.stdout.decode().splitlines():
        series = json.loads(line)
        if series.get("hists"):
            found[json.dumps(series["labels"], sort_keys=True)] = {
                h["t"]: plain(h) for h in series["hists"]}
    return found


class NativeHistogramsTest(unittest.TestCase):
    """The tests run in the order of their names."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-histograms-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.ours = thermocline(cls.folder).start()
        cls.addClassCleanup(lambda: cls.ours.stop())
        port = free_port()
        cls.theirs = prometheus(
            cls.folder, CONFIG.format(prometheus=port, url=cls.ours.url), port=port).start()
        cls.addClassCleanup(cls.theirs.stop)
        deadline = time.monotonic() + 90
        while True:
            for word in ("up", "count({__name__=~'.+'})", "absent(nothing)"):
                cls.theirs.query(word, time.time())  # requests to be observed
            result = cls.theirs.query("count_over_time(up[10m])", time.time())
            if result and float(result[0]["value"][1]) >= SCRAPES:
                break
            assert time.monotonic() < deadline, cls.theirs.log_tail()
            time.sleep(0.5)
        # A shutdown sends what is queued.
        cls.theirs.stop()
        cls.wanted = dump(cls.folder / "prometheus")

    def assert_same(self, found):
        histograms = sum(len(samples) for samples in self.wanted.values())
        self.assertGreater(histograms, 5 * SCRAPES, "Prometheus had hardly any histograms")
        self.assertEqual(sorted(found), sorted(self.wanted))
        wrong = [(labels, t) for labels, samples in self.wanted.items()
                 for t in samples if found[labels].get(t) != samples[t]]
        more = [(labels, t) for labels, samples in found.items()
                for t in samples if t not in self.wanted[labels]]
        print(f"figure: {histograms - len(wrong)} of {histograms} histograms are Prometheus'")
        self.assertFalse(wrong, f"{len(wrong)} differ, as {wrong[:3]}")
        self.assertFalse(more, f"{len(more)} too many, as {more[:3]}")

    def test_1_replayed_after_a_kill(self):
        self.ours.kill()
        self.assert_same(dump(self.folder / "data"))

    def test_2_in_parquet(self):
        self.ours.start()
        self.ours.flush()
        self.assertTrue(list(self.folder.glob("data/cold/histograms/**/*.parquet")))
        self.ours.stop()
        self.assert_same(dump(self.folder / "data"))


if __name__ == "__main__":
    unittest.main()
