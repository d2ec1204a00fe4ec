"""What a room may not call: time, threads and files come from Env, settings and output from app."""

OUTSIDE_ENV = [
    (r"\b(?:sleep_for|sleep_until|usleep|nanosleep)\b|(?<![\w.>:])(?:::)?sleep\s*\(",
     "{}: wait on a condition or on the Clock"),
    (r"\bsystem_clock::now\b|\bgettimeofday\b"
     r"|(?<![\w.>])(?:std::|::)?time\s*\(\s*(?:nullptr|NULL|0)\s*\)",
     "{}: time comes from Clock"),
]
# A test may start threads on a class that threads share, and read golden files.
TAKEN_FROM_ENV = [
    (r"\bstd::(?:j?thread|async)\b(?!::)", "{}: threads belong to env/ and app/"),
    (r"\bf(?:re)?open\s*\(|\bstd::[io]?fstream\b|\bstd::filesystem::(?!path\b)\w+"
     r"|(?<![\w.>:])::(?:open|openat|read|write|pread|pwrite|fsync|fdatasync|rename|unlink|mmap)"
     r"\s*\(",
     "{}: files come from FileSystem"),
]
OUTSIDE_APP = [
    (r"\b(?:secure_)?getenv\b", "{}: settings arrive as Options"),
    (r"\bstd::(?:cout|cerr|clog)\b|\bfmt::print\b"
     r"|(?<![\w.>])(?:std::|::)?(?:printf|puts|putchar)\s*\(",
     "{}: output belongs to app/, messages to Logger"),
]
EVERYWHERE = [(r"\b(?:srand|rand)\s*\(", "{}: use Random")]
# Tests throw at the walls that catch.
OUTSIDE_TESTS = [(r"\bthrow\b(?!\s*\()", "{}: return a Status")]
# Specialising std::hash for a type is no use of it.
PERSISTED = [(r"(?<!struct )\bstd::hash\s*<", "{}: differs between libraries; use base/hash.h")]
PERSISTING_ROOMS = {
    "base", "codec", "index", "wal", "bucket", "columnar", "cold", "store", "blocks", "shards",
    "convert", "sink",
}


def check(tree):
    for file in tree.source:
        rules = EVERYWHERE + (OUTSIDE_TESTS if not file.is_test else [])
        if file.room not in {"env", "app"}:
            rules += OUTSIDE_ENV + (TAKEN_FROM_ENV if not file.is_test else [])
        if file.room not in {"app"} and not file.is_test:
            rules += OUTSIDE_APP
        if file.room in PERSISTING_ROOMS and not file.is_test:
            rules += PERSISTED
        for pattern, message in rules:
            yield from file.findings(pattern, message)
