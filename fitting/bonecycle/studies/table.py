"""CSV tables as rows of text, with every fault of the file itself."""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from importlib.resources.abc import Traversable

from bonecycle.errors import Fault, unknown

HEADER_ROW = 1


def read_rows(
    path: Traversable,
    columns: Sequence[str],
    faults: list[Fault],
    optional: Sequence[str] = (),
) -> list[tuple[int, dict[str, str]]]:
    """Return the filled rows of a CSV table as stripped text.

    Parameters
    ----------
    path
        A UTF-8 file with commas and one header row; its case does not matter.
    columns
        The columns it must have, in any order.
    faults
        Receives what is wrong with the file, its header or the length of a row.
    optional
        The columns that it may have besides; where one is missing, its cells are empty.

    Returns
    -------
    list of (int, dict)
        Spreadsheet row (the header is row 1) and the cells by column name.
    """
    records = _records(path, faults)
    if not records:
        return []
    spelling = {name.lower(): name for name in (*columns, *optional)}
    header = [spelling.get(name.strip().lower(), name.strip()) for name in records[0]]
    file = file_name(path)
    header_faults = list(_header_faults(file, header, columns, optional))
    if header_faults:
        faults.extend(header_faults)
        return []
    filled = [
        (number, [cell.strip() for cell in record])
        for number, record in enumerate(records[1:], start=HEADER_ROW + 1)
        if any(cell.strip() for cell in record)
    ]
    if not filled:
        faults.append(Fault(file, HEADER_ROW, "", "no rows", "add one row or more"))
    rows = []
    empty = dict.fromkeys(optional, "")
    for number, cells in filled:
        if len(cells) == len(header):
            rows.append((number, empty | dict(zip(header, cells, strict=True))))
        else:
            message = f"{len(cells)} cells under {len(header)} columns"
            remedy = "put text that holds a comma in quotes"
            faults.append(Fault(file, number, "", message, remedy))
    return rows


def file_name(path: Traversable) -> str:
    """Return the name of a file for messages; its path where it has none, as ``.``."""
    return path.name or str(path)


def read_number(text: str) -> float:
    """Return a finite number written with a decimal point.

    Raises
    ------
    ValueError
        For anything else, such as ``nan``, ``1,5`` or ``1_000``.
    """
    number = float(text)
    if "_" in text or not math.isfinite(number):
        raise ValueError(text)
    return number


def _records(path: Traversable, faults: list[Fault]) -> list[list[str]]:
    file = file_name(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
        records = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except OSError as error:
        reason = error.strerror or "cannot be read"
        fault = Fault(file, 0, "", reason, "check the path of the file")
    except UnicodeDecodeError as error:
        message = f"byte {error.start} is not UTF-8"
        fault = Fault(file, 0, "", message, "save the table as CSV with encoding UTF-8")
    except csv.Error as error:
        fault = Fault(file, 0, "", f"not a CSV file: {error}", "save the table as CSV again")
    else:
        if any(any(cell.strip() for cell in record) for record in records):
            return records
        fault = Fault(file, HEADER_ROW, "", "the file is empty", "add a header and rows")
    faults.append(fault)
    return []


def _header_faults(
    file: str, header: Sequence[str], columns: Sequence[str], optional: Sequence[str]
) -> Iterator[Fault]:
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        message = "the columns are not separated by commas"
        yield Fault(file, HEADER_ROW, "", message, "save the table as CSV with commas")
        return
    known = [*columns, *optional]
    for name in known:
        if header.count(name) == 0 and name in columns:
            message = f"column {name!r} is missing"
            yield Fault(file, HEADER_ROW, name, message, "add it; its cells may be empty if unused")
        if header.count(name) > 1:
            message = f"column {name!r} stands there {header.count(name)} times"
            yield Fault(file, HEADER_ROW, name, message, "keep one of them")
    for name in dict.fromkeys(header):
        if name not in known:
            message = str(unknown("column", name, known))
            yield Fault(file, HEADER_ROW, name, message, "rename or remove it")
