"""Unfinished work is an issue, not a word in a comment."""
import re

from source_tree import Finding, line_of

WORD = re.compile(r"\b(?:FIX" r"ME|TO" r"DO|X" r"XX)\b")


def check(tree):
    for file in tree.files:
        for match in WORD.finditer(file.text):
            line = line_of(file.text, match.start())
            yield Finding(file.path, line, f"{match[0]}: finish it or file it")
