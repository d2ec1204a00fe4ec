"""`inspect` on a data folder of ours, against what pyarrow and the pages themselves say."""
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import pyarrow.parquet as pq

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from remote_write_client import encode_series, send  # noqa: E402
from server_process import BINARY, scrubbed_environment, thermocline  # noqa: E402

PAGE_ROWS = 32 << 10
SAMPLES = PAGE_ROWS + 5000
ENCODINGS = {0: "PLAIN", 2: "PLAIN_DICTIONARY", 5: "DELTA_BINARY_PACKED",
             6: "DELTA_LENGTH_BYTE_ARRAY", 7: "DELTA_BYTE_ARRAY", 8: "RLE_DICTIONARY",
             9: "BYTE_STREAM_SPLIT"}


class Thrift:
    """As much of the compact protocol as a page header needs."""

    def __init__(self, data, at):
        self.data, self.at = data, at

    def varint(self):
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def struct(self):
        """{field: value}; a struct in it is a dict."""
        fields, number = {}, 0
        while True:
            head = self.data[self.at]
            self.at += 1
            if head == 0:
                return fields
            if head >> 4:
                number += head >> 4
            else:
                number = self.zigzag()
            fields[number] = self.value(head & 15)

    def zigzag(self):
        value = self.varint()
        return (value >> 1) ^ -(value & 1)

    def value(self, kind):
        if kind in (1, 2):
            return kind == 1
        if kind == 3:
            self.at += 1
            return None
        if kind in (4, 5, 6):
            return self.zigzag()
        if kind == 7:
            self.at += 8
            return None
        if kind == 8:
            size = self.varint()
            self.at += size
            return None
        if kind == 12:
            return self.struct()
        raise AssertionError(f"a page header has no field of type {kind}")


def page_encodings(content, chunk):
    """{encoding: data pages} of one column chunk, from the page headers themselves."""
    at = chunk.dictionary_page_offset or chunk.data_page_offset
    end = at + chunk.total_compressed_size
    found = {}
    while at < end:
        reader = Thrift(content, at)
        header = reader.struct()
        if header[1] in (0, 3):
            encoding = ENCODINGS[header[5][2] if header[1] == 0 else header[8][4]]
            found[encoding] = found.get(encoding, 0) + 1
        at = reader.at + header[3]
    return found


class InspectTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-inspect-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        server = thermocline(cls.folder).start()
        cls.addClassCleanup(server.kill)
        draw = random.Random(1)
        few = [draw.random() for _ in range(64)]
        start_ms = (int(time.time()) - 7000) // 7200 * 7200_000 - 7200_000
        # A page of doubles whose bytes are alike plane by plane, then one of few doubles.
        series = (("a", [100 + draw.random() for _ in range(SAMPLES)]),
                  ("b", [draw.choice(few) for _ in range(SAMPLES)]))
        for begin in range(0, SAMPLES, 10_000):
            part = [encode_series({"__name__": name, "kind": name},
                                  [(start_ms + 150 * k, values[k])
                                   for k in range(begin, min(begin + 10_000, SAMPLES))])
                    for name, values in series]
            status, body = send(server.url, part)
            assert status == 204, body
        server.flush()
        server.stop()
        cls.data = cls.folder / "data"

    def inspect(self, *flags):
        done = subprocess.run([BINARY, "inspect", self.data, *flags], capture_output=True,
                              text=True, timeout=60, env=scrubbed_environment(), check=True)
        return done.stdout

    def test_row_groups_encodings_sizes_and_page_index_are_those_of_the_file(self):
        mixed = []
        for block in json.loads(self.inspect("--json"))["blocks"]:
            for told in block["files"]:
                if "columns" not in told:
                    continue
                path = self.data / "cold" / told["path"]
                content, footer = path.read_bytes(), pq.read_metadata(path)
                self.assertEqual((told["bytes"], told["rows"]), (len(content), footer.num_rows))
                groups = [footer.row_group(g) for g in range(footer.num_row_groups)]
                self.assertEqual([g["rows"] for g in told["rowGroups"]],
                                 [g.num_rows for g in groups])
                self.assertEqual(
                    [g["bytes"] for g in told["rowGroups"]],
                    [sum(g.column(c).total_compressed_size for c in range(g.num_columns))
                     for g in groups])
                self.assertEqual(len(told["columns"]), footer.num_columns)
                for c, column in enumerate(told["columns"]):
                    self.check_column(column, [g.column(c) for g in groups], content)
                    if len(column["encodings"]) > 1:
                        mixed.append(column["name"])
        self.assertIn("value", mixed)

    def check_column(self, told, chunks, content):
        self.assertEqual(told["name"], chunks[0].path_in_schema)
        encodings = {}
        for chunk in chunks:
            for name, pages in page_encodings(content, chunk).items():
                encodings[name] = encodings.get(name, 0) + pages
        self.assertEqual(told["encodings"], encodings, told["name"])
        self.assertEqual(told["pages"], sum(encodings.values()))
        self.assertEqual(told["bytes"], sum(chunk.total_compressed_size for chunk in chunks))
        index = told["pageIndex"]
        self.assertTrue(all(chunk.has_offset_index for chunk in chunks))
        self.assertGreater(index["offsetIndexBytes"], 3 * told["pages"])
        has_bounds = any(chunk.has_column_index for chunk in chunks)
        self.assertEqual(index["columnIndexBytes"] > 0, has_bounds, told["name"])
        self.assertLessEqual(index["pagesWithMinMax"] + index["nullPages"], told["pages"])
        has_statistics = any(chunk.statistics is not None and chunk.statistics.has_min_max
                             for chunk in chunks)
        self.assertEqual(index["pagesWithMinMax"] > 0, has_statistics, told["name"])
        self.assertEqual(told["dictionaryBytes"] > 0, any(c.has_dictionary_page for c in chunks))

    def test_the_text_tells_the_same_for_people(self):
        text = self.inspect()
        self.assertRegex(text, r"(?m)^block \S+: 2 series, \d+ samples, \d+ bytes \([\d.]+ a sam")
        self.assertRegex(text, r"(?m)^    row group 0: \d+ rows, \d+ bytes$")
        self.assertRegex(text, r"(?m)^    timestamp +timestamp\(ms, UTC\) +DELTA_BINARY_PACKED$")
        self.assertRegex(text, r"(?m)^    value +double +BYTE_STREAM_SPLIT \d+, PLAIN \d+$")
        self.assertRegex(text, r"(?m)^      \d+ bytes in \d+ pages, dictionary \d+, \d+ nulls$")
        self.assertRegex(text, r"(?m)^      page index: offsets \d+ bytes, bounds \d+ bytes, "
                               r"min and max of \d+ pages, \d+ null pages")


if __name__ == "__main__":
    unittest.main()
