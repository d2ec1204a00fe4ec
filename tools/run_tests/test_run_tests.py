"""The runner counts what each kind of test program reports, and fails what ran nothing."""
import pathlib
import sys
import tempfile
import textwrap
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import parts  # noqa: E402

GTEST = """
import pathlib, sys
report = next(a for a in sys.argv if a.startswith("--gtest_output=json:")).split(":", 1)[1]
pathlib.Path(report).write_text('''{"testsuites": [{"testsuite": [
  {"classname": "Log", "name": "Appends", "result": "COMPLETED"},
  {"classname": "Log", "name": "Later", "result": "SKIPPED"},
  {"classname": "Log", "name": "Cuts", "result": "COMPLETED",
   "failures": [{"failure": "expected 1"}]}]}]}''')
sys.exit(1)
"""


class PartsTest(unittest.TestCase):
    def run_part(self, kind, program, pytest=False):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "test_program.py")
            file.write_text(textwrap.dedent(program))
            pytest_words = ["-m", "pytest", "-q", "-p", "no:cacheprovider"] if pytest else []
            command = [sys.executable, *pytest_words, str(file)]
            part = kind("part", command, pathlib.Path(folder), {"PATH": "/usr/bin:/bin"})
            return part.run(pathlib.Path(folder))

    def test_gtest_reports_are_counted(self):
        outcome = self.run_part(parts.GoogleTest, GTEST)
        self.assertEqual((outcome.passed, outcome.failed, outcome.skipped), (1, 1, 1))
        self.assertIn("Log.Cuts: expected 1", outcome.detail)

    def test_a_program_that_dies_before_reporting_has_failed(self):
        outcome = self.run_part(parts.GoogleTest, "import os; os.kill(os.getpid(), 11)")
        self.assertEqual((outcome.passed, outcome.failed), (0, 1))

    def test_a_last_line_with_counts_is_read(self):
        outcome = self.run_part(parts.Counting, "print('a\\n3 passed, 0 failed')")
        self.assertEqual((outcome.passed, outcome.failed), (3, 0))

    def test_counts_of_a_failed_program_do_not_save_it(self):
        outcome = self.run_part(parts.Counting, "print('3 passed, 0 failed'); raise SystemExit(2)")
        self.assertEqual((outcome.passed, outcome.failed), (3, 1))

    def test_a_part_that_ran_no_test_has_failed(self):
        outcome = self.run_part(parts.Counting, "print('0 passed, 0 failed')")
        self.assertEqual((outcome.passed, outcome.failed), (0, 1))
        self.assertIn("ran no test", outcome.detail)

    def test_a_program_that_was_not_built_has_failed(self):
        part = parts.GoogleTest("x", ["/nonexistent/x"], pathlib.Path("/"), {})
        outcome = part.run(pathlib.Path("/tmp"))
        self.assertEqual((outcome.passed, outcome.failed), (0, 1))

    def test_pytest_reports_are_counted(self):
        program = """
            import unittest
            class A(unittest.TestCase):
                def test_one(self): pass
                def test_two(self): self.fail("no")
                @unittest.skip("later")
                def test_three(self): pass
        """
        outcome = self.run_part(parts.Pytest, program, pytest=True)
        self.assertEqual((outcome.passed, outcome.failed, outcome.skipped), (1, 1, 1))
        self.assertIn("test_two", outcome.detail)

    def test_go_reports_are_counted(self):
        program = """
            print('{"Action":"run","Test":"TestA"}')
            print('{"Action":"pass","Test":"TestA"}')
            print('{"Action":"output","Test":"TestB","Output":"no luck"}')
            print('{"Action":"fail","Test":"TestB"}')
            print('{"Action":"fail"}')
        """
        outcome = self.run_part(parts.GoTest, program)
        self.assertEqual((outcome.passed, outcome.failed), (1, 1))
        self.assertIn("no luck", outcome.detail)


if __name__ == "__main__":
    unittest.main()
