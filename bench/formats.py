"""Prometheus blocks in, Parquet out, and scans of each layout, against Prometheus' own block
querier on the same block in the same run. Answers are compared first: every reader counts the
samples and makes a checksum of all labels, times and value bits. Rates divide by processor
seconds (user and system, of the whole process) unless they say "a second". `--quick` is a smoke
run."""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
MIB = 1 << 20
# 200 metrics each.
SERIES_PER_METRIC = 174
EVEN_SERIES_PER_METRIC = 20
SAMPLES = 2880


class Programs:
    """What is run, from one build directory."""

    def __init__(self, build):
        self.thermocline = build / "thermocline"
        self.bench = build / "bench/formats_bench"
        self.selects = build / "bench/select_bench"
        self.yardstick = build / "bench/yardstick"
        subprocess.run(
            ["go", "build", "-o", self.yardstick, "."], cwd=ROOT / "bench/yardstick", check=True,
            env={**os.environ, "GOFLAGS": "-buildvcs=false"})

    def make_block(self, kind, series_per_metric, folder):
        """The folder of a block that Prometheus' writers made of our generator's samples."""
        with subprocess.Popen([self.bench, "generate", kind, str(series_per_metric), str(SAMPLES)],
                              stdout=subprocess.PIPE) as generator:
            out = subprocess.run([self.yardstick, "write", folder], stdin=generator.stdout,
                                 stdout=subprocess.PIPE, check=True).stdout
        if generator.returncode != 0:
            sys.exit("formats: the generator failed")
        return json.loads(out)["block"]


def report_of(*command):
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def scan(readers, rounds):
    """Samples per processor second of each reader, by name: readers take turns, so that what else
    the machine does is spread over all, and medians are taken. All must give the same sums."""
    seconds = {name: [] for name in readers}
    answer = None
    for _ in range(rounds):
        for name, command in readers.items():
            report = report_of(*command)
            seconds[name] += report.pop("cpu_s")
            if answer not in (None, report):
                sys.exit(f"formats: {name} gives {report}, expected {answer}")
            answer = report
    return {name: answer["samples"] / statistics.median(all_s) for name, all_s in seconds.items()}


def convert(programs, block, layout, target, rounds, *flags):
    """Per round (seconds, processor seconds, peak bytes) of a conversion to a fresh folder."""
    results = []
    for _ in range(rounds):
        shutil.rmtree(target, ignore_errors=True)
        begun = time.perf_counter()
        process = subprocess.Popen(
            [programs.thermocline, "convert", block, f"--to={target}", f"--layout={layout}",
             "--progress=none", *flags], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            sys.exit(f"formats: convert to {layout} failed")
        results.append((time.perf_counter() - begun, usage.ru_utime + usage.ru_stime,
                        usage.ru_maxrss * 1024))
    return results


class Table:
    HEADER = ("job", "figure", "of the yardstick", "bar", "")

    def __init__(self, judge):
        self.judge = judge
        self.rows = [self.HEADER, ("---",) * len(self.HEADER)]

    def add(self, job, figure, ratio="", bar="", met=None):
        verdict = {None: "", True: "met", False: "MISSED"}[met if self.judge else None]
        self.rows.append((job, figure, ratio, bar, verdict))

    def add_rate(self, job, rate, yardstick, bar_ratio=None, bar_rate=None):
        """A bar is met when one of its readings is: the ratio was derived from the rate on a
        machine whose yardstick differs."""
        bars = []
        if bar_rate is not None:
            bars.append(f"{bar_rate / 1e6:.0f} M")
        if bar_ratio is not None:
            bars.append(f"{bar_ratio} x")
        met = None
        if bars:
            met = ((bar_ratio is not None and rate >= bar_ratio * yardstick)
                   or (bar_rate is not None and rate >= bar_rate))
        self.add(job, f"{rate / 1e6:.1f} M", f"{rate / yardstick:.2f}", " or ".join(bars), met)

    def print(self):
        for row in self.rows:
            print("| " + " | ".join(row) + " |", flush=True)


def compare(programs, block, folders):
    """Ends the run unless all readers see the same."""
    want = report_of(programs.yardstick, "check", block)
    print(f"the yardstick reads {want['series']:,} series, {want['samples']:,} samples, "
          f"checksum {want['checksum']}", flush=True)
    for layout, folder in (("block", block), *folders.items()):
        got = report_of(programs.bench, "check", layout, folder)
        if got != want:
            sys.exit(f"formats: {layout} answers {got}")
        print(f"{layout}: the same", flush=True)


def run(programs, folder, table, quick):
    """Fills the table; what the yardstick makes a processor second."""
    rounds = 1 if quick else 3
    series_per_metric = 4 if quick else SERIES_PER_METRIC
    block = programs.make_block("mix15", series_per_metric, f"{folder}/mix15")
    even = programs.make_block("even", EVEN_SERIES_PER_METRIC, f"{folder}/even")
    folders = {layout: f"{folder}/{layout}" for layout in ("parquet-common", "samples")}
    runs = {layout: convert(programs, block, layout, target, rounds, "--jobs=2")
            for layout, target in folders.items()}
    compare(programs, block, folders)
    samples = report_of(programs.bench, "check", "block", block)["samples"]

    rates = scan({"yardstick": (programs.yardstick, "scan", block),
                  "block": (programs.bench, "scan", "block", block),
                  **{layout: (programs.bench, "scan", layout, folders[layout])
                     for layout in folders}}, rounds)
    yardstick = rates["yardstick"]
    table.add(f"yardstick: Prometheus' block querier, {samples / 1e6:.1f} M samples of mix15",
              f"{yardstick / 1e6:.1f} M")
    table.add_rate("our scan of the block", rates["block"], yardstick)
    for layout, bar in (("parquet-common", 0.9), ("samples", 0.35)):
        cpu_s = statistics.median(result[1] for result in runs[layout])
        table.add_rate(f"block -> {layout}", samples / cpu_s, yardstick, bar)
        wall = samples / min(result[0] for result in runs[layout])
        peak = max(result[2] for result in runs[layout])
        bars = ("40 M", wall >= 40e6, "1024 MiB", peak < 1024 * MIB) if layout == "samples" else (
            "", None, "", None)
        table.add(f"block -> {layout}, two cores, a second", f"{wall / 1e6:.1f} M", "", *bars[:2])
        table.add(f"block -> {layout}, peak memory", f"{peak / MIB:.0f} MiB", "", *bars[2:])
    table.add_rate("scan of parquet-common", rates["parquet-common"], yardstick, 1.7)
    table.add_rate("scan of samples", rates["samples"], yardstick, 3.5, 200e6)
    of_even = scan({"yardstick": (programs.yardstick, "scan", even),
                    "block": (programs.bench, "scan", "block", even)}, rounds)
    table.add("yardstick on whole counters at exact intervals",
              f"{of_even['yardstick'] / 1e6:.1f} M")
    table.add_rate("our scan of that block", of_even["block"], of_even["yardstick"])
    return yardstick


def run_many_series(programs, folder, table):
    """Opening is lazy: the memory of a block of ten million series, looked at and asked."""
    made = report_of(programs.yardstick, "series", folder)
    instant = ("query", "instant", f"--storage={made['block']}", "--time=1700006400")
    for job, command, words in (
            ("opened", ("inspect", made["block"]), f"{made['series']} series"),
            ("one metric counted", (*instant, "count(some_metric_name_007_total)"), "20000"),
            ("all counted", (*instant, 'count({__name__=~".+"})'), str(made["series"]))):
        with tempfile.TemporaryFile() as out:
            begun = time.perf_counter()
            process = subprocess.Popen([programs.thermocline, *command], stdout=out)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            out.seek(0)
            if process.returncode != 0 or words not in out.read().decode():
                sys.exit(f"formats: {' '.join(command)} does not tell {words}")
        seconds, peak = time.perf_counter() - begun, usage.ru_maxrss * 1024
        table.add(f"block of ten million series, {job} ({seconds:.2f} s): peak memory",
                  f"{peak / MIB:.0f} MiB", "", "1024 MiB", peak < 1024 * MIB)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release",
                        help="the release build, default build/release")
    parser.add_argument("--folder", help="where the data goes (1.5 GB), default a temporary folder")
    arguments = parser.parse_args()
    programs = Programs(arguments.build.resolve())
    table = Table(judge=not arguments.quick)
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        yardstick = run(programs, folder, table, arguments.quick)
        if not arguments.quick:
            run_many_series(programs, folder, table)
    table.print()
    if not arguments.quick:
        print(flush=True)
        subprocess.run([programs.selects, f"--yardstick={yardstick / 1e6:.1f}"], check=True)


if __name__ == "__main__":
    main()
