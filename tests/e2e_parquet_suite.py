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
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from golden_truth import GOLDEN, SMALL, lines_of, run, truth  # noqa: E402
from remote_write_client import (  # noqa: E402
    STALE_MARKER, encode_label, encode_sample, encode_series, field, send)
from server_process import BINARY, ROOT, thermocline  # noqa: E402

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

    SERIES = 1_000_000
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


class TestHistogramMapping(unittest.TestCase):
    """The nested struct of the `histograms` table: each reader sees every field `dump` tells of."""

    SOURCES = {"wal-torn": ROOT / "src/blocks/testdata/wal-torn"}
    if (GOLDEN / "blocks-st").is_dir():
        SOURCES["blocks-st"] = GOLDEN / "blocks-st"  # with start timestamps

    @classmethod
    def setUpClass(cls):
        cls.folder = temporary_folder(cls)
        for name, path in cls.SOURCES.items():
            cls.run_binary("convert", path, f"--to={cls.folder / name}", "--layout=samples",
                           "--verify")

    @staticmethod
    def run_binary(*words):
        return subprocess.run([BINARY, *map(str, words)], check=True, capture_output=True,
                              text=True, env={}).stdout

    def table(self, name):
        return self.folder / name / "cold/histograms"

    def files(self, name):
        return sorted(map(str, self.table(name).glob("**/*.parquet")))

    @staticmethod
    def bits(value):
        """Of a float; NULL is the stale marker."""
        value = STALE_MARKER if value is None else value
        return "nan" if math.isnan(value) else struct.pack(">d", value).hex()

    @functools.lru_cache(None)
    def expected(self, source):
        """Every histogram as a tuple, by what `dump` prints of the blocks."""
        def bits(text):
            return self.bits(struct.unpack(">d", bytes.fromhex(text))[0])
        rows = []
        for line in self.run_binary("dump", self.SOURCES[source]).splitlines():
            series = json.loads(line)
            for h in series.get("hists", []):
                is_float = h["kind"] == "float"
                number = bits if is_float else int
                rows.append((
                    dict(series["labels"])["__name__"], h["t"], h.get("st"), h["kind"], h["hint"],
                    h["schema"], bits(h["zero_threshold"]), number(h["zero_count"]),
                    number(h["count"]), bits(h["sum"]),
                    *(tuple(map(tuple, h.get(name, []))) for name in ("pos_spans", "neg_spans")),
                    *(tuple(map(number, h.get(name, []))) for name in ("pos", "neg")),
                    tuple(map(bits, h.get("custom", [])))))
        self.assertEqual(len({row[3] for row in rows}), 2)
        return sorted(rows, key=repr)

    def row(self, metric, at_ms, start_ms, h):
        """A row of the table in the same form; `h` holds the struct's fields by name."""
        def spans(name):
            return tuple((int(s["offset"]), int(s["length"])) for s in h[name])
        is_float = h["kind"] == "float"
        prefix, number = ("float_", self.bits) if is_float else ("", int)
        unused = "" if is_float else "float_"
        self.assertIsNone(h[f"{unused}count"])
        self.assertIsNone(h[f"{unused}zero_count"])
        for sign in ("positive", "negative"):
            self.assertEqual(len(h[f"{sign}_{unused}counts"]), 0)
        return (metric, at_ms, start_ms, h["kind"], h["reset_hint"], int(h["schema"]),
                self.bits(h["zero_threshold"]), number(h[f"{prefix}zero_count"]),
                number(h[f"{prefix}count"]), self.bits(h["sum"]),
                spans("positive_spans"), spans("negative_spans"),
                tuple(map(number, h[f"positive_{prefix}counts"])),
                tuple(map(number, h[f"negative_{prefix}counts"])),
                tuple(map(self.bits, h["custom_bounds"])))

    def assert_rows(self, source, rows):
        """`rows`: (metric, timestamp, start timestamp, struct)."""
        found = sorted((self.row(*row) for row in rows), key=repr)
        self.assertEqual(found, self.expected(source))

    @staticmethod
    def at_ms(time):
        """None, an aware datetime or a pandas timestamp as milliseconds."""
        if time is None or time != time:
            return None
        return round(time.timestamp() * 1000)

    def rows_of(self, records):
        for r in records:
            yield (r["metric"], self.at_ms(r["timestamp"]), self.at_ms(r.get("start_timestamp")),
                   r["histogram"])

    def test_duckdb(self):
        import duckdb
        for source in self.SOURCES:
            table = f"read_parquet('{self.table(source)}/**/*.parquet', hive_partitioning=true)"
            start = "epoch_ms(start_timestamp)" if source == "blocks-st" else "NULL"
            rows = duckdb.sql(f"SELECT metric, epoch_ms(timestamp), {start}, histogram "
                              f"FROM {table}").fetchall()
            self.assert_rows(source, rows)
            means = duckdb.sql(
                "SELECT metric, sum(histogram.sum) / sum(histogram.count) "
                f"FROM {table} WHERE histogram.kind = 'int' GROUP BY metric ORDER BY metric")
            wanted = {}
            for row in self.expected(source):
                if row[3] == "int" and row[9] != "nan":
                    total = wanted.setdefault(row[0], [0.0, 0])
                    total[0] += struct.unpack(">d", bytes.fromhex(row[9]))[0]
                    total[1] += row[8]
            for metric, mean in means.fetchall():
                self.assertTrue(math.isclose(mean, wanted[metric][0] / wanted[metric][1]), metric)
            buckets = duckdb.sql(
                "SELECT sum(list_sum(histogram.positive_counts)) "
                f"FROM {table} WHERE histogram.kind = 'int'").fetchall()[0][0]
            self.assertEqual(buckets, sum(
                sum(row[12]) for row in self.expected(source) if row[3] == "int"))

    def test_pyarrow(self):
        import pyarrow.dataset as ds
        for source in self.SOURCES:
            table = ds.dataset(self.files(source)).to_table()
            self.assert_rows(source, self.rows_of(table.to_pylist()))

    def test_pandas(self):
        import pandas
        for source in self.SOURCES:
            records = []
            for file in self.files(source):
                records += pandas.read_parquet(file, partitioning=None).to_dict("records")
            self.assert_rows(source, self.rows_of(records))

    def test_polars(self):
        import polars
        for source in self.SOURCES:
            frame = polars.concat(
                [polars.read_parquet(file, hive_partitioning=False)
                 for file in self.files(source)], how="diagonal")
            self.assert_rows(source, self.rows_of(frame.to_dicts()))

    def test_clickhouse(self):
        import chdb
        for source in self.SOURCES:
            table = f"file('{self.table(source)}/**/*.parquet', Parquet)"
            answer = chdb.query(
                "SELECT metric, histogram.kind, count(), sum(histogram.count), "
                "sum(histogram.float_count), sum(arraySum(histogram.positive_counts)), "
                "sum(length(histogram.positive_spans)) "
                f"FROM {table} GROUP BY ALL", "JSONCompact")
            found = {}
            for metric, kind, rows, *sums in json.loads(answer.bytes())["data"]:
                found[metric, kind] = [int(rows)] + [float(x or 0) for x in sums]
            wanted = {}
            for row in self.expected(source):
                is_int = row[3] == "int"
                count = row[8] if is_int else struct.unpack(">d", bytes.fromhex(row[8]))[0]
                sums = wanted.setdefault((row[0], row[3]), [0] * 5)
                for i, x in enumerate((1, count * is_int, count * (not is_int),
                                       sum(row[12]) if is_int else 0, len(row[10]))):
                    sums[i] += x
            self.assertEqual(found.keys(), wanted.keys())
            for key, sums in wanted.items():
                for ours, theirs in zip(found[key], sums):
                    self.assertTrue(math.isclose(ours, theirs), (key, found[key], sums))


class SideTablesTest(unittest.TestCase):
    """Exemplars and metadata of an imported file, as SQL sees them and as the API answers them."""

    START = 1_600_000_000

    @classmethod
    def lines(cls):
        start = cls.START
        return [
            "# TYPE latency histogram", r'# HELP latency Time \"taken\".\nAll of it.',
            "# UNIT latency_seconds seconds",
            *(f'latency_bucket{{job="api",le="{bound}"}} {n} {start + 60 * n}'
              + (f' # {{trace_id="t{n}",span_id="s\\"{n}"}} {n}.5 {start + 60 * n}.25'
                 if n % 2 else "")
              for n in range(10) for bound in ("0.5", "+Inf")),
            "# EOF", ""]

    @classmethod
    def setUpClass(cls):
        cls.folder = temporary_folder(cls)
        (cls.folder / "in.om").write_text("\n".join(cls.lines()))
        for words in (("import", cls.folder / "in.om", f"--data={cls.folder}/data"),
                      ("convert", cls.folder / "data", f"--to={cls.folder}/copy",
                       "--layout=samples")):
            subprocess.run([BINARY, *map(str, words)], check=True, capture_output=True, env={})

    def expected(self):
        return sorted(("latency_bucket", "api", bound, f"t{n}", f's"{n}', n + 0.5,
                       (self.START + 60 * n) * 1000 + 250)
                      for n in range(1, 10, 2) for bound in ("0.5", "+Inf"))

    def test_duckdb(self):
        import duckdb
        for name in ("data", "copy"):
            table = f"read_parquet('{self.folder}/{name}/cold/exemplars/**/*.parquet')"
            rows = duckdb.sql(
                "SELECT metric, job, le, exemplar.trace_id, exemplar.labels->>'span_id', value, "
                f"epoch_ms(timestamp) FROM {table}").fetchall()
            self.assertEqual(sorted(rows), self.expected())
            table = f"read_parquet('{self.folder}/{name}/cold/metadata/**/*.parquet')"
            rows = duckdb.sql(f"SELECT metric, type, help, unit FROM {table}").fetchall()
            self.assertEqual(rows, [("latency", "histogram", 'Time "taken".\nAll of it.', "")])

    def test_pyarrow(self):
        import pyarrow.dataset as ds
        files = sorted(map(str, (self.folder / "data/cold/exemplars").glob("**/*.parquet")))
        rows = ds.dataset(files).to_table().to_pylist()
        self.assertEqual(len(rows), len(self.expected()))
        self.assertEqual({row["exemplar"]["trace_id"] for row in rows},
                         {row[3] for row in self.expected()})

    def test_the_api_answers_them(self):
        server = thermocline(self.folder).start()
        self.addCleanup(server.stop)
        code, answer = server.get("/api/v1/query_exemplars", start=self.START, end=self.START + 900,
                                  query='sum(rate(latency_bucket{le="0.5"}[5m])) > 0')
        self.assertEqual((code, answer["status"]), (200, "success"))
        self.assertEqual(answer["data"], [{
            "seriesLabels": {"__name__": "latency_bucket", "job": "api", "le": "0.5"},
            "exemplars": [{"labels": {"span_id": f's"{n}', "trace_id": f"t{n}"},
                           "value": f"{n}.5", "timestamp": self.START + 60 * n + 0.25}
                          for n in range(1, 10, 2)]}])
        none = server.get("/api/v1/query_exemplars", start=0, end=10, query="latency_bucket")
        self.assertEqual(none[1]["data"], [])
        metadata = server.get("/api/v1/metadata", metric="latency")[1]["data"]
        self.assertEqual(metadata, {"latency": [
            {"type": "histogram", "help": 'Time "taken".\nAll of it.', "unit": ""}]})


class EveryTableTest(unittest.TestCase):
    """Each table of a folder with all six, opened by each engine, against what `dump` tells."""

    TABLES = ("exemplars", "histograms", "labels", "metadata", "samples", "series")
    DAY_S = 1_700_010_000  # of the day of the committed log
    LONG = 5000  # bytes: a label of many such values gets a table of its own

    @classmethod
    def setUpClass(cls):
        cls.folder = temporary_folder(cls)
        cls.values = [f"{n:0{cls.LONG}x}" for n in range(256)]
        lines = ["# TYPE long gauge", "# HELP long Values of a label."]
        lines += [f'long{{id="{value}",job="long"}} {n}.25 {cls.DAY_S}'
                  for n, value in enumerate(cls.values)]
        (cls.folder / "in.om").write_text("\n".join([*lines, "# EOF", ""]))
        for source in (SMALL / "wal-torn", cls.folder / "in.om"):
            subprocess.run([BINARY, "import", source, f"--data={cls.folder}/data"], check=True,
                           capture_output=True, env={})
        cls.dumped = lines_of(run("dump", cls.folder / "data")[1])

    def files(self, table):
        return sorted(map(str, (self.folder / "data/cold" / table).glob("**/*.parquet")))

    def read_by_duckdb(self, table, columns):
        import duckdb
        names = ", ".join(columns)
        return duckdb.sql(f"SELECT {names} FROM read_parquet({self.files(table)}, "
                          "union_by_name=true)").fetchall()

    def read_by_pyarrow(self, table, columns):
        import pyarrow.parquet as pq
        tables = [pq.read_table(file, columns=list(columns), partitioning=None,
                                page_checksum_verification=True) for file in self.files(table)]
        return [tuple(row[name] for name in columns)
                for one in tables for row in one.to_pylist()]

    def read_by_polars(self, table, columns):
        import polars
        return [row for file in self.files(table)
                for row in polars.read_parquet(file, hive_partitioning=False)
                .select(columns).rows()]

    def assert_table(self, table, columns, wanted):
        """`wanted`: rows, in any order; times in milliseconds, floats by their bits."""
        def plain(value):
            if isinstance(value, datetime.datetime):
                return round(value.timestamp() * 1000)
            if isinstance(value, dict):
                return tuple(plain(value[name]) for name in ("kind", "schema", "sum"))
            return struct.pack(">d", value).hex() if isinstance(value, float) else value

        wanted = sorted(wanted, key=repr)
        self.assertTrue(wanted)
        for engine in ("duckdb", "pyarrow", "polars"):
            with self.subTest(engine=engine):
                rows = getattr(self, f"read_by_{engine}")(table, columns)
                found = sorted((tuple(map(plain, row)) for row in rows), key=repr)
                self.assertEqual(len(found), len(wanted))
                for ours, theirs in zip(found, wanted):
                    self.assertEqual(ours, theirs)

    def series(self):
        """(name, other labels, times and values of floats, histograms) of each series."""
        for one in self.dumped:
            labels = dict(one["labels"])
            floats = one.get("floats", {"t": [], "v": []})
            yield (labels["__name__"], labels, list(zip(floats["t"], floats["v"])),
                   one.get("hists", []))

    def test_0_there_are_all_tables(self):
        self.assertEqual(tuple(sorted(path.name for path in (self.folder / "data/cold").iterdir()
                                      if list(path.glob("**/*.parquet")))), self.TABLES)

    def test_samples(self):
        stale = struct.pack(">d", STALE_MARKER).hex()
        self.assert_table("samples", ("metric", "job", "timestamp", "value"), [
            (name, labels.get("job"), t, None if v == stale else v)
            for name, labels, floats, _ in self.series() for t, v in floats])

    def test_series(self):
        rows = []
        for name, labels, floats, hists in self.series():
            times = [t for t, _ in floats] + [h["t"] for h in hists]
            rows.append((name, labels.get("job"), min(times), max(times), len(times)))
        self.assert_table("series", ("metric", "job", "min_time", "max_time", "sample_count"), rows)

    def test_labels(self):
        self.assert_table("labels", ("name", "value", "row_count"), [
            ("id", labels["id"], len(floats))
            for name, labels, floats, _ in self.series() if name == "long"])

    def test_histograms(self):
        stale = struct.pack(">d", STALE_MARKER).hex()
        self.assert_table("histograms", ("metric", "timestamp", "histogram"), [
            (name, h["t"], (h["kind"], h["schema"], None if h["sum"] == stale else h["sum"]))
            for name, _, _, hists in self.series() for h in hists])

    def test_exemplars(self):
        # Of these `dump` does not tell: what Prometheus has of them after its replay.
        self.assert_table("exemplars", ("metric", "job", "timestamp", "value"), [
            (labels["__name__"], labels.get("job"), e["t"], e["v"])
            for one in truth(SMALL / "truth/wal-torn/exemplars")
            for labels in [dict(one["series"])] for e in one["exemplars"]])

    def test_metadata(self):
        told = {(kind, text, unit) for record in truth(SMALL / "truth/wal-torn/wal-records")
                for _, kind, unit, text in record.get("metadata", [])}
        rows = self.read_by_pyarrow("metadata", ("metric", "type", "help", "unit"))
        self.assertEqual({row[1:] for row in rows},
                         {*told, ("gauge", "Values of a label.", "")})
        self.assertEqual(sorted(row[0] for row in rows),
                         sorted({name for name, _, _, _ in self.series()}))
        self.assert_table("metadata", ("metric", "type", "help", "unit"), rows)


if __name__ == "__main__":
    unittest.main()
