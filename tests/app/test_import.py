"""import: backfill into a data folder, with and without a server on it, and when either dies."""
import fcntl
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from server_process import BINARY, ROOT, thermocline  # noqa: E402

SMALL = ROOT / "src/blocks/testdata"
FLOATS = SMALL / "index_format_v1"
WAIT_SECONDS = 60


def run(*arguments):
    """(exit code, standard output, standard error)"""
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, timeout=300, env={})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def wait_for(condition):
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


class ImportCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.data = self.folder / "data"
        self.server = None

    def tearDown(self):
        if self.server is not None:
            self.server.kill()

    def start(self, *flags):
        self.server = thermocline(self.folder, *flags)
        self.server.start()

    def import_(self, *arguments):
        code, text, error = run("import", *arguments, f"--data={self.data}")
        self.assertEqual((code, error), (0, ""), text)
        return text

    def refused(self, *arguments):
        code, text, error = run("import", *arguments, f"--data={self.data}")
        self.assertEqual(text, "")
        self.assertNotEqual(code, 0)
        return error

    def assert_same(self, a, b, *arguments):
        code, text, error = run("verify", a, b, *arguments)
        self.assertEqual((code, error), (0, ""), text)

    def samples(self):
        """Of all series that the server has, by its API."""
        _, answer = self.server.get("/api/v1/query_range", query='count({__name__=~".+"})',
                                    start=0, end=1000, step=1)
        return answer["data"]["result"]

    def left(self):
        folder = self.data / "imports"
        return sorted(p.name for p in folder.iterdir()) if folder.exists() else []

    def text_file(self, series, minutes, start=1_600_000_000, value=lambda s, m: s * m):
        """An OpenMetrics file of gauges, one sample a minute."""
        path = self.folder / "samples.om"
        with open(path, "w", encoding="utf-8") as out:
            out.write("# TYPE load gauge\n# HELP load Some \\\"load\\\".\n")
            for s in range(series):
                for m in range(minutes):
                    out.write(f'load{{host="h{s}"}} {value(s, m)} {start + 60 * m}\n')
            out.write("# EOF\n")
        return path


class StoppedTest(ImportCase):
    def test_a_block_makes_a_data_folder_and_again_changes_nothing(self):
        text = self.import_(FLOATS, "--verify")
        self.assertIn("102 series, 102 samples imported", text)
        self.assertRegex(text, r"\d+ bytes in, \d+ bytes out in 1 blocks, [\d.]+ s, .* samples/s")
        self.assertIn("verified: 102 samples are the same", text)
        self.assert_same(FLOATS, self.data)
        text = self.import_(FLOATS)
        self.assertIn("0 samples imported", text)
        self.assertIn("102 samples were there already, 0 of them with another value", text)
        self.assert_same(FLOATS, self.data)
        self.assertEqual(run("check", "data", self.data)[0], 0)

    def test_a_selection_and_labels_of_ones_own(self):
        text = self.import_(FLOATS, "--match={foo=\"bar\"}", "--external-label=cluster=eu")
        count = int(re.search(r"(\d+) series", text)[1])
        code, text, _ = run("dump", self.data)
        self.assertEqual(code, 0)
        self.assertEqual(len(text.splitlines()), count)
        self.assertTrue(all('["cluster","eu"]' in line for line in text.splitlines()), text)

    def test_what_is_there_wins(self):
        first = self.text_file(3, 10)
        self.import_(first)
        kept = self.folder / "kept"
        shutil.copytree(self.data, kept)
        text = self.import_(self.text_file(3, 10, value=lambda s, m: -1 - m))
        self.assertIn("30 samples were there already, 30 of them with another value, which stays",
                      text)
        self.assert_same(kept, self.data)

    def test_bad_input_is_told_and_nothing_is_imported(self):
        block = self.folder / "block"
        shutil.copytree(FLOATS, block)
        segment = block / "chunks/000001"
        content = bytearray(segment.read_bytes())
        content[20] ^= 1
        segment.write_bytes(content)
        self.assertIn("chunks/000001", self.refused(block))
        self.assertEqual(run("dump", self.data)[1], "")
        code, text, error = run("import", block, f"--data={self.data}", "--on-error=skip")
        self.assertEqual(code, 0)
        self.assertIn("101 samples imported", text)
        self.assertIn("left out", error)
        for arguments in ((), ("--jobs=-1", FLOATS), ("--match={", FLOATS),
                          ("--external-label=x", FLOATS), ("--progress=loud", FLOATS),
                          ("--min-time=never", FLOATS), ("--from-layout=stone", FLOATS)):
            with self.subTest(arguments=arguments):
                self.assertEqual(run("import", *arguments, f"--data={self.data}")[0], 2)
        self.assertEqual(run("import", FLOATS)[0], 2)
        self.assertIn("No such file", self.refused(self.folder / "none"))
        self.assertIn("no samples", self.refused(FLOATS, "--min-time=1e10"))

    def test_the_retention_of_the_last_server_counts(self):
        self.start("--storage.tsdb.retention.time=10d")
        wait_for((self.data / "imports/limits.json").exists)
        self.server.stop()
        self.assertIn("--min-time=", self.refused(FLOATS))
        self.assertEqual(run("dump", self.data)[1], "")

    def test_killed_at_any_moment_it_is_all_or_nothing(self):
        path = self.text_file(200, 300)
        command = [BINARY, "import", str(path), f"--data={self.data}"]
        died = 0
        for wait in (0.05, 0.1, 0.2, 0.3, 0.4, 0.6):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL, env={})
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
            died += process.wait() != 0
            if self.data.exists():
                code, text, _ = run("dump", self.data)
                self.assertEqual(code, 0)
                self.assertIn(len(text.splitlines()), (0, 200))
        self.assertGreater(died, 0)
        self.import_(path)
        self.assert_same(path, self.data)


class RunningTest(ImportCase):
    def test_the_server_imports_and_answers_at_once(self):
        self.start()
        path = self.text_file(5, 100)
        text = self.import_(path, "--verify")
        self.assertIn("5 series, 500 samples imported", text)
        self.assertIn("verified: 500 samples are the same", text)
        self.assertEqual(len(self.server.query("load", 1_600_000_000 + 99 * 60)), 5)
        names = self.server.get("/api/v1/labels", start=0)[1]["data"]
        self.assertIn("host", names)
        values = self.server.get("/api/v1/label/host/values", start=0)[1]["data"]
        self.assertEqual(values, [f"h{s}" for s in range(5)])
        self.assertIn("500 samples were there already, 0 of them", self.import_(path))
        self.assertEqual(self.left(), ["limits.json"])
        self.assertEqual(self.server.stop(), 0)
        self.assert_same(path, self.data)

    def test_errors_come_back_to_the_client(self):
        self.start("--storage.tsdb.retention.time=10d")
        path = self.text_file(2, 5)
        error = self.refused(path)
        self.assertIn("older than the retention", error)
        self.assertIn("--min-time=", error)
        path.write_text("up 1 1600000000\n# EOF\nup 2 1\n")
        self.assertIn("samples.om:3", self.refused(path, "--from-layout=openmetrics"))
        recent = int(time.time()) - 3600
        self.import_(self.text_file(2, 5, start=recent))
        self.assertEqual(self.left(), ["limits.json"])

    def test_another_command_on_the_folder_is_no_server(self):
        self.import_(self.text_file(2, 5))
        with (self.data / "lock").open("r+") as lock:  # still names the import
            fcntl.flock(lock, fcntl.LOCK_EX)
            error = self.refused(self.text_file(2, 6))
        self.assertIn("lock", error)
        self.assertIn("held by thermocline import", error)

    def waiting_client(self, path):
        client = subprocess.Popen([BINARY, "import", str(path), f"--data={self.data}",
                                   "--progress=none"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={})
        self.addCleanup(client.kill)
        self.addCleanup(client.stdout.close)
        self.addCleanup(client.stderr.close)
        return client

    def test_a_server_killed_around_the_publishing_imports_once(self):
        # The server's start installs a manifest too.
        for point in ("store.before_import_install=kill", "cold.after_manifest_rename=kill@2",
                      "store.after_import_install=kill"):
            with self.subTest(point=point):
                shutil.rmtree(self.data, ignore_errors=True)
                path = self.text_file(4, 50)
                self.start(f"--debug.failpoints={point}")
                client = self.waiting_client(path)
                wait_for(lambda: self.server.process.poll() is not None)
                self.assertIsNone(client.poll())
                self.start()
                out, error = client.communicate(timeout=WAIT_SECONDS)
                self.assertEqual((client.returncode, error), (0, b""))
                self.assertIn(b"200 samples imported", out)
                self.assertEqual(self.left(), ["limits.json"])
                self.server.stop()
                self.assert_same(path, self.data)
                samples = json.loads(run("inspect", self.data, "--json")[1])
                self.assertNotIn("error", samples)

    def test_an_interrupted_client_withdraws_and_a_killed_one_does_not(self):
        self.start()
        path = self.text_file(300, 400)
        client = self.waiting_client(path)
        wait_for(lambda: any(name.endswith(".request.json") for name in self.left()))
        client.send_signal(signal.SIGINT)
        out, error = client.communicate(timeout=WAIT_SECONDS)
        if client.returncode != 0:  # else it was published before
            self.assertIn(b"nothing was imported", error)
            self.assertEqual(self.server.query("count(load)", 1_600_000_000 + 60), [])
        self.assertEqual([name for name in self.left() if name != "limits.json"], [])
        client = self.waiting_client(path)
        wait_for(lambda: any(name.endswith(".request.json") for name in self.left()))
        client.kill()
        client.wait()
        wait_for(lambda: self.server.query("count(load)", 1_600_000_000 + 60) != [])
        self.assertEqual(self.server.query("count(load)", 1_600_000_000 + 60)[0]["value"][1],
                         "300")

    def test_a_stopped_server_leaves_the_request_to_the_next(self):
        self.start()
        path = self.text_file(300, 400)
        client = self.waiting_client(path)
        wait_for(lambda: any(".progress." in name for name in self.left()))
        self.assertEqual(self.server.stop(), 0)
        self.start()
        out, error = client.communicate(timeout=WAIT_SECONDS)
        self.assertEqual((client.returncode, error), (0, b""))
        self.server.stop()
        self.assert_same(path, self.data)


if __name__ == "__main__":
    unittest.main()
