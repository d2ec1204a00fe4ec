"""Golden data with its truth: what the writer's own reader returns, one series a line."""
import json
import os
import pathlib
import subprocess

from server_process import BINARY, ROOT

SMALL = ROOT / "src/blocks/testdata"
SMALL_SHARDS = ROOT / "src/shards/testdata"
SHARED = pathlib.Path(os.environ.get("THERMOCLINE_SHARED") or ROOT.parent / "shared")
GOLDEN = SHARED / "data/golden"
# What is committed always runs; the whole set where the shared data is.
ROOTS = [SMALL] + [GOLDEN] * GOLDEN.is_dir()


def run(*arguments):
    """(exit code, standard output, standard error)"""
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, timeout=300, env={})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


def truth(path):
    done = subprocess.run(["zstd", "-dc", "--long=27", f"{path}.jsonl.zst"], capture_output=True,
                          check=True)
    return lines_of(done.stdout.decode())


def without_chunks(series):
    return [{key: value for key, value in one.items() if key != "chunks"} for one in series]


def plain(series):
    """Without what another layout may tell otherwise: hints and empty buckets of histograms."""
    return [(one["labels"], one.get("floats"),
             [(h["t"], h.get("st"), h["kind"], h["count"], h["sum"]) for h in one.get("hists", [])])
            for one in series]


def filled(spans, counts):
    """Bucket index to count of the buckets that are not empty."""
    indexes, at = [], 0
    for offset, length in spans:
        indexes += range(at + offset, at + offset + length)
        at += offset + length
    assert len(indexes) == len(counts), (spans, counts)
    return {index: count for index, count in zip(indexes, counts)
            if count not in (0, "0000000000000000")}


def rewritten(series):
    """What a rewritten chunk must keep: all but empty buckets and how surely there was no reset."""
    def settled(h):
        kept = {key: value for key, value in h.items()
                if key not in ("hint", "pos_spans", "neg_spans", "pos", "neg")}
        kept["hint"] = "unknown" if h["hint"] == "not_reset" else h["hint"]
        for sign in ("pos", "neg"):
            kept[sign] = filled(h.get(f"{sign}_spans", []), h.get(sign, []))
        return kept
    return [{**one, "hists": [settled(h) for h in one.get("hists", [])]} for one in series]
