"""Fuzzes each target of a fuzz build for some seconds. Usage: run_fuzz.py --build-dir DIR [NAME...]

Starts from fuzz/corpus/NAME, keeps what it learns in DIR/learnt/NAME and what crashes in
DIR/found/NAME. The last line is: N passed, N failed.
"""
import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def fuzz(program, name, build_dir, seconds):
    """Whether the target survived."""
    learnt, found = build_dir / "learnt" / name, build_dir / "found" / name
    for folder in (learnt, found):
        folder.mkdir(parents=True, exist_ok=True)
    print(f"== {name}", flush=True)
    run = subprocess.run([
        program, f"-max_total_time={seconds}", "-timeout=10", "-rss_limit_mb=2048",
        "-print_final_stats=1", "-verbosity=0", f"-artifact_prefix={found}/", learnt,
        ROOT / "fuzz" / "corpus" / name,
    ])
    return run.returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", type=pathlib.Path, required=True)
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    programs = {p.name.removesuffix("_fuzz"): p for p in options.build_dir.glob("fuzz/*_fuzz")}
    unknown = set(options.names) - programs.keys()
    if unknown or not programs:
        sys.exit(f"no such target: {', '.join(unknown)}; there are {', '.join(sorted(programs))}")
    names = options.names or sorted(programs)
    survived = [fuzz(programs[n], n, options.build_dir, options.seconds) for n in names]
    print(f"{survived.count(True)} passed, {survived.count(False)} failed")
    return 0 if all(survived) else 1


if __name__ == "__main__":
    sys.exit(main())
