"""Backfill from OpenMetrics text: our import of a file holds what promtool's blocks of it hold."""
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from server_process import BINARY, CACHE  # noqa: E402

PROMTOOL = CACHE / "prometheus/promtool"
START = 1_600_000_000


def run(*arguments):
    done = subprocess.run(list(map(str, arguments)), capture_output=True, timeout=300, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def openmetrics(seed, series, hours):
    """Counters, gauges, histograms and summaries; odd labels, special values, exemplars."""
    chosen = random.Random(seed)
    lines = ["# HELP load Some \\\"load\\\".\\nTwo lines.", "# TYPE load gauge"]
    step = 60
    for s in range(series):
        labels = f'host="h{s}",path="C:\\\\dir\\"{s}\\nend",zone="é{s % 3}"'
        for t in range(0, hours * 3600, step):
            value = chosen.choice(["NaN", "+Inf", "-Inf", "0", "-0", repr(chosen.random()),
                                   repr(chosen.uniform(-1e9, 1e9)), str(chosen.randrange(100))])
            lines.append(f"load{{{labels}}} {value} {START + t + chosen.choice((0, .25, .123))}")
    lines += ["# TYPE jobs counter", "# UNIT jobs_seconds seconds"]
    for s in range(series):
        total = 0
        for t in range(0, hours * 3600, step):
            total += chosen.randrange(10)
            lines.append(f'jobs_total{{s="{s}"}} {total} {START + t}'
                         + (' # {trace_id="t%d"} 1 %d' % (t, START + t) if t % 600 == 0 else ""))
            lines.append(f'jobs_created{{s="{s}"}} {START - 1} {START + t}')
    lines.append("# TYPE latency histogram")
    for t in range(0, hours * 3600, step):
        for bound in ("0.1", "1", "+Inf"):
            lines.append(f'latency_bucket{{le="{bound}"}} {t} {START + t}')
        lines += [f"latency_count {t} {START + t}", f"latency_sum {t / 7} {START + t}"]
    lines.append("# TYPE rpc summary")
    for t in range(0, hours * 3600, step):
        lines.append(f'rpc{{quantile="0.50"}} {t / 3} {START + t}')
    return "\n".join(lines + ["# EOF", ""])


@unittest.skipUnless(PROMTOOL.exists(), "no promtool: ./dev setup")
class BackfillTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def test_a_file_and_promtools_blocks_of_it_import_alike(self):
        for seed, series, hours in ((1, 3, 7), (2, 1, 50)):
            with self.subTest(seed=seed):
                text = self.folder / f"{seed}.om"
                text.write_text(openmetrics(seed, series, hours), encoding="utf-8")
                blocks = self.folder / f"blocks{seed}"
                code, _, error = run(PROMTOOL, "tsdb", "create-blocks-from", "openmetrics", text,
                                     blocks)
                self.assertEqual(code, 0, error)
                ours, theirs = self.folder / f"ours{seed}", self.folder / f"theirs{seed}"
                for source, data in ((text, ours), (blocks, theirs)):
                    code, _, error = run(BINARY, "import", source, f"--data={data}", "--verify")
                    self.assertEqual(code, 0, error)
                for a, b in ((text, blocks), (ours, theirs), (ours, blocks)):
                    code, out, error = run(BINARY, "verify", a, b)
                    self.assertEqual((code, error), (0, ""), out)
                dumps = [run(BINARY, "dump", data)[1] for data in (ours, theirs)]
                self.assertEqual(dumps[0], dumps[1])
                self.assertGreater(len(dumps[0].splitlines()), series)

    def test_what_promtool_refuses_we_refuse(self):
        bad = {
            "no end": "up 1 1\n",
            "no time": "up 1\n# EOF\n",
            "no number": "up x 1\n# EOF\n",
            "after the end": "up 1 1\n# EOF\nup 1 2\n",
            "no name": '{a="b"} 1 1\n# EOF\n',
            "open labels": 'up{a="b 1 1\n# EOF\n',
            "twice the label": 'up{a="b",a="c"} 1 1\n# EOF\n',
            "remark": "# a remark\nup 1 1\n# EOF\n",
            "empty line": "up 1 1\n\n# EOF\n",
        }
        for name, content in bad.items():
            with self.subTest(name):
                path = self.folder / "bad.om"
                path.write_text(content)
                code, _, _ = run(PROMTOOL, "tsdb", "create-blocks-from", "openmetrics", path,
                                 self.folder / "blocks")
                self.assertNotEqual(code, 0)
                code, _, error = run(BINARY, "import", path, f"--data={self.folder}/data",
                                     "--from-layout=openmetrics")
                self.assertNotEqual(code, 0)
                self.assertIn("bad.om:", error)


if __name__ == "__main__":
    unittest.main()
