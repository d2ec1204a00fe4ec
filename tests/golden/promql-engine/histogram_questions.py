"""Questions about native histograms for answers_test.go; see README.md.

Usage: python3 histogram_questions.py > questions.jsonl. The same text every time.
       python3 histogram_questions.py ANSWERS... > answers.jsonl keeps the questions that several
       runs answered alike.
"""

import json
import random
import sys

ROUNDS = 6
QUESTIONS = 130
SAMPLES = 40
STEP_MS = 15_000
BOUNDS = ["5 10 20", "5 10 20", "2 10 20", "1 2 3"]

RANGE_FUNCTIONS = (
    ["rate", "increase", "delta", "irate", "idelta", "resets", "changes"] * 3
    + ["sum_over_time", "avg_over_time", "last_over_time", "first_over_time"] * 2
    + ["count_over_time", "present_over_time", "min_over_time", "max_over_time"]
    + ["stddev_over_time", "deriv", "mad_over_time", "ts_of_max_over_time"]
    + ["ts_of_first_over_time", "ts_of_last_over_time"]
)
ELEMENT_FUNCTIONS = (
    ["histogram_" + of for of in ("count", "sum", "avg", "stddev", "stdvar")] * 2
    + ["abs", "timestamp", "-", "absent", "sort"]
)
FOLDS = ["sum", "avg"] * 4 + ["count", "group", "min", "max", "stddev", "stdvar"]
OPERATORS = ["+", "-"] * 3 + ["*", "/", "==", "!=", ">", "</", ">/", "== bool", "> bool"]


class Questions:
    """Draws loads and queries from one seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def pick(self, options):
        return self.random.choice(options)

    def literal(self, kind, buckets, hint, schema):
        count = sum(buckets)
        total = self.pick(["NaN"]) if self.random.random() < 0.03 else 2.5 * count
        text = "sum:%s count:%g" % (total, count + (3 if total == "NaN" else 0))
        if kind == "custom":
            text = "schema:-53 %s custom_values:[%s]" % (text, schema)
            text += " buckets:[%s]" % " ".join("%g" % b for b in buckets)
        else:
            zero, positive, negative = buckets[0], buckets[1:4], buckets[4:]
            text = "schema:%d %s z_bucket:%g z_bucket_w:0.01" % (schema, text, zero)
            text += " buckets:[%s] offset:%d" % (
                " ".join("%g" % b for b in positive),
                self.pick([-1, 0, 0]),
            )
            if any(negative):
                text += " n_buckets:[%s]" % " ".join("%g" % b for b in negative)
        return "{{%s%s}}" % (text, hint)

    def series(self, kind, gauge, mixed):
        """Values of a series: a histogram counter or gauge, with gaps, resets and new layouts."""
        size = 4 if kind == "custom" else 6
        schema = self.pick(BOUNDS) if kind == "custom" else self.pick([0, 0, 1, 2])
        buckets = [0.0] * size
        signed = self.random.random() < 0.4
        values = []
        for _ in range(SAMPLES):
            draw = self.random.random()
            if draw < 0.06:
                values.append("_")
                continue
            if draw < 0.08:
                values.append("stale")
                continue
            if mixed and draw < 0.4:
                values.append("%g" % self.random.randrange(9))
                continue
            if draw > 0.97:
                schema = self.pick(BOUNDS) if kind == "custom" else self.pick([0, 1, 2])
            if gauge or draw > 0.92:
                buckets = [float(self.random.randrange(5)) for _ in range(size)]
            else:
                buckets = [b + self.random.randrange(4) for b in buckets]
            if kind != "custom" and not signed:
                buckets[4:] = [0.0, 0.0]
            values.append(
                self.literal(kind, buckets, " counter_reset_hint:gauge" if gauge else "", schema)
            )
        return " ".join(values)

    def load(self):
        lines = ["load 15s"]
        for i in "123":
            lines.append('  h{i="%s"} %s' % (i, self.series("exponential", False, False)))
            lines.append('  g{i="%s"} %s' % (i, self.series("exponential", True, False)))
            lines.append('  c{i="%s"} %s' % (i, self.series("custom", False, False)))
            kind = self.pick(["custom", "exponential"])
            lines.append('  m{i="%s"} %s' % (i, self.series(kind, False, True)))
            values = self.series(kind, self.random.random() < 0.3, False)
            lines.append('  x{i="%s"} %s' % (i, values))
            floats = " ".join(str(self.random.randrange(9)) for _ in range(SAMPLES))
            lines.append('  f{i="%s"} %s' % (i, floats))
        for bound, step in (("1", 1), ("10", 2), ("+Inf", 4)):
            lines.append('  h{i="1",le="%s"} 0+%dx%d' % (bound, step, SAMPLES // 2))
        return "\n".join(lines)

    def selector(self):
        name = self.pick(["h"] * 3 + ["g", "g", "c", "c", "m", "m", "x", "f"])
        if self.random.random() < 0.08:
            return '{__name__=~"[hcg]",i="%s",le=""}' % self.pick("123")
        return name + self.pick(["{le=\"\"}"] * 3 + ['{i="1"}', '{i!="2",le=""}'])

    def window(self):
        length = self.pick(["30s", "1m", "2m", "2m", "5m"])
        if self.random.random() < 0.15:
            return "%s[%s:%s]" % (self.vector(0), length, self.pick(["15s", "20s", "30s"]))
        suffix = self.pick([""] * 6 + [" offset 30s", " @ 300"])
        return "%s[%s]%s" % (self.selector(), length, suffix)

    def range_call(self):
        if self.random.random() < 0.08:
            return "quantile_over_time(%s, %s)" % (self.pick(["0.5", "1.5"]), self.window())
        if self.random.random() < 0.15:
            extension = self.pick(["anchored", "smoothed"])
            function = self.pick(["rate", "increase", "delta"])
            return "%s(%s[%s] %s)" % (function, self.selector(), self.pick(["1m", "2m"]), extension)
        return "%s(%s)" % (self.pick(RANGE_FUNCTIONS), self.window())

    def fold(self, depth):
        clause = self.pick(["", " by (i)", " without (le)", " by (__name__)"])
        draw = self.random.random()
        if draw < 0.12:
            op = self.pick(["topk", "bottomk", "limitk"])
            return "%s%s (%s, %s)" % (op, clause, self.pick("12"), self.vector(depth - 1))
        if draw < 0.16:
            return 'count_values%s ("v", %s)' % (clause, self.vector(depth - 1))
        if draw < 0.2:
            return "quantile%s (0.5, %s)" % (clause, self.vector(depth - 1))
        return "%s%s (%s)" % (self.pick(FOLDS), clause, self.vector(depth - 1))

    def estimate(self, depth):
        inner = self.vector(depth - 1) if self.random.random() < 0.7 else "h"
        draw = self.random.random()
        if draw < 0.6:
            q = self.pick(["0", "0.1", "0.5", "0.9", "1", "-1", "NaN"])
            return "histogram_quantile(%s, %s)" % (q, inner)
        if draw < 0.7:
            return 'histogram_quantiles(%s, "q", 0.1, 0.9)' % inner
        bounds = self.pick(["0, 2", "-Inf, 1", "0.5, +Inf", "-1, 1", "3, 2", "NaN, 1", "2, 15"])
        return "histogram_fraction(%s, %s)" % (bounds, inner)

    def binary(self, depth):
        op = self.pick(OPERATORS)
        left, right = self.vector(depth - 1), self.vector(depth - 1)
        draw = self.random.random()
        if draw < 0.35:
            number = self.pick(["2", "0", "-1", "0.5", "10"])
            if self.random.random() < 0.25:
                return "%s %s (%s)" % (number, op, right)
            return "(%s) %s %s" % (left, op, number)
        if draw < 0.5:
            return "(%s) %s (%s)" % (left, self.pick(["and", "or", "unless"]), right)
        matching = self.pick([" on (i)"] * 3 + ["", " on (i) group_left ()"])
        if "on" in matching and self.random.random() < 0.2:
            matching += " fill (1)"
        return "(%s) %s%s (%s)" % (left, op, matching, right)

    def vector(self, depth):
        if depth <= 0:
            return self.selector() if self.random.random() < 0.5 else self.range_call()
        draw = self.random.random()
        if draw < 0.25:
            return self.range_call()
        if draw < 0.42:
            function = self.pick(ELEMENT_FUNCTIONS)
            return "%s(%s)" % (function, self.vector(depth - 1))
        if draw < 0.62:
            return self.fold(depth)
        if draw < 0.8:
            return self.estimate(depth)
        return self.binary(depth)

    def question(self):
        start = self.pick([45_000, 150_000, 300_000, 307_000])
        return {
            "query": self.vector(self.pick([1, 1, 2, 2, 3])),
            "start_ms": start,
            "end_ms": start + 240_000,
            "step_ms": self.pick([30_000, 60_000, 25_000]),
        }


# Its answer shows which empty buckets a chunk had put into the stored histogram.
LAYOUT_DEPENDENT = '(histogram_quantiles(g{le=""}, "q", 0.1, 0.9)) > bool 2'


def keep_settled(paths):
    runs = []
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            runs.append([json.loads(line) for line in lines])
    for rounds in zip(*runs):
        asked = zip(*(one["questions"] for one in rounds))
        kept = [same[0] for same in asked if all(one == same[0] for one in same)]
        rounds[0]["questions"] = [one for one in kept if one["query"] != LAYOUT_DEPENDENT]
        print(json.dumps(rounds[0]))


def main():
    if len(sys.argv) > 1:
        keep_settled(sys.argv[1:])
        return
    for seed in range(ROUNDS):
        questions = Questions(seed)
        load = questions.load()
        asked = [questions.question() for _ in range(QUESTIONS)]
        print(json.dumps({"load": load, "delayed_name_removal": seed % 2 == 1, "questions": asked}))


if __name__ == "__main__":
    main()
