"""Lines of the query log are those that a real Prometheus writes of the same requests."""
import json
import pathlib
import shutil
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from server_process import prometheus, thermocline  # noqa: E402

# Path, parameters, whether by POST. The last two are not logged: they never run.
REQUESTS = [
    ("query", {"query": "vector(1) + 1", "time": 1.5}, False),
    ("query_range", {"query": 'up{a="<&é\\u2028"}', "start": 1.25, "end": 20, "step": 2.5}, True),
    ("query", {"query": "topk(NaN, vector(1))", "time": 5}, False),
    ("query", {"query": "sum(vector(1))\n# two lines", "time": 5, "stats": "all"}, True),
    ("query_range", {"query": "time()", "start": 0, "end": 60, "step": 15, "stats": "all"}, False),
    ("query", {"query": "up(", "time": 5}, False),
    ("query", {"query": "1", "time": "x"}, False)]
LOGGED = len(REQUESTS) - 2


def comparable(line):
    """What two servers can agree upon: all but the time of day, durations and source files."""
    read = json.loads(line)
    order = {key: list(value) if isinstance(value, dict) else None for key, value in read.items()}
    timings = list(read["stats"]["timings"])
    for key in ("time", "source"):
        read.pop(key)
    read["stats"].pop("timings")
    return order, timings, read


class QueryLogTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="thermocline-querylog-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.our_log, cls.their_log = cls.folder / "ours.log", cls.folder / "theirs.log"
        flag = "--enable-feature=promql-per-step-stats"
        config = cls.folder / "thermocline.yml"
        config.write_text(f"global: {{query_log_file: {cls.our_log}}}\n")
        cls.ours = thermocline(cls.folder, f"--config.file={config}", flag).start()
        cls.addClassCleanup(cls.ours.kill)
        cls.theirs = prometheus(
            cls.folder, f"global: {{query_log_file: {cls.their_log}}}\n", flag).start()
        cls.addClassCleanup(cls.theirs.kill)

    def ask(self, server, path, parameters, post):
        form = urllib.parse.urlencode(parameters)
        url = f"{server.url}/api/v1/{path}"
        request = urllib.request.Request(url, form.encode()) if post else f"{url}?{form}"
        try:
            urllib.request.urlopen(request, timeout=60).close()
        except urllib.error.HTTPError as error:
            error.close()

    def lines(self, path, count):
        deadline = time.monotonic() + 30
        while len(lines := path.read_text(encoding="utf-8").splitlines()) < count:
            self.assertLess(time.monotonic(), deadline, lines)
            time.sleep(0.02)
        return lines

    def test_lines_are_prometheus(self):
        for server in (self.ours, self.theirs):
            for request in REQUESTS:
                self.ask(server, *request)
        ours, theirs = self.lines(self.our_log, LOGGED), self.lines(self.their_log, LOGGED)
        self.assertEqual((len(ours), len(theirs)), (LOGGED, LOGGED))
        for our, their in zip(ours, theirs):
            self.assertEqual(comparable(our), comparable(their))
            at_s = time.time()
            told = time.strptime(json.loads(our)["time"][:19], "%Y-%m-%dT%H:%M:%S")
            self.assertLess(abs(at_s - time.mktime(told) + time.timezone), 300)


if __name__ == "__main__":
    unittest.main()
