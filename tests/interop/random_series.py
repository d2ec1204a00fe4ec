"""Random series as remote write 1.0 messages: gauges, counters with resets, classic and native
histograms, series of both kinds, info metrics; gaps, stale markers, NaN."""
import math
import struct

from remote_write_client import STALE_MARKER, encode_label, encode_sample, field, varint

START_S = 1_700_000_000
SECONDS = 1800
INTERVAL_S = 15
CUSTOM = -53
HINT_GAUGE = 3


def zigzag(number):
    return varint((number << 1) ^ (number >> 63))


def packed(number, payloads):
    return field(number, b"".join(payloads)) if payloads else b""


def encode_histogram(at_ms, h):
    """A field `histograms` of a TimeSeries; `h` has schema, counts by bucket index, and so on."""
    out = b"\x11" + struct.pack("<d", h["count"])
    out += b"\x19" + struct.pack("<d", h["sum"])
    out += b"\x20" + zigzag(h["schema"])
    out += b"\x29" + struct.pack("<d", h["zero_threshold"])
    out += b"\x39" + struct.pack("<d", h["zero_count"])
    for spans_field, counts_field, counts in ((8, 10, h["negative"]), (11, 13, h["positive"])):
        following = 0
        for index in sorted(counts):
            # One span a bucket: valid, and what others join.
            span = b"\x08" + zigzag(index - following) + b"\x10" + varint(1)
            out += field(spans_field, span)
            following = index + 1
        out += packed(counts_field, [struct.pack("<d", counts[i]) for i in sorted(counts)])
    if h["gauge"]:
        out += b"\x70" + varint(HINT_GAUGE)
    out += b"\x78" + varint(at_ms)
    if h["bounds"]:
        bounds = b"".join(struct.pack("<d", bound) for bound in h["bounds"])
        out += varint(16 << 3 | 2) + varint(len(bounds)) + bounds
    return field(4, out)


class Histogram:
    """One that grows; now and then reset, or of another layout. A layout has all its buckets from
    the start, empty or not: Prometheus' chunks would write out those that came later."""

    def __init__(self, chosen, custom, gauge=False):
        self.chosen, self.custom, self.gauge = chosen, custom, gauge
        self.lay_out()

    def clear(self):
        first, last = (0, len(self.bounds)) if self.custom else (1, 6)
        self.positive = dict.fromkeys(range(first, last + 1), 0)
        self.negative = {} if self.custom else dict.fromkeys(range(1, 5), 0)
        self.zero, self.sum = 0, 0.0

    def lay_out(self):
        self.schema = CUSTOM if self.custom else self.chosen.choice([-1, 0, 1, 2])
        self.threshold = 0.0 if self.custom else self.chosen.choice([0.0, 0.001, 0.5, 1.0])
        self.bounds = self.chosen.choice([[1, 2, 5], [1, 5], [2, 5, 10]]) if self.custom else []
        self.clear()

    def next(self):
        chosen = self.chosen
        if self.gauge or chosen.randrange(25) == 0:
            self.clear()
        if chosen.randrange(40) == 0:
            if chosen.randrange(6) == 0:
                self.custom = not self.custom
            self.lay_out()
        for _ in range(chosen.randrange(6 if self.gauge else 3)):
            count = 1 + chosen.randrange(3)
            self.sum += count * chosen.randrange(7)
            form = chosen.randrange(8)
            if self.custom:
                side, index = self.positive, chosen.randrange(len(self.bounds) + 1)
            elif form == 0:
                self.zero += count
                continue
            elif form == 1:
                side, index = self.negative, 1 + chosen.randrange(4)
            else:
                side, index = self.positive, 1 + chosen.randrange(6)
            side[index] += count
        total = self.zero + sum(self.positive.values()) + sum(self.negative.values())
        return {"schema": self.schema, "count": total, "sum": self.sum, "zero_count": self.zero,
                "zero_threshold": self.threshold, "positive": dict(self.positive),
                "negative": dict(self.negative), "bounds": self.bounds, "gauge": self.gauge}


def counter(chosen, most):
    count = 0
    while True:
        count = 0 if chosen.randrange(25) == 0 else count + chosen.randrange(most)
        yield float(count)


def gauge(chosen):
    while True:
        yield math.nan if chosen.randrange(90) == 0 else float(chosen.randrange(10) - 3)


def distinct(chosen):
    while True:
        yield chosen.random() * 1000


def histograms(source):
    while True:
        yield source.next()


def mixed(chosen, floats, others):
    is_float = True
    while True:
        if chosen.randrange(15) == 0:
            is_float = not is_float
        yield next(floats) if is_float else next(others)


def all_series(chosen):
    """(labels, generator of values) of every series."""
    for i in "123":
        for j in "xy":
            def add(name, values, **more):
                return {"__name__": name, "i": i, "j": j, **more}, values
            yield add("a", gauge(chosen))
            yield add("b", gauge(chosen))
            yield add("c_total", counter(chosen, 7))
            yield add("e", histograms(Histogram(chosen, custom=False)))
            yield add("n", histograms(Histogram(chosen, custom=True)))
            yield add("g", histograms(Histogram(chosen, chosen.randrange(3) == 0, gauge=True)))
            yield add("x", mixed(chosen, counter(chosen, 7),
                                 histograms(Histogram(chosen, chosen.randrange(2) == 0))))
            yield add("u", distinct(chosen), k="only")
            yield ({"__name__": "t", "i": i, "instance": i, "job": "j" if j == "x" else "k"},
                   gauge(chosen))
        for le in ("0.1", "1", "10", "+Inf"):
            yield {"__name__": "h_bucket", "i": i, "le": le}, counter(chosen, 2 + 2 * len(le))
        one = iter(lambda: 1.0, None)
        yield {"__name__": "target_info", "instance": i, "job": "j", "version": "1" + i}, one
        yield {"__name__": "build_info", "instance": i, "job": "j", "build": "b"}, one
    yield {"__name__": "h_bucket", "i": "1"}, histograms(Histogram(chosen, custom=False))
    yield {"__name__": "h_bucket", "i": "2", "le": "many"}, counter(chosen, 3)


def label_order(series):
    return sorted(series[0].items())


def messages(chosen):
    """One list of encoded TimeSeries for each point in time, the oldest first; all series are in
    the first, in label order, so that a storage that lists them as they came lists them so."""
    series = sorted(all_series(chosen), key=label_order)
    absent = [False] * len(series)
    for at_s in range(START_S, START_S + SECONDS + 1, INTERVAL_S):
        encoded = []
        for k, (labels, values) in enumerate(series):
            if chosen.randrange(40) == 0:
                absent[k] = not absent[k]
            value = next(values)
            if at_s > START_S and (absent[k] or chosen.randrange(20) == 0):
                continue
            at_ms = at_s * 1000 + chosen.randrange(3000)
            if at_s > START_S and chosen.randrange(60) == 0:
                value = STALE_MARKER
            sample = (encode_histogram(at_ms, value) if isinstance(value, dict)
                      else encode_sample(at_ms, value))
            names = b"".join(encode_label(name, labels[name]) for name in sorted(labels))
            encoded.append(field(1, names + sample))
        yield encoded
