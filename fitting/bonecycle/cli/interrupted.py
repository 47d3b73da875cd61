"""What an interrupted command says: what is kept, and which command goes on."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

# Files that a later run of the same command takes up, and what they are.
_KEPT = {
    "starts/*.json": "finished start(s)",
    "parts/*.json": "finished part(s)",
    "parts/*.dynesty": "nested run(s) under way",
    "blocks/*": "finished block(s)",
    "*/ensemble-*.h5": "chain(s)",
}


def farewell(out: Path | None, words: Sequence[str]) -> str:
    """One line for the user who has interrupted a command.

    Parameters
    ----------
    out
        Folder of the results, if the command has one.
    words
        The command as it was given.
    """
    command = shlex.join(["bonecycle", *words])
    counts = {} if out is None else {what: _count(out, pattern) for pattern, what in _KEPT.items()}
    kept = [f"{count} {what}" for what, count in counts.items() if count]
    if kept:
        return f"interrupted. Kept in {out}: {', '.join(kept)}. To go on: {command}"
    return f"interrupted before anything was finished. To begin again: {command}"


def _count(out: Path, pattern: str) -> int:
    # What stands there half written has a dot in front.
    return sum(not path.name.startswith(".") for path in out.glob(pattern))
