"""Regimens from a table: one row a treatment, every fault of the file reported at once."""

from __future__ import annotations

from importlib.resources.abc import Traversable

from bonecycle.biology import catalogue
from bonecycle.biology.regimens import Regimen, RegimenError, overlaps
from bonecycle.biology.treatment_parts import read_treatment
from bonecycle.biology.treatments import Treatment
from bonecycle.errors import DataError, Fault
from bonecycle.studies.table import file_name, read_rows

COLUMNS = ("regimen", "drug", "dose", "route")
OPTIONAL = ("interval", "start", "stop", "dates", "infusion", "missed", "adherence", "seed")

_REMEDIES = {
    "regimen": "name the regimen, the same in all its rows",
    "drug": "write a drug of `bonecycle list drugs`",
    "dose": "write a number and mg, ug or g, such as 70 mg",
    "route": "write oral, iv or sc, as the drug is given",
    "interval": "write a time above zero, such as 1 week, or give dates",
    "start": "write the time of the first dose, such as 12 months, after any other with the drug",
    "stop": "write a time after the start, such as 24 months",
    "dates": "write increasing times, such as 0, 6 and 18 months",
    "infusion": "write the length of an iv dose, such as 15 minutes, or leave it empty",
    "missed": "write numbers of doses, such as 3, 7-10, or leave it empty",
    "adherence": "write a share above zero, such as 80 %, or leave it empty",
    "seed": "write a whole number, zero or above, or leave it empty",
}


def read_regimens(path: Traversable) -> dict[str, Regimen]:
    """Read a table of regimens.

    Parameters
    ----------
    path
        A `pathlib.Path` to a UTF-8 CSV file with the columns `COLUMNS` and any of `OPTIONAL`;
        rows with the same name in ``regimen`` are the treatments of one regimen.

    Returns
    -------
    dict of str to Regimen
        By name, in the order of the file.

    Raises
    ------
    DataError
        With every fault of the file: file, row, column, what is wrong and what to write.
    """
    faults: list[Fault] = []
    named: dict[str, list[tuple[int, Treatment]]] = {}
    file, routes = file_name(path), catalogue.routes()

    def add(row: int, column: str, message: str) -> None:
        faults.append(Fault(file, row, column, message, _REMEDIES[column]))

    for number, cells in read_rows(path, COLUMNS, faults, OPTIONAL):
        name, parts = cells["regimen"], {part: text for part, text in cells.items() if text}
        if not name:
            add(number, "regimen", "is empty")
        try:
            treatment = read_treatment(parts, routes)
        except RegimenError as error:
            for part, message in error.faults:
                add(number, part, message)
        else:
            named.setdefault(name, []).append((number, treatment))
    for rows in (rows for name, rows in named.items() if name):
        for place, message in overlaps([treatment for _, treatment in rows]):
            add(rows[place][0], "start", message)
    if faults:
        # Faults of the header may be of columns that are not known.
        order = {column: place for place, column in enumerate((*COLUMNS, *OPTIONAL))}
        raise DataError(sorted(faults, key=lambda f: (f.row, order.get(f.column, -1))))
    return {name: Regimen(tuple(t for _, t in rows)) for name, rows in named.items()}
