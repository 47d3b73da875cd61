"""A user's own table of biopsies: recognized, read, and handed on as a study."""

from __future__ import annotations

from collections.abc import Collection
from importlib.resources.abc import Traversable

from bonecycle.errors import DataError, Fault
from bonecycle.studies import own_names
from bonecycle.studies.own_biopsies import read_biopsies
from bonecycle.studies.own_sheet import EXCEL, read_sheet
from bonecycle.studies.own_summary import read_summary
from bonecycle.studies.own_table import (
    OwnTable,
    read_columns,
    read_declaration,
    read_lines,
    units_row,
)
from bonecycle.studies.schema import Role, Study

EXAMPLE = "EXAMPLE"
"""What the names of patients and studies of the templates begin with."""
_SUMMARY = ("variable", "mean", "median")


def is_own_table(path: Traversable, schema: Collection[str]) -> bool:
    """Whether a file is a user's own table and not one with the columns of a study."""
    if path.name.lower().endswith(EXCEL):
        return True
    try:
        sheet = read_sheet(path)
    except DataError:
        return False  # the reader of study tables says what is wrong
    names = [own_names.split_header(text)[0] for text in sheet.header]
    if len({name.strip().lower() for name in names} & set(schema)) > len(schema) // 2:
        return False
    found = {own_names.canonical(name) for name in names}
    return bool(sheet.settings) or "patient" in found or bool(found & {"mean", "median"})


def read_own_table(path: Traversable, observables: Collection[str]) -> Study:
    """Read a user's own table.

    Parameters
    ----------
    path
        CSV or Excel; per-biopsy rows have a column ``patient``, summaries a column ``variable``.
    observables
        Code names of the variables a model can predict.

    Raises
    ------
    DataError
        With every fault of the file, each with its cell.
    """
    sheet = read_sheet(path)
    faults = list(sheet.faults)
    sheet, units = units_row(sheet)
    columns = read_columns(sheet, units, observables, faults)
    summary = any(name in columns for name in _SUMMARY)
    needed = ["arm", "regimen", "month"] + (["variable", "unit", "n"] if summary else ["patient"])
    for name in needed:
        if name not in columns:
            message = f"there is no column {name!r}"
            remedy = "add it; `bonecycle data template` shows one" + (
                "" if summary else ", and for summaries `bonecycle data template --summary`"
            )
            faults.append(Fault(sheet.file, sheet.header_row, "", message, remedy))
    if not columns.keys() >= set(needed):
        raise DataError(faults)
    table = OwnTable(sheet, columns, [], None, faults, [])
    table.includes_osteoclasts = read_declaration(table, summary)
    table.lines = read_lines(table)
    name = sheet.file.removesuffix(".csv")
    title = sheet.settings.get("study", "") or name
    observations, biopsies = (read_summary if summary else read_biopsies)(table, title)
    if not faults and not any(row.role is Role.FITTED for row in observations):
        faults.append(Fault(sheet.file, 0, "", "no number was found", "fill in a column"))
    if faults:
        raise DataError(sorted(faults, key=lambda fault: fault.row))
    names = [title, *(line.cells[0] for line in table.lines)]
    if any(name.upper().startswith(EXAMPLE) for name in names):
        table.notices.append(
            "Rows named EXAMPLE hold the template's synthetic numbers: put your own in their place."
        )
    return Study(name, title, "", "", tuple(observations), tuple(biopsies), tuple(table.notices))
