"""Runs every test of the project. Usage: tools/run_tests [--all] [--list] [PART...]

A part is a C++ test program, a fuzz corpus, a Python file or a Go module; a PART given selects the
parts whose name holds it. Each part prints one line; a failed one also prints what failed. A part
that runs no test has failed. The last line is: N passed, N failed.
"""
import argparse
import os
import pathlib
import shutil
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

import parts  # noqa: E402


def environment(build_dir, run_all):
    """What the tests of every language find their subjects by."""
    cache = pathlib.Path.home() / ".cache" / "thermocline"
    variables = dict(os.environ)
    variables["PATH"] = f"{cache / 'bin'}:{variables['PATH']}"
    variables["THERMOCLINE_BINARY"] = str(build_dir / "thermocline")
    variables["THERMOCLINE_CACHE"] = str(cache)
    variables["THERMOCLINE_TEST_ALL"] = "1" if run_all else ""
    variables["PYTHONPATH"] = str(ROOT / "tests")
    variables["PYTHONDONTWRITEBYTECODE"] = "1"
    shared = ROOT.parent / "shared"
    if "THERMOCLINE_SHARED" not in variables and shared.is_dir():
        variables["THERMOCLINE_SHARED"] = str(shared)
    return variables


def run_part(part, results):
    begun = time.monotonic()
    outcome = part.run(results)
    seconds = time.monotonic() - begun
    skipped = f", {outcome.skipped} skipped" if outcome.skipped else ""
    print(f"{part.name}: {outcome.passed} passed, {outcome.failed} failed{skipped} "
          f"({seconds:.1f} s)", flush=True)
    if outcome.failed:
        print("  " + outcome.detail.strip().replace("\n", "\n  "), flush=True)
    return outcome


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--build-dir", type=pathlib.Path, default=ROOT / "build" / "release")
    parser.add_argument("names", nargs="*", metavar="PART")
    options = parser.parse_args()

    build_dir = options.build_dir.resolve()
    found = parts.find(ROOT, build_dir, environment(build_dir, options.all))
    chosen = [p for p in found if not options.names or any(n in p.name for n in options.names)]
    if options.list:
        print(*(p.name for p in chosen), sep="\n")
        return 0
    results = build_dir / "test-results"
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    outcomes = [run_part(part, results) for part in chosen]
    broken = [p.name for p, outcome in zip(chosen, outcomes) if outcome.failed]
    if broken:
        print("failed:", *broken)
    if not outcomes:
        print("no test is called so")
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes) + (not outcomes)
    skipped = sum(outcome.skipped for outcome in outcomes)
    tail = f", {skipped} skipped" if skipped else ""
    print(f"{passed} passed, {failed} failed{tail}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
