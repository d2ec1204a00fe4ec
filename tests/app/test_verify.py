"""verify of what convert wrote, and what commands say of folders that they cannot take."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from server_process import BINARY, ROOT  # noqa: E402

SMALL = ROOT / "src/blocks/testdata"
FLOATS = SMALL / "index_format_v1"
START_BLOCK = SMALL / "blocks-st/01HF8S19R440J24F8QJDC741RX"
ULIDS = ("01DXXFZDYD1MQW6079WK0K6EDA", "01DXXFZDYD1MQW6079WK0K6EDB")


def run(*arguments):
    """(exit code, standard output, standard error)"""
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, timeout=300, env={})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class FolderCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def convert(self, source, name, layout, *arguments):
        to = self.folder / name
        code, _, error = run("convert", source, f"--to={to}", f"--layout={layout}", "--verify",
                             *arguments)
        self.assertEqual(code, 0, error)
        return to


class VerifyTest(FolderCase):
    def thanos_blocks(self, *label_sets):
        blocks = self.folder / "blocks"
        for ulid, labels in zip(ULIDS, label_sets):
            shutil.copytree(FLOATS, blocks / ulid)
            meta = json.loads((blocks / ulid / "meta.json").read_text())
            meta["ulid"] = ulid
            meta["thanos"] = {"downsample": {"resolution": 0}, "labels": labels}
            (blocks / ulid / "meta.json").write_text(json.dumps(meta))
        return blocks

    def test_start_times_that_a_layout_cannot_hold_are_told_and_can_be_ignored(self):
        shards = self.convert(START_BLOCK, "shards", "parquet-common")
        for a, b in ((START_BLOCK, shards), (shards, START_BLOCK)):
            code, text, error = run("verify", a, b)
            self.assertEqual(code, 1)
            self.assertIn("4 equal, 4 differing", text)
            self.assertIn("start timestamps alone", error)
            self.assertIn("--ignore-start-times", error)
            code, text, error = run("verify", a, b, "--ignore-start-times")
            self.assertEqual((code, error), (0, ""))
            self.assertIn("8 equal, 0 differing", text)
            self.assertIn("4 of the equal ones differ in their start timestamps", text)
        kept = self.convert(START_BLOCK, "kept", "samples")
        code, text, error = run("verify", START_BLOCK, kept, "--ignore-start-times")
        self.assertEqual((code, error), (0, ""))
        self.assertNotIn("start timestamps", text)

    def test_other_differences_are_not_taken_for_start_times(self):
        part = self.convert(START_BLOCK, "part", "parquet-common", "--max-time=1700022000")
        code, text, error = run("verify", START_BLOCK, part)
        self.assertEqual(code, 1)
        self.assertNotIn("--ignore-start-times", error)
        self.assertEqual(run("verify", START_BLOCK, part, "--ignore-start-times")[0], 1)

    def test_blocks_of_thanos_are_what_their_bucket_holds(self):
        blocks = self.thanos_blocks({"replica": "1"}, {"replica": "2"})
        bucket = self.convert(blocks, "bucket", "gateway")
        code, text, error = run("verify", blocks, bucket, "--differences=0")
        self.assertEqual(code, 1)
        self.assertIn("series: 0 in both", text)
        self.assertIn("--external-labels-from-meta", error)
        for a, b in ((blocks, bucket), (bucket, blocks)):
            code, text, error = run("verify", a, b, "--external-labels-from-meta")
            self.assertEqual((code, error), (0, ""))
            self.assertIn("series: 204 in both", text)
        code, text, error = run("verify", blocks, bucket, "--external-labels-from-meta",
                                '--match={replica="2"}')
        self.assertEqual((code, error), (0, ""))
        self.assertIn("series: 102 in both", text)
        one = blocks / ULIDS[0]
        code, text, _ = run("verify", one, bucket, "--external-labels-from-meta")
        self.assertEqual(code, 1)
        self.assertIn("series: 102 in both, 0 only in A, 102 only in B", text)

    def test_labels_given_are_laid_over_the_first_source(self):
        bucket = self.convert(FLOATS, "bucket", "gateway", "--external-label=cluster=eu")
        self.assertEqual(run("verify", FLOATS, bucket)[0], 1)
        code, text, error = run("verify", FLOATS, bucket, "--external-label=cluster=eu")
        self.assertEqual((code, error), (0, ""))
        self.assertIn("series: 102 in both", text)
        # The second one must have them itself.
        self.assertEqual(run("verify", bucket, FLOATS, "--external-label=cluster=eu")[0], 1)
        self.assertEqual(run("verify", FLOATS, FLOATS, "--external-label=cluster=eu")[0], 1)
        self.assertEqual(run("verify", FLOATS, bucket, "--external-label=cluster=us")[0], 1)
        blocks = self.thanos_blocks({"replica": "1", "cluster": "us"})
        both = self.convert(blocks, "both", "samples", "--external-labels-from-meta",
                            "--external-label=cluster=eu")
        code, text, error = run("verify", blocks, both, "--external-labels-from-meta",
                                "--external-label=cluster=eu")
        self.assertEqual((code, error), (0, ""))
        self.assertIn("series: 102 in both", text)

    def test_labels_that_cannot_be_are_refused(self):
        for command in (("verify", FLOATS, FLOATS),
                        ("convert", FLOATS, f"--to={self.folder}/to", "--layout=samples"),
                        ("convert", FLOATS, f"--to={self.folder}/to", "--layout=gateway"),
                        ("import", FLOATS, f"--data={self.folder}/to")):
            code, _, error = run(*command, "--external-label=__name__=x")
            self.assertEqual(code, 2, error)
            self.assertIn("--external-label=__name__=x: would rename every series", error)
            code, _, error = run(*command, "--external-label=cluster")
            self.assertEqual(code, 2, error)
            self.assertIn("expected name=value", error)
        self.assertEqual(list(self.folder.iterdir()), [])


class WrongFolderTest(FolderCase):
    def test_a_parquet_file_is_no_source_but_its_folder(self):
        shards = self.convert(FLOATS, "shards", "parquet-common")
        code, text, error = run("dump", shards / "0.labels.parquet")
        self.assertEqual((code, text), (2, ""))
        self.assertIn("a Parquet file", error)
        self.assertIn("give the folder that holds the shards", error)

    def test_an_unknown_layout_lists_those_that_can_be_written(self):
        for layout in ("foo", "blocks", "openmetrics"):
            code, _, error = run("convert", FLOATS, f"--to={self.folder}/to", f"--layout={layout}")
            self.assertEqual(code, 2)
            self.assertIn(f"--layout={layout}: written are samples, parquet-common, gateway", error)
            self.assertEqual(error.count("\n"), 1)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_an_import_does_not_take_the_folder_it_writes(self):
        data = self.folder / "data"
        self.assertEqual(run("import", FLOATS, f"--data={data}")[0], 0)
        (self.folder / "link").symlink_to(data)
        for source, target in ((data, data), (f"{data}/", data), (self.folder / "link", data),
                               (data, f"{data}/../data/")):
            code, _, error = run("import", source, f"--data={target}")
            self.assertEqual(code, 2, error)
            self.assertIn("source and target are the same folder", error)

    def test_an_import_does_not_go_into_another_data_folder(self):
        data = self.folder / "data"
        self.assertEqual(run("import", FLOATS, f"--data={data}")[0], 0)
        before = sorted(data.rglob("*"))
        for inside in ("cold", "cold/samples", "wal", "imports/x"):
            code, _, error = run("import", FLOATS, f"--data={data}/{inside}")
            self.assertEqual(code, 2, error)
            self.assertIn(f"inside the data folder {data}", error)
        self.assertEqual(sorted(data.rglob("*")), before)
        # A folder that is only called so.
        self.assertEqual(run("import", FLOATS, f"--data={self.folder}/cold")[0], 0)
        self.assertEqual(run("import", FLOATS, f"--data={self.folder}/wal/more")[0], 0)


if __name__ == "__main__":
    unittest.main()
