"""Sources are read and never written to, ours included."""
import ctypes
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from remote_write_client import encode_series, send  # noqa: E402
from server_process import BINARY, ROOT, thermocline  # noqa: E402

SMALL = ROOT / "src/blocks/testdata"
FLOATS = SMALL / "index_format_v1"
SERIES, TIMES = 5, 20
START_MS = 1_700_000_000_000


def run(*arguments, **options):
    """(exit code, standard output, standard error)"""
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, timeout=300, env={},
                          **options)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def obey_modes():
    """For a child that is about to start: root, too, writes only where modes allow it."""
    drop_from_bounding_set, dac_override = 24, 1
    ctypes.CDLL(None).prctl(drop_from_bounding_set, dac_override, 0, 0, 0)


def state(folder):
    """Every name below `folder` with what it is, when it was changed, and the bytes of files."""
    found = {}
    for path in [folder, *folder.rglob("*")]:
        about = path.stat()
        found[str(path)] = (about.st_mode, about.st_mtime_ns, about.st_ino,
                            path.read_bytes() if path.is_file() else None)
    return found


class UntouchedSourcesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.data = cls.folder / "data"
        server = thermocline(cls.folder).start()
        cls.addClassCleanup(server.kill)
        cls.append(server, 0)
        server.flush()
        cls.append(server, TIMES)
        cls.refused_while_served = run("dump", cls.data)
        server.stop()

    @staticmethod
    def append(server, first):
        for number in range(SERIES):
            samples = [(START_MS + 15_000 * step, float(step + number))
                       for step in range(first, first + TIMES)]
            labels = {"__name__": "kept", "number": str(number)}
            status, body = send(server.url, [encode_series(labels, samples)])
            assert status in (200, 204), (status, body)

    def reads(self, data):
        """Runs all that reads a source; returns what dump prints."""
        code, dumped, error = run("dump", data)
        self.assertEqual((code, error), (0, ""))
        series = [json.loads(line) for line in dumped.splitlines()]
        self.assertEqual([len(one["floats"]["t"]) for one in series], [2 * TIMES] * SERIES)
        code, text, error = run("verify", data, data)
        self.assertEqual((code, error), (0, ""), text)
        self.assertIn(f"{2 * TIMES * SERIES} equal, 0 differing", text)
        at = START_MS // 1000 + 15 * (2 * TIMES - 1)
        code, text, error = run("query", "instant", f"--storage={data}", "count(kept)",
                                f"--time={at}")
        self.assertEqual((code, error), (0, ""), text)
        self.assertIn(str(SERIES), text)
        with tempfile.TemporaryDirectory() as to:
            for layout in ("parquet-common", "samples"):
                code, text, error = run("convert", data, f"--to={to}/{layout}",
                                        f"--layout={layout}", "--verify")
                self.assertEqual((code, error), (0, ""), text)
        return dumped

    def test_reading_a_data_folder_changes_nothing_in_it(self):
        before = state(self.data)
        self.reads(self.data)
        self.assertEqual(state(self.data), before)

    def test_a_torn_log_is_read_and_stays_torn(self):
        data = self.folder / "torn"
        shutil.copytree(self.data, data)
        segment = max(data.glob("wal/*.wal"))
        written = segment.read_bytes().rstrip(b"\0")
        segment.write_bytes(written[:-3])
        before = state(data)
        code, dumped, error = run("dump", data)
        self.assertEqual(code, 0, error)
        counts = [len(json.loads(line)["floats"]["t"]) for line in dumped.splitlines()]
        self.assertEqual(sorted(counts), [TIMES] + [2 * TIMES] * (SERIES - 1))
        self.assertEqual(state(data), before)

    def test_a_data_folder_that_may_not_be_written_is_read(self):
        with tempfile.TemporaryDirectory() as folder:
            data = pathlib.Path(folder) / "data"
            shutil.copytree(self.data, data)
            for path in [*data.rglob("*"), data]:
                path.chmod(0o555 if path.is_dir() else 0o444)
            try:
                code, dumped, error = run("dump", data, preexec_fn=obey_modes)
                self.assertEqual((code, error), (0, ""))
                self.assertEqual(dumped.count("\n"), SERIES)
                code, _, error = run("import", FLOATS, f"--data={data}", preexec_fn=obey_modes)
                self.assertNotEqual(code, 0)
                self.assertIn("Permission denied", error)
            finally:
                for path in [data, *data.rglob("*")]:
                    path.chmod(0o755)

    def test_a_folder_that_a_server_has_open_is_refused_with_its_name(self):
        code, _, error = self.refused_while_served
        self.assertEqual(code, 1, error)
        self.assertIn("held by thermocline", error)

    def test_insisting_on_a_wrong_layout_leaves_the_folder_alone(self):
        with tempfile.TemporaryDirectory() as folder:
            blocks, empty = pathlib.Path(folder) / "blocks", pathlib.Path(folder) / "empty"
            shutil.copytree(FLOATS, blocks / "01DXXFZDYD1MQW6079WK0K6EDA")
            empty.mkdir()
            for source in (blocks, empty):
                before = state(source)
                for command in (("dump", source), ("verify", source, source),
                                ("convert", source, f"--to={folder}/to", "--layout=samples"),
                                ("query", "instant", f"--storage={source}", "up")):
                    with self.subTest(command=command):
                        code, _, error = run(*command, "--from-layout=samples")
                        self.assertNotEqual(code, 0)
                        self.assertIn(str(source), error)
                        self.assertIn("not a data folder of ours", error)
                        self.assertEqual(state(source), before)
            code, _, error = run("verify", FLOATS, blocks)
            self.assertEqual((code, error), (0, ""))


if __name__ == "__main__":
    unittest.main()
