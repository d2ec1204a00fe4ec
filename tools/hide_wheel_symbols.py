#!/usr/bin/env python3
"""Hides the third-party symbols that the pyarrow wheel's libraries export.

The wheel bundles OpenSSL, simdjson, RE2 and abseil under their own names; beside the system's
copies of the same libraries the dynamic linker would mix the two and the process would crash.
Setting ELF visibility HIDDEN on those dynamic symbols keeps each copy to itself. In place,
idempotent, survives strip. Usage: hide_wheel_symbols.py PYARROW_FOLDER; prints how many symbols it
hid per library.
"""
import pathlib
import re
import struct
import sys

KEEP = re.compile(
    rb"5arrow|7parquet|13opentelemetry|^_ZNK?St|^_ZNK?S[a-z]|^_ZSt|^_ZT[ISV]N?St|^_ZT[ISV]St"
    rb"|^_ZZNK?St|^_ZGVZNK?St|9__gnu_cxx|^(arrow|parquet|Arrow)")
DYNSYM = 11
HIDDEN = 2


def dynamic_symbols(elf):
    """Yields (file offset, name, info, other, section index) of each dynamic symbol.

    `elf` is a 64-bit little-endian ELF file.
    """
    if elf[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a 64-bit little-endian ELF file")
    (section_table,) = struct.unpack_from("<Q", elf, 40)
    entry_size, count = struct.unpack_from("<HH", elf, 58)
    sections = [
        struct.unpack_from("<IIQQQQIIQQ", elf, section_table + i * entry_size)
        for i in range(count)
    ]
    table = next(s for s in sections if s[1] == DYNSYM)
    strings = sections[table[6]]
    for offset in range(table[4], table[4] + table[5], table[9]):
        name, info, other, index = struct.unpack_from("<IBBH", elf, offset)
        start = strings[4] + name
        yield offset, bytes(elf[start:elf.index(b"\0", start)]), info, other, index


def main(folder):
    paths = [*folder.glob("libarrow*.so.*"), *folder.glob("libparquet.so.*")]
    paths = [p for p in paths if "python" not in p.name]
    if not paths:
        sys.exit(f"{folder}: no Arrow libraries found")
    libraries = {p: bytearray(p.read_bytes()) for p in paths}
    wanted = {
        path: {name for _, name, _, _, index in dynamic_symbols(elf) if index == 0 and name}
        for path, elf in libraries.items()
    }
    for path, elf in libraries.items():
        by_siblings = set().union(*(names for other, names in wanted.items() if other != path))
        hidden = 0
        for offset, name, info, other, index in list(dynamic_symbols(elf)):
            exported = index and info >> 4 and not other & 3
            if exported and not KEEP.search(name) and name not in by_siblings:
                elf[offset + 5] = other & ~3 | HIDDEN
                hidden += 1
        if hidden:
            path.write_bytes(elf)
        print(path.name, hidden)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
