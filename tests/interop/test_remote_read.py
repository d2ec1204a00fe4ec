"""Remote read: a Prometheus that reads from us answers as one that holds the data; our answers are
the messages and frames that a Prometheus sends."""
import json
import pathlib
import shutil
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from remote_read_client import (  # noqa: E402
    EQ, FROM_PROMETHEUS_3_14, NEQ, NRE, RE, SAMPLES, STREAMED_XOR_CHUNKS, encode_hints,
    encode_query, encode_request, frames, labels_of, post, read, results, series_of, values)
from remote_write_client import (  # noqa: E402
    STALE_MARKER, encode_histogram, encode_series, send, snappy_block, varint)
from server_process import prometheus, thermocline  # noqa: E402

# Two hours that end before now, so that every time below lies in one block range of Prometheus.
BLOCK_S = 7200
START_S = (int(time.time()) // BLOCK_S - 1) * BLOCK_S + 600
START_MS = START_S * 1000
STEP_MS = 15_000
SHORT, LONG = 20, 300
QUERIES = [
    "long", "sum by (job) (long)", "rate(long[5m])", 'short{text!=""}', 'short{text=~".*a.*"}',
    '{__name__=~"short|gone"}', "gone", "count_over_time(gone[10m])",
    "present_over_time(short[1h])", "native", "rate(native[2m])", "custom", "mixed",
    "histogram_quantile(0.9, native)",
    "histogram_sum(rate(native[5m]))", "resets(native[1h])", 'long{job!~"a.*"}',
    "max_over_time(rate(long[2m])[20m:1m])", "long @ start()", "long offset 7m", "absent(missing)",
    'topk(2, long)', 'quantile(0.5, long)', "changes(mixed[20m])"]


def matching(*names):
    return [(RE, "__name__", "|".join(names))]


def whole(*names, **more):
    return encode_query(START_MS, START_MS + BLOCK_S * 1000, matching(*names), **more)


def written_series():
    """The data of all tests, as TimeSeries of remote write."""
    at = [START_MS + k * STEP_MS for k in range(LONG)]
    all_series = [
        encode_series({"__name__": "long", "job": f"{job}{i}"},
                      [(t, float(k * (i + 1) % 97)) for k, t in enumerate(at)])
        for job in "ab" for i in range(8)]
    all_series += [
        encode_series({"__name__": "short", "text": text},
                      [(t, value + k) for k, t in enumerate(at[:SHORT])])
        for text, value in [("<a>", 1.5), ("", 1e300), ("\u00e9\n", float("inf"))]]
    all_series += [
        encode_series({"__name__": "gone"}, [(at[0], 1), (at[1], STALE_MARKER), (at[9], -3)]),
        encode_series({"__name__": "once"}, [(at[4], 0)]),
        encode_series({"__name__": "native"}, [], [
            encode_histogram(t, 0.5 * k, [k % 40, 2, 3 + k % 40], first=-2)
            for k, t in enumerate(at[:100])]),
        encode_series({"__name__": "custom"}, [], [
            encode_histogram(t, k, [k, 1], bounds=[0.5, 2.25]) for k, t in enumerate(at[:SHORT])])]
    return all_series


def write(server):
    """Sends the data; a series of both kinds sample by sample: of one request Prometheus commits
    the floats first and then drops older histograms."""
    mixed = [
        encode_series({"__name__": "mixed"}, [(at_ms, k)] if k % 4 else [],
                      [] if k % 4 else [encode_histogram(at_ms, k, [k])])
        for k, at_ms in enumerate(range(START_MS, START_MS + SHORT * STEP_MS, STEP_MS))]
    for series in [*([one] for one in mixed), written_series()]:
        status, body = send(server.url, series)
        assert status == 204, (server.command[0], status, body)


def data(server, query):
    status, answer = server.get("/api/v1/query_range", query=query, start=START_S,
                                end=START_S + LONG * 15, step=60)
    assert status == 200, (query, answer)
    at_end = server.get("/api/v1/query", query=query, time=START_S + SHORT * 15 + 1)[1]
    at_end["data"]["result"] = sorted(at_end["data"]["result"], key=json.dumps)
    return answer["data"]["result"], at_end["data"]["result"]


class RemoteReadTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-read-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.ours = thermocline(cls.folder).start()
        cls.addClassCleanup(lambda: cls.ours.kill())
        cls.theirs = prometheus(cls.folder, "global: {}\n", "--web.enable-remote-write-receiver",
                                data="holds").start()
        cls.addClassCleanup(lambda: cls.theirs.kill())
        cls.reader = prometheus(
            cls.folder, f"remote_read: [{{url: '{cls.ours.url}/api/v1/read', read_recent: true}}]",
            data="reads").start()
        cls.addClassCleanup(lambda: cls.reader.kill())
        for server in (cls.ours, cls.theirs):
            write(server)

    def read(self, queries, accepted=(), server=None, **how):
        status, headers, body = read((server or self.ours).url, queries, accepted, **how)
        self.assertEqual(status, 200, body)
        return headers, body

    def samples(self, server, *queries):
        """TimeSeries of each query; Prometheus' order is that of its postings."""
        headers, body = self.read(queries, server=server)
        self.assertEqual(headers["Content-Type"], "application/x-protobuf")
        self.assertEqual(headers["Content-Encoding"], "snappy")
        return [sorted(result, key=labels_of) for result in results(body)]

    def chunks(self, server, *queries):
        headers, body = self.read(queries, [STREAMED_XOR_CHUNKS, SAMPLES], server,
                                  agent=FROM_PROMETHEUS_3_14)
        self.assertEqual(headers["Content-Type"],
                         "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse")
        self.assertIsNone(headers["Content-Encoding"])
        return frames(body)

    def test_a_prometheus_that_reads_from_us_answers_as_we_and_the_holder(self):
        wrong = []
        for query in QUERIES:
            answers = [data(server, query) for server in (self.reader, self.ours, self.theirs)]
            if answers[0] != answers[1] or answers[0] != answers[2]:
                wrong.append(f"{query}\n" + "\n".join(str(answer)[:800] for answer in answers))
        print(f"figure: {len(QUERIES) - len(wrong)} of {len(QUERIES)} queries are answered alike")
        self.assertFalse(wrong, "\n".join(wrong))

    def test_it_reads_what_was_flushed_to_parquet(self):
        folder = self.folder / "cold"
        folder.mkdir()
        cold = thermocline(folder).start()
        self.addCleanup(cold.kill)
        write(cold)
        cold.flush()
        names = ["long", "short", "native", "custom", "mixed", "gone"]
        for query in map(whole, names):
            self.assertEqual(self.chunks(cold, query), self.chunks(self.ours, query))
            self.assertEqual(self.samples(cold, query), self.samples(self.ours, query))

    def test_samples_are_the_messages_of_a_prometheus(self):
        cases = [
            [whole("short", "gone", "once")], [whole("long")], [whole("custom", "mixed")],
            [whole("once"), whole("missing"), whole("gone")],
            [encode_query(START_MS, START_MS, matching("short"))],
            [encode_query(START_MS, START_MS + 60_000, [(EQ, "__name__", "long"),
                                                        (NRE, "job", "a.*"), (NEQ, "job", "b1")])],
            [encode_query(START_MS, START_MS + 10**7, [(EQ, "text", ""), (RE, "job", "a1|")])],
            [encode_query(START_MS, START_MS + 10**7, [])],
            [whole("short", hints=encode_hints(START_MS + 60_000, START_MS + 90_000))],
            [whole("short", hints=encode_hints(START_MS, START_MS + 60_000, "series"))]]
        for number, queries in enumerate(cases):
            with self.subTest(number):
                theirs = self.samples(self.theirs, *queries)
                self.assertEqual(self.samples(self.ours, *queries), theirs)

    def test_frames_are_those_of_a_prometheus(self):
        for names in [["short", "gone", "once"], ["custom", "mixed"]]:
            theirs = self.chunks(self.theirs, whole(*names), whole("once"))
            self.assertEqual(self.chunks(self.ours, whole(*names), whole("once")), theirs)
        # Longer series are cut elsewhere, but into the same samples: the reader's answers tell.
        ours = [series_of(frame)[1] for frame in self.chunks(self.ours, whole("long", "native"))]
        self.assertEqual(ours, sorted(ours))
        theirs = self.chunks(self.theirs, whole("long", "native"))
        self.assertEqual(ours, [series_of(frame)[1] for frame in theirs])

    def test_frames_are_bounded(self):
        folder = self.folder / "frames"
        folder.mkdir()
        small = thermocline(folder, "--storage.remote.read-max-bytes-in-frame=300").start()
        self.addCleanup(small.kill)
        write(small)
        found = self.chunks(small, whole("long", "native"))
        whole_frames = self.chunks(self.ours, whole("long", "native"))
        self.assertGreater(len(found), len(whole_frames))
        for frame in found:
            self.assertLess(len(frame), 700, series_of(frame)[1])
        together = {}
        for frame in found:
            _, labels, chunks = series_of(frame)
            together.setdefault(tuple(labels), []).extend(chunks)
        ends = {labels: (chunks[0][0], chunks[-1][1]) for labels, chunks in together.items()}
        for frame in whole_frames:
            _, labels, chunks = series_of(frame)
            self.assertEqual(ends[tuple(labels)], (chunks[0][0], chunks[-1][1]))

    def test_the_sample_limit_is_told(self):
        folder = self.folder / "limit"
        folder.mkdir()
        tight = thermocline(folder, f"--storage.remote.read-sample-limit={3 * SHORT}").start()
        self.addCleanup(tight.kill)
        write(tight)
        self.assertEqual(len(self.samples(tight, whole("short"), whole("custom"))), 2)
        status, _, body = read(tight.url, [whole("short", "once")])
        self.assertEqual((status, body), (400, b"exceeded sample limit (60)\n"))
        self.assertEqual(len(self.chunks(tight, whole("long"))), 16)

    def test_a_long_answer_is_sent_while_it_is_read(self):
        folder = self.folder / "wide"
        folder.mkdir()
        server = thermocline(folder).start()
        self.addCleanup(server.kill)
        names = [f"{i:05}" + 100 * "x" for i in range(12_000)]
        self.assertEqual(send(server.url, [
            encode_series({"__name__": "wide", "i": name}, [(START_MS, i), (START_MS + 1, i * 0.1)])
            for i, name in enumerate(names)])[0], 204)
        headers, body = self.read([whole("wide")], [STREAMED_XOR_CHUNKS], server)
        self.assertEqual(headers["Transfer-Encoding"], "chunked")
        found = [series_of(frame) for frame in frames(body)]
        self.assertEqual([labels[1][1] for _, labels, _ in found], names)
        self.assertEqual({chunk[:3] for _, _, chunks in found for chunk in chunks},
                         {(START_MS, START_MS + 1, 1)})

    def test_the_memory_of_a_read_is_bounded(self):
        folder = self.folder / "memory"
        folder.mkdir()
        server = thermocline(folder, "--query.max-memory=64KiB").start()
        self.addCleanup(server.kill)
        write(server)
        self.assertEqual(read(server.url, [whole("long")])[0], 503)
        self.assertEqual(len(self.samples(server, whole("short"))[0]), 3)

    def test_start_timestamps_are_sent_to_those_that_know_them(self):
        folder = self.folder / "starts"
        folder.mkdir()
        server = thermocline(folder).start()
        self.addCleanup(server.kill)
        histograms = [encode_histogram(START_MS + k * STEP_MS, k, [k], start_ms=START_MS)
                      for k in range(5)]
        self.assertEqual(
            send(server.url, [encode_series({"__name__": "started"}, [], histograms)])[0], 204)
        for agent, encoding in [(FROM_PROMETHEUS_3_14, 5), ("Prometheus/4.0.1-rc.0", 5),
                                ("Prometheus/3.13.2", 2), ("Prometheus/", 2), ("thanos/0.40", 2)]:
            _, body = self.read([whole("started")], [STREAMED_XOR_CHUNKS], server, agent=agent)
            (_, _, [chunk]), = map(series_of, frames(body))
            self.assertEqual(chunk[:3], (START_MS, START_MS + 4 * STEP_MS, encoding), agent)

    def test_the_first_type_that_is_served_is_sent(self):
        for accepted, chosen in [([], SAMPLES), ([SAMPLES], SAMPLES), ([7, SAMPLES], SAMPLES),
                                 ([STREAMED_XOR_CHUNKS], STREAMED_XOR_CHUNKS),
                                 ([7, STREAMED_XOR_CHUNKS, SAMPLES], STREAMED_XOR_CHUNKS)]:
            types = [self.read([whole("once")], accepted, server)[0]["Content-Type"]
                     for server in (self.ours, self.theirs)]
            self.assertEqual(types[0], types[1])
            self.assertEqual("streamed" in types[0], chosen == STREAMED_XOR_CHUNKS)

    def test_answers_are_not_compressed_again(self):
        for accepted in ([SAMPLES], [STREAMED_XOR_CHUNKS]):
            answers = [self.read([whole("long")], accepted, accept_encoding=accept)
                       for accept in ("snappy", "gzip")]
            self.assertEqual(answers[0][1], answers[1][1])
            self.assertNotEqual(answers[1][0]["Content-Encoding"], "gzip")

    def test_bad_requests_have_the_statuses_of_a_prometheus(self):
        once = whole("once")
        for what, body in [
                ("empty", b""), ("no snappy", b"\xff\xff\xff"), ("lying length", b"\x80\x80\x04"),
                ("a bomb", varint(33 << 20) + b"\x00"),
                ("truncated", snappy_block(once[:-3])), ("a group", snappy_block(b"\x0b")),
                ("wrong wire type", snappy_block(b"\x08\x01")),
                ("no such type", snappy_block(encode_request([once], [9])))]:
            with self.subTest(what):
                statuses = [post(server.url, body)[0] for server in (self.ours, self.theirs)]
                self.assertEqual(statuses, [400, 400])
        # Prometheus takes these for faults of its own and answers 500.
        for what, kind, pattern in [("no matcher type", 4, "x"), ("no regex", RE, "a(")]:
            bad = encode_query(START_MS, START_MS + 1, [(kind, "a", pattern)])
            with self.subTest(what):
                self.assertEqual(read(self.ours.url, [bad])[0], 400)
                self.assertEqual(read(self.theirs.url, [bad])[0], 500)
        self.assertEqual(self.samples(self.ours, whole("once"))[0][0],
                         self.samples(self.theirs, whole("once"))[0][0])
        status, headers, _ = post(self.ours.url, snappy_block(b""))
        self.assertEqual((status, headers["Content-Encoding"]), (200, "snappy"))

    def test_only_posts_are_taken(self):
        self.assertEqual(self.ours.get("/api/v1/read")[0], 405)

    def test_hostile_counts_are_refused(self):
        matchers = b"".join(values(encode_query(1, 2, [(EQ, "a", "b")]), 1))
        self.assertTrue(matchers)
        for what, request in [
                ("queries", [encode_query(1, 2, [])] * 1001),
                ("matchers", [encode_query(1, 2, [(EQ, "a", "b")] * 10_001)])]:
            status, _, body = read(self.ours.url, request)
            self.assertEqual(status, 400)
            self.assertIn(what.encode(), body)


if __name__ == "__main__":
    unittest.main()
