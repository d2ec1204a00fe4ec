"""A remote write 1.0 client: the wire format by hand, so that our server is tested against the
specification and not against its own encoder."""
import struct
import urllib.error
import urllib.request

STALE_MARKER = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]


def varint(number):
    """`number` as a protobuf varint; a negative one in two's complement of 64 bits."""
    number &= 0xFFFFFFFFFFFFFFFF
    encoded = bytearray()
    while number > 127:
        encoded.append(number & 127 | 128)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def field(number, payload):
    """A length-delimited protobuf field."""
    return bytes([number << 3 | 2]) + varint(len(payload)) + payload


def encode_label(name, value):
    return field(1, field(1, name.encode()) + field(2, value.encode()))


def encode_sample(timestamp_ms, value):
    return field(2, b"\x09" + struct.pack("<d", value) + b"\x10" + varint(timestamp_ms))


def zigzag(number):
    return number << 1 if number >= 0 else (-number << 1) - 1


def packed_deltas(counts):
    """Absolute bucket counts as the packed differences that an integer histogram has."""
    return b"".join(varint(zigzag(now - before)) for before, now in zip([0, *counts], counts))


def encode_histogram(timestamp_ms, total, counts, schema=0, first=0, bounds=(), start_ms=0,
                     hint=0):
    """An integer histogram of one span of positive buckets from index `first` on; with `bounds`,
    upper bounds, of custom buckets."""
    body = b"\x08" + varint(sum(counts)) + b"\x19" + struct.pack("<d", total)
    body += b"\x20" + varint(zigzag(-53 if bounds else schema))
    if not bounds:
        body += b"\x29" + struct.pack("<d", 0.001)
    body += field(11, b"\x08" + varint(zigzag(first)) + b"\x10" + varint(len(counts)))
    body += field(12, packed_deltas(counts)) + b"\x70" + varint(hint)
    body += b"\x78" + varint(timestamp_ms)
    if bounds:
        body += varint(16 << 3 | 2) + varint(8 * len(bounds)) + struct.pack(
            f"<{len(bounds)}d", *bounds)
    if start_ms:
        body += varint(17 << 3) + varint(start_ms)
    return field(4, body)


def encode_float_histogram(timestamp_ms, total, counts, schema=0, first=0):
    """A float histogram of one span of negative buckets and as many positive ones."""
    span = b"\x08" + varint(zigzag(first)) + b"\x10" + varint(len(counts))
    packed = struct.pack(f"<{len(counts)}d", *counts)
    body = b"\x11" + struct.pack("<d", 2 * sum(counts)) + b"\x19" + struct.pack("<d", total)
    body += b"\x20" + varint(zigzag(schema)) + b"\x39" + struct.pack("<d", 0.0)
    body += field(8, span) + field(10, packed) + field(11, span) + field(13, packed)
    return field(4, body + b"\x78" + varint(timestamp_ms))


def encode_series(labels, samples, histograms=()):
    """One TimeSeries of a WriteRequest; `labels` is a dict, `samples` pairs of (ms, value),
    `histograms` what encode_histogram returned."""
    encoded = b"".join(encode_label(name, labels[name]) for name in sorted(labels))
    return field(1, encoded + b"".join(encode_sample(at, value) for at, value in samples)
                 + b"".join(histograms))


def snappy_block(body):
    """`body` in snappy's block format as one literal: valid, and not compressed."""
    if not body:
        return b"\x00"
    return varint(len(body)) + b"\xfc" + struct.pack("<I", len(body) - 1) + body


def send(url, series):
    """Posts encoded TimeSeries; returns (HTTP status, body)."""
    request = urllib.request.Request(url + "/api/v1/write", snappy_block(b"".join(series)), {
        "Content-Type": "application/x-protobuf",
        "Content-Encoding": "snappy",
        "X-Prometheus-Remote-Write-Version": "0.1.0",
    })
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
