"""Prometheus' own script tests of PromQL, and ours, run by `thermocline promqltest`: one test a
script file, and all of them over data first put into the head or converted to each layout.

Instant cases are asked again pinned by @ and as a step of a range query. No case may fail, but
those that need start timestamps where a layout cannot keep them.
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
THEIR_CASES = 2195
OUR_CASES = 43
STORED = ["head", "samples", "parquet-common", "gateway"]
# Chunks of these have no place for start timestamps.
WITHOUT_STARTS = {"parquet-common", "gateway"}
NEEDS_STARTS = "start_timestamps.test"
NEED_STARTS_CASES = 23
COUNT = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)
FAILED = re.compile(r"^(\S+?):\d+: failed: ", re.MULTILINE)


def run(*arguments, **environment):
    """(exit status, passed, failed, output)."""
    done = subprocess.run(
        [BINARY, "promqltest", *arguments], env=scrubbed_environment() | environment, timeout=300,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    count = COUNT.search(done.stdout)
    passed, failed = (int(count[1]), int(count[2])) if count else (0, 0)
    return done.returncode, passed, failed, done.stdout


def run_scripts(scripts, storage="memory"):
    return run(f"--storage={storage}", *map(str, scripts))


class ScriptsTest(unittest.TestCase):
    def test_without_a_file_they_all_run_and_have_the_cases_that_prometheus_has(self):
        status, passed, failed, output = run(THERMOCLINE_CACHE=str(CACHE))
        print(f"figure: {passed} cases of PromQL scripts pass, {failed} fail")
        self.assertEqual((status, failed), (0, 0), output[-4000:])
        self.assertEqual(passed, THEIR_CASES)

    def test_without_a_file_and_without_the_scripts_it_says_where_they_belong(self):
        status, _, _, output = run(THERMOCLINE_CACHE="/nonexistent")
        self.assertEqual(status, 2)
        self.assertIn("/nonexistent/prometheus/promqltest has none (./dev setup", output)
        self.assertIn("thermocline help promqltest", output)


class NaiveTest(unittest.TestCase):
    def test_the_naive_evaluator_passes_them_too(self):
        sim = pathlib.Path(BINARY).parent / "tests" / "promql_sim"
        done = subprocess.run(
            [sim, "--scripts", *map(str, THEIRS + OURS)], env=scrubbed_environment(), timeout=300,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        count = COUNT.search(done.stdout)
        self.assertTrue(count, done.stdout[-2000:])
        self.assertEqual((int(count[1]), int(count[2])), (THEIR_CASES + OUR_CASES, 0),
                         done.stdout[-4000:])


class StoredScriptsTest(unittest.TestCase):
    def check(self, storage):
        status, passed, failed, output = run_scripts(THEIRS + OURS, storage)
        self.assertEqual(passed + failed, THEIR_CASES + OUR_CASES, output[-4000:])
        if storage in WITHOUT_STARTS:
            self.assertEqual(FAILED.findall(output), [NEEDS_STARTS] * NEED_STARTS_CASES,
                             output[-4000:])
        else:
            self.assertEqual((status, failed), (0, 0), output[-4000:])


def add_storage(storage):
    def test(self):
        self.check(storage)

    setattr(StoredScriptsTest, f"test_all_pass_over_{storage.replace('-', '_')}", test)


def add_script(path):
    def test(self):
        status, _, failed, output = run_scripts([path])
        self.assertEqual((status, failed), (0, 0), output)

    setattr(ScriptsTest, f"test_{path.stem.replace('-', '_')}", test)


for name in STORED:
    add_storage(name)
for script in THEIRS + OURS:
    add_script(script)

if __name__ == "__main__":
    unittest.main()
