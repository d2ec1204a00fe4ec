"""Files and types are named after what they are, not after nothing in particular."""
import re

from source_tree import Finding, line_of

BANNED = {
    "util", "utils", "helper", "helpers", "common", "misc", "manager", "managers", "impl",
    "processor",
}
TYPE = re.compile(
    r"\b(?:class|struct|union|enum(?:\s+class)?|using)\s+(?:[A-Z_]+\([^)]*\)\s*)?"
    r"([A-Z]\w*)\s*[{:=]")
PYTHON_TYPE = re.compile(r"^class\s+(\w+)", re.MULTILINE)
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+")


def words(name):
    return {word.lower() for word in WORD.findall(name)}


def check(tree):
    for path in tree.paths:
        for part in path.split("/"):
            for word in sorted(words(part.split(".")[0]) & BANNED):
                yield Finding(path, 1, f"'{word}' in a file name says nothing")
    for file in tree.files:
        if file.is_cpp:
            matches = TYPE.finditer(file.code)
        else:
            matches = PYTHON_TYPE.finditer(file.text)
        for match in matches:
            for word in sorted(words(match[1]) & BANNED):
                line = line_of(file.code if file.is_cpp else file.text, match.start())
                yield Finding(file.path, line, f"'{word}' in the type name {match[1]} says nothing")
