"""Rewrite constraints.txt from a fresh resolve on every supported Python.

Usage: python tools/constraints.py INTERPRETER...

Each interpreter resolves the project with all its extras in an empty environment.
A line carries a marker only where the Pythons differ.
"""

import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# The tested versions. Written by `make constraints`; do not edit by hand.
"""


def resolve(interpreter: str) -> tuple[str, dict[str, str]]:
    """Return the Python's minor version ("3.12") and the resolved {name: version}."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([interpreter, "-m", "venv", folder], check=True)
        pip = [str(Path(folder) / "bin" / "python"), "-m", "pip"]
        report = subprocess.run(
            [*pip, "install", "-qq", "--dry-run", "--report", "-", f"{ROOT}[test,dev,docs]"],
            check=True,
            stdout=subprocess.PIPE,
        ).stdout
    resolved = json.loads(report)
    versions = {
        item["metadata"]["name"].lower().replace("_", "-"): item["metadata"]["version"]
        for item in resolved["install"]
    }
    del versions["bonecycle"]
    return resolved["environment"]["python_version"], versions


def merge(resolves: dict[str, dict[str, str]]) -> list[str]:
    """Return one constraint a line from {python: {name: version}}."""
    pythons: dict[tuple[str, str], list[str]] = defaultdict(list)
    for python, versions in resolves.items():
        for name, version in versions.items():
            pythons[name, version].append(python)
    lines = []
    for (name, version), found in sorted(pythons.items()):
        marker = " or ".join(f'python_version == "{python}"' for python in found)
        everywhere = len(found) == len(resolves)
        lines.append(f"{name}=={version}" if everywhere else f"{name}=={version} ; {marker}")
    return lines


def main(interpreters: list[str]) -> None:
    """Resolve on each interpreter, then write the file."""
    resolves = dict(resolve(interpreter) for interpreter in interpreters)
    (ROOT / "constraints.txt").write_text(HEADER + "\n".join(merge(resolves)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
