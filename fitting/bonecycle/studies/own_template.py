"""Templates of a user's own table: synthetic examples, named so, to be overwritten."""

from __future__ import annotations

import csv
import io
from importlib.resources import files
from pathlib import Path

from bonecycle.errors import UsageError
from bonecycle.manifest import atomic_write
from bonecycle.studies.own_sheet import EXCEL


def write_template(path: Path, *, per_biopsy: bool) -> None:
    """Write a template as CSV or Excel, by the ending of the file.

    Raises
    ------
    UsageError
        For another ending, or a file that exists: it may hold somebody's work.
    """
    if path.exists():
        raise UsageError(f"{path} exists and is left as it is: name another file.")
    ending = path.suffix.lower()
    if ending not in (".csv", *EXCEL[:1]):
        raise UsageError(f"{path.name!r}: templates are written as .csv or .xlsx.")
    name = "biopsies.csv" if per_biopsy else "summary.csv"
    text = (files("bonecycle_data") / "templates" / name).read_text(encoding="utf-8")
    atomic_write(path, text if ending == ".csv" else _excel(text))


def _excel(text: str) -> bytes:
    import pandas as pd

    # A comment is one cell, commas and all.
    rows: list[list[str | float | None]] = [
        [line] if line.startswith("#") else [_value(cell) for cell in next(csv.reader([line]))]
        for line in text.splitlines()
    ]
    width = max(map(len, rows))
    rows = [row + [None] * (width - len(row)) for row in rows]
    memory = io.BytesIO()
    pd.DataFrame(rows).to_excel(memory, index=False, header=False, engine="openpyxl")
    return memory.getvalue()


def _value(text: str) -> str | float | None:
    try:
        return float(text)
    except ValueError:
        return text or None
