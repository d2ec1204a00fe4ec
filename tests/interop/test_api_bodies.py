"""The bodies of our API and of a real Prometheus' are the same bytes: numbers, escapes, the order
of keys, the words of errors, trees, broken lines, federation."""
import json
import pathlib
import re
import shutil
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from remote_write_client import STALE_MARKER, encode_series, send  # noqa: E402
from server_process import ROOT, prometheus, thermocline  # noqa: E402

GOLDEN = ROOT / "tests/golden/promql-parser"
NOW_S = int(time.time())
LOOKBACK_S = 300
# Times of the server's own work, and what only we tell.
STATS = re.compile(r'"stats":\{"timings":.*?\}(,"tiers":.*?\}\})?\}(?=[,}])')

# The series of an instant vector: their order is nobody's to know.
VECTOR_SERIES = re.compile(r'\{"metric":\{.*?\},"value":\[[^\]]*\]\},?', re.DOTALL)

EXPRESSIONS = [
    "1", "1e21", "123456789012345678901234567890", "1e-7", "0.1", "-0", "NaN", "-Inf", "5e-324",
    "vector(1e21)", "vector(1e-7)", '"a<b>&c"', r'"\u2028é\u0001"', r'"\b\f\v\n\r\t\\"', r'"\xff"',
    "odd", 'odd{text="<a&b>"}', "rate(odd[5m])", "histogram_quantile(0.5, odd)",
    'quantile(7, {__name__=~"o.+"})', "time()", "odd > 1", "odd > bool 1"]
BAD_EXPRESSIONS = ["", "sum(", 'up{a=~"<"}<', "a<", "rate(up)", "a &", "mad_over_time(a[5m])",
                   "limitk(1, a)", "a[5m] anchored", "a smoothed", "a + fill(0) b", '{a=~".*"}']
PARAMETERS = [
    ("query", {"query": "1", "time": "x"}), ("query", {"query": "1", "time": "1<2"}),
    ("query", {"query": "1", "limit": "x", "time": "x", "timeout": "x"}),
    ("query", {"query": "1", "limit": "-1"}), ("query", {"query": "1", "timeout": "<"}),
    ("query", {"query": "1", "lookback_delta": "x"}),
    ("query", {"query": "1", "timeout": "x", "lookback_delta": "x"}),
    ("query", {"query": "1", "time": 1, "stats": "true"}),
    ("query", {"query": "1", "time": 1, "stats": '"<x>"'}),
    ("query_range", {"query": "1", "start": 1, "end": 2, "step": 1, "stats": "1"}),
    ("query_range", {"query": "1", "start": "x", "end": "y", "step": 1}),
    ("query_range", {"query": "1", "start": 1, "end": "", "step": 1}),
    ("query_range", {"query": "1", "start": 2, "end": 1, "step": 1}),
    ("query_range", {"query": "1", "start": 1, "end": 2, "step": 0}),
    ("query_range", {"query": "1", "start": 1, "end": 2, "step": "x"}),
    ("query_range", {"query": "1", "start": 1, "end": 200000, "step": 1}),
    ("query_range", {"query": "1", "start": "x", "limit": "x"}),
    ("query_range", {"query": "1", "start": 1, "end": 2, "step": 1, "lookback_delta": "x"}),
    ("query_range", {"query": "odd[5m]", "start": 1, "end": 2, "step": 1}),
    ("query_exemplars", {"query": "odd", "start": "x"}), ("query_exemplars", {"query": "odd<"}),
    ("query_exemplars", {"query": "odd", "start": 3, "end": 2}),
    ("query_exemplars", {"query": "1"}), ("query_exemplars", {"query": "odd"}),
    ("labels", {"start": "x"}), ("labels", {"match[]": "{"}), ("labels", {"match[]": '{a=~".*"}'}),
    ("labels", {"limit": "x", "start": "x"}), ("labels", {}), ("labels", {"limit": 2}),
    ("label/text/values", {}), ("label/text/values", {"end": "<"}),
    ("label/text/values", {"match[]": "a<"}),
    ("label/U__a_2e_b/values", {}), ("label/%ff/values", {}),
    ("series", {}), ("series", {"limit": "x"}), ("series", {"match[]": "a<"}),
    ("series", {"match[]": "odd", "start": "x"}), ("series", {"match[]": '{a=~".*"}'}),
    ("series", {"match[]": ["odd", "number"]}),
    ("metadata", {"limit": "x"}), ("metadata", {"limit_per_metric": "x"}),
    ("metadata", {"limit": -1}), ("metadata", {"limit_per_metric": -1}), ("metadata", {"limit": 0}),
    ("metadata", {}),
    ("rules", {}), ("rules", {"type": "<"}), ("rules", {"type": "ALERT"}),
    ("rules", {"match[]": "{"}), ("rules", {"group_limit": "x"}), ("rules", {"group_limit": 0}),
    ("rules", {"group_limit": 1 << 31}),
    ("rules", {"group_next_token": "a"}), ("rules", {"group_limit": 1, "group_next_token": "a"}),
    ("rules", {"exclude_alerts": "<"}), ("rules", {"exclude_alerts": "TRUE"}), ("alerts", {}),
    ("alertmanagers", {}), ("targets", {}), ("targets", {"state": "active"}),
    ("targets", {"state": "Any"}),
    ("targets/metadata", {}), ("targets/metadata", {"limit": "x"}),
    ("targets/metadata", {"match_target": "a<"}), ("targets/metadata", {"metric": "odd"}),
    ("scrape_pools", {}), ("notifications", {}), ("status/walreplay", {})]
FEDERATED = ['{__name__=~".+"}', "odd", "missing", "{", '{a=~".*"}']


def body_of(server, path, parameters=None, accept=None):
    """(status, content type, body) of a GET."""
    query = urllib.parse.urlencode(parameters or {}, doseq=True)
    request = urllib.request.Request(f"{server.url}{path}?{query}")
    if accept:
        request.add_header("Accept", accept)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            status, headers, body = response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        status, headers, body = error.code, error.headers, error.read()
    return status, headers.get("Content-Type"), body.decode("utf-8", "surrogateescape")


def comparable(answer):
    status, content_type, body = answer
    body = STATS.sub("", body)
    series = sorted(text.rstrip(",") for text in VECTOR_SERIES.findall(body))
    return status, content_type, VECTOR_SERIES.sub("", body), series


class ApiBodiesCase:
    """The comparison, with the features of a class on or off in both servers."""

    our_flags = ()
    their_flags = ()

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-bodies-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.ours = thermocline(cls.folder, *cls.our_flags).start()
        cls.addClassCleanup(lambda: cls.ours.kill())
        cls.theirs = prometheus(
            cls.folder, "global: {scrape_interval: 15s}\n", "--web.enable-remote-write-receiver",
            *cls.their_flags).start()
        cls.addClassCleanup(lambda: cls.theirs.kill())
        at_ms = (NOW_S - 60) * 1000
        odd = [{"__name__": "odd", "text": text} for text in (
            "<a&b>", "\u2028", '"\\\n', "\x01\x08\x0c", "é\U0001f600", "plain")]
        values = [1.5, -0.0, 1e21, 1e-7, float("inf"), 1234567.0]
        series = [encode_series(labels, [(at_ms - 30_000 + k, value), (at_ms, value)])
                  for k, (labels, value) in enumerate(zip(odd, values))]
        for labels, samples in [
                ({"__name__": "gone", "x": "y"}, [(at_ms, 1), (at_ms + 1, STALE_MARKER)]),
                ({"__name__": "old"}, [(at_ms - LOOKBACK_S * 1000, 1)]),
                ({"__name__": "with.dots", "a.b": "c", "instance": "i"}, [(at_ms, 2)]),
                ({"__name__": "number", "Z": "1", "a": "2"}, [(at_ms, float("nan"))])]:
            series.append(encode_series(labels, samples))
        for server in (cls.ours, cls.theirs):
            status, body = send(server.url, series)
            assert status == 204, (server.command[0], status, body)

    def assert_same(self, requests):
        wrong = []
        for path, parameters, *rest in requests:
            theirs = body_of(self.theirs, path, parameters, *rest)
            ours = body_of(self.ours, path, parameters, *rest)
            if comparable(ours) != comparable(theirs):
                wrong.append(f"{path} {parameters}\n  ours:   {ours}\n  theirs: {theirs}")
        print(f"figure: {len(requests) - len(wrong)} of {len(requests)} bodies equal Prometheus'")
        self.assertFalse(wrong, f"{len(wrong)} of {len(requests)} differ:\n" + "\n".join(wrong))

    def test_numbers_times_and_escapes_of_results(self):
        times = ["1.5", "0", "-0.001", "1435781430.781", str(NOW_S), f"{NOW_S}.25"]
        self.assert_same(
            [("/api/v1/query", {"query": query, "time": at})
             for query in EXPRESSIONS for at in times]
            + [("/api/v1/query_range",
                {"query": query, "start": NOW_S - 90.5, "end": NOW_S, "step": "22.5"})
               for query in EXPRESSIONS])

    def test_errors_of_expressions(self):
        self.assert_same([(f"/api/v1/{path}", {"query": query})
                          for query in BAD_EXPRESSIONS
                          for path in ("query", "format_query", "parse_query", "query_exemplars")])

    def test_parameters_and_lists(self):
        self.assert_same([(f"/api/v1/{path}", parameters) for path, parameters in PARAMETERS])

    def test_formatted_and_parsed_expressions(self):
        queries = [case["in"] for file in ("prettier", "trees")
                   for case in json.loads((GOLDEN / f"{file}.json").read_text())["cases"]]
        self.assert_same([(f"/api/v1/{path}", {"query": query})
                          for query in queries for path in ("format_query", "parse_query")])

    def test_federation(self):
        selections = [{"match[]": text} for text in [*FEDERATED, ["odd", "number"], []]]
        accepts = [None, "text/plain;version=0.0.4;q=0.5;escaping=allow-utf-8,*/*;q=0.1"]
        self.assert_same([("/federate", parameters, accept)
                          for parameters in selections for accept in accepts])

    def test_features_have_their_names_and_the_language_is_the_same(self):
        ours, theirs = (json.loads(body_of(server, "/api/v1/features")[2])["data"]
                        for server in (self.ours, self.theirs))
        for category, names in ours.items():
            self.assertLessEqual(set(names), set(theirs[category]), category)
        for category in ("promql", "promql_functions", "promql_operators"):
            self.assertEqual(ours[category], theirs[category])

    def test_version_has_their_keys(self):
        ours, theirs = (body_of(server, "/version") for server in (self.ours, self.theirs))
        self.assertEqual(ours[:2], theirs[:2])
        self.assertEqual(list(json.loads(ours[2])), list(json.loads(theirs[2])))


class PlainTest(ApiBodiesCase, unittest.TestCase):
    pass


class ExperimentalTest(ApiBodiesCase, unittest.TestCase):
    our_flags = their_flags = (
        "--enable-feature=promql-experimental-functions,promql-extended-range-selectors,"
        "promql-binop-fill-modifiers",)


if __name__ == "__main__":
    unittest.main()
