"""The Parquet tier from end to end, through the real server and other people's readers.

Scenario 1: high cardinality, one series per request_id. Scenario 2: DuckDB, pyarrow, pandas,
Polars, chdb and Delta Lake open the folder and agree with PromQL.
"""
import datetime
import functools
import json
import math
import os
import pathlib
import shutil
import statistics
import struct
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from remote_write_client import (  # noqa: E402
    STALE_MARKER, encode_label, encode_sample, encode_series, field, send)
from server_process import thermocline  # noqa: E402

RUN_ALL = bool(os.environ.get("THERMOCLINE_TEST_ALL"))
MIB = 1 << 20


def temporary_folder(test_class):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-e2e-"))
    test_class.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
    return folder


def figure(text):
    print(f"figure: {text}", flush=True)


class HighCardinalityTest(unittest.TestCase):
    """Tests run in the order of their names; each takes the data one step further."""

    SERIES = 1_000_000 if RUN_ALL else 100_000
    SERIES_PER_REQUEST = 5_000
    FLUSH_TO_IDLE_SECONDS = 30
    COLD_QUERY_MS = 100

    @classmethod
    def setUpClass(cls):
        cls.server = thermocline(temporary_folder(cls)).start()
        cls.addClassCleanup(lambda: cls.server.stop())
        cls.at_s = int(time.time()) - 60

    @staticmethod
    def request_id(number):
        return f"req-{number * 2654435761 % (1 << 32):08x}-{number:07d}"

    def ingest(self):
        shared = b"".join(
            encode_label(name, value)
            for name, value in (("__name__", "request_duration_seconds"), ("job", "api")))
        for first in range(0, self.SERIES, self.SERIES_PER_REQUEST):
            body = [
                field(1, shared + encode_label("request_id", self.request_id(n))
                      + encode_sample(self.at_s * 1000, n / 1000))
                for n in range(first, min(first + self.SERIES_PER_REQUEST, self.SERIES))
            ]
            status, text = send(self.server.url, body)
            self.assertIn(status, (200, 204), text)

    def query_ms(self, number):
        """Milliseconds until the one series of a request_id was answered, and rightly."""
        begun = time.perf_counter()
        result = self.server.query(
            f'request_duration_seconds{{request_id="{self.request_id(number)}"}}', self.at_s + 1)
        elapsed_ms = (time.perf_counter() - begun) * 1000
        self.assertEqual(len(result), 1)
        self.assertEqual(float(result[0]["value"][1]), number / 1000)
        return elapsed_ms

    def test_1_memory_is_given_back_after_the_flush(self):
        before = self.server.resident_bytes()
        begun = time.monotonic()
        self.ingest()
        ingested = time.monotonic()
        peak = self.server.resident_bytes()
        self.server.flush()
        flushed = time.monotonic()
        time.sleep(self.FLUSH_TO_IDLE_SECONDS)
        after = self.server.resident_bytes()
        figure(f"{self.SERIES} series ingested in {ingested - begun:.1f} s, "
               f"flushed in {flushed - ingested:.1f} s; resident {before / MIB:.0f} MiB before, "
               f"{peak / MIB:.0f} MiB full, {after / MIB:.0f} MiB after")
        self.assertLess(after, before + max(0.2 * before, 64 * MIB))

    def test_2_all_series_are_there(self):
        result = self.server.query("count(request_duration_seconds)", self.at_s + 1)
        self.assertEqual(int(result[0]["value"][1]), self.SERIES)

    def test_3_one_series_is_found_quickly(self):
        self.server.kill()
        self.server.start()
        first_ms = self.query_ms(self.SERIES // 3)
        others_ms = [self.query_ms(self.SERIES * k // 23) for k in range(1, 23)]
        figure(f"one of {self.SERIES} request_ids, cold: {first_ms:.1f} ms after a restart, "
               f"others {statistics.median(others_ms):.1f} ms (median)")
        self.assertLess(first_ms, self.COLD_QUERY_MS)

    def test_4_an_unknown_request_id_is_no_series(self):
        self.assertEqual(
            self.server.query('request_duration_seconds{request_id="no"}', self.at_s + 1), [])


class InteroperabilityTest(unittest.TestCase):
    """Two flushes with different label sets; each reader must see what PromQL sees."""

    MINUTES = 30
    JOBS = ("api", "web")

    @classmethod
    def setUpClass(cls):
        cls.folder = temporary_folder(cls)
        cls.server = thermocline(cls.folder).start()
        cls.addClassCleanup(lambda: cls.server.stop())
        now_s = int(time.time())
        cls.end_s = now_s - now_s % 60 - 60
        cls.start_s = cls.end_s - cls.MINUTES * 60
        middle = (cls.start_s + cls.end_s) // 2
        cls.write(cls.first_half(middle))
        cls.server.flush()
        cls.write(cls.second_half(middle))
        cls.server.flush()

    @classmethod
    def write(cls, series):
        status, text = send(cls.server.url, [encode_series(*one) for one in series])
        assert status in (200, 204), (status, text)

    @classmethod
    def steps(cls, from_s, to_s):
        return range(from_s * 1000, to_s * 1000, 15_000)

    @classmethod
    def first_half(cls, middle):
        for job in cls.JOBS:
            labels = {"__name__": "requests_total", "job": job, "instance": f"{job}-0"}
            yield labels, [
                (at, float((at - cls.start_s * 1000) // 1000))
                for at in cls.steps(cls.start_s, middle)]
        yield {"__name__": "temperature", "site": "north"}, [
            (at, 20 + math.sin(at / 1e5)) for at in cls.steps(cls.start_s, middle)]

    @classmethod
    def second_half(cls, middle):
        """The targets restart: a stale marker, then counters from nothing and a new label."""
        for job in cls.JOBS:
            old = {"__name__": "requests_total", "job": job, "instance": f"{job}-0"}
            yield old, [(middle * 1000, STALE_MARKER)] + [
                (at, float((at - middle * 1000) // 1000 * 2))
                for at in cls.steps(middle + 30, cls.end_s)]
            yield {**old, "instance": f"{job}-1", "version": "2.0"}, [
                (at, 7.25) for at in cls.steps(middle, cls.end_s)]
        yield {"__name__": "temperature", "site": "north", "Value": "a", "weird name": "ü"}, [
            (at, -0.0 if at % 2 else 1e-300) for at in cls.steps(middle, cls.end_s)]
        yield {"__name__": "temperature", "site": "south"}, [
            (at, math.inf if at % 60_000 == 0 else 1.5) for at in cls.steps(middle, cls.end_s)]

    @property
    def samples(self):
        return self.folder / "data/cold/samples"

    def files(self):
        return sorted(map(str, self.samples.glob("**/*.parquet")))

    @functools.cached_property
    def expected(self):
        """(metric, job) to (rows, sum, mean) by PromQL over everything written."""
        answers = {}
        for metric in ("requests_total", "temperature"):
            window = f"{metric}[{self.MINUTES * 60 + 120}s]"
            found = [
                self.server.query(f"{expression}", self.end_s + 60)
                for expression in (
                    f"sum by (job) (count_over_time({window}))",
                    f"sum by (job) (sum_over_time({window}))")]
            for rows, total in zip(*found):
                self.assertEqual(rows["metric"], total["metric"])
                n, x = int(rows["value"][1]), float(total["value"][1])
                answers[metric, rows["metric"].get("job")] = (n, x, x / n)
        self.assertEqual(len(answers), 3)
        return answers

    def assert_agrees(self, rows):
        """`rows` holds (metric, job, count, sum, mean)."""
        found = {(metric, job): (n, total, mean) for metric, job, n, total, mean in rows}
        self.assertEqual(found.keys(), self.expected.keys())
        for key, (n, total, mean) in self.expected.items():
            self.assertEqual(found[key][0], n, key)
            for ours, theirs in zip(found[key][1:], (total, mean)):
                self.assertTrue(
                    ours == theirs or math.isclose(ours, theirs, rel_tol=1e-12),
                    (key, ours, theirs))

    GROUPED = ("SELECT metric, job, count(value), sum(value), avg(value) FROM {} "
               "GROUP BY metric, job")

    def test_the_files_differ_in_their_columns(self):
        import pyarrow.parquet as pq
        columns = {tuple(pq.read_schema(file).names) for file in self.files()}
        self.assertGreater(len(columns), 1)

    def test_duckdb(self):
        import duckdb
        table = (f"read_parquet('{self.samples}/**/*.parquet', hive_partitioning=true, "
                 "union_by_name=true)")
        self.assert_agrees(duckdb.sql(self.GROUPED.format(table)).fetchall())
        versions = duckdb.sql(
            f"SELECT DISTINCT version FROM {table} WHERE version IS NOT NULL").fetchall()
        self.assertEqual(versions, [("2.0",)])
        stale = duckdb.sql(f"SELECT count(*) FROM {table} WHERE value IS NULL").fetchall()
        self.assertEqual(stale, [(len(self.JOBS),)])

    def pyarrow_table(self):
        import pyarrow
        import pyarrow.dataset as ds
        files = self.files()
        schema = pyarrow.unify_schemas([ds.dataset(file).schema for file in files])
        return ds.dataset(files, schema=schema).to_table()

    def test_pyarrow(self):
        grouped = self.pyarrow_table().group_by(["metric", "job"]).aggregate(
            [("value", "count"), ("value", "sum"), ("value", "mean")])
        self.assert_agrees([
            (r["metric"], r["job"], r["value_count"], r["value_sum"], r["value_mean"])
            for r in grouped.to_pylist()])

    def test_every_value_comes_back_bit_for_bit(self):
        table = self.pyarrow_table()
        rows = zip(*(table.column(c).to_pylist() for c in ("metric", "site", "timestamp", "value")))
        found = {
            (site, round(at.timestamp() * 1000)): struct.pack("<d", value)
            for metric, site, at, value in rows if metric == "temperature"}
        middle = (self.start_s + self.end_s) // 2
        written = {
            (labels["site"], at): struct.pack("<d", value)
            for half in (self.first_half(middle), self.second_half(middle))
            for labels, samples in half if labels["__name__"] == "temperature"
            for at, value in samples}
        self.assertEqual(found, written)

    def test_pandas(self):
        import pandas
        frame = pandas.concat(
            [pandas.read_parquet(file, partitioning=None) for file in self.files()])
        grouped = frame.groupby(["metric", "job"], dropna=False)["value"].agg(
            ["count", "sum", "mean"])
        self.assert_agrees([
            (metric, job if isinstance(job, str) else None, r["count"], r["sum"], r["mean"])
            for (metric, job), r in grouped.iterrows()])

    def test_polars(self):
        import polars
        frames = [polars.read_parquet(file, hive_partitioning=False) for file in self.files()]
        value = polars.col("value")
        grouped = polars.concat(frames, how="diagonal").group_by("metric", "job").agg(
            value.count().alias("rows"), value.sum().alias("total"), value.mean().alias("mean"))
        self.assert_agrees(grouped.rows())

    def test_clickhouse(self):
        import chdb
        table = f"file('{self.samples}/**/*.parquet', Parquet)"
        settings = ("schema_inference_mode='union', schema_inference_make_columns_nullable=1, "
                    "output_format_json_quote_denormals=1")
        answer = chdb.query(f"{self.GROUPED.format(table)} SETTINGS {settings}", "JSONCompact")
        self.assert_agrees([
            (metric, job, int(n), float(total), float(mean))
            for metric, job, n, total, mean in json.loads(answer.bytes())["data"]])

    @unittest.skipUnless(RUN_ALL, "Spark is in the long lane")
    def test_spark(self):
        from pyspark.sql import SparkSession
        spark = (SparkSession.builder.master("local[1]").appName("thermocline")
                 .config("spark.ui.enabled", "false")
                 .config("spark.driver.bindAddress", "127.0.0.1")
                 .config("spark.driver.host", "127.0.0.1")
                 .config("spark.sql.session.timeZone", "UTC").getOrCreate())
        self.addCleanup(spark.stop)
        spark.read.option("mergeSchema", "true").parquet(str(self.samples)).createOrReplaceTempView(
            "samples")
        rows = spark.sql(self.GROUPED.format("samples")).collect()
        self.assert_agrees([tuple(row) for row in rows])

    def test_delta_lake_registers_the_files(self):
        import deltalake
        import pyarrow
        table_folder = self.folder / "delta"
        shutil.copytree(self.samples, table_folder)
        fields = [
            f if not pyarrow.types.is_timestamp(f.type)
            else f.with_type(pyarrow.timestamp("us", "UTC"))
            for f in self.pyarrow_table().schema]
        schema = deltalake.Schema.from_arrow(
            pyarrow.schema([f.with_nullable(True) for f in fields] + [("date", pyarrow.date32())]))
        table = deltalake.DeltaTable.create(table_folder, schema, partition_by=["date"])
        actions = [
            deltalake.transaction.AddAction(
                path=file.relative_to(table_folder).as_posix(), size=file.stat().st_size,
                partition_values={"date": file.parent.name.removeprefix("date=")},
                modification_time=int(file.stat().st_mtime * 1000), data_change=True, stats="{}")
            for file in sorted(table_folder.glob("**/*.parquet"))]
        table.create_write_transaction(
            actions, mode="append", schema=schema, partition_by=["date"])
        answer = deltalake.QueryBuilder().register(
            "samples", deltalake.DeltaTable(table_folder)).execute(self.GROUPED.format("samples"))
        columns = [column.to_pylist() for column in pyarrow.table(answer.read_all()).columns]
        self.assert_agrees(zip(*columns))

    def test_the_date_folders_are_the_days_of_the_rows(self):
        import pyarrow.parquet as pq
        for file in self.files():
            day = datetime.date.fromisoformat(pathlib.Path(file).parent.name.removeprefix("date="))
            times = pq.read_table(file, columns=["timestamp"], partitioning=None)
            days = {at.date() for at in times.column("timestamp").to_pylist()}
            self.assertEqual(days, {day})


if __name__ == "__main__":
    unittest.main()
