"""convert killed at each step of publishing: nothing looks finished, and it can be repeated."""
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from server_process import BINARY, ROOT  # noqa: E402

SMALL = ROOT / "src/blocks/testdata"
FLOATS = SMALL / "index_format_v1"
ULIDS = ("01DXXFZDYD1MQW6079WK0K6EDA", "01DXXFZDYD1MQW6079WK0K6EDB")
ONCE = ("before_journal", "after_journal", "before_done")


def run(*arguments):
    """(exit code, standard output, standard error)"""
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, timeout=300, env={})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*")
            if path.is_file() and ".converting" not in path.parts}


def armed(failpoint, hit):
    return f"--debug.failpoints=convert.{failpoint}=kill@{hit}"


class PublishTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)
        self.number = 0

    def blocks_of_two_streams(self):
        blocks = self.folder / "blocks"
        for number, ulid in enumerate(ULIDS):
            shutil.copytree(FLOATS, blocks / ulid)
            meta = json.loads((blocks / ulid / "meta.json").read_text())
            meta["ulid"] = ulid
            meta["thanos"] = {"downsample": {"resolution": 0}, "labels": {"replica": str(number)}}
            (blocks / ulid / "meta.json").write_text(json.dumps(meta))
        return blocks

    def fresh(self, prepare):
        self.number += 1
        to = self.folder / f"to{self.number}"
        to.mkdir()
        prepare(to)
        return to

    def kills(self, arguments, prepare, more=()):
        """Yields a target for every failpoint at which a run into it was killed."""
        for failpoint in (*ONCE, *more):
            to = self.fresh(prepare)
            code, _, error = run("convert", *arguments(to), armed(failpoint, 1))
            self.assertEqual(code, -signal.SIGKILL, f"{failpoint}: {error}")
            yield f"{failpoint}", to
        for hit in range(1, 100):
            to = self.fresh(prepare)
            code, _, error = run("convert", *arguments(to), armed("after_rename", hit))
            if code == 0:
                self.assertGreater(hit, 1)
                return
            self.assertEqual(code, -signal.SIGKILL, error)
            yield f"after_rename@{hit}", to

    def check(self, arguments, prepare=lambda to: None, place=lambda to: to, more=(), same=None):
        """`place` is where what was written is read."""
        same = same or (lambda a, b: self.assertEqual(tree(a), tree(b)))
        whole = self.fresh(prepare)
        before = tree(whole)
        code, _, error = run("convert", *arguments(whole))
        self.assertEqual((code, error), (0, ""))
        seen = 0
        for name, to in self.kills(arguments, prepare, more):
            with self.subTest(name=name):
                self.read_is_refused(place(to), name, before)
                if seen % 3 == 0 and name != "before_journal":
                    # The run that is to take it back is killed too.
                    run("convert", *arguments(to), armed("in_take_back", 1))
                    self.read_is_refused(place(to), name, before)
                    code, _, _ = run("convert", *arguments(to), armed("after_take_back", 1))
                    self.assertEqual(code, -signal.SIGKILL)
                    self.read_is_refused(place(to), name, before)
                seen += 1
                code, _, error = run("convert", *arguments(to))
                self.assertEqual((code, error), (0, ""))
                same(to, whole)
                self.assertFalse((place(to) / ".converting").exists())
        self.assertGreater(seen, len(ONCE))
        # Killed when all is done: that is what it looks like.
        to = self.fresh(prepare)
        self.assertEqual(run("convert", *arguments(to), armed("after_done", 1))[0],
                         -signal.SIGKILL)
        same(to, whole)
        self.assertEqual(run("verify", place(to), place(whole))[0], 0)

    def read_is_refused(self, place, name, before):
        if name == "before_journal":
            self.assertEqual(tree(place if place.name.startswith("to") else place.parent), before)
            return
        layouts = [f"--from-layout={layout}" for layout in ("parquet-common", "gateway", "samples")]
        if not (place / "index").exists():  # a block is read, whatever stands beside it
            layouts.append("--on-error=skip")
        for flag in layouts:
            for command in ("dump", "inspect"):
                code, text, error = run(command, place, flag)
                self.assertEqual((code, text), (1, ""), f"{name} {command} {flag}")
                self.assertIn("an interrupted conversion is published in part", error)
                self.assertIn(f"{place}/.converting/JOURNAL", error)
                self.assertEqual(error.count("\n"), 1)

    def test_a_run_killed_while_it_writes_aside_leaves_its_target_as_it_was(self):
        for layout in ("parquet-common", "gateway", "samples"):
            for there in (True, False):
                for failpoint in ("bucket.before_sync", "bucket.before_rename",
                                  "bucket.after_rename"):
                    self.number += 1
                    to = self.folder / f"to{self.number}"
                    if there:
                        (to / "lost+found").mkdir(parents=True)  # of a mount point
                    arguments = ("convert", FLOATS, f"--to={to}", f"--layout={layout}",
                                 "--progress=none")
                    with self.subTest(layout=layout, there=there, failpoint=failpoint):
                        for hit in (1, 2):
                            code, _, _ = run(*arguments,
                                             f"--debug.failpoints={failpoint}=kill@{hit}")
                            self.assertEqual(code, -signal.SIGKILL)
                            self.assertEqual(to.exists(), there)
                            self.assertEqual(tree(to) if there else {}, {})
                            self.assertNotEqual(run("dump", to)[0], 0)
                        code, _, error = run(*arguments)
                        self.assertEqual((code, error), (0, ""))
                        self.assertEqual(run("verify", FLOATS, to)[0], 0)

    def test_shards_into_an_empty_folder(self):
        self.check(lambda to: (FLOATS, f"--to={to}", "--layout=parquet-common", "--progress=none",
                               "--rowgroup-size=40", "--rowgroup-count=1"))

    def test_a_bucket_of_two_streams_into_an_empty_folder(self):
        blocks = self.blocks_of_two_streams()
        self.check(lambda to: (blocks, f"--to={to}", "--layout=gateway", "--progress=none"))

    def test_a_day_more_into_a_bucket(self):
        def one_day(to):
            code, _, error = run("convert", SMALL / "blocks-2h", f"--to={to}", "--layout=gateway",
                                 "--progress=none")
            self.assertEqual(code, 0, error)

        self.check(lambda to: (FLOATS, f"--to={to}", "--layout=gateway", "--progress=none"),
                   prepare=one_day)

    def test_a_data_folder_into_an_empty_folder(self):
        # Names of our files are never the same twice.
        def same(a, b):
            code, text, error = run("verify", a, b)
            self.assertEqual((code, error), (0, ""), text)

        def arguments(to):
            return FLOATS, f"--to={to}", "--layout=samples", "--progress=none"

        self.check(arguments, same=same)
        # No server starts on half of one, and of one that has been used nothing is taken back.
        to = self.fresh(lambda to: None)
        run("convert", *arguments(to), armed("before_done", 1))
        self.assertTrue((to / "cold").is_dir())
        for command in (("serve", f"--storage.tsdb.path={to}", "--web.listen-address=127.0.0.1:0"),
                        ("import", FLOATS, f"--data={to}"), ("check", "data", to)):
            code, text, error = run(*command)
            self.assertEqual(code, 1)
            self.assertIn("an interrupted conversion is published in part", text + error)
        (to / "wal").mkdir()
        before = tree(to)
        code, _, error = run("convert", *arguments(to))
        self.assertEqual(code, 1)
        self.assertIn("holds 'wal' beside what an interrupted conversion published", error)
        self.assertEqual(tree(to), before)

    def test_shards_and_mark_beside_a_block_and_where_none_is(self):
        for there in (True, False):
            with self.subTest(there=there):
                def prepare(to, there=there):
                    if there:
                        shutil.copytree(FLOATS, to / ULIDS[0])

                self.check(lambda to: (FLOATS, f"--to={to}", f"--name={ULIDS[0]}",
                                       "--layout=parquet-common", "--converter-mark",
                                       "--progress=none"),
                           prepare=prepare, place=lambda to: to / ULIDS[0],
                           more=("before_beside",))


if __name__ == "__main__":
    unittest.main()
