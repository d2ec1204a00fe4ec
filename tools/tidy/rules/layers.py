"""A room includes, and links, only the rooms that tools/layers.txt allows it."""
import re

from source_tree import Finding

LAYERS = "tools/layers.txt"


def allowed(tree):
    """Room to the set of rooms it may include; `*` stands for all."""
    rooms = {}
    for line in (tree.read(LAYERS) or "").splitlines():
        line = line.split("#", 1)[0].strip()
        if line:
            room, _, below = line.partition(":")
            rooms[room.strip()] = {b for b in below.split() if b != "-"}
    return rooms


def check(tree):
    rooms = allowed(tree)
    for room in tree.rooms:
        if room not in rooms:
            yield Finding(LAYERS, 1, f"the room {room} is not listed")
    for room, below in rooms.items():
        for other in below - {"*"} - rooms.keys():
            yield Finding(LAYERS, 1, f"{room} names the unknown room {other}")
    for file in tree.source:
        below = rooms.get(file.room, {"*"})
        for line, bracket, path in file.includes:
            other = path.split("/")[0]
            if bracket == "<" and other in rooms and "/" in path:
                yield Finding(file.path, line, f'write #include "{path}" for a file of ours')
            if bracket != '"':
                continue
            if "/" not in path:
                yield Finding(file.path, line, f"include {path} by its path from src/")
            elif "*" not in below and other != file.room and other not in below:
                if not (file.is_test and other in test_libraries(tree, file.room)):
                    yield Finding(file.path, line, f"{file.room} may not include {other}")
    yield from check_cmake(tree, rooms)


def check_cmake(tree, rooms):
    for room in tree.rooms:
        path = f"src/{room}/CMakeLists.txt"
        below = rooms.get(room, {"*"})
        match = re.search(r"\bDEPS\s+([\w\s]*?)(?:LIBS|TEST_LIBS|\))", tree.read(path) or "")
        for other in match[1].split() if match else []:
            if "*" not in below and other not in below:
                yield Finding(path, 1, f"{room} may not depend on {other}")


def test_libraries(tree, room):
    """The rooms that a room's tests link beyond the room's own: TEST_LIBS tc_NAME."""
    match = re.search(r"\bTEST_LIBS\s+([^)]*)", tree.read(f"src/{room}/CMakeLists.txt") or "")
    return set(re.findall(r"\btc_(\w+)", match[1])) if match else set()
