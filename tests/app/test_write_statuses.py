"""Remote write's statuses and texts, row by row of one table: a real Prometheus and we answer
alike."""
import pathlib
import shutil
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from remote_write_client import (  # noqa: E402
    encode_sample, encode_series, field, snappy_block, varint)
from server_process import prometheus, thermocline  # noqa: E402

MIB = 1 << 20
V1 = "prometheus.WriteRequest"
V2 = "io.prometheus.write.v2.Request"
PROTOBUF = "application/x-protobuf"
RFC = "as per https://www.rfc-editor.org/rfc/rfc9110#parameter expected parameters to be key-values"
CORRUPT = (400, "s2: corrupt input")
TOO_LARGE = (400, "decoded size exceeds the 33554432 bytes limit")
STORED = (204, "")
GZIP = (415, "gzip encoding (compression) is not accepted by this server; "
             "only snappy is acceptable")


def not_protobuf(name):
    return 415, f"expected {PROTOBUF} as the first (media) part, got {name} content-type"


def unknown(name):
    return 415, (f"got {PROTOBUF};proto={name} content type; unknown type for remote write "
                 f"protobuf message {name}, supported: {V1}, {V2}")


def label_pair(name, value):
    return field(1, field(1, name) + field(2, value))


def one_series(now_ms, *pairs):
    return snappy_block(field(1, b"".join(label_pair(*p) for p in pairs) +
                              encode_sample(now_ms, 1.0)))


def rows(now_ms):
    """(what, body, headers, status and text of both)"""
    good = snappy_block(encode_series({"__name__": "good"}, [(now_ms, 1.0)]))
    return [
        ("a good body", good, {}, STORED),
        ("no encoding named", good, {"Content-Encoding": None}, STORED),
        ("an empty message", b"\x00", {}, STORED),
        ("another encoding", good, {"Content-Encoding": "gzip"}, GZIP),
        ("another encoding, corrupt body and wrong type", b"x",
         {"Content-Encoding": "gzip", "Content-Type": "text/plain"}, GZIP),
        ("an encoding in capitals", good, {"Content-Encoding": "Snappy"},
         (415, "Snappy" + GZIP[1].removeprefix("gzip"))),
        ("a large body", b"x" * (32 * MIB + 1), {},
         (413, "request body exceeds the 33554432 bytes limit")),
        ("no body", b"", {}, CORRUPT),
        ("a length without end", b"\xff" * 100, {}, CORRUPT),
        ("a length of six bytes", varint(1 << 35) + b"\x00\x01", {}, CORRUPT),
        ("too large a length", varint(32 * MIB + 1) + b"\x00\x01", {}, TOO_LARGE),
        ("4 GiB", varint((1 << 32) - 1) + b"\x00\x01", {}, TOO_LARGE),
        ("a length that is not reached", varint(32 * MIB) + b"\x00\x01", {}, CORRUPT),
        ("protobuf without snappy", encode_series({"__name__": "m"}, [(now_ms, 1.0)]), {},
         CORRUPT),
        ("the framed format", b"\xff\x06\x00\x00sNaPpY", {}, CORRUPT),
        ("a corrupt body of a wrong type", b"x", {"Content-Type": "application/json"}, CORRUPT),
        ("too large a length of a wrong type", varint(33 * MIB) + b"\x00",
         {"Content-Type": "application/json"}, TOO_LARGE),
        ("a wrong type", good, {"Content-Type": "application/json"},
         not_protobuf("application/json")),
        ("a type that only begins well", good, {"Content-Type": PROTOBUF + "2"},
         not_protobuf(PROTOBUF + "2")),
        ("a parameter without a value", good, {"Content-Type": PROTOBUF + ";foo"},
         (415, f"{RFC}, got foo in {PROTOBUF};foo content-type")),
        ("a parameter of three parts", good, {"Content-Type": PROTOBUF + ";a=b=c"},
         (415, f"{RFC}, got a=b=c in {PROTOBUF};a=b=c content-type")),
        ("a semicolon at the end", good, {"Content-Type": PROTOBUF + ";"},
         (415, f"{RFC}, got  in {PROTOBUF}; content-type")),
        ("an unrelated parameter", good, {"Content-Type": PROTOBUF + ";charset=utf-8"}, STORED),
        ("version 1 by name", good, {"Content-Type": f"{PROTOBUF};proto={V1}"}, STORED),
        ("an unknown message", good, {"Content-Type": PROTOBUF + ";proto=foo"}, unknown("foo")),
        ("a quoted message", good, {"Content-Type": f'{PROTOBUF};proto="{V1}"'},
         unknown(f'"{V1}"')),
        ("a malformed message of an unknown type", snappy_block(b"\x0a"),
         {"Content-Type": PROTOBUF + ";proto=foo"}, unknown("foo")),
        ("a message cut short", snappy_block(b"\x0a\x05\x0a"), {}, (400, "unexpected EOF")),
        ("a metric name that is not UTF-8", one_series(now_ms, (b"__name__", b"\xff\xfe")), {},
         STORED),
        ("a label name that is not UTF-8",
         one_series(now_ms, (b"__name__", b"bad"), (b"\xc3\x28", b"x")), {}, STORED),
        ("a label value that is not UTF-8",
         one_series(now_ms, (b"__name__", b"bad"), (b"a", b"\xff")), {}, STORED),
        ("a label twice", one_series(now_ms, (b"__name__", b"bad"), (b"a", b"1"), (b"a", b"2")),
         {}, STORED),
        ("a label twice, with one value",
         one_series(now_ms, (b"__name__", b"bad"), (b"a", b"1"), (b"a", b"1")), {}, STORED),
        ("no metric name", one_series(now_ms, (b"a", b"1")), {}, STORED),
    ]


def ask(url, body, headers):
    """(status, text without its newline)"""
    given = {"Content-Type": PROTOBUF, "Content-Encoding": "snappy", **headers}
    request = urllib.request.Request(url + "/api/v1/write", body,
                                     {k: v for k, v in given.items() if v is not None})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        text = error.read().decode()
        assert text.endswith("\n"), text
        return error.code, text[:-1]


class WriteStatusTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-statuses-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.ours = thermocline(cls.folder).start()
        cls.addClassCleanup(cls.ours.kill)
        cls.theirs = prometheus(
            cls.folder, "global: {}\n", "--web.enable-remote-write-receiver").start()
        cls.addClassCleanup(cls.theirs.kill)
        cls.now_ms = int(time.time() * 1000)

    def test_every_row_of_the_table_is_answered_alike_by_both(self):
        for name, server in (("Prometheus", self.theirs), ("we", self.ours)):
            for what, body, headers, wanted in rows(self.now_ms):
                with self.subTest(server=name, row=what):
                    self.assertEqual(ask(server.url, body, headers), wanted)
            at_s = self.now_ms / 1000
            self.assertEqual(server.query("good", at_s)[0]["value"][1], "1", name)
            self.assertEqual(server.query("bad", at_s), [], name)
            # Nothing of what was answered 204 and is bad was stored.
            self.assertEqual(server.query("count({__name__!=''})", at_s)[0]["value"][1], "1", name)

    def test_we_do_not_take_version_2_with_a_blank_for_version_1(self):
        body = snappy_block(encode_series({"__name__": "blank"}, [(self.now_ms, 1.0)]))
        for media, wanted in ((f"{PROTOBUF}; proto={V2}", 415), (f"{PROTOBUF};proto={V2}", 415),
                              (f"{PROTOBUF} ; Proto={V1}", 204), (PROTOBUF.upper(), 204)):
            status, text = ask(self.ours.url, body, {"Content-Type": media})
            self.assertEqual(status, wanted, (media, text))
            if status == 415:
                self.assertEqual(text, f"{V2} protobuf message is not accepted by this server; "
                                       f"only accepts {V1}")


if __name__ == "__main__":
    unittest.main()
