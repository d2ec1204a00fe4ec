"""The binary's commands, run as a person runs them."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from remote_write_client import encode_series, send  # noqa: E402
from server_process import BINARY, ROOT, thermocline  # noqa: E402


def run(*arguments, environment=None):
    """(exit code, standard output, standard error)"""
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True,
                          timeout=60, env=environment or {})
    return done.returncode, done.stdout, done.stderr


class CommandTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-commands-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.server = thermocline(cls.folder).start()
        cls.addClassCleanup(cls.server.kill)
        cls.now_s = int(time.time())
        for part in range(2):
            samples = [((cls.now_s - 200 + part * 100 + k * 10) * 1000, float(part * 10 + k))
                       for k in range(10)]
            status, body = send(cls.server.url, [
                encode_series({"__name__": "m", "job": job}, samples) for job in ("a", "b")])
            assert status == 204, body
            if part == 0:
                cls.server.flush()
        cls.closed = cls.folder / "closed"
        code = cls.server.stop()
        assert code == 0, cls.server.log_tail()
        shutil.copytree(cls.folder / "data", cls.closed)
        cls.server.start()

    def test_query_asks_a_server_and_a_closed_folder_alike(self):
        query = ["query", "instant", "sum by (job) (m)", f"--time={self.now_s - 10}"]
        wanted = "".join(f'{{job="{job}"}} => 19 @{self.now_s - 10}\n' for job in ("a", "b"))
        self.assertEqual(run(*query, f"--server={self.server.url}"), (0, wanted, ""))
        self.assertEqual(run(*query, f"--storage={self.closed}"), (0, wanted, ""))
        ranged = ["query", "range", "m{job='a'}", f"--start={self.now_s - 200}",
                  f"--end={self.now_s - 180}", "--step=10s", "--json"]
        code, text, _ = run(*ranged, f"--storage={self.closed}")
        self.assertEqual(code, 0)
        self.assertEqual([v for _, v in json.loads(text)["data"]["result"][0]["values"]],
                         ["0", "1", "2"])

    def test_query_errors_go_to_standard_error(self):
        code, text, error = run("query", "instant", "sum(", f"--server={self.server.url}")
        self.assertEqual((code, text), (1, ""))
        self.assertIn("parse error", error)
        self.assertEqual(run("query", "instant", "1", "--storage=/nowhere")[0], 1)
        self.assertEqual(run("query", "sometimes", "1")[0], 2)

    def test_inspect_shows_blocks_columns_and_sizes(self):
        code, text, _ = run("inspect", self.closed)
        self.assertEqual(code, 0)
        self.assertIn("2 series, 20 samples", text)
        code, text, _ = run("inspect", self.closed, "--json")
        block = json.loads(text)["blocks"][0]
        self.assertEqual((block["series"], block["samples"]), (2, 20))
        samples = next(f for f in block["files"] if f["kind"] == "samples")
        columns = {c["name"]: c for c in samples["columns"]}
        self.assertEqual(columns["timestamp"]["encodings"], {"DELTA_BINARY_PACKED": 1})
        self.assertEqual(columns["job"]["encodings"], {"RLE_DICTIONARY": 1})

    def test_check_data_finds_a_flipped_byte_and_says_where(self):
        copy = self.folder / "damaged"
        shutil.copytree(self.closed, copy)
        self.assertEqual(run("check", "data", copy)[0], 0)
        victim = next((copy / "cold/samples").rglob("*.parquet"))
        content = bytearray(victim.read_bytes())
        content[len(content) // 2] ^= 1
        victim.write_bytes(content)
        code, text, _ = run("check", "data", copy)
        self.assertEqual(code, 1)
        self.assertIn(victim.name, text)

    def log_of_requests(self, name):
        """A data folder whose log has 20 requests, its segment's path and what is written of it."""
        folder = self.folder / name
        folder.mkdir()
        server = thermocline(folder, "--storage.free-space-floor=0").start()
        self.addCleanup(server.kill)
        for k in range(20):
            status, body = send(server.url, [
                encode_series({"__name__": "logged"}, [((self.now_s - 100 + k) * 1000, float(k))])])
            self.assertEqual(status, 204, body)
        server.kill()
        segment = next((folder / "data/wal").glob("segment-*.wal"))
        return folder / "data", segment, len(segment.read_bytes().rstrip(b"\0"))

    def test_check_data_reads_the_log_and_says_where_it_is_damaged(self):
        data, segment, size = self.log_of_requests("damaged-log")
        code, text, _ = run("check", "data", data)
        self.assertEqual(code, 0, text)
        self.assertRegex(text, r"log: 1 segments, \d+ records, 0 damaged blocks, 0 lost records")
        content = bytearray(segment.read_bytes())
        content[size // 2] ^= 1
        segment.write_bytes(content)
        code, text, _ = run("check", "data", data)
        self.assertEqual(code, 1, text)
        found = re.search(rf"damaged: {segment}: at offset (\d+)\n", text)
        self.assertTrue(found, text)
        self.assertTrue(size // 2 - 200 < int(found[1]) <= size // 2, (found[1], size))
        self.assertIn("1 problems", text)
        self.assertEqual(segment.read_bytes(), content)

    def test_check_data_tells_a_torn_tail_which_is_no_error(self):
        data, segment, size = self.log_of_requests("torn-log")
        segment.write_bytes(segment.read_bytes()[:size - 5])
        code, text, _ = run("check", "data", data)
        self.assertEqual(code, 0, text)
        self.assertRegex(text, rf"torn tail: {segment}: \d+ bytes from offset \d+, never")
        self.assertIn("0 problems", text)

    def test_check_config_names_file_line_and_key(self):
        good = self.folder / "good.yml"
        good.write_text("storage: {tsdb: {path: x, retention.time: 15d}}\nwal: {sync: os}\n")
        self.assertEqual(run("check", "config", good)[0], 0)
        bad = self.folder / "bad.yml"
        bad.write_text("storage:\n  tsdb:\n    retention.tme: 15d\n")
        code, _, error = run("check", "config", bad)
        self.assertEqual(code, 2)
        self.assertIn(f"{bad}:3:20: storage.tsdb.retention.tme: unknown flag", error)
        self.assertIn("did you mean --storage.tsdb.retention.time?", error)

    def test_unknown_and_contradictory_flags_are_errors_that_suggest(self):
        cases = [(["serve", "--storage.tsdb.pth=x"], "did you mean --storage.tsdb.path?"),
                 (["sreve"], "did you mean 'serve'?"),
                 (["serve", "--web.listen-address=0.0.0.0:0"], "--insecure-listen"),
                 (["serve", "--storage.head-range=7h"], "divides a day"),
                 (["serve", "--wal.sync=sometimes"], "expected always"),
                 (["serve", "--log.level=loud"], "expected debug"),
                 (["serve", "--query.max-memory=2GiB", "--query.max-memory-total=1GiB"],
                  "--query.max-memory=2GiB is more than --query.max-memory-total=1GiB"),
                 (["serve", "extra"], "unexpected argument")]
        for arguments, wanted in cases:
            code, _, error = run(*arguments)
            self.assertEqual(code, 2, (arguments, error))
            self.assertIn(wanted, error)
        code, _, error = run("serve", environment={"THERMOCLINE_NO_SUCH": "1"})
        self.assertEqual(code, 2)

    def test_prometheus_flags_that_mean_nothing_here_are_taken_with_a_warning(self):
        folder = self.folder / "taken"
        folder.mkdir()
        server = thermocline(folder, "--web.enable-remote-write-receiver",
                             "--web.enable-otlp-receiver",
                             "--web.console.templates=/etc/prometheus/consoles").start()
        self.addCleanup(server.kill)
        log = server.log_path.read_text()
        for flag in ("web.enable-remote-write-receiver", "web.enable-otlp-receiver",
                     "web.console.templates"):
            self.assertRegex(log, rf"level=warn .*--{flag} does nothing here: ")
        config = self.folder / "taken.yml"
        config.write_text("web: {enable-lifecycle: true}\n")
        code, text, _ = run("check", "config", config)
        self.assertEqual(code, 0)
        self.assertIn("warning: --web.enable-lifecycle does nothing here", text)

    def test_the_configuration_reference_is_current(self):
        code, text, _ = run("help", "--markdown")
        self.assertEqual(code, 0)
        self.assertEqual((ROOT / "docs/reference/config.md").read_text(), text)

    def test_version_and_help_answer(self):
        self.assertRegex(run("version")[1], r"^thermocline, version \d+\.\d+\.\d+ ")
        self.assertIn("--storage.tsdb.path", run("serve", "--help")[1])


COMMANDS = ["serve", "query", "inspect", "dump", "verify", "convert", "import", "check",
            "promqltest", "version"]


def flags_in(text):
    return re.findall(r"^  --([^\s=]+)", text, re.MULTILINE)


class HelpTest(unittest.TestCase):
    def test_help_lists_the_commands_and_says_how_to_learn_more(self):
        code, text, error = run("help")
        self.assertEqual((code, error), (0, ""))
        for spelling in (["--help"], ["-h"], ["help", "help"]):
            self.assertEqual(run(*spelling), (0, text, ""), spelling)
        for command in COMMANDS:
            self.assertRegex(text, rf"(?m)^  thermocline {command}\b")
        self.assertIn("thermocline help COMMAND", text)
        self.assertEqual(flags_in(text), [])

    def test_a_command_tells_its_own_usage_and_no_others(self):
        seen = set()
        for command in COMMANDS:
            code, text, error = run("help", command)
            self.assertEqual((code, error), (0, ""))
            self.assertTrue(text.startswith(f"Usage: thermocline {command}"), text)
            self.assertNotIn(text, seen)
            seen.add(text)
            for spelling in ([command, "--help"], [command, "-h"], [command, "x", "--help"]):
                self.assertEqual(run(*spelling), (0, text, ""), spelling)
            if command != "serve":
                self.assertNotIn("--storage.tsdb.path", text)
        self.assertEqual(run("--log.level=debug", "--help"), run("serve", "--help"))
        code, text, error = run("help", "dmup")
        self.assertEqual((code, text), (2, ""))
        self.assertIn("did you mean 'dump'?", error)

    def test_every_flag_a_command_takes_is_in_its_help(self):
        reference = (ROOT / "docs/reference/config.md").read_text()
        self.assertEqual(flags_in(run("help", "serve")[1]),
                         re.findall(r"^\| `--([^`]+)`", reference, re.MULTILINE))
        named = set()
        for file in (ROOT / "src/app").glob("*.cc"):
            if file.name not in ("config.cc", "flags_test.cc"):
                named |= set(re.findall(r"Add\w+\(\s*\"([a-z][a-z.-]*)\"", file.read_text()))
        self.assertIn("bloom-label", named)
        for command in ("query", "inspect", "dump", "verify", "convert", "import", "promqltest"):
            told = set(flags_in(run("help", command)[1]))
            self.assertTrue(told <= named, told - named)
            for flag in sorted(named):
                # Flags are read in order; the second one is unknown to all.
                code, _, error = run(command, f"--{flag}=1", "--qqqqqqqqqqqq=1")
                self.assertEqual(code, 2)
                self.assertEqual(f"unknown flag --{flag}" not in error, flag in told,
                                 (command, flag, error))

    def test_wrong_numbers_of_words_are_told(self):
        for arguments, wanted in (
                (["dump", "a", "b"], "dump takes one source, found 2"),
                (["dump"], "dump takes one source, found 0"),
                (["inspect", "a", "b"], "inspect takes one source, found 2"),
                (["verify", "a"], "verify takes two sources, found 1"),
                (["verify", "a", "b", "c"], "verify takes two sources, found 3"),
                (["convert", "a", "--layout=samples"], "convert needs --to"),
                (["convert", "a", "--to=b"], "convert needs --layout"),
                (["convert", "--to=b", "--layout=samples"], "convert needs a source"),
                (["import", "a"], "import needs --data"),
                (["import", "--data=a"], "import needs a source"),
                (["query", "instant", "a", "b"], "query takes one expression, found 2"),
                (["query", "sometimes", "a"], "query is instant or range, not 'sometimes'"),
                (["query"], "query is instant or range"),
                (["check", "data"], "check data takes one path, found 0"),
                (["check", "date", "x"], "check takes data or config, not 'date'")):
            code, text, error = run(*arguments)
            self.assertEqual((code, text), (2, ""), arguments)
            self.assertIn(wanted, error)
            self.assertIn(f"thermocline help {arguments[0]}", error)


if __name__ == "__main__":
    unittest.main()
