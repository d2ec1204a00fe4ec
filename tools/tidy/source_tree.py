"""The files that the rules look at, each read once."""
import dataclasses
import functools
import pathlib
import re
import subprocess

CPP_SUFFIXES = {".h", ".cc"}
SCRIPT_SUFFIXES = {".py", ".sh"}
INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Finding:
    path: str
    line: int
    message: str


class SourceFile:
    """One text file; `path` is relative to the root, with forward slashes."""

    def __init__(self, root, path):
        self.path = path
        self.text = (root / path).read_text(encoding="utf-8", errors="replace")

    @property
    def name(self):
        return self.path.rsplit("/", 1)[-1]

    @property
    def is_cpp(self):
        return pathlib.PurePosixPath(self.path).suffix in CPP_SUFFIXES

    @property
    def is_script(self):
        return pathlib.PurePosixPath(self.path).suffix in SCRIPT_SUFFIXES or self.path == "dev"

    @property
    def is_test(self):
        return self.name.endswith(("_test.cc", "_test.py")) or self.name.startswith("test_")

    @property
    def room(self):
        """The room under src/ that the file lies in, or None."""
        parts = self.path.split("/")
        return parts[1] if len(parts) > 2 and parts[0] == "src" else None

    @functools.cached_property
    def code(self):
        """The text with comments and literals blanked; lines keep their numbers."""
        return blank(self.text)

    @functools.cached_property
    def includes(self):
        """(line, bracket, path) of each include."""
        return [
            (line_of(self.text, match.start(1)), match[1], match[2])
            for match in INCLUDE.finditer(self.text)
        ]

    def findings(self, pattern, message):
        """A finding for each match of `pattern` in the code, put into `message` at {}."""
        for match in re.finditer(pattern, self.code):
            line = line_of(self.code, match.start())
            yield Finding(self.path, line, message.format(match[0].strip()))


class SourceTree:
    """Every file that git knows or would add under `root`; every file when it is no repository."""

    def __init__(self, root):
        self.root = root
        paths = [p for p in self._paths() if (root / p).is_file()]
        self.paths = sorted(paths)
        self.files = [SourceFile(root, p) for p in self.paths if is_ours(p)]

    def _paths(self):
        if (self.root / ".git").exists():
            listing = subprocess.run(
                ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                cwd=self.root, check=True, capture_output=True)
            return {p for p in listing.stdout.decode().split("\0") if p}
        return {p.relative_to(self.root).as_posix() for p in self.root.rglob("*")}

    @property
    def cpp(self):
        return [f for f in self.files if f.is_cpp]

    @property
    def source(self):
        """The C++ files under src/."""
        return [f for f in self.files if f.is_cpp and f.room]

    @functools.cached_property
    def rooms(self):
        inside = (p for p in self.paths if p.startswith("src/") and p.count("/") > 1)
        return sorted({p.split("/")[1] for p in inside})

    def read(self, path):
        """The text at `path`, or None."""
        file = self.root / path
        return file.read_text(encoding="utf-8") if file.is_file() else None


def is_ours(path):
    suffix = pathlib.PurePosixPath(path).suffix
    return suffix in CPP_SUFFIXES | SCRIPT_SUFFIXES or path == "dev"


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)


def blank(text):
    """C++ text with comments removed and literals emptied, newlines kept."""

    def replacement(match):
        newlines = "\n" * match[0].count("\n")
        if match[0].startswith(("//", "/*")):
            return newlines
        quote = "'" if match[0].startswith("'") else '"'
        return quote + quote + newlines

    return TOKEN.sub(replacement, text)
