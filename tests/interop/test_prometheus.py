"""A real Prometheus scrapes itself and a real node exporter and writes to us; then both answer
alike: live, flushed to Parquet, killed and restarted; and so do readers of the files."""
import functools
import json
import math
import pathlib
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import promql_queries  # noqa: E402
from server_process import ServerProcess, free_port, prometheus, thermocline  # noqa: E402

WINDOW_SECONDS = 30
SETTLING_SECONDS = 5
RELATIVE_ERROR = 1e-12
CONFIG = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: prometheus
    static_configs: [{{targets: ['127.0.0.1:{prometheus}']}}]
  - job_name: node
    static_configs: [{{targets: ['127.0.0.1:{node}']}}]
remote_write:
  - url: {url}/api/v1/write
    queue_config: {{batch_send_deadline: 200ms, min_backoff: 50ms, max_backoff: 500ms}}
"""


def same_number(ours, theirs):
    a, b = float(ours), float(theirs)
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or abs(a - b) <= RELATIVE_ERROR * max(abs(a), abs(b))


def same_points(ours, theirs):
    """Whether two lists of [seconds, "value"] are the same."""
    return len(ours) == len(theirs) and all(
        a[0] == b[0] and same_number(a[1], b[1]) for a, b in zip(ours, theirs))


def by_labels(element):
    return json.dumps(element.get("metric"), sort_keys=True)


def difference(ours, theirs, ordered):
    """What differs between two `data` objects of the HTTP API, or None."""
    if ours["resultType"] != theirs["resultType"]:
        return f"type {ours['resultType']}, not {theirs['resultType']}"
    a, b = ours["result"], theirs["result"]
    if ours["resultType"] in ("scalar", "string"):
        return None if same_points([a], [b]) else f"{a}, not {b}"
    if not ordered:
        a, b = sorted(a, key=by_labels), sorted(b, key=by_labels)
    ours_labels, theirs_labels = [e["metric"] for e in a], [e["metric"] for e in b]
    if ours_labels != theirs_labels:
        extra = [m for m in ours_labels if m not in theirs_labels]
        missing = [m for m in theirs_labels if m not in ours_labels]
        return (f"{len(a)} series, not {len(b)}; too many: {extra[:3]}; missing: {missing[:3]}"
                if extra or missing else "the same series in another order")
    for one, other in zip(a, b):
        pairs = [(one[k], other.get(k)) for k in ("value", "values") if k in one]
        for x, y in pairs:
            x, y = ([x], [y]) if "value" in one else (x, y)
            if not same_points(x, y):
                wrong = [(p, q) for p, q in zip(x, y) if not same_points([p], [q])]
                return f"{one['metric']}: {len(x)} points, not {len(y)}; {wrong[:2]}"
    return None


class PrometheusTest(unittest.TestCase):
    """The tests run in the order of their names: each takes the data one step further."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-interop-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.ours = thermocline(cls.folder).start()
        cls.addClassCleanup(lambda: cls.ours.stop())
        node, port = free_port(), free_port()
        cls.node = ServerProcess(
            ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{node}"],
            node, cls.folder / "node.log", ready_path="/").start()
        cls.addClassCleanup(cls.node.stop)
        config = CONFIG.format(prometheus=port, node=node, url=cls.ours.url)
        cls.theirs = prometheus(cls.folder, config, port=port).start()
        cls.addClassCleanup(cls.theirs.stop)
        cls.start_s = int(time.time()) + SETTLING_SECONDS
        cls.end_s = cls.start_s + WINDOW_SECONDS
        cls.wait_for_window()

    @classmethod
    def wait_for_window(cls):
        """Returns when both servers have scrapes of both targets from after the window."""
        deadline = time.monotonic() + WINDOW_SECONDS + SETTLING_SECONDS + 60
        for server in (cls.ours, cls.theirs):
            while True:
                status, answer = server.get("/api/v1/query", query="timestamp(up)")
                assert status == 200, (server.command[0], status, answer, server.log_tail())
                result = answer["data"]["result"]
                if len(result) == 2 and min(float(e["value"][1]) for e in result) > cls.end_s + 2:
                    break
                assert time.monotonic() < deadline, (result, cls.theirs.log_tail())
                time.sleep(0.5)

    @classmethod
    def requests(cls):
        """(path, parameters) of every question that is asked of both."""
        for query in promql_queries.ALL:
            yield "/api/v1/query", {"query": query, "time": cls.end_s - 7}
            yield "/api/v1/query_range", {
                "query": query, "start": cls.start_s + 15, "end": cls.end_s, "step": "1500ms"}

    @classmethod
    @functools.lru_cache(None)
    def expected(cls):
        """Prometheus' answers; the window lies in the past, so they stay what they are."""
        return [cls.theirs.get(path, **parameters) for path, parameters in cls.requests()]

    def assert_same_answers(self):
        wrong, points = [], 0
        for (path, parameters), (status, theirs) in zip(self.requests(), self.expected()):
            self.assertEqual(status, 200, (parameters, theirs))
            status, ours = self.ours.get(path, **parameters)
            instant = path.endswith("query")
            ordered = not instant or parameters["query"].startswith(promql_queries.ORDERED)
            if status != 200:
                found = f"status {status}: {ours}"
            else:
                found = difference(ours["data"], theirs["data"], ordered)
            if found:
                wrong.append(f"{'instant' if instant else 'range'} {parameters['query']}: {found}")
            points += len(theirs["data"]["result"])
        self.assertGreater(points, 1000, "Prometheus had hardly any data")
        asked = 2 * len(promql_queries.ALL)
        print(f"figure: {asked - len(wrong)} of {asked} answers equal Prometheus'")
        self.assertFalse(wrong, f"{len(wrong)} of {asked} differ:\n" + "\n".join(wrong))

    def test_1_live(self):
        self.assert_same_answers()

    def test_2_label_and_series_lists(self):
        window = {"start": self.start_s, "end": self.end_s}
        for path, parameters in [
            ("/api/v1/labels", {}),
            ("/api/v1/label/__name__/values", {}),
            ("/api/v1/label/mode/values", {"match[]": "node_cpu_seconds_total"}),
            ("/api/v1/labels", {"match[]": ['up', '{job="node"}']}),
            ("/api/v1/series", {"match[]": ['up', 'process_open_fds']}),
        ]:
            status, theirs = self.theirs.get(path, **parameters, **window)
            self.assertEqual(status, 200)
            status, ours = self.ours.get(path, **parameters, **window)
            self.assertEqual(status, 200, (path, ours))
            with self.subTest(path):
                self.assertEqual(ours["data"], theirs["data"])

    def test_3_flushed(self):
        self.ours.flush()
        self.assertTrue(self.parquet_files())
        self.assert_same_answers()

    def test_4_killed_and_restarted(self):
        self.ours.kill()
        self.ours.start()
        self.assert_same_answers()

    def parquet_files(self):
        return sorted(map(str, self.folder.glob("data/cold/samples/**/*.parquet")))

    def expected_rows(self):
        """Metric to (rows, sum) within the window, asked metric by metric."""
        totals = {}
        for name in ("node_cpu_seconds_total", "node_load1", "up", "go_goroutines"):
            count, total = (
                float(self.theirs.query(
                    f"sum({function}_over_time({name}[{WINDOW_SECONDS}s]))",
                    self.end_s)[0]["value"][1])
                for function in ("count", "sum"))
            totals[name] = (int(count), total)
        return totals

    def assert_rows(self, found):
        """`found` maps a metric to (rows, sum)."""
        for name, (rows, total) in self.expected_rows().items():
            self.assertEqual(found[name][0], rows, name)
            self.assertTrue(math.isclose(found[name][1], total, rel_tol=1e-9), (name, found[name]))

    def test_5_duckdb_reads_the_files(self):
        import duckdb
        rows = duckdb.sql(f"""
            SELECT metric, count(value), sum(value) FROM read_parquet(
              '{self.folder}/data/cold/samples/**/*.parquet',
              hive_partitioning=true, union_by_name=true)
            WHERE timestamp > make_timestamptz({(self.end_s - WINDOW_SECONDS) * 1000000})
              AND timestamp <= make_timestamptz({self.end_s * 1000000})
            GROUP BY metric""").fetchall()
        self.assert_rows({metric: (count, total) for metric, count, total in rows})

    def test_6_pyarrow_reads_the_files(self):
        import pyarrow
        import pyarrow.compute as pc
        import pyarrow.dataset as ds
        files = self.parquet_files()
        schema = pyarrow.unify_schemas([ds.dataset(f).schema for f in files])
        when = [pyarrow.scalar(s * 1000, pyarrow.timestamp("ms", "UTC"))
                for s in (self.end_s - WINDOW_SECONDS, self.end_s)]
        table = ds.dataset(files, schema=schema).to_table(
            columns=["metric", "value"],
            filter=(pc.field("timestamp") > when[0]) & (pc.field("timestamp") <= when[1]))
        grouped = table.group_by("metric").aggregate([("value", "count"), ("value", "sum")])
        self.assert_rows({
            row["metric"]: (row["value_count"], row["value_sum"]) for row in grouped.to_pylist()})

    def test_7_polars_reads_the_files(self):
        import polars
        frames = [polars.read_parquet(f, hive_partitioning=False) for f in self.parquet_files()]
        frame = polars.concat(frames, how="diagonal").with_columns(
            polars.col("timestamp").dt.epoch("ms").alias("at_ms"))
        frame = frame.filter(
            (polars.col("at_ms") > (self.end_s - WINDOW_SECONDS) * 1000)
            & (polars.col("at_ms") <= self.end_s * 1000))
        grouped = frame.group_by("metric").agg(
            polars.col("value").count().alias("rows"), polars.col("value").sum().alias("total"))
        self.assert_rows({r["metric"]: (r["rows"], r["total"]) for r in grouped.to_dicts()})


if __name__ == "__main__":
    unittest.main()
