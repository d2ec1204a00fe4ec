"""Checks the rules of the house that a program can check. Usage: tools/tidy [--root FOLDER]

One rule a file in rules/; each has `check(tree)`, which yields Findings. Prints one line a finding
and exits 1 if there is any.
"""
import argparse
import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from source_tree import SourceTree  # noqa: E402


def rules():
    """The rule modules, by name."""
    names = sorted(p.stem for p in (HERE / "rules").glob("*.py") if p.stem != "__init__")
    return {name: importlib.import_module(f"rules.{name}") for name in names}


def findings_of(root):
    """All findings on the tree at `root`, as sorted strings `path:line: rule: message`."""
    tree = SourceTree(pathlib.Path(root))
    return sorted(
        f"{finding.path}:{finding.line}: {name}: {finding.message}"
        for name, rule in rules().items()
        for finding in rule.check(tree)
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default=HERE.parent.parent)
    found = findings_of(parser.parse_args().root)
    for line in found:
        print(line)
    print(f"tidy: {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
