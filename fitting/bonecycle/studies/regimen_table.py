"""Regimens from a table: one row a treatment, every fault of the file reported at once."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources.abc import Traversable
from typing import TypeVar

from bonecycle.biology import catalogue
from bonecycle.biology.amounts import parse_dates, parse_dose, parse_duration
from bonecycle.biology.regimens import (
    Regimen,
    RegimenError,
    overlaps,
    parse_adherence,
    parse_numbers,
    parse_route,
)
from bonecycle.biology.treatments import At, Every, Route, Treatment
from bonecycle.errors import DataError, Fault, unknown
from bonecycle.studies.table import read_rows

COLUMNS = ("regimen", "drug", "dose", "route")
OPTIONAL = ("interval", "start", "stop", "dates", "infusion", "missed", "adherence", "seed")

_REMEDIES = {
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
_T = TypeVar("_T")


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
    for number, cells in read_rows(path, COLUMNS, faults, OPTIONAL):
        row = _Row(path.name, number, cells)
        treatment = row.treatment()
        faults += row.faults
        if treatment is not None:
            named.setdefault(cells["regimen"], []).append((number, treatment))
    for rows in named.values():
        for place, message in overlaps([treatment for _, treatment in rows]):
            faults.append(Fault(path.name, rows[place][0], "start", message, _REMEDIES["start"]))
    if faults:
        raise DataError(sorted(faults, key=lambda fault: fault.row))
    return {name: Regimen(tuple(t for _, t in rows)) for name, rows in named.items()}


class _Row:
    """The cells of one row, read into a treatment while their faults are collected."""

    def __init__(self, file: str, number: int, cells: dict[str, str]) -> None:
        self._file, self._number, self._cells = file, number, cells
        self.faults: list[Fault] = []

    def treatment(self) -> Treatment | None:
        """Return the treatment; None where it has faults that leave none."""
        cells = self._cells
        if not cells["regimen"]:
            self._add("regimen", "is empty", "name the regimen, the same in all its rows")
        dose = self._read("dose", parse_dose)
        route = self._read("route", parse_route)
        infusion = self._read("infusion", parse_duration, "0 days")
        missed = self._read("missed", parse_numbers) if cells["missed"] else ()
        share = self._read("adherence", parse_adherence, "100 %")
        seed = self._read("seed", _whole, "0")
        schedule = self._schedule()
        # Harmless values in place of faults, so that the other cells are still checked.
        treatment = self._made(
            lambda: Treatment(
                cells["drug"].lower(),
                dose_mg=1.0 if dose is None else dose,
                route=route or Route.IV,
                schedule=schedule or At((0.0,)),
                infusion_days=(infusion or 0.0) if schedule else 0.0,
                missed=(missed or ()) if schedule else (),
                adherence=1.0 if share is None else share,
                seed=seed or 0,
            )
        )
        self._check_drug(cells["drug"].lower(), route)
        return treatment if schedule else None

    def _check_drug(self, drug: str, route: Route | None) -> None:
        routes = catalogue.routes()
        if any(fault.column == "drug" for fault in self.faults):
            return
        if drug not in routes:
            self._add("drug", str(unknown("drug", drug, routes)), _REMEDIES["drug"])
        elif route is not None and route not in routes[drug]:
            self._add(
                "route", f"{drug} is not given {route.value}", f"use {' or '.join(routes[drug])}"
            )

    def _schedule(self) -> Every | At | None:
        cells, before = self._cells, len(self.faults)
        regular = [name for name in ("interval", "start", "stop") if cells[name]]
        if cells["dates"]:
            for name in regular:
                self._add(name, "stands beside dates", "give dates, or interval, start and stop")
            dates = self._read("dates", parse_dates)
            return self._made(lambda: At(dates or ())) if len(self.faults) == before else None
        interval = self._read("interval", parse_duration)
        start = self._read("start", parse_duration, "0 days")
        stop = self._read("stop", parse_duration)
        if interval is None or start is None or stop is None:
            return None
        return self._made(lambda: Every(interval, start, stop))

    def _made(self, make: Callable[[], _T]) -> _T | None:
        try:
            return make()
        except RegimenError as error:
            self._add_all(error, "")
            return None

    def _read(self, column: str, parse: Callable[[str], _T], default: str = "") -> _T | None:
        text = self._cells[column] or default
        if not text:
            self._add(column, "is empty", _REMEDIES[column])
            return None
        try:
            return parse(text)
        except RegimenError as error:
            self._add_all(error, column)
            return None

    def _add_all(self, error: RegimenError, column: str) -> None:
        for part, message in error.faults:
            self._add(part or column, message, _REMEDIES[part or column])

    def _add(self, column: str, message: str, remedy: str) -> None:
        self.faults.append(Fault(self._file, self._number, column, message, remedy))


def _whole(text: str) -> int:
    if not text.isdecimal():
        raise RegimenError([("seed", f"{text!r} is not a whole number")])
    return int(text)
