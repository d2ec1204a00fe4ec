"""A remote read client: the wire format by hand, as the write client's."""
import struct
import urllib.error
import urllib.request

import pyarrow
from remote_write_client import field, snappy_block, varint

SAMPLES, STREAMED_XOR_CHUNKS = 0, 1
EQ, NEQ, RE, NRE = range(4)
FROM_PROMETHEUS_3_14 = "Prometheus/3.14.0"


def number(tag, value):
    return bytes([tag << 3]) + varint(value)


def encode_matcher(kind, name, value):
    return field(3, number(1, kind) + field(2, name.encode()) + field(3, value.encode()))


def encode_query(start_ms, end_ms, matchers, hints=b""):
    """A Query of a ReadRequest; `matchers` are (kind, name, value)."""
    return field(1, number(1, start_ms) + number(2, end_ms)
                 + b"".join(encode_matcher(*matcher) for matcher in matchers)
                 + (field(4, hints) if hints else b""))


def encode_hints(start_ms, end_ms, function="", step_ms=0):
    return (number(1, step_ms) + field(2, function.encode()) + number(3, start_ms)
            + number(4, end_ms))


def encode_request(queries, accepted=()):
    return b"".join(queries) + (
        field(2, b"".join(varint(kind) for kind in accepted)) if accepted else b"")


def post(url, body, agent="test", accept_encoding="snappy"):
    """(HTTP status, headers, body) of a POST as it is."""
    request = urllib.request.Request(url + "/api/v1/read", body, {
        "Content-Type": "application/x-protobuf",
        "Content-Encoding": "snappy",
        "Accept-Encoding": accept_encoding,
        "User-Agent": agent,
        "X-Prometheus-Remote-Read-Version": "0.1.0",
    })
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def read(url, queries, accepted=(), **how):
    return post(url, snappy_block(encode_request(queries, accepted)), **how)


def take_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def fields(message):
    """(number, value) of each field; messages and strings as bytes."""
    at, found = 0, []
    while at < len(message):
        tag, at = take_varint(message, at)
        if tag & 7 == 0:
            value, at = take_varint(message, at)
        elif tag & 7 == 1:
            value, at = message[at:at + 8], at + 8
        else:
            size, at = take_varint(message, at)
            value, at = message[at:at + size], at + size
        found.append((tag >> 3, value))
    return found


def values(message, tag):
    return [value for field_number, value in fields(message) if field_number == tag]


def labels_of(series):
    """The labels of a TimeSeries or a ChunkedSeries."""
    return [tuple(values(pair, tag)[0].decode() for tag in (1, 2)) for pair in values(series, 1)]


def results(body):
    """Per query the TimeSeries messages of a SAMPLES answer."""
    size, _ = take_varint(body, 0)
    message = pyarrow.decompress(body, size, "snappy", asbytes=True) if size else b""
    return [values(result, 1) for result in values(message, 1)]


def crc32c_of_byte(byte):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    return byte


CRC32C = [crc32c_of_byte(byte) for byte in range(256)]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC32C[(crc ^ byte) & 255]
    return crc ^ 0xFFFFFFFF


def frames(body):
    """The ChunkedReadResponse messages of a streamed answer, checksums verified."""
    at, found = 0, []
    while at < len(body):
        size, at = take_varint(body, at)
        crc, = struct.unpack_from(">I", body, at)
        message = body[at + 4:at + 4 + size]
        assert len(message) == size, "the stream ends within a frame"
        assert crc32c(message) == crc, "a frame's checksum is wrong"
        found.append(message)
        at += 4 + size
    return found


def series_of(frame):
    """(query index, labels, chunks) of a frame; chunks are (min, max, encoding, bytes)."""
    index, = values(frame, 2) or [0]
    series, = values(frame, 1)
    chunks = []
    for chunk in values(series, 2):
        have = dict(fields(chunk))
        chunks.append((have.get(1, 0), have.get(2, 0), have[3], have[4]))
    return index, labels_of(series), chunks
