"""Exemplars and metadata of Prometheus' data directories: the tables of our folder and the answers
of our server against what Prometheus has of them after its replay."""
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from golden_truth import ROOTS, truth  # noqa: E402
from server_process import BINARY, thermocline  # noqa: E402

NAMES = ("wal-torn", "wal-unclean", "wal-unclean-st")
SOURCES = [(root / name, root / "truth" / name)
           for root in ROOTS for name in NAMES if (root / name).is_dir()]


def run(*words):
    subprocess.run([BINARY, *map(str, words)], check=True, capture_output=True, env={})


def bits(value):
    return struct.pack(">d", value).hex()


def unpacked(label_set):
    """Pairs of a packed label set: a varint of length and the bytes, name and value in turn."""
    parts, at = [], 0
    while at < len(label_set):
        size = shift = 0
        while True:
            byte = label_set[at]
            at += 1
            size |= (byte & 0x7f) << shift
            shift += 7
            if byte < 0x80:
                break
        parts.append(label_set[at:at + size].decode())
        at += size
    return tuple(zip(parts[::2], parts[1::2]))


def pairs(labels):
    return tuple(map(tuple, labels))


def exemplars_of(truth_folder):
    """(series, time, labels, value's bits), sorted."""
    return sorted((pairs(one["series"]), e["t"], pairs(e["labels"]), e["v"])
                  for one in truth(truth_folder / "exemplars") for e in one["exemplars"])


def metadata_of(truth_folder):
    """(type, help, unit) of all records, the last of each series."""
    last = {}
    for record in truth(truth_folder / "wal-records"):
        for reference, kind, unit, text in record.get("metadata", []):
            last[reference] = (kind, text, unit)
    return set(last.values())


class GoldenSideTablesTest(unittest.TestCase):
    def assert_families(self, found, truth_folder):
        """`found`: (family, type, help, unit). The writer's help names the kind of its series."""
        self.assertEqual({entry[1:] for entry in found}, metadata_of(truth_folder))
        names = {dict(one["labels"])["__name__"] for one in truth(truth_folder / "series")}
        self.assertEqual(sorted(entry[0] for entry in found), sorted(names))
        plain = 0
        for family, kind, text, unit in found:
            of_kind = re.fullmatch("golden_wal_([a-z_]+)_[0-9]+(_total)?", family)
            if of_kind is None or of_kind[1] == "special":
                self.assertIn(text, ("Golden utf8.", 'Line one\nline "two" with \\ and é.'), family)
                continue
            plain += 1
            self.assertEqual(text, f"Golden {of_kind[1]}.")
            self.assertEqual(kind == "counter", of_kind[2] is not None, family)
            self.assertEqual(unit, "seconds" if of_kind[1].endswith("_seconds") else "", family)
        self.assertGreater(plain, 50)

    def test_the_tables_hold_every_exemplar_and_every_family(self):
        for source, truth_folder in SOURCES:
            with self.subTest(source=source), tempfile.TemporaryDirectory() as folder:
                self.assert_tables(source, truth_folder, folder)

    def assert_tables(self, source, truth_folder, folder):
        import duckdb
        run("convert", source, f"--to={folder}/to", "--layout=samples", "--verify")
        wanted = exemplars_of(truth_folder)
        self.assertGreater(len(wanted), 40)
        table = f"read_parquet('{folder}/to/cold/exemplars/**/*.parquet')"
        rows = duckdb.sql("SELECT label_set, epoch_ms(timestamp), exemplar.label_set, value, "
                          f"exemplar.trace_id, exemplar.labels FROM {table}").fetchall()
        self.assertEqual(sorted((unpacked(series), t, unpacked(labels), bits(value))
                                for series, t, labels, value, _, _ in rows), wanted)
        for _, _, packed, _, trace_id, text in rows:
            labels = dict(unpacked(packed))
            self.assertEqual((trace_id, json.loads(text)), (labels.get("trace_id"), labels))
        table = f"read_parquet('{folder}/to/cold/metadata/**/*.parquet')"
        self.assert_families(
            duckdb.sql(f"SELECT metric, type, help, unit FROM {table}").fetchall(),
            truth_folder)

    def test_the_server_answers_them_after_an_import(self):
        for source, truth_folder in SOURCES:
            with self.subTest(source=source), tempfile.TemporaryDirectory() as folder:
                self.assert_answers(source, truth_folder, folder)

    def assert_answers(self, source, truth_folder, folder):
        run("import", source, f"--data={folder}/data")
        server = thermocline(folder).start()
        self.addCleanup(server.stop)
        code, answer = server.get("/api/v1/query_exemplars", query='{__name__=~".+"}',
                                  start=1_700_000_000, end=1_700_100_000)
        self.assertEqual((code, answer["status"]), (200, "success"))
        found = sorted(
            (tuple(sorted(one["seriesLabels"].items())), round(e["timestamp"] * 1000),
             tuple(sorted(e["labels"].items())), bits(float(e["value"])))
            for one in answer["data"] for e in one["exemplars"])
        self.assertEqual(found, exemplars_of(truth_folder))
        code, answer = server.get("/api/v1/metadata")
        self.assertEqual((code, answer["status"]), (200, "success"))
        self.assert_families(
            [(family, e["type"], e["help"], e["unit"])
             for family, entries in answer["data"].items() for e in entries], truth_folder)
        server.stop()


if __name__ == "__main__":
    unittest.main()
