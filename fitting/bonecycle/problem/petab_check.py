"""petab's own checks of a problem's tables, as a process of its own that can be ended.

python -m bonecycle.problem.petab_check < [version, files by kind] as JSON; prints a list of faults.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path

import petab.v1 as petab

from bonecycle.biology.safe_antimony import MAX_MEMORY
from bonecycle.problem.petab_files import first_tables
from bonecycle.problem.petab_second import second_faults

_SHOWN = 10
# petab raises what its tables and libraries raise: anything, for a broken table.
_BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


class _Collector(logging.Handler):
    """What petab's checks of version 1 say."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self.messages.append(record.getMessage())


def first_faults(files: Mapping[str, Path]) -> list[str]:
    """What petab's checks report of a problem of version 1."""
    collector = _Collector()
    logging.getLogger("petab.v1").addHandler(collector)
    wrong = petab.lint_problem(first_tables(files))
    return (collector.messages or ["petab's checks fail"]) if wrong else []


def faults(version: int, files: Mapping[str, Path]) -> list[str]:
    """What is wrong with the tables of a problem; of all that, the first ten."""
    try:
        said = first_faults(files) if version == 1 else second_faults(files)
    except _BROKEN as error:
        said = [f"petab cannot read it: {error}"]
    return [" ".join(text.split())[:2000] for text in said[:_SHOWN]]


def main() -> None:
    """Check the problem on standard input."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    except ImportError:
        pass  # Windows has no such limit
    version, names = json.load(sys.stdin)
    print(json.dumps(faults(version, {kind: Path(name) for kind, name in names.items()})))


if __name__ == "__main__":
    main()
