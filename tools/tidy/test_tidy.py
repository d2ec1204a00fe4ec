"""Each rule of tools/tidy fails once on a small tree made for it, and is quiet on a good tree."""
import importlib.util
import pathlib
import tempfile
import unittest

SPEC = importlib.util.spec_from_file_location(
    "tidy", pathlib.Path(__file__).resolve().parent / "__main__.py")
tidy = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tidy)

GOOD = {
    "tools/layers.txt": "base : -\nwal : base\ncodec : base\nenv : base\napp : *\n",
    "src/base/CMakeLists.txt": "thermocline_module(base)\n",
    "src/base/README.md": "# base\n",
    "src/base/time.h": "// Time.\n#pragma once\n\nint64_t NowMs();\n",
    "src/base/time.cc": '#include "base/time.h"\n\nint64_t NowMs() { return 0; }\n',
    "src/wal/CMakeLists.txt": "thermocline_module(wal DEPS base)\n",
    "src/wal/README.md": "# wal\n",
    "src/wal/log.cc": '#include "base/time.h"\n\nnamespace {\nint Open() { return 1; }\n}\n',
}


def long_function(lines):
    return "void F() {\n" + "  Step();\n" * (lines - 2) + "}\n"


class TidyTest(unittest.TestCase):
    def findings(self, files):
        """The findings on the good tree with `files` laid over it (None removes one)."""
        with tempfile.TemporaryDirectory() as folder:
            for path, text in {**GOOD, **files}.items():
                if text is not None:
                    file = pathlib.Path(folder, path)
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_text(text)
            return tidy.findings_of(folder)

    def assert_finds(self, files, *expected):
        """Each expected text is in one finding, and there are no others."""
        found = self.findings(files)
        self.assertEqual(len(found), len(expected), found)
        for line, text in zip(found, sorted(expected)):
            self.assertIn(text, line)

    def test_a_good_tree_has_no_findings(self):
        self.assert_finds({})

    def test_a_room_may_not_include_a_room_above_it(self):
        self.assert_finds(
            {"src/base/time.cc": '#include "base/time.h"\n#include "wal/log.h"\n'},
            "src/base/time.cc:2: layers: base may not include wal")

    def test_a_room_may_not_include_an_unlisted_neighbour(self):
        self.assert_finds(
            {"src/wal/log.cc": '#include "codec/xor.h"\n'}, "wal may not include codec")

    def test_a_test_may_include_what_its_room_lists_as_test_library(self):
        cmake = "thermocline_module(wal DEPS base TEST_LIBS tc_env)\n"
        files = {"src/wal/CMakeLists.txt": cmake, "src/wal/log_test.cc": '#include "env/env.h"\n'}
        self.assert_finds(files)
        self.assert_finds(
            {**files, "src/wal/log.cc": '#include "env/env.h"\n'}, "wal may not include env")

    def test_a_room_may_not_link_a_room_above_it(self):
        self.assert_finds(
            {"src/base/CMakeLists.txt": "thermocline_module(base DEPS wal LIBS x)\n"},
            "base may not depend on wal")

    def test_every_room_is_listed(self):
        shed = {"src/shed/CMakeLists.txt": "thermocline_module(shed)\n", "src/shed/README.md": ""}
        self.assert_finds(shed, "the room shed is not listed")

    def test_our_files_are_included_by_their_path_in_quotes(self):
        self.assert_finds(
            {"src/wal/log.cc": '#include "log.h"\n#include <base/time.h>\n'},
            ":1: layers: include log.h by its path", ":2: layers: write #include")

    def test_libraries_are_confined(self):
        self.assert_finds(
            {"src/wal/log.cc": "#include <snappy.h>\n#include <boost/beast/core.hpp>\n"},
            ":1: libraries: <snappy.h>", ":2: libraries: <boost/beast")
        codec = {
            "src/codec/CMakeLists.txt": "thermocline_module(codec)\n",
            "src/codec/README.md": "# codec\n",
            "src/codec/block.cc": "#include <snappy.h>\n",
        }
        self.assert_finds(codec)

    def test_a_file_has_at_most_800_lines(self):
        self.assert_finds({"src/base/time.cc": "int x;\n" * 801}, "sizes: 801 lines")
        self.assert_finds({"src/base/time_test.cc": "int x;\n" * 1000})
        self.assert_finds({"src/base/time_test.cc": "int x;\n" * 1001}, "sizes: 1001 lines")

    def test_a_function_has_at_most_70_lines(self):
        self.assert_finds({"src/base/time.cc": long_function(70)})
        self.assert_finds(
            {"src/base/time.cc": long_function(71)}, "time.cc:1: sizes: a function of 71 lines")

    def test_function_length_sees_through_scopes_and_initializers(self):
        constructor = "A::A(int n)\n    : n_{n}, m_(n) {\n" + "  Step();\n" * 70 + "}\n"
        self.assert_finds(
            {"src/base/time.cc": "namespace n {\n" + constructor + "}\n"}, "sizes: a function of 7")
        table = "constexpr int kTable[] = {\n" + "  1,\n" * 90 + "};\n"
        self.assert_finds({"src/base/time.cc": table})
        methods = "class A {\n" + "  void F() {\n  }\n" * 60 + "};\n"
        self.assert_finds({"src/base/time.cc": methods})

    def test_braces_in_literals_and_comments_do_not_count(self):
        text = "void F() {\n  Put('{', \"{{\");  // {\n}\n" + "int x;\n" * 90
        self.assert_finds({"src/base/time.cc": text})

    def test_python_functions_are_measured_too(self):
        text = "def f():\n" + "    step()\n" * 71
        self.assert_finds({"tools/generate.py": text}, "sizes: a function of 72 lines")

    def test_a_line_has_at_most_100_columns(self):
        self.assert_finds({"src/base/time.cc": "// " + "x" * 98 + "\n"}, "sizes: 101 columns")
        self.assert_finds({"src/base/time.cc": "// " + "x" * 97 + "\n"})

    def test_names_that_say_nothing_are_refused(self):
        self.assert_finds({"src/base/time_utils.h": "#pragma once\n"}, "'utils' in a file name")
        self.assert_finds({"src/base/time.cc": "class LogManager {};\n"}, "'manager' in the type")
        self.assert_finds({"src/base/time.cc": "using RowHelper = int;\n"}, "'helper' in the type")
        self.assert_finds({"src/base/time.cc": "struct Simple {};\n"})

    def test_threads_sleeps_clocks_and_files_belong_to_env(self):
        for call in (
            "std::thread worker;", "std::this_thread::sleep_for(x);", "sleep(1);",
            "auto t = std::chrono::system_clock::now();", "auto* f = fopen(p, m);",
            "std::ifstream in(p);", "int fd = ::open(p, 0);", "std::filesystem::remove(p);",
        ):
            with self.subTest(call):
                self.assert_finds({"src/wal/log.cc": f"void F() {{ {call} }}\n"}, ":1: calls:")
        env = {
            "src/env/CMakeLists.txt": "thermocline_module(env)\n",
            "src/env/README.md": "# env\n",
            "src/env/file.cc": "void F() { int fd = ::open(p, 0); std::thread t; }\n",
        }
        self.assert_finds(env)

    def test_a_test_may_start_threads_but_not_sleep(self):
        self.assert_finds({"src/wal/log_test.cc": "void F() { std::thread t; std::ifstream f; }\n"})
        self.assert_finds({"src/wal/log_test.cc": "void F() { usleep(1); }\n"}, ":1: calls: usleep")

    def test_settings_and_output_belong_to_app(self):
        for call in ('getenv("X");', 'std::cout << "x";', 'printf("x");', 'fmt::print("x");'):
            with self.subTest(call):
                self.assert_finds({"src/wal/log.cc": f"void F() {{ {call} }}\n"}, ":1: calls:")
        self.assert_finds({"src/wal/log.cc": "void F() { snprintf(b, n, f); x.printf(y); }\n"})

    def test_exceptions_and_unstable_hashes_are_refused(self):
        self.assert_finds({"src/wal/log.cc": "void F() { throw Bad{}; }\n"}, "return a Status")
        self.assert_finds({"src/wal/log.cc": "auto h = std::hash<int>{}(1);\n"}, "std::hash")

    def test_randomness_is_seeded_and_handed_in(self):
        for call in ("int x = rand();", "srand(1);", "std::srand (7);"):
            with self.subTest(call):
                for file in ("src/wal/log.cc", "src/wal/log_test.cc"):
                    self.assert_finds({file: f"void F() {{ {call} }}\n"}, "use Random")
        self.assert_finds({"src/wal/log.cc": "void F() { operand(); x.strand(1); brand (2); }\n"})

    def test_calls_in_comments_and_literals_do_not_count(self):
        self.assert_finds({"src/wal/log.cc": '// getenv\nauto* x = "throw printf(";\n'})

    def test_every_room_has_a_readme_of_a_page(self):
        self.assert_finds({"src/wal/README.md": None}, "the room wal has no README")
        self.assert_finds({"src/wal/README.md": "line\n" * 81}, "81 lines: a page")

    def test_every_source_belongs_to_a_target(self):
        self.assert_finds({"bench/wal_bench.cc": "int main() {}\n"}, "no CMakeLists.txt builds")
        self.assert_finds({"src/wal/CMakeLists.txt": None}, "no CMakeLists.txt builds")
        self.assert_finds({
            "bench/CMakeLists.txt": "file(GLOB x CONFIGURE_DEPENDS *_bench.cc)\n",
            "bench/wal_bench.cc": "int main() {}\n",
        })

    def test_a_target_may_be_named_after_its_file(self):
        self.assert_finds({
            "fuzz/CMakeLists.txt": "thermocline_fuzz(wal wal)\nthermocline_fuzz(log wal)\n",
            "fuzz/wal_fuzz.cc": "int f();\n",
            "fuzz/log_fuzz.cc": "int f();\n",
            "fuzz/other_fuzz.cc": "int f();\n",
        }, "fuzz/other_fuzz.cc:1: targets")

    def test_headers_begin_with_pragma_once(self):
        self.assert_finds({"src/base/time.h": "#ifndef X\n#define X\n#endif\n"}, "#pragma once")

    def test_promises_are_refused(self):
        word = "TO" + "DO"
        self.assert_finds({"src/base/time.cc": f"// {word}: more\n"}, f"promises: {word}")


if __name__ == "__main__":
    unittest.main()
