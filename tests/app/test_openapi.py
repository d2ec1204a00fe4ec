"""The served OpenAPI document against the running server: schemathesis makes requests from it, good
and bad ones, and every answer must be one that it describes."""
import pathlib
import shutil
import sys
import tempfile
import time
import unittest

import hypothesis
import schemathesis
from hypothesis import strategies
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance, response_schema_conformance, status_code_conformance,
    unsupported_method)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from remote_read_client import (  # noqa: E402
    SAMPLES, STREAMED_XOR_CHUNKS, encode_query, encode_request)
from remote_write_client import (  # noqa: E402
    encode_histogram, encode_series, send, snappy_block)
from server_process import thermocline  # noqa: E402

EXAMPLES = 12
FORMS = ["application/x-www-form-urlencoded"]
NOW_S = int(time.time())
# That what the document forbids is refused is not among them: as in Prometheus an empty parameter
# is an absent one, and other values of `stats` are taken with a warning.
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance,
          response_schema_conformance, unsupported_method]
SELECTORS = ["floats", '{job="a"}', '{__name__=~".+"}', "native", 'floats{job!~"a|b"}', "missing"]
EXPRESSIONS = [
    *SELECTORS, "1", '"text"', "time()", "rate(floats[5m])", "sum by (job) (floats)", "floats[2m]",
    "histogram_quantile(0.9, native)", "floats / on (job) floats", "topk(1, floats)", "absent(up)",
    "quantile(7, floats)", "count_values('v', floats)", "floats > bool 1", "sum(", "{", "a and"]


def sometimes(values):
    """Mostly one of `values`, which mean something, else any text."""
    return strategies.one_of(strategies.sampled_from(values), strategies.sampled_from(values),
                             strategies.text(max_size=20))


BODIES = [
    snappy_block(b"".join([encode_series({"__name__": "sent"}, [(NOW_S * 1000, 1)])])),
    *(snappy_block(encode_request([encode_query(0, NOW_S * 1000, [(0, "__name__", "floats")])],
                                  [kind])) for kind in (SAMPLES, STREAMED_XOR_CHUNKS))]


@schemathesis.serializer("application/x-protobuf")
def as_it_is(_, value):
    return value


schemathesis.openapi.media_type("application/x-protobuf", strategies.one_of(
    strategies.sampled_from(BODIES), strategies.binary(max_size=50)))
schemathesis.openapi.format("promql", sometimes(EXPRESSIONS))
schemathesis.openapi.format("promql-selector", sometimes(SELECTORS))
schemathesis.openapi.format("promql-duration", sometimes(["15s", "1h30m", "0", "5m", "1y"]))


class OpenApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-openapi-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.server = thermocline(cls.folder, "--query.timeout=5s").start()
        cls.addClassCleanup(cls.server.kill)
        at_ms = (NOW_S - 60) * 1000
        status, body = send(cls.server.url, [
            *(encode_series({"__name__": "floats", "job": job}, [(at_ms, 1), (at_ms + 9, 2.5)])
              for job in "abc"),
            encode_series({"__name__": "native"}, [], [encode_histogram(at_ms, 3, [1, 2])])])
        assert status == 204, body
        cls.schema = schemathesis.openapi.from_url(cls.server.url + "/api/v1/openapi.yaml")

    def check(self, operation, mode):
        @hypothesis.seed(1)
        @hypothesis.settings(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=False,
            suppress_health_check=list(hypothesis.HealthCheck),
            phases=[hypothesis.Phase.generate])
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def call(case):
            nonlocal calls
            calls += 1
            case.call_and_validate(checks=CHECKS)

        calls = 0
        call()
        return calls

    def test_the_document_is_valid(self):
        self.schema.validate()

    def test_answers_are_as_described(self):
        calls, started = 0, time.monotonic()
        for result in self.schema.get_all_operations():
            operation = result.ok()
            for mode in schemathesis.GenerationMode:
                # What takes nothing, or bytes, can be asked nothing wrong.
                takes = list(operation.query) + [
                    body for body in operation.body if body.media_type in FORMS]
                if mode.is_negative and not takes:
                    continue
                with self.subTest(f"{operation.label}, {mode.value} data"):
                    calls += self.check(operation, mode)
        self.assertIsNone(self.server.process.poll(), self.server.log_tail())
        print(f"figure: {calls} requests in {time.monotonic() - started:.1f} s")
        self.assertGreater(calls, 500)


if __name__ == "__main__":
    unittest.main()
