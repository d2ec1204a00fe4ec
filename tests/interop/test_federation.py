"""Federation with native histograms: our /federate and a real Prometheus' are the same bytes in
each format a scraper can ask for, and a Prometheus that scrapes ours has what we have."""
import itertools
import json
import pathlib
import shutil
import sys
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from remote_write_client import (  # noqa: E402
    STALE_MARKER, encode_float_histogram, encode_histogram, encode_series, send)
from server_process import prometheus, thermocline  # noqa: E402

PROTOBUF = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily"
ACCEPTED = [
    "", "*/*", "text/plain", "text/plain;version=0.0.4", "text/plain;version=1.0.0",
    "application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "garbage", "a/b/c,text/plain",
    f"{PROTOBUF};encoding=delimited", f"{PROTOBUF} ; encoding = delimited",
    f"{PROTOBUF};encoding=delimited;q=0.1,text/plain;q=0.9",
    f"text/plain;q=0.5,{PROTOBUF};encoding=delimited;q=0.9",
    f"text/plain;q=x,{PROTOBUF};encoding=delimited;q=0.9",
    f"*/*;q=1,{PROTOBUF};encoding=delimited;q=0.2,text/*;q=0.3,text/plain;q=0.1",
    f"{PROTOBUF};encoding=packed,text/plain", "application/vnd.google.protobuf;encoding=delimited",
    f"{PROTOBUF};encoding=delimited=x,text/plain;version=0.0.4="]
ESCAPINGS = ["", ";escaping=allow-utf-8", ";escaping=underscores", ";escaping=dots",
             ";escaping=values", ";escaping=none"]
# What Prometheus 3.14 sends when it scrapes native histograms.
SCRAPER = (f"{PROTOBUF};encoding=delimited;q=0.6,"
           "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
           "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,*/*;q=0.1")
# Without series whose labels sort before their name: of many Prometheus shuffles those.
EVERYTHING = '{__name__=~".+",Z=""}'


def federated(server, accept, *match):
    query = urllib.parse.urlencode({"match[]": match}, doseq=True)
    request = urllib.request.Request(f"{server.url}/federate?{query}", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.headers["Content-Type"], response.read()


class FederationTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-federation-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.ours = thermocline(cls.folder, "--query.lookback-delta=1h").start()
        cls.addClassCleanup(lambda: cls.ours.kill())
        cls.theirs = prometheus(cls.folder, "global: {}\n", "--web.enable-remote-write-receiver",
                                "--query.lookback-delta=1h").start()
        cls.addClassCleanup(lambda: cls.theirs.kill())
        cls.at_ms = (int(time.time()) - 60) * 1000
        for server in (cls.ours, cls.theirs):
            for series in cls.written():
                status, body = send(server.url, [series])
                assert status == 204, (server.command[0], status, body)

    @classmethod
    def written(cls):
        at_ms = cls.at_ms
        series = []
        for i, labels in enumerate([{"job": "a"}, {"job": "b", "instance": "i"}, {"Z": "\"\\\n"}]):
            series += [
                encode_series({"__name__": "floats", **labels}, [(at_ms - 9, 1), (at_ms, i / 3)]),
                encode_series({"__name__": "native", **labels}, [], [
                    encode_histogram(at_ms - 5 + k, 1.5 * k, [1, 0, k], schema=3, first=-7)
                    for k in range(4)]),
                encode_series({"__name__": "custom", **labels}, [], [
                    encode_histogram(at_ms, 7, [1, 2, i], bounds=[-0.5, 2.25, 1e10])])]
        series += [
            encode_series({"__name__": "tail"}, [], [
                encode_histogram(at_ms, 7, [5], first=1, bounds=[1, 2.5])]),
            encode_series({"__name__": "of_floats"}, [], [
                encode_float_histogram(at_ms, -2.5, [0.5, 0, 3], schema=-2, first=4)]),
            encode_series({"__name__": "with.dots_and", "l.a:b": "x", "é": "y"}, [], [
                encode_histogram(at_ms, 1, [1])]),
            encode_series({"__name__": "gone"}, [(at_ms, 1), (at_ms + 1, STALE_MARKER)]),
            encode_series({"__name__": "old"}, [], [encode_histogram(at_ms - 3_600_000, 1, [1])]),
            encode_series({"__name__": "odd", "n": "0"}, [(at_ms, -0.0)]),
            encode_series({"__name__": "odd", "n": "1"}, [(at_ms, float("nan"))])]
        # One name for floats, counters and gauges: a family each, where they follow each other.
        for i, kind in enumerate("fcgfgcc"):
            labels = {"__name__": "several", "n": str(i)}
            series.append(encode_series(labels, [(at_ms, i)] if kind == "f" else [], [
                encode_histogram(at_ms, i, [i], hint=3 if kind == "g" else 0)] * (kind != "f")))
        # What came first is in the head first: the oldest last would be too old.
        return sorted(series, key=lambda one: b"old" not in one)

    def assert_same(self, requests):
        wrong = []
        for accept, *match in requests:
            ours, theirs = (federated(server, accept, *match)
                            for server in (self.ours, self.theirs))
            if ours != theirs:
                wrong.append(f"{accept} {match}\n  ours:   {ours}\n  theirs: {theirs}")
        print(f"figure: {len(requests) - len(wrong)} of {len(requests)} bodies equal Prometheus'")
        self.assertFalse(wrong, f"{len(wrong)} of {len(requests)}:\n" + "\n".join(wrong[:6]))

    def test_each_format_and_escaping(self):
        self.assert_same([(accept.replace(",", escaping + ",") + (escaping if accept else ""),
                           EVERYTHING)
                          for accept, escaping in itertools.product(ACCEPTED, ESCAPINGS)]
                         + [(SCRAPER, EVERYTHING)])

    def test_selections(self):
        self.assert_same([
            (accept, *match) for accept in ("text/plain", SCRAPER) for match in [
                ["native"], ["custom"], ["floats", '{__name__=~"f.*|n.*"}'], ["several"], ["gone"],
                ["old"], ['{job="a"}', 'native{job="b"}'], ["missing"], ["tail"]]])

    def test_a_prometheus_that_scrapes_us_has_our_histograms(self):
        config = f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: federate
    honor_labels: true
    scrape_native_histograms: true
    metrics_path: /federate
    params: {{'match[]': ['{{__name__=~"native|of_floats|floats"}}']}}
    static_configs: [{{targets: ['{self.ours.url.removeprefix("http://")}']}}]
"""
        scraper = prometheus(self.folder, config, data="scrapes").start()
        self.addCleanup(scraper.kill)
        at_s = self.at_ms / 1000 + 1
        wanted, found = None, None
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            answers = [sorted(server.query('{__name__=~"native|of_floats|floats"}', at_s),
                              key=json.dumps) for server in (self.ours, scraper)]
            for result in answers[1]:
                # honor_labels gives an empty instance; the job of the scrape stays.
                if result["metric"].get("job") == "federate":
                    del result["metric"]["job"]
            wanted, found = (sorted(answer, key=json.dumps) for answer in answers)
            if found == wanted:
                break
            time.sleep(0.3)
        self.assertEqual(len(wanted), 7)
        self.assertEqual(found, wanted, scraper.log_tail())


if __name__ == "__main__":
    unittest.main()
