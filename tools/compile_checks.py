"""The checks that need a compiler. Usage: compile_checks.py --build-dir DIR [--jobs N] [--all]

clang-format on every C++ file; clang's thread-safety analysis on the sources that reach
base/mutex.h; clang-tidy on the files changed since HEAD~1 (--all: on the tree); with --all each
header compiled alone. DIR holds compile_commands.json. A check that passed is not repeated while
the file, our headers it reaches and the command stay the same.
"""
import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]', re.MULTILINE)
CLANG, CLANG_TIDY, CLANG_FORMAT = "clang++-14", "clang-tidy-14", "clang-format-14"
ONLY_GCC = re.compile(r"-fno-fast-math|-Wno-maybe-uninitialized|-Wno-stringop-\S+")


def git(*arguments):
    listing = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return [line for line in listing.stdout.split("\n") if line]


def cpp_files():
    return [
        path
        for path in git("ls-files", "--cached", "--others", "--exclude-standard", "*.h", "*.cc")
        if (ROOT / path).is_file()
    ]


def changed_files():
    committed = git("diff", "--name-only", "--diff-filter=d", "HEAD~1")
    return set(committed) | set(git("ls-files", "--others", "--exclude-standard"))


class Includes:
    """Which of our files a file reaches."""

    def __init__(self):
        self._reached = {}

    def reached_from(self, path):
        if path not in self._reached:
            self._reached[path] = {path}
            for name in INCLUDE.findall((ROOT / path).read_text(errors="replace")):
                beside = pathlib.PurePosixPath(path).parent.as_posix()
                for folder in ("src", "tools", "src/api/include", beside):
                    if (ROOT / folder / name).is_file():
                        self._reached[path] |= self.reached_from(f"{folder}/{name}")
                        break
        return self._reached[path]


class Passed:
    """Remembers which checks passed, by the content they passed on."""

    def __init__(self, folder, includes):
        self._folder = folder
        self._includes = includes
        folder.mkdir(parents=True, exist_ok=True)

    def key(self, command, path):
        digest = hashlib.sha256(" ".join(map(str, command)).encode())
        for reached in sorted(self._includes.reached_from(path)):
            digest.update((ROOT / reached).read_bytes())
        if command[0] == CLANG_TIDY:
            digest.update((ROOT / ".clang-tidy").read_bytes())
        return self._folder / digest.hexdigest()


def compile_flags(build_dir):
    """Path to the flags it is compiled with, without the compiler, input and output."""
    flags = {}
    for entry in json.loads((build_dir / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["directory"], entry["file"]).resolve()
        words = shlex.split(entry["command"])
        begin = next(i for i, word in enumerate(words) if word.startswith("-"))
        kept = [word for word in words[begin:words.index("-o")] if not ONLY_GCC.match(word)]
        flags[path.relative_to(ROOT).as_posix()] = kept
    return flags


def run(command):
    outcome = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return outcome.returncode == 0, outcome.stdout + outcome.stderr


def commands(options, includes):
    """(what, path, command) of each check but clang-format's."""
    flags = compile_flags(options.build_dir)
    changed = changed_files()
    for path in sorted(flags):
        if "src/base/mutex.h" in includes.reached_from(path):
            yield "thread safety", path, [
                CLANG, *flags[path], "-fsyntax-only", "-w", "-Wthread-safety",
                "-Werror=thread-safety", path]
    for path in sorted(flags):
        if options.all or path in changed:
            yield "clang-tidy", path, [CLANG_TIDY, "--quiet", path, "--", *flags[path]]
    if options.all:
        for path in cpp_files():
            room = "/".join(path.split("/")[:2])
            of_room = [f for source, f in flags.items() if source.startswith(room + "/")]
            if path.endswith(".h") and path.startswith("src/"):
                yield "header alone", path, [
                    CLANG, *(of_room or list(flags.values()))[0], "-fsyntax-only", "-w",
                    "-x", "c++", path]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build-dir", type=pathlib.Path, required=True)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()

    failed = 0
    formatted, output = run([CLANG_FORMAT, "--dry-run", "-Werror", *cpp_files()])
    if not formatted:
        unformatted = sorted(set(re.findall(r"^([^\s:]+):\d+:\d+: error", output, re.MULTILINE)))
        print("not formatted (./dev format):", *unformatted, sep="\n  ")
        failed += len(unformatted)

    includes = Includes()
    passed = Passed(options.build_dir / "checked", includes)
    checks = list(commands(options, includes))
    due = [(what, path, c) for what, path, c in checks if not passed.key(c, path).exists()]
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for (what, path, command), (ok, output) in zip(due, pool.map(run, (c for _, _, c in due))):
            if ok:
                passed.key(command, path).touch()
            else:
                failed += 1
                print(f"{what}: {path}\n{output}", flush=True)
    print(f"compile checks: {len(checks)} ({len(due)} due), {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
