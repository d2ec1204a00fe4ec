"""The installed tree: moved elsewhere, it runs, and the examples build against it alone."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from server_process import BINARY, ROOT  # noqa: E402

BUILD = pathlib.Path(BINARY).resolve().parent
BLOCK = ROOT / "src/blocks/testdata/blocks-2h/01HF96RR88AEWTP9VWFAY43MQ6"
FLOATS = ROOT / "src/blocks/testdata/index_format_v1"
COMPILERS = [name for name in ("g++", "clang++-14") if shutil.which(name)]
BARE = {"PATH": "/usr/bin:/bin"}


def run(*command):
    """Standard output; an error ends the test with both outputs."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=600, env=BARE)
    if done.returncode != 0:
        raise AssertionError(f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def configure(source, build, prefix):
    run("cmake", "-G", "Ninja", "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}")


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-install."))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        first = cls.folder / "first"
        run("cmake", "--install", BUILD, "--prefix", first)
        source = cls.folder / "examples"
        shutil.copytree(first / "share/doc/thermocline/examples", source)
        built = cls.folder / "built"
        configure(source, built, first)
        cls.build_log = run("cmake", "--build", built, "--verbose")
        run("cmake", "--install", built, "--prefix", first)
        cls.prefix = cls.folder / "moved"
        first.rename(cls.prefix)

    def setUp(self):
        self.out = pathlib.Path(tempfile.mkdtemp(dir=self.folder))

    def installed(self, name, *arguments):
        return run(self.prefix / "bin" / name, *arguments)

    def test_the_examples_see_nothing_of_the_source_tree(self):
        self.assertIn("block_to_parquet.cc", self.build_log)
        self.assertNotIn(str(ROOT), self.build_log)
        self.assertNotIn(str(BUILD), self.build_log)

    def test_the_example_that_writes_parquet_is_under_60_lines(self):
        text = (ROOT / "examples/block_to_parquet.cc").read_text()
        self.assertLess(len(text.splitlines()), 60)

    def test_a_block_becomes_parquet_in_every_layout(self):
        for layout in ("parquet-common", "gateway", "samples"):
            with self.subTest(layout):
                text = self.installed("block_to_parquet", BLOCK, self.out / layout, layout)
                self.assertEqual(text.splitlines()[0], "35 series: 44 floats, 7 histograms")
                self.assertIn("51 samples", text)
                compared = self.installed("thermocline", "verify", BLOCK, self.out / layout)
                self.assertIn("51 equal, 0 differing", compared)

    def test_a_block_becomes_rows_that_pyarrow_reads(self):
        import pyarrow.dataset
        text = self.installed("block_to_parquet", FLOATS, self.out / "rows", "samples")
        floats = int(re.search(r"(\d+) floats", text)[1])
        rows = pyarrow.dataset.dataset(
            str(self.out / "rows/cold/samples"), format="parquet", partitioning="hive").to_table()
        self.assertGreater(floats, 0)
        self.assertEqual(rows.num_rows, floats)
        self.assertIn("timestamp", rows.column_names)
        compared = self.installed("thermocline", "verify", FLOATS, self.out / "rows")
        self.assertIn(f"{floats} equal, 0 differing", compared)

    def test_promql_over_a_block_counts_what_a_dump_lists(self):
        query = 'count by (job) (present_over_time({__name__=~"golden_.+"}[2h]))'
        lines = self.installed("query_block", BLOCK, query).splitlines()
        found = {}
        for line in lines:
            job, count = re.fullmatch(r'\{job="([^"]+)"\} (\d+)', line).groups()
            found[job] = int(count)
        expected = {}
        for line in self.installed("thermocline", "dump", BLOCK).splitlines():
            series = json.loads(line)
            labels = dict(series["labels"])
            if labels["__name__"].startswith("golden_"):
                expected[labels["job"]] = expected.get(labels["job"], 0) + 1
        self.assertEqual(found, expected)
        with self.assertRaises(AssertionError) as refused:
            self.installed("query_block", BLOCK, "sum(")
        self.assertIn("parse error", str(refused.exception))

    def test_a_generated_data_set_is_the_same_each_time(self):
        first = self.installed("generate_data", self.out / "a", 50, 100)
        self.assertIn("50 series, 5000 samples", first)
        self.assertEqual(first, self.installed("generate_data", self.out / "b", 50, 100))
        compared = self.installed("thermocline", "verify", self.out / "a", self.out / "b")
        self.assertIn("5000 equal, 0 differing", compared)

    def test_the_program_runs_where_it_was_moved_to(self):
        self.assertIn("thermocline", self.installed("thermocline", "version"))
        for name in ("bin/thermocline", "bin/block_to_parquet", "lib/libthermocline.so"):
            found = re.findall(r"=> (\S+)", run("ldd", self.prefix / name))
            ours = [path for path in found if "libarrow" in path or "libthermocline" in path]
            for path in ours:
                self.assertTrue(path.startswith(str(self.prefix)), path)
            headers = run("readelf", "-d", self.prefix / name)
            for path in re.findall(r"R(?:UN)?PATH.*\[(.*)\]", headers):
                self.assertTrue(path.startswith("$ORIGIN"), path)

    def test_the_library_shows_the_api_alone(self):
        listing = run("nm", "-DC", "--defined-only", self.prefix / "lib/libthermocline.so")
        self.assertIn("thermocline::api::Source::Open", listing)
        others = [line for line in listing.splitlines() if "thermocline::api::" not in line]
        self.assertEqual(others, [])

    def test_each_header_compiles_alone(self):
        headers = sorted((self.prefix / "include/thermocline").glob("*.h"))
        self.assertGreater(len(headers), 8)
        self.assertTrue(COMPILERS)
        for header in headers:
            unit = self.out / "unit.cc"
            unit.write_text(f"#include <thermocline/{header.name}>\n" * 2)
            for compiler in COMPILERS:
                with self.subTest(f"{compiler} {header.name}"):
                    run(compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic",
                        "-Wshadow", "-Werror",
                        f"-I{self.prefix / 'include'}", unit)

    def test_the_code_of_the_documentation_compiles(self):
        text = (ROOT / "docs/cpp-api.md").read_text()
        code = re.search(r"```cpp\n(.*?)```", text, re.DOTALL)[1]
        includes = [line for line in code.splitlines() if line.startswith(("#", "namespace"))]
        rest = [line for line in code.splitlines() if line not in includes]
        unit = self.out / "unit.cc"
        unit.write_text("\n".join(
            ["#include <cstdio>", *includes, "tc::Status Run() {", *rest, "return read; }", ""]))
        run("g++", "-std=c++20", "-fsyntax-only", f"-I{self.prefix / 'include'}", unit)

    def test_headers_include_ours_and_the_standard_library_only(self):
        for header in (self.prefix / "include/thermocline").glob("*.h"):
            for name in re.findall(r"#include\s+[<\"]([^>\"]+)", header.read_text()):
                self.assertRegex(name, r"^(thermocline/[a-z]+\.h|[a-z_]+)$", header.name)

    def test_the_development_files_alone_say_what_is_missing(self):
        prefix = self.out / "development"
        run("cmake", "--install", BUILD, "--prefix", prefix, "--component", "development")
        self.assertTrue((prefix / "include/thermocline/source.h").exists())
        self.assertFalse((prefix / "bin").exists())
        with self.assertRaises(AssertionError) as refused:
            configure(self.folder / "examples", self.out / "x", prefix)
        self.assertIn("install the component runtime too", " ".join(str(refused.exception).split()))

    def test_another_minor_version_is_not_taken(self):
        listing = self.out / "CMakeLists.txt"
        listing.write_text(
            "cmake_minimum_required(VERSION 3.16)\nproject(x LANGUAGES CXX)\n"
            "find_package(Thermocline 0.2 CONFIG REQUIRED)\n")
        with self.assertRaises(AssertionError) as refused:
            configure(self.out, self.out / "x", self.prefix)
        self.assertIn("0.1.0", str(refused.exception))


if __name__ == "__main__":
    unittest.main()
