"""A header begins with its comment and `#pragma once`; include guards are not used."""
import re

from source_tree import Finding


def check(tree):
    for file in tree.cpp:
        if not file.path.endswith(".h"):
            continue
        first = re.search(r"\S[^\n]*", file.code)
        if first is None or first[0].strip() != "#pragma once":
            yield Finding(file.path, 1, "the first line of code must be #pragma once")
