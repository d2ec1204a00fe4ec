"""Queries against a real Prometheus in the same run, on the same data: CPU of the server's process
and growth of its memory, answers compared first."""
import math
import pathlib
import re
import statistics
import time

import query_data
from system_under_load import SELECTORS, Subject

KINDS = ("thermocline", "prometheus")
ROUNDS = 5
# A round repeats a query until it has taken about so much CPU.
ROUND_SECONDS = 0.1
MOST_REPEATS = 50
# A collected heap grows less than this by chance.
MEMORY_NOISE_BYTES = 16 << 20
INTERVAL_MS = 15_000

# Prometheus' own range-query benchmark; X stands for one and hundred, steps are 1 and 1,000 where
# none are given.
SHAPES = (
    ("a_X", 0), ("rate(a_X[1m])", 0), ("rate(a_X[1m])", 10_000), ("rate(sparse[1m])", 10_000),
    ("rate(a_X[1m] smoothed)", 0), ("rate(a_X[1m] smoothed)", 10_000),
    ("rate(sparse[1m] smoothed)", 10_000), ("double_exponential_smoothing(a_X[1d], 0.3, 0.3)", 0),
    ("changes(a_X[1d])", 0), ("rate(a_X[1d])", 0), ("absent_over_time(a_X[1d])", 0), ("-a_X", 0),
    ("a_X - b_X", 0), ("a_X - b_X", 10_000), ("a_X and b_X{l=~'.*[0-4]$'}", 0),
    ("a_X or b_X{l=~'.*[0-4]$'}", 0), ("a_X unless b_X{l=~'.*[0-4]$'}", 0),
    ("a_X and b_X{l='notfound'}", 0), ("abs(a_X)", 0),
    ("label_replace(a_X, 'l2', '$1', 'l', '(.*)')", 0), ("label_join(a_X, 'l2', '-', 'l', 'l')", 0),
    ("sum(a_X)", 0), ("avg(a_X)", 0), ("sum without (l)(h_X)", 0), ("sum without (le)(h_X)", 0),
    ("sum by (l)(h_X)", 0), ("sum by (le)(h_X)", 0), ("count_values('value', h_X)", 100),
    ("topk(1, a_X)", 0), ("topk(5, a_X)", 0), ("limitk(1, a_X)", 0), ("limitk(5, a_X)", 0),
    ("limit_ratio(0.1, a_X)", 0), ("limit_ratio(0.5, a_X)", 0), ("limit_ratio(-0.5, a_X)", 0),
    ("rate(a_X[1m]) + rate(b_X[1m])", 0), ("sum without (l)(rate(a_X[1m]))", 0),
    ("sum without (l)(rate(a_X[1m])) / sum without (l)(rate(b_X[1m]))", 0),
    ("histogram_quantile(0.9, rate(h_X[5m]))", 0), ("a_X + on(l) group_right a_one", 0),
    ('count({__name__!=""})', 1), ('count({__name__!="",l=""})', 1), ("timestamp(a_X)", 0),
)
SHAPE_INTERVAL_MS = 10_000
FEATURES = "--enable-feature=promql-experimental-functions,promql-extended-range-selectors"


class ProcessClock:
    """CPU time of another process in nanoseconds, its ended threads among it."""

    def __init__(self, pid):
        self.clock = ~pid << 3 | 2  # as clock_getcpuclockid(3) makes it

    def seconds(self):
        return time.clock_gettime_ns(self.clock) / 1e9


def near(ours, theirs):
    ours, theirs = float(ours), float(theirs)
    return ours == theirs or (math.isnan(ours) and math.isnan(theirs)) or (
        abs(ours - theirs) <= 1e-9 * abs(theirs))


def same(ours, theirs):
    """Whether two results agree to 1e-9, in whatever order their series come."""
    def points(entry):
        return entry["values"] if "values" in entry else [entry["value"]]

    def by_labels(result):
        return {str(sorted(e["metric"].items())): points(e) for e in result}
    ours, theirs = by_labels(ours), by_labels(theirs)
    return ours.keys() == theirs.keys() and all(
        len(ours[key]) == len(theirs[key]) and all(
            a[0] == b[0] and near(a[1], b[1]) for a, b in zip(ours[key], theirs[key]))
        for key in ours)


class Memory:
    """Growth of a process' resident memory since `reset`."""

    def __init__(self, pid):
        self.folder = pathlib.Path(f"/proc/{pid}")
        (self.folder / "clear_refs").write_text("5")
        self.before = self.read("VmRSS")

    def read(self, name):
        status = (self.folder / "status").read_text()
        return int(re.search(rf"^{name}:\s+(\d+) kB", status, re.MULTILINE)[1]) << 10

    def growth(self):
        return self.read("VmHWM") - self.before


def measure(subjects, path, parameters):
    """Per kind (CPU seconds of one query, growth in bytes): medians over rounds that take turns."""
    answers, clocks, spent, growths, repeats = {}, {}, {}, {}, {}
    for kind, subject in subjects.items():
        pid = subject.server.process.pid
        clocks[kind] = ProcessClock(pid)
        memory, before = Memory(pid), clocks[kind].seconds()
        answers[kind] = subject.ask(path, **parameters)
        once = clocks[kind].seconds() - before
        growths[kind] = memory.growth()
        repeats[kind] = max(1, min(MOST_REPEATS, round(ROUND_SECONDS / max(once, 1e-4))))
        spent[kind] = []
    if "limitk" in parameters["query"]:  # which ones is left to the server
        assert len(answers[KINDS[0]]) == len(answers[KINDS[1]]), parameters
    else:
        assert same(*(answers[kind] for kind in KINDS)), (parameters, "the answers differ")
    assert answers[KINDS[0]], (parameters, "nothing answers")
    for _ in range(ROUNDS):
        for kind, subject in subjects.items():
            before = clocks[kind].seconds()
            for _ in range(repeats[kind]):
                subject.ask(path, **parameters)
            spent[kind].append((clocks[kind].seconds() - before) / repeats[kind])
    return {kind: (statistics.median(spent[kind]), growths[kind]) for kind in subjects}


def is_little(our_growth, their_growth):
    return our_growth <= max(their_growth / 3, MEMORY_NOISE_BYTES)


def compare(subjects, job, bar, table, path="/api/v1/query_range", **parameters):
    found = measure(subjects, path, parameters)
    (ours, our_growth), (theirs, their_growth) = (found[kind] for kind in KINDS)
    ratio = theirs / ours
    table.add(f"{job}: CPU ms", f"{ours * 1e3:.1f}", f"{theirs * 1e3:.1f}", f"{ratio:.1f}x less",
              f"{bar}x" if bar else "", ratio >= bar if bar else None)
    table.add("its memory, MiB more", f"{our_growth / (1 << 20):.1f}",
              f"{their_growth / (1 << 20):.1f}", "", "a third", is_little(our_growth, their_growth))


def both(*flags):
    return Subject(KINDS[0], *flags), Subject(KINDS[1], "", *flags)


def grid(first_ms, last_ms, step_s):
    return {"start": first_ms // 1000, "end": last_ms // 1000, "step": step_s}


def restart_on_blocks(subject):
    """A Prometheus whose data are the blocks of its snapshot alone; ours stays as it is."""
    subject.persist()
    if subject.kind == "prometheus":
        subject.restart_on(next((subject.data / "snapshots").iterdir()))


def query_fleet(sizes, table):
    """2,000 series x 12 h, 721 steps: folds and ranks, from memory and from files."""
    samples = sizes.mix15["samples"]
    start_ms = int(time.time() * 1000) - samples * 15_000 - 120_000
    ours, theirs = both()
    with ours, theirs:
        subjects = {KINDS[0]: ours, KINDS[1]: theirs}
        for subject in subjects.values():
            report, _ = subject.load("mix15", start_ms=start_ms, **sizes.mix15)
        last_ms = report["last_ms"]
        fleet = SELECTORS["mix15"]
        steps = grid(last_ms - samples * 15_000, last_ms, 60)
        for state, bar in (("in memory", 8), ("in files", 5)):
            for name in ("sum by (dc) ", "count", "avg by (dc) "):
                compare(subjects, f"{name}({samples * 2000 / 1e6:.2f} M samples), {state}", bar,
                        table, query=f"{name}({fleet})", **steps)
            compare(subjects, f"quantile by, {state}", 6 if bar == 8 else 0, table,
                    query=f"quantile by (dc) (0.9, {fleet})", **steps)
            compare(subjects, f"topk(10), {state}", 6 if bar == 8 else 0, table,
                    query=f"topk(10, {fleet})", **steps)
            if bar == 8:
                for subject in subjects.values():
                    restart_on_blocks(subject)


def query_rate(sizes, table):
    """Counters every 15 s, asked every minute."""
    series, samples = sizes.steady["series"], sizes.steady["samples"]
    ours, theirs = both()
    with ours, theirs:
        subjects = {KINDS[0]: ours, KINDS[1]: theirs}
        first_ms, last_ms = query_data.write(subjects.values(), query_data.counters(
            ago(samples, INTERVAL_MS), series, samples, INTERVAL_MS))
        for state, bar in (("in memory", 14), ("in files", 5)):
            compare(subjects, f"sum by (job) (rate([5m])), {series:,} series, {state}", bar, table,
                    query="sum by (job) (rate(requests_total[5m]))",
                    **grid(first_ms + 300_000, last_ms, 60))
            if bar == 14:
                for subject in subjects.values():
                    restart_on_blocks(subject)


def ago(samples, interval_ms):
    return int(time.time()) * 1000 - samples * interval_ms - 60_000


def generated(series, table, cases):
    """Sends the series to both, and compares what `cases` of (job, bar, query, step) ask."""
    ours, theirs = both()
    with ours, theirs:
        subjects = {KINDS[0]: ours, KINDS[1]: theirs}
        first_ms, last_ms = query_data.write(subjects.values(), series)
        for job, bar, query, step in cases:
            compare(subjects, job, bar, table, query=query,
                    **grid(first_ms + 300_000, last_ms, step))


def query_classic(sizes, table):
    histograms, samples = (20, 120) if sizes.quick else (300, 480)
    generated(query_data.classic_histograms(
        ago(samples, INTERVAL_MS), histograms, samples, INTERVAL_MS),
              table, [(f"histogram_quantile over {histograms} classic histograms", 6,
                       "histogram_quantile(0.9, sum by (le, job) "
                       "(rate(request_seconds_bucket[5m])))", 15)])


def query_join(sizes, table):
    series, samples = (50, 60) if sizes.quick else (1000, 354)
    generated(query_data.joined(ago(samples, INTERVAL_MS), series, samples, INTERVAL_MS), table, [
        (f"join on() group_left, {series} x {series} series, {samples * 15 - 310} steps", 8,
         "sum(left_total * on (instance) group_left (version) right_info)", 1)])


def query_native(sizes, table):
    series, samples = (50, 100) if sizes.quick else (3000, 2000)
    generated(query_data.native_histograms(
        ago(samples, INTERVAL_MS), series, samples, INTERVAL_MS), table, [
        (f"histogram_quantile(0.99, sum(rate())), {series} native series x {samples} samples", 5,
         "histogram_quantile(0.99, sum(rate(latency[5m])))", 60)])


def query_regex(sizes, table):
    """Our server alone: the bars are times."""
    series = sizes.regex_series
    with Subject(KINDS[0]) as ours:
        report, _ = ours.load("cardinality", series=series, samples=1)
        walls = []
        at_s = report["last_ms"] // 1000 + 1
        for middle in ("1", "2", "3"):
            query = f'count({{request_id=~".*{middle}bead.*00a.*"}})'
            for repeat in range(2):
                begun = time.perf_counter()
                answer = ours.ask("/api/v1/query", query=query, time=at_s)
                walls.append((repeat, (time.perf_counter() - begun) * 1e3))
            assert not answer or int(answer[0]["value"][1]) < 100, answer
        first, again = (statistics.median(ms for r, ms in walls if r == n) for n in (0, 1))
        table.add(f"regex of two literals over {series:,} values, wall ms: first", f"{first:.1f}",
                  bar="15 ms", met=first <= 15)
        table.add("the same, again", f"{again:.2f}", bar="1 ms", met=again <= 1)


def query_shapes(sizes, table):
    """Prometheus' own range-query benchmark."""
    samples = 700 if sizes.quick else 10_400
    ours, theirs = both(FEATURES)
    ratios, growths = [], []
    with ours, theirs:
        subjects = {KINDS[0]: ours, KINDS[1]: theirs}
        _, last_ms = query_data.write(subjects.values(), query_data.shapes(
            ago(samples, SHAPE_INTERVAL_MS), samples, SHAPE_INTERVAL_MS))
        for expression, own_steps in SHAPES:
            for size in ("one", "ten", "hundred") if "X" in expression else ("",):
                for steps in (own_steps,) if own_steps else (1, 1000):
                    steps = min(steps, samples - 100)
                    query = expression.replace("X", size)
                    found = shape(subjects, query, steps, last_ms)
                    if found:
                        ratios.append((found[0], f"{query} x {steps}"))
                        growths.append(found[1])
    ratios.sort()
    mean = math.exp(statistics.fmean(math.log(ratio) for ratio, _ in ratios))
    table.add(f"{len(ratios)} shapes of range queries, geometric mean of CPU", "", "",
              f"{mean:.1f}x less", "8x", mean >= 8)
    table.add("the slowest: " + "; ".join(f"{what} {ratio:.2f}x" for ratio, what in ratios[:8]),
              "", "", f"{ratios[0][0]:.2f}x less", "1x", ratios[0][0] >= 1)
    table.add("those whose memory grows by more than a third of Prometheus'",
              str(sum(growths)), bar="0", met=not any(growths))


def shape(subjects, query, steps, last_ms):
    """(ratio of CPU, whether memory grew too much), or None when nothing answers."""
    end_s = last_ms // 1000
    parameters = {"query": query, "start": end_s - (steps - 1) * 10, "end": end_s, "step": 10}
    if not any(subject.ask("/api/v1/query_range", **parameters) for subject in subjects.values()):
        return None
    found = measure(subjects, "/api/v1/query_range", parameters)
    (ours, our_growth), (theirs, their_growth) = (found[kind] for kind in KINDS)
    return theirs / ours, not is_little(our_growth, their_growth)


JOBS = (query_fleet, query_rate, query_classic, query_join, query_native, query_regex,
        query_shapes)
