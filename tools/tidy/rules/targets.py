"""Every C++ source belongs to a CMake target."""
import fnmatch
import re

from source_tree import Finding

PATTERN = re.compile(r'[\w./*${}-]*\*[\w./*-]*\.cc|[\w./${}-]+\.cc')


def check(tree):
    for file in tree.cpp:
        if file.path.endswith(".cc") and not is_built(tree, file):
            yield Finding(file.path, 1, "no CMakeLists.txt builds this file")


def is_built(tree, file):
    if file.room:
        text = tree.read(f"src/{file.room}/CMakeLists.txt") or ""
        if "thermocline_module(" in text:
            return True
    folder = file.path.rsplit("/", 1)[0] if "/" in file.path else ""
    while folder:
        text = tree.read(f"{folder}/CMakeLists.txt")
        if text is not None:
            return names(text, file.path[len(folder) + 1:])
        folder = folder.rpartition("/")[0]
    return False


def names(text, relative):
    """Whether a CMakeLists.txt names `relative`: as itself, by a glob, or as function(NAME ...).

    fuzz/ names its targets without the _fuzz that their files end in.
    """
    stem = relative.removesuffix(".cc")
    if re.search(rf"\(({re.escape(stem)}|{re.escape(stem.removesuffix('_fuzz'))})\b", text):
        return True
    for pattern in PATTERN.findall(text):
        pattern = re.sub(r"^\$\{\w+\}/", "", pattern)
        if fnmatch.fnmatch(relative, pattern):
            return True
        if "GLOB_RECURSE" in text and fnmatch.fnmatch(relative.rsplit("/", 1)[-1], pattern):
            return True
    return False
