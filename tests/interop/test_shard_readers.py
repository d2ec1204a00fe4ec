"""The label files of our shards, opened by engines that know nothing of shards."""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from server_process import BINARY, ROOT  # noqa: E402

BLOCK = ROOT / "src/blocks/testdata/blocks-2h"
LABEL_PREFIX = {"parquet-common": "l_", "gateway": "___cf_meta_label_"}


def thermocline(*arguments):
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, timeout=120, env={})
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


class LabelFileTest(unittest.TestCase):
    """Each row is a series; its labels are the columns with the layout's prefix, where not NULL."""

    @classmethod
    def setUpClass(cls):
        folder = pathlib.Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.files = {}
        for layout in LABEL_PREFIX:
            to = folder / layout
            thermocline("convert", BLOCK, f"--to={to}", f"--layout={layout}", "--rowgroup-size=16")
            cls.files[layout], = to.rglob("*.labels.parquet")
        cls.series = sorted(json.loads(line)["labels"]
                            for line in thermocline("dump", BLOCK).splitlines())

    def assert_series(self, prefix, names, rows):
        found = sorted(sorted([name.removeprefix(prefix), value] for name, value in zip(names, row)
                              if name.startswith(prefix) and value is not None) for row in rows)
        self.assertEqual(found, sorted(sorted(labels) for labels in self.series))

    def each(self):
        for layout, prefix in LABEL_PREFIX.items():
            with self.subTest(layout=layout):
                yield prefix, self.files[layout]

    def test_duckdb(self):
        import duckdb
        zones = [dict(labels).get("zone") for labels in self.series]
        for prefix, file in self.each():
            table = duckdb.sql(f"SELECT * FROM read_parquet('{file}')")
            self.assert_series(prefix, table.columns, table.fetchall())
            found = duckdb.sql(f"SELECT {prefix}zone, count(*) FROM read_parquet('{file}') "
                               "GROUP BY ALL").fetchall()
            self.assertEqual(dict(found), {zone: zones.count(zone) for zone in set(zones)})

    def test_pyarrow(self):
        import pyarrow.parquet as pq
        for prefix, file in self.each():
            table = pq.read_table(file, page_checksum_verification=True)
            self.assert_series(prefix, table.column_names, zip(*table.to_pydict().values()))

    def test_polars(self):
        import polars
        for prefix, file in self.each():
            table = polars.read_parquet(file)
            self.assert_series(prefix, table.columns, table.rows())


if __name__ == "__main__":
    unittest.main()
