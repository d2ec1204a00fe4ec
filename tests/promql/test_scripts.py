"""Prometheus' own script tests of PromQL, and ours, run by `thermocline promqltest`: one test a
script file, and all of them over data first put into the head or converted to each layout.

Cases that touch histograms or start timestamps are set aside by name; no other may fail.
"""
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from server_process import BINARY, CACHE, scrubbed_environment  # noqa: E402

THEIRS = sorted((CACHE / "prometheus" / "promqltest").glob("*.test"))
OURS = sorted(pathlib.Path(__file__).resolve().parent.glob("*.test"))
THEIR_CASES = 1253
OUR_CASES = 43
STORED = ["head", "samples", "parquet-common", "gateway"]
ALLOWED_REASONS = {"native histograms", "histograms with custom buckets", "start timestamps"}
COUNT = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)
CASE = re.compile(r"^(\S+:\d+): set aside \((.*?)\)", re.MULTILINE)


def run_scripts(scripts, storage="memory"):
    """(exit status, passed, failed, output)."""
    done = subprocess.run(
        [BINARY, "promqltest", f"--storage={storage}", *map(str, scripts)],
        env=scrubbed_environment(), timeout=300, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    count = COUNT.search(done.stdout)
    passed, failed = (int(count[1]), int(count[2])) if count else (0, 0)
    return done.returncode, passed, failed, done.stdout


class ScriptsTest(unittest.TestCase):
    def test_together_they_have_the_cases_that_prometheus_has(self):
        status, passed, failed, output = run_scripts(THEIRS)
        set_aside = CASE.findall(output)
        print(f"figure: {passed} cases of PromQL scripts pass, {failed} fail, "
              f"{len(set_aside)} are set aside")
        self.assertEqual((status, failed), (0, 0), output[-4000:])
        self.assertEqual(passed, THEIR_CASES)
        self.assertLessEqual({reason for _, reason in set_aside}, ALLOWED_REASONS)


class StoredScriptsTest(unittest.TestCase):
    """A case either passes or is set aside or fails the run: with no failure and the same cases set
    aside, the same cases pass."""

    def check(self, storage):
        scripts = THEIRS + OURS
        _, _, _, in_memory = run_scripts(scripts)
        status, passed, failed, output = run_scripts(scripts, storage)
        wrong = [line for line in output.splitlines() if "set aside" not in line]
        self.assertEqual((status, failed), (0, 0), "\n".join(wrong))
        self.assertEqual(passed, THEIR_CASES + OUR_CASES)
        self.assertEqual(CASE.findall(output), CASE.findall(in_memory))


def add_storage(storage):
    def test(self):
        self.check(storage)

    setattr(StoredScriptsTest, f"test_all_pass_over_{storage.replace('-', '_')}", test)


def add_script(path):
    def test(self):
        status, _, failed, output = run_scripts([path])
        wrong = [line for line in output.splitlines() if "set aside" not in line]
        self.assertEqual((status, failed), (0, 0), "\n".join(wrong))

    setattr(ScriptsTest, f"test_{path.stem.replace('-', '_')}", test)


for name in STORED:
    add_storage(name)
for script in THEIRS + OURS:
    add_script(script)

if __name__ == "__main__":
    unittest.main()
