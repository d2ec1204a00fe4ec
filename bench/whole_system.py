"""The whole system against a real Prometheus in the same run: the same requests to both, answers
compared first, then the server's own CPU time per unit of work. `--quick` is a smoke run whose
figures mean little; job names select jobs."""
import argparse
import datetime
import os
import pathlib
import platform
import statistics
import sys
import tempfile
import time

import query_speed
from real_scrape import real_scrape
from system_under_load import SELECTORS, Subject

KINDS = ("thermocline", "prometheus")
# Dense enough that steady and churn fit the last half hour, which no server moves out of its head.
DENSE_MS = 4000
# Until buffers of requests are given back to the system.
SETTLING_SECONDS = 10
MIB = 1 << 20


class Sizes:
    """How much of each job is done."""

    def __init__(self, quick):
        self.quick = quick
        self.rounds = 1 if quick else 3
        self.steady = dict(series=4000 if quick else 20_000, samples=100 if quick else 400,
                           interval_ms=DENSE_MS)
        self.churn_series = 40_000 if quick else 500_000
        self.mix15 = dict(samples=240 if quick else 2880)
        self.end_to_end = dict(samples=480 if quick else 5760)
        self.instant_series = 10_000 if quick else 100_000
        self.regex_series = 50_000 if quick else 1_000_000
        self.query_groups = 2 if quick else 7
        self.scrape_seconds = 15 if quick else 600
        self.writes_per_second = 200
        self.write_steps = 100 if quick else 400


class Table:
    """Rows of results; a bar is a text and whether it was met, judged at full size only."""

    HEADER = ("job", "thermocline", "prometheus", "ratio", "bar", "")

    def __init__(self, judge):
        self.judge = judge
        self.rows = []

    def add(self, job, ours, theirs="", ratio="", bar="", met=None):
        verdict = {None: "", True: "met", False: "MISSED"}[met if self.judge else None]
        self.rows.append((job, ours, theirs, ratio, bar, verdict))
        print("  " + " | ".join(cell for cell in self.rows[-1] if cell), flush=True)

    def print(self):
        print("\n| " + " | ".join(self.HEADER) + " |")
        print("|" + " --- |" * len(self.HEADER))
        for row in self.rows:
            print("| " + " | ".join(row) + " |")


def say(text):
    print(f"{datetime.datetime.now():%H:%M:%S} {text}", flush=True)


def ingest(sizes, table):
    """Steady remote write; then a kill, replay, and a flush of the last round's data."""
    rates = {kind: [] for kind in KINDS}
    for round_number in range(sizes.rounds):
        last = round_number == sizes.rounds - 1
        for kind in KINDS:
            with Subject(kind) as subject:
                report, cpu_s = subject.load("steady", **sizes.steady)
                subject.check("steady", report)
                rates[kind].append(report["samples"] / cpu_s)
                say(f"{kind}: {rates[kind][-1] / 1e6:.2f} M samples per CPU second, "
                    f"{report['samples'] / report['seconds'] / 1e6:.2f} M a second, "
                    f"p50 {report['p50_us']} us, p99 {report['p99_us']} us")
                if last:
                    replay_and_flush(subject, report, table)
    ours, theirs = (statistics.median(rates[kind]) for kind in KINDS)
    table.add(f"ingest {sizes.steady['series']:,} x {sizes.steady['samples']}, samples/CPU-s",
              f"{ours / 1e6:.2f} M", f"{theirs / 1e6:.2f} M", f"{ours / theirs:.1f}x",
              "4x", ours / theirs >= 4)


def replay_and_flush(subject, report, table):
    samples = report["samples"]
    seconds, cpu_s = subject.restart_after_kill()
    subject.check("steady", report)
    table.add(f"WAL replay after kill -9 ({subject.kind}), {samples / 1e6:.1f} M samples",
              f"{samples / seconds / 1e6:.2f} M/s to ready", "",
              f"{samples / cpu_s / 1e6:.2f} M/CPU-s")
    if subject.kind != "thermocline":
        return
    seconds, cpu_s = subject.persist()
    subject.check("steady", report)
    rate = samples / seconds / 1e6
    table.add(f"flush to Parquet, {samples / 1e6:.1f} M samples",
              f"{rate:.1f} M/s ({samples / cpu_s / 1e6:.1f} M/CPU-s)", bar="20 M/s",
              met=rate >= 20)


def churn(sizes, table):
    """CPU of a new series without its samples: from two runs that differ in samples only."""
    series = sizes.churn_series
    results = {}
    for kind in KINDS:
        cpu = {}
        for samples in (1, 8):
            with Subject(kind) as subject:
                report, cpu[samples] = subject.load(
                    "churn", series=series, samples=samples, interval_ms=DENSE_MS)
                at_once = subject.server.resident_bytes()
                time.sleep(SETTLING_SECONDS)
                resident = subject.server.resident_bytes()
                subject.check("churn", report)
        per_sample = (cpu[8] - cpu[1]) / 7 / series
        beyond = (cpu[1] / series - per_sample) * 1e6
        results[kind] = (beyond, cpu[8] / series * 1e6, resident / series, at_once / series)
        say(f"{kind}: {cpu[1]:.2f} CPU s with one sample each, {cpu[8]:.2f} with eight, "
            f"{at_once / MIB:.0f} MiB resident at once, {resident / MIB:.0f} MiB settled")
    ours, theirs = (results[kind] for kind in KINDS)
    table.add(f"{series:,} new series, CPU us a series beyond its samples", f"{ours[0]:.1f}",
              f"{theirs[0]:.1f}", f"{theirs[0] / ours[0]:.1f}x less", "6 us", ours[0] <= 6)
    table.add("the same with 8 samples each", f"{ours[1]:.1f}", f"{theirs[1]:.1f}",
              f"{theirs[1] / ours[1]:.1f}x less")
    table.add(f"resident bytes a series, all in, {SETTLING_SECONDS} s later (at once)",
              f"{ours[2]:.0f} ({ours[3]:.0f})", f"{theirs[2]:.0f} ({theirs[3]:.0f})",
              f"{theirs[2] / ours[2]:.1f}x less", "600 B", ours[2] <= 600)


def same(ours, theirs):
    """Whether two matrices agree to 1e-9."""
    def by_labels(result):
        return {str(sorted(e["metric"].items())): e["values"] for e in result}
    ours, theirs = by_labels(ours), by_labels(theirs)
    return ours.keys() == theirs.keys() and all(
        len(ours[key]) == len(theirs[key]) and all(
            a[0] == b[0] and abs(float(a[1]) - float(b[1])) <= 1e-9 * abs(float(b[1]))
            for a, b in zip(ours[key], theirs[key]))
        for key in ours)


def query_cpu(subjects, groups, path, **parameters):
    """Per kind (CPU ms, wall ms): medians over interleaved groups of five; and the answers."""
    cpu, wall = {kind: [] for kind in KINDS}, {kind: [] for kind in KINDS}
    answers = {kind: subjects[kind].ask(path, **parameters) for kind in KINDS}
    for _ in range(groups):
        for kind in KINDS:
            before = subjects[kind].cpu_seconds()
            for _ in range(5):
                begun = time.perf_counter()
                subjects[kind].ask(path, **parameters)
                wall[kind].append((time.perf_counter() - begun) * 1000)
            cpu[kind].append((subjects[kind].cpu_seconds() - before) * 200)
    return {k: (statistics.median(cpu[k]), statistics.median(wall[k])) for k in KINDS}, answers


def range_queries(subjects, report, sizes, state, table):
    start_s, end_s = report["first_ms"] // 1000 + 180, report["last_ms"] // 1000
    for name, operation in (("count", "count"), ("sum by", "sum by (dc) ")):
        spent, answers = query_cpu(
            subjects, sizes.query_groups, "/api/v1/query_range",
            query=f"{operation}({SELECTORS['mix15']})", start=start_s, end=end_s, step=60)
        assert same(*(answers[kind] for kind in KINDS)), f"{operation}: the answers differ"
        (ours, ours_wall), (theirs, theirs_wall) = (spent[kind] for kind in KINDS)
        ratio = theirs / max(ours, 0.1)
        table.add(f"{name} over {report['samples'] / 1e6:.2f} M samples, "
                  f"{len(answers['thermocline'][0]['values'])} steps, {state}: CPU ms",
                  f"{ours:.0f} (wall {ours_wall:.0f})", f"{theirs:.0f} (wall {theirs_wall:.0f})",
                  f"{ratio:.1f}x less", "4x", ratio >= 4)


def one_hour(subjects, report, sizes, state, table):
    """All samples of one metric in the last hour."""
    end_s = report["last_ms"] // 1000
    spent, answers = query_cpu(
        subjects, sizes.query_groups, "/api/v1/query", query="fleet_metric_007_total[1h]",
        time=end_s)
    assert same(*(answers[kind] for kind in KINDS)), "the samples of an hour differ"
    (ours, ours_wall), (theirs, theirs_wall) = (spent[kind] for kind in KINDS)
    table.add(f"one metric, one hour of raw samples, {state}: CPU ms",
              f"{ours:.1f} (wall {ours_wall:.1f})", f"{theirs:.1f} (wall {theirs_wall:.1f})")


def mix15(sizes, table):
    """Range queries hot and cold, and bytes on disk."""
    now_ms = int(time.time() * 1000)
    start_ms = now_ms - sizes.mix15["samples"] * 15_000 - 120_000
    with Subject(KINDS[0]) as ours, Subject(KINDS[1]) as theirs:
        for subject in (ours, theirs):
            report, _ = subject.load("mix15", start_ms=start_ms, **sizes.mix15)
            subject.check("mix15", report)
        subjects = {KINDS[0]: ours, KINDS[1]: theirs}
        range_queries(subjects, report, sizes, "in memory", table)
        held = ours.metric("thermocline_head_memory_bytes")
        one_hour(subjects, report, sizes, "in memory", table)
        for subject in (ours, theirs):
            subject.persist()
        ours.check("mix15", report)
        range_queries(subjects, report, sizes, "from Parquet", table)
        one_hour(subjects, report, sizes, "from Parquet", table)
        samples = report["samples"]
        folder = theirs.disk_bytes("snapshots")
        blocks = theirs.disk_bytes() - folder
        everything = ours.disk_bytes() / samples
        cold = ours.disk_bytes("wal") / samples
        table.add("mix15 on disk after flush, everything counted, the log too, bytes a sample",
                  f"{everything:.4f}", f"{blocks / samples:.3f} (blocks of a snapshot)",
                  f"{blocks / samples / everything:.2f}x less", "1.70", everything <= 1.70)
        table.add("the same, against all that is in Prometheus' folder", f"{everything:.4f}",
                  f"{folder / samples:.3f}", f"{folder / samples / everything:.2f}x less")
        table.add("the same, without the log's folder", f"{cold:.4f}")
        table.add("room set aside for a full disk (--storage.ballast-size), not data",
                  f"{ours.ballast_bytes() / MIB:.0f} MiB")
        table.add("Parquet against memory of the head, series among it, bytes a sample",
                  f"{cold:.3f} against {held / samples:.2f}")


def instant(sizes, table):
    with Subject(KINDS[0]) as ours, Subject(KINDS[1]) as theirs:
        subjects = {KINDS[0]: ours, KINDS[1]: theirs}
        start_ms = int(time.time() * 1000) - 60_000
        for subject in subjects.values():
            report, _ = subject.load("cardinality", series=sizes.instant_series, samples=1,
                                     start_ms=start_ms)
            subject.check("cardinality", report)
        spent, answers = query_cpu(
            subjects, sizes.query_groups, "/api/v1/query",
            query=f"count({SELECTORS['cardinality']})", time=report["last_ms"] // 1000 + 1)
        for kind in KINDS:
            assert float(answers[kind][0]["value"][1]) == sizes.instant_series, answers[kind]
        ours_ms, theirs_ms = (spent[kind][1] for kind in KINDS)
        table.add(f"instant count over {sizes.instant_series:,} series, wall ms", f"{ours_ms:.1f}",
                  f"{theirs_ms:.1f}", f"{theirs_ms / ours_ms:.0f}x less", "10 ms", ours_ms <= 10)


def end_to_end(sizes, table):
    """A day of data: taken in, sealed and made into files."""
    rates = []
    for kind in KINDS:
        with Subject(kind) as subject:
            report, ingest_s = subject.load("mix15", **sizes.end_to_end)
            _, persist_s = subject.persist()
            subject.check("mix15", report)
            rates.append(report["samples"] / (ingest_s + persist_s) / 1e6)
            say(f"{kind}: {ingest_s:.2f} CPU s of ingest, {persist_s:.2f} of making files")
    table.add(f"end to end, {sizes.end_to_end['samples'] / 240:.0f} h of mix15, samples/CPU-s",
              f"{rates[0]:.2f} M", f"{rates[1]:.2f} M (with a snapshot)",
              f"{rates[0] / rates[1]:.1f}x")


def flush_under_writes(sizes, table):
    """Latency of writes that a flush overlaps, and of the others."""
    with Subject("thermocline") as subject, tempfile.NamedTemporaryFile("r") as file:
        subject.load("steady", **sizes.steady)
        loader = subject.start_load(
            "cardinality", series=20_000, samples=sizes.write_steps, interval_ms=DENSE_MS,
            requests_per_second=sizes.writes_per_second, latencies=file.name)
        flushes = []
        pause_s = sizes.write_steps * 10 / sizes.writes_per_second / 4
        for _ in range(3):
            time.sleep(pause_s)
            begun_ms = time.time() * 1000
            subject.persist()
            flushes.append((begun_ms, time.time() * 1000))
        report = subject.finish_load(loader)
        subject.check("cardinality", report)
        latencies = [tuple(map(int, line.split())) for line in file]
    during, apart = [], []
    for start_ms, micros in latencies:
        overlaps = any(start_ms + micros / 1000 >= f[0] and start_ms <= f[1] for f in flushes)
        (during if overlaps else apart).append(micros / 1000)
    flush_ms = ", ".join(f"{end - begun:.0f}" for begun, end in flushes)
    for name, part in (("during", during), ("without", apart)):
        part.sort()
        if part:
            table.add(f"latency of {sizes.writes_per_second} writes a second {name} a flush "
                      f"({len(part)} writes; flushes took {flush_ms} ms)",
                      f"p50 {part[len(part) // 2]:.1f} ms, "
                      f"p99 {part[len(part) * 99 // 100]:.1f} ms")


JOBS = {job.__name__: job for job in (
    ingest, churn, mix15, instant, end_to_end, flush_under_writes, real_scrape,
    *query_speed.JOBS)}


def machine():
    cpu = next((line.partition(":")[2].strip()
                for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    return f"{os.cpu_count()} cores of {cpu}, Linux {platform.release()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("jobs", nargs="*", metavar="JOB", help=", ".join(JOBS))
    arguments = parser.parse_args()
    unknown = set(arguments.jobs) - JOBS.keys()
    if unknown:
        parser.error(f"no such job: {', '.join(sorted(unknown))}")
    load = os.getloadavg()[0]
    print(f"whole system, {datetime.date.today()}, {machine()}, load {load:.1f} before the start")
    if load > os.cpu_count():
        print("the machine is busy: wall times and CPU times will suffer")
    sizes, table = Sizes(arguments.quick), Table(judge=not arguments.quick)
    for name in arguments.jobs or JOBS:
        say(f"== {name}")
        JOBS[name](sizes, table)
    table.print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
