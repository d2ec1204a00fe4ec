"""Servers that are measured: started fresh, loaded, asked, and their own CPU time read."""
import json
import math
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests"))

from server_process import BINARY, CACHE, ServerProcess, free_port, thermocline  # noqa: E402

LOADER = pathlib.Path(BINARY).parent / "tools/generate/thermocline_load"
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
RELATIVE_ERROR = 1e-9
WINDOW_CONFIG = "storage: {tsdb: {out_of_order_time_window: 30m}}\n"
SELECTORS = {
    "steady": '{__name__=~"fleet.*"}',
    "mix15": '{__name__=~"fleet.*"}',
    "churn": '{__name__=~"container_metric_.*"}',
    "cardinality": '{__name__="http_request_duration_seconds"}',
}


def prometheus(folder, more_config="", *flags, data=None):
    """A Prometheus on `folder`/data, or on `data`, that takes remote writes and scrapes what
    `more_config` says; {port} there is its own."""
    port = free_port()
    config = pathlib.Path(folder, "prometheus.yml")
    config.write_text(WINDOW_CONFIG + more_config.replace("{port}", str(port)))
    return ServerProcess(
        [CACHE / "prometheus/prometheus", f"--config.file={config}",
         f"--storage.tsdb.path={data or f'{folder}/data'}",
         f"--web.listen-address=127.0.0.1:{port}", "--web.enable-remote-write-receiver",
         "--web.enable-admin-api", "--log.level=warn", *flags],
        port, f"{folder}/prometheus.log")


MAKERS = {"thermocline": thermocline, "prometheus": prometheus}

FLEET_SERIES_PER_METRIC = 10


def parts(workload, report):
    """Selectors of all of a workload's series. Within one, no two differ in the name alone: the
    functions that drop the name would refuse them. Metrics of the fleet differ a hundred long."""
    if not SELECTORS[workload].startswith('{__name__=~"fleet'):
        return [SELECTORS[workload]]
    metrics = report["series"] // FLEET_SERIES_PER_METRIC
    return [f'{{__name__=~"fleet_metric_{hundred}[0-9][0-9]_total"}}'
            for hundred in range((metrics + 99) // 100)]


class Subject:
    """One server with a folder of its own; a context manager that leaves nothing behind."""

    def __init__(self, kind, *arguments):
        self.kind = kind
        self.persisted = None
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"bench-{kind}-"))
        self.server = MAKERS[kind](self.folder, *arguments)

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *_):
        self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def data(self):
        return self.folder / "data"

    def cpu_seconds(self):
        """User and system time of the process so far, ended threads among it."""
        stat = pathlib.Path(f"/proc/{self.server.process.pid}/stat").read_text(encoding="ascii")
        fields = stat.rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND

    def start_load(self, workload, **options):
        """A loader at work; see finish_load."""
        words = [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        return subprocess.Popen(
            [str(LOADER), f"--url={self.server.url}/api/v1/write", f"--workload={workload}",
             *words], stdout=subprocess.PIPE, text=True)

    def finish_load(self, loader):
        """The loader's report; its exit status says that every answer was 2xx."""
        output, _ = loader.communicate(timeout=900)
        assert loader.returncode == 0, (self.kind, output, self.server.log_tail())
        return json.loads(output)

    def load(self, workload, **options):
        """(report of the loader, CPU seconds of the server)."""
        before = self.cpu_seconds()
        report = self.finish_load(self.start_load(workload, **options))
        return report, self.cpu_seconds() - before

    def ask(self, path, **parameters):
        status, answer = self.server.get(path, timeout_s=300, **parameters)
        assert status == 200, (self.kind, parameters, status, answer)
        return answer["data"]["result"]

    def metric(self, name):
        """A sample without labels of the server's own metrics."""
        with urllib.request.urlopen(self.server.url + "/metrics", timeout=60) as response:
            lines = response.read().decode().splitlines()
        return float(next(line for line in lines if line.startswith(name + " ")).split()[1])

    def total(self, expression, workload, report):
        """`expression` over all samples, summed over the parts that it can be asked for."""
        at_s = -(-report["last_ms"] // 1000)
        window = f"[{at_s - report['first_ms'] // 1000 + 1}s]"
        answers = [
            self.ask("/api/v1/query", query=expression.format(part + window), time=at_s)
            for part in parts(workload, report)]
        return math.fsum(float(answer[0]["value"][1]) for answer in answers if answer)

    def check(self, workload, report):
        """That the server holds what was sent: series, samples, and the sum of all values."""
        for expression, expected in (("count(last_over_time({}))", report["series"]),
                                     ("sum(count_over_time({}))", report["samples"]),
                                     ("sum(sum_over_time({}))", report["sum"])):
            found = self.total(expression, workload, report)
            assert abs(found - expected) <= RELATIVE_ERROR * abs(expected), (
                self.kind, expression, found, expected)

    def restart_after_kill(self):
        """(seconds, CPU seconds) until the server is ready again after SIGKILL."""
        self.server.kill()
        begun = time.monotonic()
        self.server.start()
        return time.monotonic() - begun, self.cpu_seconds()

    def restart_on(self, data):
        """A Prometheus: stops, and starts again on the folder `data`."""
        self.server.stop()
        self.server = prometheus(self.folder, data=data).start()

    def persist(self):
        """Makes files of all that is in memory; (seconds, CPU seconds). `persisted` becomes what
        the server says about them."""
        before, begun = self.cpu_seconds(), time.monotonic()
        path = {"thermocline": "/api/v1/admin/tsdb/flush",
                "prometheus": "/api/v1/admin/tsdb/snapshot"}[self.kind]
        status, answer = self.server.post(path)
        assert status == 200, (self.kind, status, answer)
        self.persisted = answer["data"]
        return time.monotonic() - begun, self.cpu_seconds() - before

    def disk_bytes(self, *without):
        """Bytes of the files under the data folder; `without`: starts of names to leave out, among
        which the ballast always is: a reserve of a fixed size that holds no data."""
        without = (*without, "ballast")
        return sum(
            path.stat().st_size for path in self.data.rglob("*")
            if path.is_file() and not any(
                part.startswith(without) for part in path.relative_to(self.data).parts))

    def ballast_bytes(self):
        """Bytes of the file that is there to be removed when the disk is full."""
        return sum(path.stat().st_size for path in self.data.glob("ballast"))
