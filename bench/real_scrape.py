"""Disk space of real data: a Prometheus scrapes itself and a node exporter every second and writes
to us, and both make files of what they have."""
import json
import pathlib
import tempfile
import time

from system_under_load import Subject, ServerProcess, free_port

CONFIG = """
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: prometheus
    static_configs: [{targets: ['127.0.0.1:{port}']}]
  - job_name: node
    static_configs: [{targets: ['127.0.0.1:NODE']}]
remote_write:
  - url: URL/api/v1/write
    queue_config: {batch_send_deadline: 200ms}
"""
SETTLING_SECONDS = 3
# What was scraped last is still on its way to us when both are asked for files.
MOST_MISSING = 0.02


def block_stats(folder):
    """(samples, bytes) of the blocks of a snapshot."""
    samples = sum(json.loads(meta.read_text())["stats"]["numSamples"]
                  for meta in folder.rglob("meta.json"))
    return samples, sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def real_scrape(sizes, table):
    """Bytes a sample of our files and of Prometheus' blocks, each by its own count of samples."""
    node_port = free_port()
    with Subject("thermocline") as ours, tempfile.TemporaryDirectory() as folder:
        node = ServerProcess(
            ["prometheus-node-exporter", f"--web.listen-address=127.0.0.1:{node_port}"],
            node_port, pathlib.Path(folder, "node.log"), ready_path="/").start()
        try:
            config = CONFIG.replace("NODE", str(node_port)).replace("URL", ours.server.url)
            with Subject("prometheus", config) as theirs:
                time.sleep(sizes.scrape_seconds)
                theirs.persist()
                time.sleep(SETTLING_SECONDS)
                samples, size = block_stats(theirs.data / "snapshots")
            # With nobody writing any more, nothing in the log is live after the flush.
            ours.persist()
        finally:
            node.stop()
        mine = ours.persisted["samples"]
        assert mine >= samples * (1 - MOST_MISSING), (mine, samples)
        our_bytes, their_bytes = ours.disk_bytes() / mine, size / samples
        table.add(f"{sizes.scrape_seconds} s of real scrapes every second, {mine / 1e6:.2f} M "
                  "samples, everything counted, bytes a sample", f"{our_bytes:.3f}",
                  f"{their_bytes:.3f} (block)",
                  f"{their_bytes / our_bytes:.2f}x less", "2x", their_bytes >= 2 * our_bytes)
