"""Tables as people save them: CSV of any separator, or Excel, as cells with an address."""

from __future__ import annotations

import csv
import io
import re
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from importlib.resources.abc import Traversable

from bonecycle.errors import DataError, Fault
from bonecycle.studies.table import file_name, read_number

EXCEL = (".xlsx", ".xlsm")
# What the readers of Excel files raise on a broken one; RuntimeError where a part is encrypted, or
# packed in a way that zipfile lacks.
_BROKEN = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, EOFError),
    *(SyntaxError, RuntimeError, zipfile.BadZipFile, zlib.error),
)
_MISSING = frozenset({"", "na", "n/a", "n.a.", "nan", "-", "\u2013", ".", "missing"})
_COMMA = re.compile(r"[+-]?\d+,\d+(e[+-]?\d+)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+")
_POINT = re.compile(r"[+-]?\d*\.\d+(e[+-]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Sheet:
    """Cells of a table as stripped text.

    Attributes
    ----------
    file : str
        Name of the file, for messages.
    settings : dict of str to str
        From lines that begin with ``#`` and read ``# name: value``; names in lower case.
    header : list of str
        The first row that is no comment.
    rows : list of (int, list of str)
        Filled rows below it, as long as the header, with their number in the file.
    excel : bool
        Whether addresses are those of Excel.
    decimal_comma : bool
        Whether numbers are written with a comma.
    header_row : int
    faults : tuple of Fault
        Rows that are too long, and numbers that could be two.
    """

    file: str
    settings: dict[str, str]
    header: list[str]
    rows: list[tuple[int, list[str]]]
    excel: bool
    decimal_comma: bool
    header_row: int
    faults: tuple[Fault, ...]

    def fault(self, row: int, place: int, message: str, remedy: str) -> Fault:
        """Fault of one cell, with its address: row and column, or ``B7`` in Excel."""
        name = self.header[place] if place < len(self.header) else ""
        if self.excel:
            cell = f"{_letters(place)}{row}" + (f": {name}" if name else "")
            return Fault(self.file, 0, cell, message, remedy)
        return Fault(self.file, row, name or f"column {place + 1}", message, remedy)

    def number(self, text: str) -> float:
        """Read a number as this file writes numbers.

        Raises
        ------
        ValueError
            For what is no number, or could be two.
        """
        if "," in text:
            if not self.decimal_comma or not _COMMA.fullmatch(text):
                raise ValueError(text)
            text = text.replace(",", ".")
        return read_number(text)


def is_missing(text: str) -> bool:
    """Whether a cell says that there is no value."""
    return text.strip().lower() in _MISSING


def read_sheet(path: Traversable) -> Sheet:
    """Read a table.

    Parameters
    ----------
    path
        A UTF-8 text file whose columns are separated by commas, semicolons or tabs, or the first
        sheet of an Excel file.

    Raises
    ------
    DataError
        When the file cannot be read or holds no table.
    """
    excel = path.name.lower().endswith(EXCEL)
    records = _excel_records(path) if excel else _text_records(path)
    settings: dict[str, str] = {}
    table: list[tuple[int, list[str]]] = []
    for number, cells in records:
        if cells and cells[0].startswith("#"):
            # A comma or semicolon inside a comment is no border of a cell.
            name, _, value = ", ".join(c for c in cells if c).lstrip("# ").partition(":")
            settings[name.strip().lower()] = value.strip()
        elif any(cells):
            table.append((number, cells))
    file = file_name(path)
    if len(table) < 2:
        message = "the file is empty" if not table else "there is a header and no row"
        remedy = "write a header and rows; `bonecycle data template` makes an example"
        raise DataError([Fault(file, 0, "", message, remedy)])
    header = _trimmed(table[0][1])
    faults: list[Fault] = []
    rows = []
    for number, cells in table[1:]:
        if len(_trimmed(cells)) > len(header):
            message = f"{len(_trimmed(cells))} cells under {len(header)} columns"
            remedy = "put text that holds the separator in quotes, or name the column"
            faults.append(Fault(file, number, "", message, remedy))
        rows.append((number, (cells + [""] * len(header))[: len(header)]))
    comma = _decimal_comma(file, rows, excel, header, faults)
    return Sheet(file, settings, header, rows, excel, comma, table[0][0], tuple(faults))


def _decimal_comma(
    file: str,
    rows: list[tuple[int, list[str]]],
    excel: bool,
    header: list[str],
    faults: list[Fault],
) -> bool:
    """Whether a comma is the decimal mark; a fault where it could be either."""
    cells = [
        (row, place, text.lstrip("<"))
        for row, texts in rows
        for place, text in enumerate(texts)
        if text
    ]
    commas = [cell for cell in cells if _COMMA.fullmatch(cell[2])]
    points = any(_POINT.fullmatch(text) for _, _, text in cells)
    certain = any(not _THOUSANDS.fullmatch(text) for _, _, text in commas)
    if commas and (points or not certain) and not excel:
        row, place, text = commas[0]
        why = "others have a decimal point" if points else "it could be a thousand"
        remedy = "write all numbers with a decimal point and no separator of thousands"
        name = header[place]
        faults.append(Fault(file, row, name, f"{text!r} is not clear: {why}", remedy))
    return bool(commas) and certain and not points


def _text_records(path: Traversable) -> list[tuple[int, list[str]]]:
    file = file_name(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise DataError([Fault(file, 0, "", reason, "check the path of the file")]) from None
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8"
        remedy = "save the table as CSV with encoding UTF-8"
        raise DataError([Fault(file, 0, "", message, remedy)]) from None
    lines = (line.lstrip('"') for line in text.splitlines() if line.strip(' ,;\t"'))
    first = next((line for line in lines if not line.startswith("#")), "")
    separator = next((mark for mark in "\t;" if mark in first), ",")
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        return [(i, [cell.strip() for cell in row]) for i, row in enumerate(reader, start=1)]
    except csv.Error as error:
        message = f"not a CSV file: {error}"
        raise DataError([Fault(file, 0, "", message, "save the table as CSV again")]) from None


def _excel_records(path: Traversable) -> list[tuple[int, list[str]]]:
    import pandas as pd

    file = file_name(path)
    try:
        with warnings.catch_warnings():
            # What a workbook holds besides cells, such as validation lists, does not matter.
            warnings.simplefilter("ignore")
            frame = pd.read_excel(
                io.BytesIO(path.read_bytes()), header=None, dtype=object, keep_default_na=False,
                engine="openpyxl",
            )  # fmt: skip
    except FileNotFoundError:
        fault = Fault(file, 0, "", "No such file", "check the path of the file")
        raise DataError([fault]) from None
    except _BROKEN as error:
        message = f"not an Excel file that can be read ({type(error).__name__})"
        remedy = "save it again as .xlsx, or as CSV with encoding UTF-8"
        raise DataError([Fault(file, 0, "", message, remedy)]) from None
    return [
        (i, [_cell_text(value) for value in row])
        for i, row in enumerate(frame.itertuples(index=False, name=None), start=1)
    ]


def _cell_text(value: object) -> str:
    if value is None or value != value:
        return ""
    if isinstance(value, float):
        return f"{value:.15g}"
    return str(value).strip()


def _trimmed(cells: list[str]) -> list[str]:
    """Cells up to the last filled one."""
    last = max((i for i, cell in enumerate(cells) if cell), default=-1)
    return cells[: last + 1]


def _letters(place: int) -> str:
    """Letters of a column of Excel, counted from 0."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
