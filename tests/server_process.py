"""Real servers as test subjects: started on a free port of loopback, asked over HTTP, killed."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
BINARY = os.environ.get("THERMOCLINE_BINARY") or str(ROOT / "build/release/thermocline")
CACHE = pathlib.Path(
    os.environ.get("THERMOCLINE_CACHE") or pathlib.Path.home() / ".cache/thermocline")
START_SECONDS = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def scrubbed_environment():
    """Without THERMOCLINE_*: our program takes settings from those; here they are the tests'."""
    return {k: v for k, v in os.environ.items() if not k.startswith("THERMOCLINE_")}


class ServerProcess:
    """A program that serves HTTP on 127.0.0.1:port and answers `ready_path` once it is ready."""

    def __init__(self, command, port, log_path, ready_path="/-/ready"):
        self.command = [str(word) for word in command]
        self.url = f"http://127.0.0.1:{port}"
        self.log_path = pathlib.Path(log_path)
        self.ready_path = ready_path
        self.process = None

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=scrubbed_environment())
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.command[0]} ended: {self.log_tail()}")
            try:
                with urllib.request.urlopen(self.url + self.ready_path, timeout=5) as response:
                    if response.status == 200:
                        return self
            except OSError:
                pass
            time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"{self.command[0]} was not ready in time: {self.log_tail()}")

    def kill(self):
        """SIGKILL: nothing gets a chance to be tidied up."""
        self._end(signal.SIGKILL)

    def stop(self):
        """SIGTERM; returns the exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, number):
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        status, self.process = self.process.returncode, None
        return status

    def log_tail(self):
        text = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        return "\n".join(text.splitlines()[-20:])

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            line = next(line for line in status if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024

    def get(self, path, timeout_s=60, **parameters):
        """(HTTP status, parsed JSON) of a GET."""
        query = urllib.parse.urlencode(parameters, doseq=True)
        return self._ask(urllib.request.Request(f"{self.url}{path}?{query}"), timeout_s)

    def post(self, path, timeout_s=600):
        """(HTTP status, parsed JSON or None) of a POST without a body."""
        return self._ask(urllib.request.Request(self.url + path, b"", method="POST"), timeout_s)

    @staticmethod
    def _ask(request, timeout_s):
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as response:
                status, body = response.status, response.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        try:
            return status, json.loads(body) if body else None
        except ValueError:
            return status, {"status": "not JSON", "body": body[:500].decode(errors="replace")}

    def query(self, expression, at_s):
        """The result of an instant query, or an AssertionError with the answer."""
        status, answer = self.get("/api/v1/query", query=expression, time=at_s)
        assert status == 200 and answer["status"] == "success", (expression, status, answer)
        return answer["data"]["result"]

    def flush(self):
        status, answer = self.post("/api/v1/admin/tsdb/flush")
        assert status in (200, 204), (status, answer)


def prometheus(folder, config, *flags, port=None, data="prometheus"):
    """A real Prometheus on `folder`/`data` with the text of its configuration, not yet started."""
    port = port or free_port()
    path = pathlib.Path(folder) / "prometheus.yml"
    path.write_text(config)
    return ServerProcess(
        [CACHE / "prometheus/prometheus", f"--config.file={path}",
         f"--storage.tsdb.path={folder}/{data}", f"--web.listen-address=127.0.0.1:{port}", *flags],
        port, f"{folder}/prometheus.log")


def thermocline(folder, *flags):
    """Our server on `folder`/data, not yet started, with nothing but what tests send it."""
    port = free_port()
    return ServerProcess(
        [BINARY, "serve", f"--storage.tsdb.path={folder}/data",
         f"--web.listen-address=127.0.0.1:{port}", "--web.enable-admin-api",
         "--scrape.self-interval=0s", *flags],
        port, f"{folder}/thermocline.log")
