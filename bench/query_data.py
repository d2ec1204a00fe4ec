"""Data sets of the query benchmark, sent by remote write 1.0: the same for every server."""
import array
import bisect
import pathlib
import random
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests"))

from remote_write_client import encode_label, field, send, varint  # noqa: E402

BODY_BYTES = 4 << 20
# No server is sent samples older than this against the newest: they would be out of order.
SLICE_MS = 20 * 60_000
BOUNDS = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"]
COUNTS = {"one": 1, "ten": 10, "hundred": 100}


class Series:
    """Labels, ascending times, and per time either a float or an encoded histogram."""

    def __init__(self, labels, times_ms, values=(), histograms=()):
        self.labels = b"".join(encode_label(name, labels[name]) for name in sorted(labels))
        self.times_ms = times_ms
        self.values = array.array("d", values)
        self.histograms = histograms

    def encode(self, begin_ms, end_ms):
        """A TimeSeries of the samples in [begin_ms, end_ms), or nothing."""
        begin, end = (bisect.bisect_left(self.times_ms, at) for at in (begin_ms, end_ms))
        if begin == end:
            return b""
        if self.histograms:
            return field(1, self.labels + b"".join(self.histograms[begin:end]))
        packed = self.values[begin:end].tobytes()
        parts = []
        for i, at in enumerate(self.times_ms[begin:end]):
            suffix = b"\x10" + varint(at)
            parts.append(b"\x12" + bytes([9 + len(suffix)]) + b"\x09" +
                         packed[8 * i:8 * i + 8] + suffix)
        return field(1, self.labels + b"".join(parts))


def write(subjects, series):
    """Sends all series to each server, slice of time by slice; (first ms, last ms)."""
    first = min(one.times_ms[0] for one in series)
    last = max(one.times_ms[-1] for one in series)
    for begin in range(first, last + 1, SLICE_MS):
        body, size = [], 0
        for i, one in enumerate(series):
            body.append(one.encode(begin, begin + SLICE_MS))
            size += len(body[-1])
            if size < BODY_BYTES and i + 1 < len(series):
                continue
            for subject in subjects:
                status, text = send(subject.server.url, body)
                assert status == 204, (subject.kind, status, text)
            body, size = [], 0
    return first, last


def times(start_ms, samples, interval_ms):
    return [start_ms + k * interval_ms for k in range(samples)]


def counters(start_ms, series, samples, interval_ms):
    """`requests_total`: whole numbers that grow, a tenth of the series with a reset."""
    at = times(start_ms, samples, interval_ms)
    found = []
    for i in range(series):
        draw = random.Random(i)
        rate, value, values = draw.randrange(1, 200), 0, []
        reset = draw.randrange(samples) if i % 10 == 0 else -1
        for k in range(samples):
            value = 0 if k == reset else value + (rate * (k * 7 + i) % 11)
            values.append(value)
        found.append(Series({"__name__": "requests_total", "job": f"job-{i % 10}",
                             "instance": f"host-{i // 20}", "path": f"/p{i % 20}"}, at, values))
    return found


def zigzag(number):
    return varint(number << 1 if number >= 0 else (-number << 1) - 1)


def encode_histogram(at_ms, counts, total):
    """An integer histogram of schema 3 with the buckets `counts` from index 0 on."""
    deltas = b"".join(zigzag(count - (counts[i - 1] if i else 0))
                      for i, count in enumerate(counts))
    return field(4, b"\x08" + varint(sum(counts)) + b"\x19" + struct.pack("<d", total) +
                 b"\x20" + zigzag(3) + b"\x29" + struct.pack("<d", 1e-128) + b"\x30\x00" +
                 field(11, b"\x08" + zigzag(0) + b"\x10" + varint(len(counts))) +
                 field(12, deltas) + b"\x78" + varint(at_ms))


def native_histograms(start_ms, series, samples, interval_ms):
    """`latency`: histograms of a hundred shapes that grow."""
    at = times(start_ms, samples, interval_ms)
    shapes = []
    for shape in range(min(series, 100)):
        draw = random.Random(shape)
        counts, encoded = [0] * 20, []
        for at_ms in at:
            for _ in range(8):
                counts[min(19, int(draw.expovariate(0.2)))] += draw.randrange(1, 50)
            encoded.append(encode_histogram(at_ms, counts, sum(counts) / 7))
        shapes.append(encoded)
    return [Series({"__name__": "latency", "instance": f"host-{i // 10}", "path": f"/p{i % 10}"},
                   at, histograms=shapes[i % len(shapes)]) for i in range(series)]


def classic_histograms(start_ms, histograms, samples, interval_ms):
    """`request_seconds_bucket`: counters of twelve buckets each."""
    at = times(start_ms, samples, interval_ms)
    found = []
    for i in range(histograms):
        draw = random.Random(i)
        shares = [draw.random() for _ in BOUNDS]
        rows, counts = [[] for _ in BOUNDS], [0] * len(BOUNDS)
        for _ in at:
            total = 0
            for bucket, share in enumerate(shares):
                counts[bucket] += int(share * draw.randrange(0, 20))
                total += counts[bucket]
                rows[bucket].append(total)
        found += [Series({"__name__": "request_seconds_bucket", "le": bound, "job": f"job-{i % 5}",
                          "instance": f"host-{i}"}, at, row) for bound, row in zip(BOUNDS, rows)]
    return found


def joined(start_ms, series, samples, interval_ms):
    """As many series of `left_total` as of `right_info`, which has one label more."""
    at = times(start_ms, samples, interval_ms)
    found = []
    for i in range(series):
        step = random.Random(i).randrange(1, 9)
        found.append(Series({"__name__": "left_total", "instance": f"host-{i}", "mode": "user"}, at,
                            [k * step for k in range(samples)]))
        found.append(Series({"__name__": "right_info", "instance": f"host-{i}",
                             "version": f"1.{i % 7}"}, at, [1 + i % 3] * samples))
    return found


def shapes(start_ms, samples, interval_ms):
    """a_X, b_X and h_X for X of one, ten and a hundred series, and `sparse`, whose label `l`
    changes fifty times: what Prometheus' own range-query benchmark asks."""
    at = times(start_ms, samples, interval_ms)
    metrics = []
    for name, count in COUNTS.items():
        for i in range(count):
            own = {"l": str(i)} if count > 1 else {}
            metrics += [{"__name__": f"a_{name}", **own}, {"__name__": f"b_{name}", **own}]
            metrics += [{"__name__": f"h_{name}", "le": bucket, **own}
                        for bucket in [*map(str, range(10)), "+Inf"]]
    found = [Series(labels, at, [k + i / len(metrics) for k in range(samples)])
             for i, labels in enumerate(metrics)]
    each = samples // 50
    for part in range(50):
        some = range(part * each, (part + 1) * each)
        found.append(Series({"__name__": "sparse", "l": str(part)}, [at[k] for k in some],
                            [k / len(metrics) for k in some]))
    return found
