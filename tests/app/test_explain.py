"""Plans as the real binary tells them: over HTTP, from a server and from a closed folder."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from remote_write_client import encode_series, send  # noqa: E402
from server_process import BINARY, thermocline  # noqa: E402


def run(*arguments):
    """(exit code, standard output, standard error)"""
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True,
                          timeout=60, env={})
    return done.returncode, done.stdout, done.stderr


class ExplainTest(unittest.TestCase):
    """Ten samples of two series in a cold block, the next ten in the head."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-explain-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.server = thermocline(cls.folder).start()
        cls.addClassCleanup(cls.server.kill)
        cls.now_s = int(time.time())
        for part in range(2):
            samples = [((cls.now_s - 200 + part * 100 + k * 10) * 1000, float(part * 10 + k))
                       for k in range(10)]
            status, body = send(cls.server.url, [
                encode_series({"__name__": "m_total", "job": job}, samples)
                for job in ("a", "b")])
            assert status == 204, body
            if part == 0:
                cls.server.flush()
        cls.ranged = {"start": cls.now_s - 150, "end": cls.now_s, "step": 50}

    def explain(self, query, **parameters):
        status, answer = self.server.get("/api/v1/query_explain", query=query, **parameters)
        self.assertEqual(status, 200, answer)
        return answer["data"]

    def test_a_plan_is_a_tree_with_the_rewrites_that_made_it(self):
        data = self.explain('sum by (job) (rate(m_total{job="a"}[1m])) * (1 + 1)', **self.ranged)
        self.assertEqual(data, {
            "query": 'sum by (job) (rate(m_total{job="a"}[1m])) * (1 + 1)',
            "rewrites": ["fold_constants"],
            "plan": {"name": "*", "kind": "binary", "children": [
                {"name": "sum by (job)", "kind": "aggregate", "children": [
                    {"name": "rate", "kind": "call", "children": [
                        {"name": 'm_total{job="a"}[1m]', "kind": "window"}]}]},
                {"name": "2", "kind": "number", "rewrites": ["fold_constants"]}]}})

    def test_an_instant_query_is_explained_by_its_time(self):
        plan = self.explain("m_total", time=self.now_s)["plan"]
        self.assertEqual(plan, {"name": "m_total", "kind": "selector"})
        for times in ({"time": self.now_s}, self.ranged):
            plan = self.explain("m_total @ 5", **times)["plan"]
            self.assertEqual((plan["name"], plan["rewrites"]), ("once", ["evaluate_once"]))

    def test_analysis_tells_what_each_node_read_of_each_tier(self):
        data = self.explain("sum(m_total)", analyze="true", **self.ranged)
        total, node = data["analysis"], data["plan"]["analysis"]
        self.assertEqual((total["series"], total["samples"]), (1, 4))
        self.assertEqual((node["series"], node["samples"]), (1, 4))
        selector = data["plan"]["children"][0]["analysis"]
        self.assertEqual((selector["series"], selector["samples"], selector["selects"]), (2, 8, 1))
        self.assertEqual(selector["samplesRead"], 40)
        self.assertEqual(selector["head"], {"series": 2, "samples": 20})
        self.assertEqual((selector["cold"]["series"], selector["cold"]["samples"]), (2, 20))
        self.assertEqual(selector["cold"]["blocksConsidered"], 1)
        self.assertGreater(selector["cold"]["bytesRead"], 0)
        self.assertGreater(selector["cold"]["pagesRead"], 0)
        self.assertEqual(total["cold"], selector["cold"])
        self.assertGreaterEqual(node["time"], selector["time"])
        self.assertGreaterEqual(total["time"], node["time"])
        # After the block's last sample and its lookback only the head is asked.
        data = self.explain("sum(rate(m_total[20s]))", analyze="true", time=self.now_s - 10)
        window = data["plan"]["children"][0]["children"][0]["analysis"]
        self.assertEqual((window["cold"]["samples"], window["cold"]["blocksSkippedByTime"]), (0, 1))
        self.assertEqual(window["head"]["series"], 2)

    def test_rewrites_spare_reads(self):
        plan = self.explain("sum(m_total) / max(m_total)", analyze="true", **self.ranged)["plan"]
        first, second = (node["children"][0] for node in plan["children"])
        self.assertEqual(second["rewrites"], ["share_selectors"])
        self.assertEqual([node["analysis"]["selects"] for node in (first, second)], [1, 0])
        self.assertEqual(second["analysis"]["cold"]["blocksConsidered"], 0)
        plan = self.explain("sum(m_total) + sum(m_total)", analyze="true", **self.ranged)["plan"]
        self.assertEqual([node["kind"] for node in plan["children"]], ["shared", "aggregate"])
        data = self.explain('m_total{job="a"} - m_total offset 10s', analyze="true", **self.ranged)
        narrowed = data["plan"]["children"][1]
        self.assertEqual((narrowed["name"], narrowed["rewrites"], narrowed["analysis"]["series"]),
                         ('m_total{job="a"} offset 10s', ["propagate_matchers"], 1))

    def test_analysed_queries_bring_their_warnings_and_infos(self):
        query = "quantile(2, rate(m_total[1m]))"
        status, answer = self.server.get("/api/v1/query_explain", query=query, analyze="true",
                                         **self.ranged)
        self.assertEqual(status, 200)
        _, asked = self.server.get("/api/v1/query_range", query=query, **self.ranged)
        self.assertEqual(answer["warnings"], asked["warnings"])

    def test_wrong_requests_are_told_as_queries_tell_them(self):
        cases = [({"query": "sum("}, 400, "bad_data"),
                 ({"query": "1", "analyze": "maybe"}, 400, "bad_data"),
                 ({"query": "1", "time": "soon"}, 400, "bad_data"),
                 ({"query": "1", "start": 2, "end": 1, "step": 1}, 400, "bad_data"),
                 ({"query": "1", "start": 2}, 400, "bad_data"),
                 ({"query": "1", "lookback_delta": "x"}, 400, "bad_data"),
                 ({"query": "m_total + on () m_total", "time": self.now_s}, 200, None),
                 ({"query": "m_total + on () m_total", "time": self.now_s, "analyze": "true"},
                  422, "execution")]
        for parameters, status, kind in cases:
            got, answer = self.server.get("/api/v1/query_explain", **parameters)
            self.assertEqual((got, answer.get("errorType")), (status, kind), (parameters, answer))

    def test_the_command_prints_a_server_s_plan_and_a_folder_s_alike(self):
        copy = self.folder / "closed"
        self.assertEqual(self.server.stop(), 0, self.server.log_tail())
        shutil.copytree(self.folder / "data", copy)
        self.server.start()
        query = ["query", "range", 'sum by (job) (m_total{job="a"}) > (1 + 1)',
                 *(f"--{name}={value}" for name, value in self.ranged.items())]
        wanted = ('>\n'
                  '  sum by (job)\n'
                  '    m_total{job="a"}\n'
                  '  2 [fold_constants]\n')
        for where in (f"--server={self.server.url}", f"--storage={copy}"):
            self.assertEqual(run(*query, where, "--explain"), (0, wanted, ""))
            code, text, error = run(*query, where, "--explain=analyze")
            self.assertEqual((code, error), (0, ""))
            lines = text.splitlines()
            self.assertRegex(lines[1], r"^  sum by \(job\)  \d+\.\d{3} ms, 1 series, 4 samples$")
            self.assertRegex(lines[3], r"^        selected 1 times, \d+ samples read: .*\d+ bytes")
            self.assertRegex(lines[-1], r"^# \d+\.\d{3} ms, 1 series, 4 samples; ")
            code, text, _ = run(*query, where, "--explain", "--json")
            self.assertEqual(json.loads(text)["data"]["plan"]["name"], ">")
        self.assertEqual(run(*query, "--explain=twice")[0], 2)


if __name__ == "__main__":
    unittest.main()
