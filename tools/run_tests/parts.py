"""The parts of a test run: how each is found, run and counted."""
import dataclasses
import json
import pathlib
import re
import subprocess
import sys
import xml.etree.ElementTree as xml

PART_SECONDS = 1800
DETAIL_LINES = 60
COUNT = re.compile(r"^(\d+) passed, (\d+) failed\s*\Z", re.MULTILINE)


@dataclasses.dataclass
class Outcome:
    passed: int
    failed: int
    skipped: int = 0
    detail: str = ""

    def checked(self, returncode, output):
        """Counts as failed what ran no test, and what broke off without a failed case."""
        if self.failed == 0 and returncode != 0:
            self.failed, self.detail = 1, f"exit status {returncode}\n{tail(output)}"
        elif self.failed == 0 and self.passed == 0:
            self.failed, self.detail = 1, f"ran no test\n{tail(output)}"
        elif self.failed and not self.detail:
            self.detail = tail(output)
        return self


def tail(output):
    return "\n".join(output.splitlines()[-DETAIL_LINES:])


@dataclasses.dataclass
class Part:
    """One program that runs tests; the subclasses know how it reports them."""

    name: str
    command: list
    folder: pathlib.Path
    variables: dict

    def execute(self, arguments, seconds=PART_SECONDS):
        """(exit status, output); 124 when it did not end in time, 127 when it could not start."""
        try:
            done = subprocess.run(
                [*self.command, *arguments], cwd=self.folder, env=self.variables, timeout=seconds,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            return done.returncode, done.stdout.decode(errors="replace")
        except subprocess.TimeoutExpired as late:
            output = (late.stdout or b"").decode(errors="replace")
            return 124, f"{output}\ndid not end within {seconds} s"
        except OSError as error:
            return 127, f"cannot be started: {error}"

    def result_file(self, results, suffix):
        return results / (self.name.replace("/", "_") + suffix)


class GoogleTest(Part):
    def run(self, results):
        report = self.result_file(results, ".json")
        status, output = self.execute([f"--gtest_output=json:{report}", "--gtest_color=no"])
        outcome = Outcome(0, 0)
        suites = json.loads(report.read_text())["testsuites"] if report.exists() else []
        for case in (case for suite in suites for case in suite["testsuite"]):
            if case["result"] == "SKIPPED":
                outcome.skipped += 1
            elif case["result"] == "COMPLETED" and not case.get("failures"):
                outcome.passed += 1
            elif case["result"] == "COMPLETED":
                outcome.failed += 1
                texts = "\n".join(f["failure"] for f in case["failures"])
                outcome.detail += f"{case['classname']}.{case['name']}: {texts}\n"
        return outcome.checked(status, output)


class Counting(Part):
    """A program whose last line is `N passed, N failed`."""

    def run(self, results):
        status, output = self.execute([])
        self.result_file(results, ".log").write_text(output)
        count = COUNT.search(output)
        outcome = Outcome(int(count[1]), int(count[2])) if count else Outcome(0, 0)
        return outcome.checked(status, output)


class Pytest(Part):
    def run(self, results):
        report = self.result_file(results, ".xml")
        status, output = self.execute([f"--junitxml={report}"])
        outcome = Outcome(0, 0)
        cases = xml.parse(report).iter("testcase") if report.exists() else []
        for case in cases:
            broken = [child for child in case if child.tag in {"failure", "error"}]
            if broken:
                outcome.failed += 1
                outcome.detail += f"{case.get('name')}:\n{tail(broken[0].text or '')}\n"
            elif case.find("skipped") is not None:
                outcome.skipped += 1
            else:
                outcome.passed += 1
        figures = [line for line in output.splitlines() if line.startswith("figure:")]
        if figures:
            print("\n".join(figures), flush=True)
        return outcome.checked(status, output)


class GoTest(Part):
    def run(self, results):
        status, output = self.execute([])
        outcome = Outcome(0, 0)
        printed = {}
        for line in output.splitlines():
            event = json.loads(line) if line.startswith("{") else {}
            test, action = event.get("Test"), event.get("Action")
            if not test:
                continue
            printed[test] = printed.get(test, "") + event.get("Output", "")
            if action == "pass":
                outcome.passed += 1
            elif action == "skip":
                outcome.skipped += 1
            elif action == "fail":
                outcome.failed += 1
                outcome.detail += tail(printed[test]) + "\n"
        return outcome.checked(status, output)


def find(root, build_dir, variables):
    """Every part there is: C++ programs, tools, Python suites, Go modules, in this order."""
    return [
        *cpp_parts(build_dir, variables),
        *python_parts(root, variables),
        *go_parts(root, variables),
    ]


def cpp_parts(build_dir, variables):
    listing = subprocess.run(
        ["ctest", "--test-dir", str(build_dir), "--show-only=json-v1"], check=True,
        capture_output=True, text=True)
    for test in json.loads(listing.stdout)["tests"]:
        properties = {p["name"]: p["value"] for p in test.get("properties", [])}
        folder = pathlib.Path(properties.get("WORKING_DIRECTORY", build_dir))
        kind = GoogleTest if test["name"].endswith("_test") else Counting
        # ctest leaves the command out when the program was not built.
        command = test.get("command", [str(build_dir / test["name"])])
        yield kind(test["name"], command, folder, variables)


def python_parts(root, variables):
    files = {
        *root.glob("tools/**/test_*.py"), *root.glob("tests/**/test_*.py"),
        *root.glob("tests/e2e_*_suite.py"),
    }
    for file in sorted(files, key=lambda f: (f.parts[len(root.parts)] != "tools", f)):
        command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", str(file)]
        yield Pytest(file.relative_to(root).as_posix(), command, root, variables)


def go_parts(root, variables):
    for module in sorted(root.glob("tests/interop/*/go.mod")):
        if list(module.parent.rglob("*_test.go")):
            name = module.parent.relative_to(root).as_posix()
            command = ["go", "test", "-json", "-count=1", "./..."]
            yield GoTest(name, command, module.parent, variables)
