"""A library is included only where it is confined to, so that replacing it touches one room.

A test in the same room may use it too, as an oracle.
"""
from source_tree import Finding

# First component of the include path: where it may be included, as path prefixes.
CONFINED = {
    "arrow": ("src/columnar/", "src/bucket/"),
    "parquet": ("src/columnar/", "src/bucket/"),
    "snappy": ("src/codec/",),
    "snappy-c.h": ("src/codec/",),
    "snappy.h": ("src/codec/",),
    "zstd.h": ("src/codec/",),
    "lz4.h": ("src/codec/",),
    "lz4frame.h": ("src/codec/",),
    "zlib.h": ("src/codec/",),
    "libdeflate.h": ("src/codec/",),
    "re2": ("src/model/regex",),
    "curl": ("src/env/posix/",),
    "google": ("src/server/",),
    "grpcpp": ("src/server/",),
    "duckdb.h": ("src/sql/",),
    "flatbuffers": ("src/sink/",),
}
BOOST_CONFINED = {
    "boost/beast": ("src/server/",),
    "boost/asio": ("src/server/",),
}
SHARED = ("tests/", "fuzz/", "bench/", "tools/")


def places(path):
    for prefix, where in BOOST_CONFINED.items():
        if path.startswith(prefix):
            return where
    return CONFINED.get(path.split("/")[0])


def is_test_beside(file, where):
    folders = tuple(place.rsplit("/", 1)[0] + "/" for place in where)
    return file.is_test and file.path.startswith(folders)


def check(tree):
    for file in tree.cpp:
        if file.path.startswith(SHARED):
            continue
        for line, bracket, path in file.includes:
            where = places(path) if bracket == "<" else None
            if where and not file.path.startswith(where) and not is_test_beside(file, where):
                yield Finding(file.path, line, f"<{path}> is confined to {' and '.join(where)}")
