"""A user's own table of biopsies: one row a biopsy, or one row a mean or median."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from bonecycle.biology import catalogue
from bonecycle.biology.regimens import Regimen, RegimenError, parse_regimen
from bonecycle.errors import Fault, UsageError
from bonecycle.studies import own_names
from bonecycle.studies.own_sheet import Sheet, is_missing

DEFAULT_SITE = "transiliac cancellous"
_OSTEOCLASTS = "eroded surface includes osteoclasts"
_OSTEOCLAST_KEYS = {
    own_names.plain(text)
    for text in (_OSTEOCLASTS, "ES includes Oc.S", "ES/BS includes Oc.S/BS", "ES includes Oc")
}
_ANSWERS = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}


@dataclass(frozen=True)
class Column:
    """One recognized column: place, id, unit as written and factor to the catalogue's unit."""

    place: int
    id: str
    unit: str
    factor: float


@dataclass(frozen=True)
class Line:
    """One row: number, arm, regimen, month, and the cells as text."""

    row: int
    arm: str
    regimen: Regimen
    month: float
    cells: list[str]


@dataclass
class OwnTable:
    """A sheet with its columns understood; `faults` collects what is wrong with it."""

    sheet: Sheet
    columns: dict[str, Column]
    lines: list[Line]
    includes_osteoclasts: bool | None
    faults: list[Fault]
    notices: list[str]

    @property
    def observables(self) -> list[Column]:
        """Columns that hold an observable, from left to right."""
        return [c for c in self.columns.values() if c.id in catalogue.observables()]

    def add(self, row: int, column: str | int, message: str, remedy: str) -> None:
        """Add the fault of one cell; `column` is an id or a place."""
        place = column if isinstance(column, int) else self.columns[column].place
        self.faults.append(self.sheet.fault(row, place, message, remedy))

    def number(self, line: Line, column: Column) -> float | None:
        """Number of a cell, or None where it is empty or (with a fault) no number."""
        text = line.cells[column.place]
        if is_missing(text):
            return None
        try:
            return self.sheet.number(text)
        except ValueError:
            remedy = "write digits with one decimal mark, or leave the cell empty"
            self.add(line.row, column.place, f"{text!r} is not a number", remedy)
            return None


def site_of(table: OwnTable) -> str:
    """Where the biopsies were taken."""
    return table.sheet.settings.get("site", "") or DEFAULT_SITE


def units_row(sheet: Sheet) -> tuple[Sheet, list[str]]:
    """Split off a first row that begins with ``unit``; its cells, or none."""
    cells = sheet.rows[0][1]
    first = next((cell for cell in cells if cell), "")
    if own_names.plain(first) not in ("unit", "units") or len(sheet.rows) == 1:
        return sheet, []
    return replace(sheet, rows=sheet.rows[1:]), cells


def read_columns(
    sheet: Sheet, units: Sequence[str], observables: Collection[str], faults: list[Fault]
) -> dict[str, Column]:
    """Columns by id, with every fault of the header."""
    found: dict[str, Column] = {}
    known = catalogue.observables()
    for place, head in enumerate(sheet.header):
        if not head or head.startswith("#") or own_names.plain(head) in ("note", "notes"):
            continue
        name, unit = own_names.split_header(head)
        unit = unit or (units[place] if units else "")
        own = own_names.canonical(name)
        own = own or own_names.canonical(head)
        if own is None or (own in known and own not in observables):
            message = f"{head!r} is no known name; {own_names.suggestion(name)}"
            remedy = "rename it, or begin it with # and it is left out"
            faults.append(sheet.fault(sheet.header_row, place, message, remedy))
        elif own in found:
            message = f"{head!r} and {sheet.header[found[own].place]!r} are one"
            faults.append(sheet.fault(sheet.header_row, place, message, "keep one of them"))
        else:
            try:
                found[own] = Column(place, own, unit, _factor(own, name, unit))
            except UsageError as error:
                remedy = f"write the unit into the head: '{name} ({_wanted(own)})'"
                faults.append(sheet.fault(sheet.header_row, place, str(error), remedy))
    return found


def _wanted(own: str) -> str:
    """Unit of a column in the catalogue; empty for one without."""
    if own in catalogue.observables():
        return catalogue.observables()[own].unit
    return {"month": "months", "B_Pm": "mm"}.get(own, "")


def _factor(own: str, name: str, unit: str) -> float:
    wanted = _wanted(own)
    if not wanted:
        return 1.0
    if not unit:
        if wanted == "1" or own_names.plain(name) in ("month", "months"):
            return 1.0
        raise UsageError(f"{name!r} has no unit")
    return own_names.factor(unit, wanted)


def read_declaration(table: OwnTable, summary: bool) -> bool | None:
    """Whether ES includes Oc.S; a fault where there is ES/BS and the file does not say."""
    settings = {own_names.plain(key): value for key, value in table.sheet.settings.items()}
    answer = next((settings[key] for key in _OSTEOCLAST_KEYS if key in settings), None)
    if answer is not None and answer.lower() in _ANSWERS:
        return _ANSWERS[answer.lower()]
    place = table.columns["variable"].place if summary else None
    present = (
        any(own_names.canonical(cells[place]) == "ES_BS" for _, cells in table.sheet.rows)
        if place is not None
        else "ES_BS" in table.columns
    )
    if present:
        message = "the file does not say whether ES/BS includes osteoclast surface (Oc.S)"
        if answer is not None:
            message = f"{_OSTEOCLASTS}: {answer!r} is neither yes nor no"
        remedy = f"put a line '# {_OSTEOCLASTS}: yes' (or no) above the header"
        table.faults.append(Fault(table.sheet.file, 0, "", message, remedy))
    return None


def read_lines(table: OwnTable) -> list[Line]:
    """Rows with arm, regimen and month; an empty regimen is the one above in that arm."""
    regimens: dict[str, tuple[Regimen, int]] = {}
    refused: set[str] = set()  # arms whose regimen is a fault already
    lines = []
    arm_place, regimen_place = (table.columns[name].place for name in ("arm", "regimen"))
    month = table.columns["month"]
    for row, cells in table.sheet.rows:
        arm, text = cells[arm_place], cells[regimen_place]
        if not arm:
            table.add(row, "arm", "is empty", "name the arm of every row")
        regimen = _regimen(table, row, text) if text else regimens.get(arm, (None, 0))[0]
        if regimen is None:
            if text:
                refused.add(arm)
            elif arm not in refused:
                remedy = "write 'untreated' or the treatment in the first row of the arm"
                table.add(row, "regimen", "is empty", remedy)
            regimen = Regimen(())  # so that the numbers of the row are checked too
        elif arm:
            first, where = regimens.setdefault(arm, (regimen, row))
            if first != regimen:
                remedy = "name another arm, or write the same regimen"
                table.add(row, "regimen", f"differs from row {where} of the same arm", remedy)
        line = Line(row, arm, regimen, 0.0, cells)
        time = table.number(line, month)
        if time is None or time < 0:
            if is_missing(cells[month.place]) or time is not None:
                remedy = "write the time since the start of the regimen, zero or above"
                table.add(row, "month", "is empty or below zero", remedy)
            time = 0.0
        lines.append(Line(row, arm, regimen, float(f"{time * month.factor:.10g}"), cells))
    return lines


def _regimen(table: OwnTable, row: int, text: str) -> Regimen | None:
    try:
        return parse_regimen(text, catalogue.routes())
    except RegimenError as error:
        for message in error.messages:
            table.add(row, "regimen", message, "correct the treatment of the arm")
        return None
