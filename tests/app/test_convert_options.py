"""Each option of convert has the effect that its help promises, seen in what is written."""
import json
import os
import pathlib
import pty
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import duckdb
import pyarrow.parquet as parquet

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from server_process import BINARY  # noqa: E402

START = 1_700_000_000
STEP, SAMPLES, SERIES = 15, 1000, 60  # 4 h 10 min
BIG_SERIES, BIG_SAMPLES = 6000, 700  # some 36 MB of chunks


def run(*arguments):
    """(exit code, standard output, standard error)"""
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, timeout=300, env={})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def write_text(path, series, samples, value):
    with open(path, "w") as text:
        for number in range(series):
            labels = f'instance="{number:04d}",zone="{number % 3}",only{number % 6}="x"'
            text.writelines(f"load{{{labels}}} {value(number, at)} {START + STEP * at}\n"
                            for at in range(samples))
        text.write("# EOF\n")


class OptionsCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sources = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.sources)
        cls.make_source()

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    @classmethod
    def make_shards(cls, name, series, samples, value):
        write_text(cls.sources / "text", series, samples, value)
        code, _, error = run("convert", cls.sources / "text", f"--to={cls.sources / name}",
                             "--layout=parquet-common", "--progress=none")
        assert code == 0, error
        (cls.sources / "text").unlink()
        return cls.sources / name


class ShapeTest(OptionsCase):
    """Of chunks, columns, row groups and shards."""

    @classmethod
    def make_source(cls):
        cls.source = cls.make_shards("shards", SERIES, SAMPLES,
                                     lambda series, at: (series % 5 * 7919 + at * at * 31) % 10007)

    def convert(self, *options, layout="parquet-common"):
        to = self.folder / str(len(list(self.folder.iterdir())))
        code, _, error = run("convert", self.source, f"--to={to}", f"--layout={layout}",
                             "--verify", "--progress=none", *options)
        self.assertEqual((code, error), (0, ""))
        code, text, error = run("verify", self.source, to)
        self.assertEqual((code, error), (0, ""), text)
        self.assertIn(f"{SERIES * SAMPLES} equal, 0 differing", text)
        return to

    def chunks(self, shards):
        """[first, last, encoding, samples] of all chunks of each series"""
        code, text, error = run("dump", shards, "--chunks")
        self.assertEqual((code, error), (0, ""))
        return [json.loads(line)["chunks"] for line in text.splitlines()]

    def files(self, shards, kind):
        return [parquet.ParquetFile(path) for path in sorted(shards.rglob(f"*.{kind}.parquet"))]

    def test_no_chunk_has_more_samples_than_asked_for(self):
        stored = self.chunks(self.source)
        self.assertEqual(max(chunk[3] for one in stored for chunk in one), 120)
        for layout in ("parquet-common", "gateway"):
            for most in (30, 100, 119):
                with self.subTest(layout=layout, most=most):
                    to = self.convert(f"--samples-per-chunk={most}", layout=layout)
                    counts = [[chunk[3] for chunk in one] for one in self.chunks(to)]
                    self.assertEqual([sum(one) for one in counts], [SAMPLES] * SERIES)
                    self.assertLessEqual(max(map(max, counts)), most)
                    self.assertGreater(max(map(max, counts)), most // 2)

    def test_chunks_that_are_small_enough_or_not_spoken_of_stay_as_they_are(self):
        for options in ((), ("--samples-per-chunk=120",), ("--samples-per-chunk=1000",)):
            with self.subTest(options=options):
                self.assertEqual(self.chunks(self.convert(*options)), self.chunks(self.source))

    def test_a_column_covers_the_time_asked_for(self):
        for hours, columns in ((1, 5), (2, 3), (8, 1)):
            with self.subTest(hours=hours):
                to = self.convert(f"--column-duration={hours}h")
                names = self.files(to, "chunks")[0].schema_arrow.names
                self.assertEqual(len([n for n in names if n.startswith("s_data_")]), columns)
                for first, last, _, _ in sum(self.chunks(to), []):
                    self.assertEqual(*((t // 1000 - START) // (hours * 3600)
                                       for t in (first, last)))

    def test_row_groups_and_shards_have_the_rows_asked_for(self):
        def rows(to, kind):
            return [[f.metadata.row_group(i).num_rows for i in range(f.num_row_groups)]
                    for f in self.files(to, kind)]

        # Shards share the rows evenly.
        for options, wanted in (((), [[60]]),
                                (("--rowgroup-size=25",), [[25, 25, 10]]),
                                (("--rowgroup-size=25", "--rowgroup-count=2"), [[25, 5], [25, 5]]),
                                (("--rowgroup-size=40", "--rowgroup-count=1"), [[30], [30]])):
            for layout, days in (("parquet-common", 1), ("gateway", 2)):
                with self.subTest(options=options, layout=layout):
                    to = self.convert(*options, layout=layout)
                    self.assertEqual(rows(to, "labels"), wanted * days)
                    self.assertEqual(rows(to, "chunks"), wanted * days)

    def test_a_labels_file_has_no_more_columns_than_asked_for(self):
        widest = max(len(f.schema_arrow.names) for f in self.files(self.convert(), "labels"))
        self.assertEqual(len(self.files(self.convert(), "labels")), 1)
        self.assertGreater(widest, 8)
        files = self.files(self.convert("--max-columns=8"), "labels")
        self.assertGreater(len(files), 1)
        for one in files:
            self.assertLessEqual(len(one.schema_arrow.names), 8)

    def test_chunk_pages_are_compressed_as_asked_for(self):
        def sizes(name):
            group = self.files(self.convert(f"--compression={name}"), "chunks")[0].metadata
            columns = [group.row_group(0).column(i) for i in range(group.num_columns)]
            data = [one for one in columns if one.path_in_schema.startswith("s_data_")]
            self.assertTrue(data)
            return (sum(one.total_compressed_size for one in data),
                    sum(one.total_uncompressed_size for one in data))

        stored, whole = sizes("none")
        self.assertEqual(stored, whole)
        for name in ("zstd", "auto"):
            with self.subTest(name=name):
                stored, unpacked = sizes(name)
                self.assertEqual(unpacked, whole)
                self.assertLess(stored, whole / 2)

    def test_rows_are_sorted_by_the_labels_asked_for(self):
        def values(to, label):
            return self.files(to, "labels")[0].read([f"l_{label}"])[0].to_pylist()

        plain = self.convert()
        self.assertNotEqual(values(plain, "zone"), sorted(values(plain, "zone")))
        to = self.convert("--sort-label=zone", "--sort-label=instance")
        rows = list(zip(values(to, "zone"), values(to, "instance")))
        self.assertEqual(rows, sorted(rows))

    def test_labels_asked_for_have_bloom_filters(self):
        def filtered(to):
            rows = duckdb.sql("select path_in_schema, bloom_filter_offset from parquet_metadata("
                              f"'{to}/0.labels.parquet')").fetchall()
            return {name.strip('"') for name, offset in rows if offset is not None}

        for options, wanted in (((), {"l___name__"}), (("--bloom-label=",), set()),
                                (("--bloom-label=zone", "--bloom-label=instance"),
                                 {"l_zone", "l_instance"})):
            with self.subTest(options=options):
                self.assertEqual(filtered(self.convert(*options)), wanted)


class WorkTest(OptionsCase):
    """Of memory, threads and what is told meanwhile."""

    @classmethod
    def make_source(cls):
        some = random.Random(4)
        cls.source = cls.make_shards("shards", BIG_SERIES, BIG_SAMPLES,
                                     lambda series, at: some.random())

    def start(self, name, *options, **pipes):
        command = [BINARY, "convert", str(self.source), f"--to={self.folder / name}", *options]
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, **pipes}
        return subprocess.Popen(command, env={}, **pipes)

    def watched(self, look, name, *options):
        """The most that `look` finds in /proc/PID while a run goes on."""
        process = self.start(name, "--progress=none", *options, stderr=subprocess.DEVNULL)
        most = 0
        while process.poll() is None:
            try:
                most = max(most, look(pathlib.Path(f"/proc/{process.pid}")))
            except OSError:
                pass  # it has just ended
            time.sleep(0.001)
        self.assertEqual(process.returncode, 0)
        return most

    def peak_bytes(self, name, *options):
        # The kernel's own high-water mark, so that no peak is missed between two looks.
        def peak(proc):
            found = re.search(r"VmHWM:\s+(\d+) kB", (proc / "status").read_text())
            return int(found[1]) << 10 if found else 0  # it has just ended

        return self.watched(peak, name, *options)

    def test_little_memory_makes_small_row_groups_and_a_small_process(self):
        for layout in ("parquet-common", "gateway"):
            with self.subTest(layout=layout):
                much = self.peak_bytes(f"{layout}-much", f"--layout={layout}")
                little = self.peak_bytes(f"{layout}-little", f"--layout={layout}",
                                         "--memory=4MiB")
                groups = [parquet.ParquetFile(next((self.folder / f"{layout}-{size}")
                                                   .rglob("0.chunks.parquet"))).num_row_groups
                          for size in ("much", "little")]
                self.assertEqual(groups[0], 1)
                self.assertGreater(groups[1], 4)
                self.assertLess(little, much - (12 << 20), f"{little} and {much}")

    def test_jobs_are_threads(self):
        def workers(proc):
            return [(task / "comm").read_text().strip()
                    for task in (proc / "task").iterdir()].count("worker")

        for jobs in (1, 2, 6):
            with self.subTest(jobs=jobs):
                self.assertEqual(self.watched(workers, f"jobs{jobs}", "--layout=samples",
                                              f"--jobs={jobs}"), jobs)

    def held_up(self, process, name):
        """Stops the process for more than two seconds as soon as it has begun to write."""
        while not (self.folder / f"{name}.converting/out").exists():
            self.assertIsNone(process.poll())
            time.sleep(0.001)
        process.send_signal(signal.SIGSTOP)
        time.sleep(2.2)
        process.send_signal(signal.SIGCONT)

    def on_a_terminal(self, name, *options, hold):
        """What a terminal gets of a run's standard error."""
        ours, theirs = pty.openpty()
        process = self.start(name, "--layout=gateway", "--verify", *options, stderr=theirs)
        os.close(theirs)
        if hold:
            self.held_up(process, name)
        told = b""
        while True:
            ready, _, _ = select.select([ours], [], [], 60)
            try:
                part = os.read(ours, 65536) if ready else b""
            except OSError:  # the other end is closed
                part = b""
            if not part:
                break
            told += part
        os.close(ours)
        self.assertEqual(process.wait(), 0, told)
        return told.decode()

    def in_a_pipe(self, name, *options):
        process = self.start(name, "--layout=gateway", "--verify", *options)
        self.held_up(process, name)
        _, told = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, told)
        return told.decode()

    def test_a_terminal_gets_a_bar_after_two_seconds(self):
        told = self.on_a_terminal("slow", hold=True)
        self.assertRegex(told, r"\r\x1b\[K\[#*\.*\] (converting|verifying) \d+ %, [\d.]+ ?[kMG]? "
                               r"samples, [\d.]+ ?[kMG]?/s")
        self.assertTrue(told.endswith("\r\x1b[K"), told)  # and it goes away
        self.assertNotIn("\n", told)
        self.assertEqual(self.on_a_terminal("none", "--progress=none", hold=True), "")

    def test_a_short_run_tells_nothing(self):
        begun = time.monotonic()
        told = self.on_a_terminal("short", "--max-time=1700000100", hold=False)
        if time.monotonic() - begun < 2:
            self.assertEqual(told, "")

    def test_a_pipe_gets_lines(self):
        told = self.in_a_pipe("lines")
        self.assertRegex(told, r"\A((converting|verifying) \d+ %, .* samples, .*/s.*\n)+\Z")
        self.assertNotIn("\r", told)
        self.assertIn("\r\x1b[K[", self.in_a_pipe("bar", "--progress=bar"))


if __name__ == "__main__":
    unittest.main()
