"""Random queries, asked of us and of a real Prometheus over the same random data: the same values,
errors, warnings and infos. A few hundred queries; with THERMOCLINE_TEST_ALL 5,000."""
import http.client
import json
import math
import os
import pathlib
import random
import re
import shutil
import sys
import tempfile
import unittest
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import random_series  # noqa: E402
from promql_grammar import FUNCTIONS, QueryWriter  # noqa: E402
from remote_write_client import send  # noqa: E402
from server_process import prometheus, thermocline  # noqa: E402

SEED = int(os.environ.get("THERMOCLINE_SEED") or 5)
QUERIES = 5000 if os.environ.get("THERMOCLINE_TEST_ALL") else 600
EXPERIMENTAL = ("promql-experimental-functions,promql-extended-range-selectors,"
                "promql-binop-fill-modifiers,promql-duration-expr")

# Go's library and C's differ in the last bit of these; sums of a group follow the order of its
# series, which is random in Prometheus where an operator made them.
INEXACT = re.compile(
    r"\b(exp|ln|log2|log10|a?(sin|cos|tan)h?|atan2|sum|avg|stddev|stdvar|deg|rad"
    r"|histogram_(quantiles?|fraction|stddev|stdvar))\b|\^|</|>/")
RELATIVE_ERROR = 1e-12
# Where a last bit becomes a whole number, or decides whether there is a value.
LIBRARY = re.compile(r"\b(exp|ln|log2|log10|a?(sin|cos|tan)h?|atan2|histogram_(quantiles?|fraction"
                     r"|stddev|stdvar))\b|\^")
LEAPS = re.compile(r"\b(ceil|floor|round|sgn|changes|resets|hour|minute|month|year|days?_\w+)\b"
                   r"|[=!]=|[<>]|%")
# What Prometheus answers by accident: texts of Go's runtime, a count that adds itself up.
ACCIDENT = re.compile(r"unexpected (error|number)")
REPAIRED = re.compile(r"over -?\d+ samples")
# Of what the pairs of a step have to say an operator keeps the last; what a group reconciled before
# it met a histogram that does not go with the others is told too. Both follow the order of series.
KINDS = re.compile(r"(incompatible sample types encountered for binary operator \S+):.*(?= \()")
MIXED_BUCKETS = "mix of histograms with exponential and custom buckets"
RECONCILED = "mismatched custom buckets were reconciled during aggregation"
# Which pair clashes first follows the order of series.
CLASH = re.compile(r"(found duplicate series for) .*", re.DOTALL)



class Answers:
    """Whether two bodies say the same."""

    def __init__(self, query):
        self.error = RELATIVE_ERROR if INEXACT.search(query) else 0.0

    def same_number(self, ours, theirs):
        if ours == theirs:
            return True
        a, b = float(ours), float(theirs)
        if math.isnan(a) or math.isnan(b):
            return math.isnan(a) and math.isnan(b)
        return self.error > 0 and abs(a - b) <= self.error * (abs(a) + abs(b))

    def same_histogram(self, ours, theirs):
        if set(ours) != set(theirs) or not all(
                self.same_number(ours[key], theirs[key]) for key in ("count", "sum")):
            return False
        a, b = ours.get("buckets", []), theirs.get("buckets", [])
        return len(a) == len(b) and all(
            x[0] == y[0] and all(map(self.same_number, x[1:], y[1:])) for x, y in zip(a, b))

    def same_point(self, ours, theirs):
        if ours[0] != theirs[0] or type(ours[1]) is not type(theirs[1]):
            return False
        same = self.same_histogram if isinstance(ours[1], dict) else self.same_number
        return same(ours[1], theirs[1])

    def same_series(self, ours, theirs):
        if set(ours) != set(theirs) or ours["metric"] != theirs["metric"]:
            return False
        for key in set(ours) - {"metric"}:
            a, b = ([e[key]] if key in ("value", "histogram") else e[key] for e in (ours, theirs))
            if len(a) != len(b) or not all(map(self.same_point, a, b)):
                return False
        return True

    def same_data(self, ours, theirs):
        if ours["resultType"] != theirs["resultType"]:
            return False
        a, b = ours["result"], theirs["result"]
        if ours["resultType"] in ("scalar", "string"):
            return self.same_point(a, b)
        a, b = (sorted(r, key=lambda e: sorted(e["metric"].items())) for r in (a, b))
        return len(a) == len(b) and all(map(self.same_series, a, b))

    def same(self, ours, theirs):
        if ours["status"] != theirs["status"]:
            return False
        if ours["status"] == "error":
            texts = [CLASH.sub(r"\1", e["error"]) for e in (ours, theirs)]
            return ours["errorType"] == theirs["errorType"] and texts[0] == texts[1]
        return self.same_data(ours["data"], theirs["data"]) and all(
            notes(ours, kind) == notes(theirs, kind) for kind in ("warnings", "infos"))


def notes(answer, kind):
    """The set of annotations; of those that are cut off only the number."""
    texts = {KINDS.sub(r"\1", REPAIRED.sub("over N samples", text))
             for text in answer.get(kind, [])}
    cut = [text for text in texts if text.endswith("omitted")]
    if any(MIXED_BUCKETS in text for text in answer.get("warnings", [])):
        texts = {text for text in texts if RECONCILED not in text}
    return cut or sorted(texts)


class RandomQueriesCase:
    features = EXPERIMENTAL
    seed = SEED

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-random-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        flag = f"--enable-feature={cls.features}"
        cls.ours = thermocline(cls.folder, flag).start()
        cls.addClassCleanup(lambda: cls.ours.kill())
        cls.theirs = prometheus(
            cls.folder, "global: {scrape_interval: 15s, evaluation_interval: 1m}\n",
            "--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=100y",
            flag).start()
        cls.addClassCleanup(lambda: cls.theirs.kill())
        for message in random_series.messages(random.Random(cls.seed)):
            for server in (cls.ours, cls.theirs):
                status, body = send(server.url, message)
                assert status == 204, (server.command[0], status, body)

    def ask(self, server, path, parameters):
        connection = self.connections.get(server.url)
        if connection is None:
            connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc)
            self.connections[server.url] = connection
        connection.request("POST", path, urllib.parse.urlencode(parameters),
                           {"Content-Type": "application/x-www-form-urlencoded"})
        return json.loads(connection.getresponse().read())

    def request(self, chosen):
        writer = QueryWriter(chosen)
        query = writer.query()
        while LIBRARY.search(query) and LEAPS.search(query):
            query = writer.query()
        start = random_series.START_S + chosen.randrange(60, 1200) + chosen.randrange(1000) / 1000
        if chosen.randrange(3) == 0:
            return "/api/v1/query", {"query": query, "time": f"{start:.3f}"}
        step = 1 + chosen.randrange(120)
        end = start + step * chosen.randrange(12) + chosen.randrange(step)
        return "/api/v1/query_range", {
            "query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": step}

    def test_answers_are_those_of_prometheus(self):
        self.connections = {}
        self.addCleanup(lambda: [c.close() for c in self.connections.values()])
        wrong, accidents, answered = [], 0, 0
        for k in range(QUERIES):
            path, parameters = self.request(random.Random(f"{self.seed} {k}"))
            theirs = self.ask(self.theirs, path, parameters)
            ours = self.ask(self.ours, path, parameters)
            if ACCIDENT.search(theirs.get("error", "")):
                accidents += 1
                continue
            answered += theirs["status"] == "success" and bool(theirs["data"]["result"])
            if not Answers(parameters["query"]).same(ours, theirs):
                wrong.append(f"seed {self.seed}, query {k}: {path} {parameters}\n"
                             f"  ours:   {json.dumps(ours)[:1500]}\n"
                             f"  theirs: {json.dumps(theirs)[:1500]}")
        asked = QUERIES - accidents
        print(f"figure: {asked - len(wrong)} of {asked} random queries are answered as by "
              "Prometheus")
        self.assertFalse(wrong, f"{len(wrong)} of {asked} differ:\n" + "\n".join(wrong[:20]))
        self.assertGreater(answered, QUERIES // 3, "hardly any query had an answer")
        self.assertLess(accidents, QUERIES // 50)


class PlainTest(RandomQueriesCase, unittest.TestCase):
    def test_the_grammar_has_every_function(self):
        status, answer = self.theirs.get("/api/v1/features")
        self.assertEqual(status, 200)
        self.assertEqual(FUNCTIONS, sorted(answer["data"]["promql_functions"]))


class DelayedNamesTest(RandomQueriesCase, unittest.TestCase):
    features = EXPERIMENTAL + ",promql-delayed-name-removal"
    seed = SEED + 1


if __name__ == "__main__":
    unittest.main()
