"""Prometheus' own script tests of PromQL, run by `thermocline promqltest`: one test a script file.

Cases that touch histograms or start timestamps are set aside by name; no other may fail.
"""
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from server_process import BINARY, CACHE, scrubbed_environment  # noqa: E402

SCRIPTS = sorted((CACHE / "prometheus" / "promqltest").glob("*.test"))
CASES_AT_LEAST = 1200
ALLOWED_REASONS = {"native histograms", "histograms with custom buckets", "start timestamps"}
COUNT = re.compile(r"^(\d+) passed, (\d+) failed$", re.MULTILINE)
SET_ASIDE = re.compile(r"^\S+:\d+: set aside \((.*?)\)", re.MULTILINE)


def run_scripts(scripts):
    """(exit status, passed, failed, output)."""
    done = subprocess.run(
        [BINARY, "promqltest", *map(str, scripts)], env=scrubbed_environment(), timeout=300,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    count = COUNT.search(done.stdout)
    passed, failed = (int(count[1]), int(count[2])) if count else (0, 0)
    return done.returncode, passed, failed, done.stdout


class ScriptsTest(unittest.TestCase):
    def test_together_they_have_the_cases_that_prometheus_has(self):
        status, passed, failed, output = run_scripts(SCRIPTS)
        reasons = SET_ASIDE.findall(output)
        print(f"figure: {passed} cases of PromQL scripts pass, {failed} fail, "
              f"{len(reasons)} are set aside")
        self.assertEqual((status, failed), (0, 0), output[-4000:])
        self.assertGreaterEqual(passed, CASES_AT_LEAST)
        self.assertLessEqual(set(reasons), ALLOWED_REASONS)


def add_script(path):
    def test(self):
        status, _, failed, output = run_scripts([path])
        wrong = [line for line in output.splitlines() if "set aside" not in line]
        self.assertEqual((status, failed), (0, 0), "\n".join(wrong))

    setattr(ScriptsTest, f"test_{path.stem.replace('-', '_')}", test)


for script in SCRIPTS:
    add_script(script)

if __name__ == "__main__":
    unittest.main()
