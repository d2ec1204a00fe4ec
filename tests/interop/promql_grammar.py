"""Random PromQL from a grammar: every function, aggregation, operator and modifier can appear. What
Prometheus leaves to chance or answers by accident is not asked (reference: promql-semantics 10)."""

METRICS = ["a", "b", "a", "b", "c_total", "c_total", "u", "e", "e", "n", "g", "x", "x", "h_bucket",
           "t", "missing"]
MATCHERS = ['{i="1"}', '{i!="1"}', '{j=~"x|z"}', '{i=~"[12]",j!="y"}', "{}", '{j!~"x.*",i="2"}',
            '{k=""}']
ODD_SELECTORS = ['{__name__=~"a|b"}', '{i="3",j="x"}', '{__name__=~"e|n|g",j="y"}',
                 '{__name__=~"x|c_total"}', '{job="j"}', '{"a"}', "target_info", "build_info"]
DURATIONS = ["15s", "1m", "47s", "2m", "3m30s", "5m", "10m", "1ms", "90", "min_of(90s, 5m)",
             "max_of(step(), 40s) * 2", "(1m + 30s)", "(range() / 4 + 1s)", "(2 ^ 5)"]
QUANTILES = ["0.5", "0.95", "0", "1", "0.1", "0.75", "-0.5", "1.5", "NaN", "-0"]

# Function to its arguments: v, s, m for vector, scalar and range vector; the rest is written out.
VECTOR_CALLS = {
    name: "v" for name in (
        "abs ceil floor exp sqrt ln log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh "
        "acosh atanh deg rad sgn days_in_month day_of_month day_of_week day_of_year hour minute "
        "month year timestamp absent sort sort_desc histogram_count histogram_sum histogram_avg "
        "histogram_stddev histogram_stdvar start_timestamp round").split()}
VECTOR_CALLS |= {"clamp": "vss", "clamp_max": "vs", "clamp_min": "vs", "vector": "s"}
RANGE_CALLS = (
    "rate increase delta irate idelta resets changes deriv sum_over_time avg_over_time "
    "min_over_time max_over_time count_over_time last_over_time first_over_time stddev_over_time "
    "stdvar_over_time present_over_time absent_over_time mad_over_time ts_of_first_over_time "
    "ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time").split()
# Those that the writer has a form of its own for.
OWN_CALLS = ("predict_linear quantile_over_time double_exponential_smoothing histogram_quantile "
             "histogram_quantiles histogram_fraction label_replace label_join sort_by_label "
             "sort_by_label_desc info scalar time pi start end step range max_of min_of").split()
FUNCTIONS = sorted({*VECTOR_CALLS, *RANGE_CALLS, *OWN_CALLS})


class QueryWriter:
    def __init__(self, chosen):
        """`chosen` is a random.Random."""
        self.chosen = chosen

    def one_of(self, choices):
        return self.chosen.choice(choices)

    def one_in(self, count):
        return self.chosen.randrange(count) == 0

    def query(self):
        depth = 1 + self.chosen.randrange(3)
        return self.scalar(depth) if self.one_in(25) else self.vector(depth)

    # --- selectors ---

    def modifiers(self, pinned=True):
        offset = at = ""
        if self.one_in(5):
            offset = " offset " + self.one_of(["1m", "-1m", "7s", "4m30s", "-11m", "(1m + 5s)"])
        if pinned and self.one_in(9):
            at = " @ " + self.one_of(["start()", "end()", "1700000600", "1700001234.567", "99"])
        return offset + at if self.one_in(2) else at + offset

    def selector(self):
        if self.one_in(12):
            return self.one_of(ODD_SELECTORS)
        return self.one_of(METRICS) + (self.one_of(MATCHERS) if self.one_in(3) else "")

    def instant(self, pinned=True):
        extension = self.one_of([" smoothed", " anchored"]) if self.one_in(12) else ""
        return self.selector() + extension + self.modifiers(pinned)

    def window(self, pinned=True):
        return f"{self.selector()}[{self.one_of(DURATIONS)}]{self.modifiers(pinned)}"

    def range(self, depth, pinned=True):
        if depth <= 0 or not self.one_in(4):
            return self.window(pinned)
        inner = self.instant() if self.one_in(2) else f"({self.vector(depth - 1)})"
        extent = self.one_of(["1m", "2m", "5m", "41s", "(2m + 10s)"])
        step = self.one_of(["", "30s", "1m", "7s", "(10s + 5s)"])
        return f"{inner}[{extent}:{step}]{self.modifiers(pinned)}"

    # --- expressions ---

    def scalar(self, depth):
        form = self.chosen.randrange(7 if depth > 0 else 4)
        if form <= 1:
            return self.one_of(["1", "2.5", "-3", "0", "1e3", "NaN", "-Inf", "0x10"])
        if form == 2:
            return self.one_of(["time()", "pi()", "(1 + 2)", "(3 > bool 2)", "2 ^ 3 % 5"])
        if form == 3:
            return self.one_of(["step()", "range()", "start()", "end()", "-time()"])
        if form == 4:
            return f"scalar({self.vector(depth - 1)})"
        left, right = self.scalar(depth - 1), self.scalar(depth - 1)
        if form == 5:
            return f"{self.one_of(['max_of', 'min_of'])}({left}, {right})"
        operator = self.one_of(["+", "*", "-", "/", "%", "^", "atan2", "<= bool", "!= bool",
                                "> bool", "== bool", "< bool", ">= bool"])
        return f"({left} {operator} {right})"

    def vector(self, depth):
        if depth <= 0:
            return self.instant()
        form = self.chosen.randrange(10)
        if form == 0:
            return self.instant()
        if form <= 3:
            return self.call(depth)
        if form <= 5:
            return self.aggregation(depth)
        if form <= 7:
            return self.operation(depth)
        if form == 8:
            left, right = self.vector(depth - 1), self.vector(depth - 1)
            matching = self.one_of(["", " on (i)", " ignoring (j)", " on ()"])
            return f"({left} {self.one_of(['and', 'or', 'unless'])}{matching} {right})"
        if self.one_in(3):
            bound = self.one_of(["0", "1", "2.5", "-1", "100", "-Inf", "+Inf"])
            operator = self.one_of(["</", ">/"])
            return f"({self.one_of(['e', 'n', 'g', 'x', 'rate(e[3m])'])} {operator} {bound})"
        return f"-{self.instant()}"

    def operation(self, depth):
        comparison = self.one_in(2)
        operator = (self.one_of(["==", "!=", ">", "<", ">=", "<="]) if comparison
                    else self.one_of(["+", "-", "*", "/", "%", "^", "atan2", "+", "-"]))
        if comparison and self.one_in(2):
            operator += " bool"
        vector, form = self.vector(depth - 1), self.chosen.randrange(4)
        if form == 0:
            return f"({vector} {operator} {self.scalar(depth - 1)})"
        if form == 1:
            return f"({self.scalar(depth - 1)} {operator} {vector})"
        other = vector if form == 2 else self.vector(depth - 1)
        matching = self.one_of(
            ["", "", "", " on (i, j)", " ignoring (k)", " on (i) group_left", " ignoring (j)",
             " on (i, j) group_right (k)", " on (j)", " ignoring (i) group_left (j)",
             " on (i) group_right", " on (__name__, i, j)", " on ()"])
        fill = self.one_of([" fill (0)", " fill_left (3)", " fill_right (2)", " fill (NaN)",
                            " fill_left (1) fill_right (2)"]) if self.one_in(4) else ""
        return f"({vector} {operator}{matching}{fill} {other})"

    def grouping(self):
        return self.one_of(["", "", " by (i)", " by (j, i)", " without (i)", " without ()",
                            " by (nothing)", " by (__name__, j)", " without (j, le)"])

    def aggregation(self, depth):
        form, by = self.chosen.randrange(9), self.grouping()
        if form == 0:
            # Of equal values those that stay follow the order of the series: u has none equal.
            name = self.one_of(["topk", "bottomk"])
            k = self.one_of(["1", "2", "3", "0", "9", "-1", "scalar(c_total)", "step()"])
            return f"{name}{by}({k}, u{self.modifiers(pinned=False)})"
        if form == 1:
            ratio = self.one_of(["0.5", "-0.5", "0", "0.1", "-0.9", "1", "3"])
            return f"limit_ratio{by}({ratio}, {self.vector(depth - 1)})"
        if form == 2:
            if self.one_in(5):  # a parameter that moves, over an operand that does too
                moving = self.instant(pinned=False)
                return f'quantile{by}(scalar(a{{i="1",j="x"}}), {moving})'
            q = self.one_of(["0.5", "0.25", "1", "-1", "0", "1.5"])
            return f"quantile{by}({q}, {self.vector(depth - 1)})"
        if form == 3:
            return f'count_values{by}("v", {self.instant()})'
        if form == 4:
            return f"limitk{by}({self.one_of(['1', '2', '9', '0'])}, {self.instant()})"
        name = self.one_of(["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"])
        return f"{name}{by}({self.vector(depth - 1)})"

    # --- calls ---

    def call(self, depth):
        form = self.chosen.randrange(9)
        if form <= 1:
            return self.rate(depth)
        if form == 2:
            return self.histogram_call(depth)
        if form == 3:
            return self.label_call(depth)
        if form == 4:
            return f"{self.one_of(RANGE_CALLS)}({self.range(depth - 1)})"
        if form == 5:
            return self.range_call_with_scalars(depth)
        name = self.one_of(sorted(VECTOR_CALLS))
        arguments = [self.vector(depth - 1) if kind == "v" else self.scalar(depth - 1)
                     for kind in VECTOR_CALLS[name]]
        if name == "round" and self.one_in(2):
            arguments.append(self.one_of(["0.1", "5", "0"]))
        return f"{name}({', '.join(arguments)})"

    def rate(self, depth):
        extension = self.one_of([" anchored", " smoothed"]) if self.one_in(4) else ""
        names = ["rate", "increase", "delta"]
        if extension == "":
            names += ["rate", "irate", "idelta", "resets", "changes"]
            return f"{self.one_of(names)}({self.range(depth)})"
        names += ["resets", "changes"] if extension == " anchored" or self.one_in(30) else []
        window = f"{self.selector()}[{self.one_of(DURATIONS)}]"
        return f"{self.one_of(names)}({window}{extension}{self.modifiers()})"

    def range_call_with_scalars(self, depth):
        # A pinned subquery is empty where its call looks at the step.
        window, form = self.range(depth - 1, pinned=False), self.chosen.randrange(3)
        if form == 0:
            return f"predict_linear({window}, {self.scalar(depth - 1)})"
        if form == 1:
            q = self.scalar(depth - 1) if self.one_in(5) else self.one_of(QUANTILES)
            return f"quantile_over_time({q}, {window})"
        factors = [self.one_of(["0.1", "0.5", "0.9", "0.5", "1.5"]) for _ in range(2)]
        return f"double_exponential_smoothing({window}, {factors[0]}, {factors[1]})"

    def histogram_call(self, depth):
        operand = self.vector(depth - 1) if self.one_in(2) else self.one_of(
            ["h_bucket", "rate(h_bucket[5m])", "sum by (le) (increase(h_bucket[3m]))", "e", "n",
             "g", "x", "rate(e[3m])", "increase(n[5m])", "sum(rate(e[4m]))", "avg by (i) (n)",
             "sum(g)", '{__name__=~"h_bucket|e"}'])
        form = self.chosen.randrange(4)
        if form == 0:
            quantiles = self.chosen.sample(QUANTILES, 1 + self.chosen.randrange(3))
            return f'histogram_quantiles({operand}, "q", {", ".join(quantiles)})'
        if form == 1:
            lower = self.one_of(["0", "0.5", "-1", "5", "-Inf", "NaN"])
            upper = self.one_of(["1", "3", "+Inf", "0.7", "-2"])
            return f"histogram_fraction({lower}, {upper}, {operand})"
        q = self.scalar(depth - 1) if self.one_in(8) else self.one_of(QUANTILES)
        return f"histogram_quantile({q}, {operand})"

    def label_call(self, depth):
        operand, form = self.vector(depth - 1), self.chosen.randrange(5)
        target = self.one_of(['"new"', '"i"', '"j"', '"__name__"', '"k"'])
        source = self.one_of(['"i"', '"j"', '"le"', '"none"', '"__name__"'])
        if form == 0:
            return f'label_join({operand}, {target}, "-", {source}, "i")'
        if form == 1:
            replacement = self.one_of(['"$1"', '"v"', '""', '"x-${1}"', '"$0"'])
            pattern = self.one_of(['"(.*)"', '"(.).*"', '"1"', '""', '"[xy]"'])
            return f"label_replace({operand}, {target}, {replacement}, {source}, {pattern})"
        if form == 2:
            return f"sort_by_label{self.one_of(['', '_desc'])}({operand}, {source})"
        described = self.one_of(["t", 't{i="1"}', '{job="j"}', "sum by (instance, job) (t)",
                                 "rate(t[3m])", operand])
        wish = self.one_of(["", ', {version=~".+"}', ', {__name__="build_info"}',
                            ', {version="1"}', ', {__name__=~".+_info"}', ', {build=""}', ", {}"])
        return f"info({described}{wish})"
