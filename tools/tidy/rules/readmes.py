"""Every room has a README of at most a page."""
from source_tree import Finding

PAGE_LINES = 80


def check(tree):
    for room in tree.rooms:
        path = f"src/{room}/README.md"
        text = tree.read(path)
        if text is None:
            yield Finding(path, 1, f"the room {room} has no README")
        elif len(text.splitlines()) > PAGE_LINES:
            lines = len(text.splitlines())
            yield Finding(path, PAGE_LINES, f"{lines} lines: a page is at most {PAGE_LINES}")
