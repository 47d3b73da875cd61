"""Perturbations of the route: what is changed, what is read, and what was found to follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

import libsbml

from bonecycle.biology import catalogue
from bonecycle.biology.tables import read_rows
from bonecycle.errors import DataError, Fault

_FILE = "perturbations.csv"
_START = "start"


class Direction(StrEnum):
    """What is expected of an observable, as a ratio to what it is compared with."""

    RISES = "rises"
    FALLS = "falls"
    VANISHES = "vanishes"
    REMAINS = "remains"
    ABSENT = "absent"


@dataclass(frozen=True)
class Perturbation:
    """One row of the table.

    Attributes
    ----------
    changes : dict of str to float
        Parameters that are changed from time zero on.
    later : tuple of (float, str, float)
        Day, parameter and value of later changes.
    day : float
        When the observable is read.
    against : str
        ``start``: its value at time zero, at rest; or the id of another row, read on the same day.
    """

    id: str
    title: str
    model: str
    regimen: str
    mechanism: str
    changes: dict[str, float]
    later: tuple[tuple[float, str, float], ...]
    day: float
    observable: str
    direction: Direction
    against: str
    source: str
    place: str
    status: str
    note: str

    @property
    def from_start(self) -> bool:
        """Whether it is compared with the untreated state at time zero."""
        return self.against == _START


@cache
def perturbations() -> dict[str, Perturbation]:
    """Rows of perturbations.csv by id.

    Raises
    ------
    DataError
        With every fault of the table.
    """
    found: dict[str, Perturbation] = {}
    faults: list[Fault] = []
    for number, row in enumerate(read_rows(files("bonecycle_data") / _FILE), start=2):
        wrong = [Fault(_FILE, number, *fault) for fault in _faults(row, found)]
        faults += wrong
        if not wrong:
            found[row["id"]] = _perturbation(row)
    if faults:
        raise DataError(faults)
    return found


def _perturbation(row: dict[str, str]) -> Perturbation:
    later = (item.split(":", 1) for item in row["later"].split(";") if item)
    parts = {
        "changes": {
            name: value for name, value in map(_setting, filter(None, row["changes"].split(";")))
        },
        "later": tuple((float(day), *_setting(text)) for day, text in later),
        "day": float(row["day"]),
        "direction": Direction(row["direction"]),
    }
    return Perturbation(**{**row, **parts})  # type: ignore[arg-type]


def _setting(text: str) -> tuple[str, float]:
    name, _, value = text.partition("=")
    return name, float(value)


def _faults(row: dict[str, str], known: dict[str, Perturbation]) -> Iterator[tuple[str, str, str]]:
    if row["id"] in known:
        yield "id", f"{row['id']!r} stands twice", "keep one row"
    if row["model"] not in catalogue.models():
        yield "model", f"unknown model {row['model']!r}", "use one of models.csv"
    elif row["observable"] not in catalogue.observables_of(row["model"]):
        yield "observable", f"{row['model']} has no {row['observable']!r}", "use one that it has"
    if row["direction"] not in list(Direction):
        yield "direction", f"{row['direction']!r}", f"use one of {', '.join(Direction)}"
    if row["against"] != _START and row["against"] not in known:
        yield "against", f"no row {row['against']!r} above", f"name one, or say {_START}"
    try:
        _perturbation({**row, "direction": Direction.RISES})
    except ValueError as error:
        yield "changes", str(error), "write name=value, and day:name=value in later"


def with_later_changes(sbml: str, later: tuple[tuple[float, str, float], ...]) -> str:
    """Return a model whose parameters change on given days, as events."""
    document = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    for number, (day, name, value) in enumerate(later, start=1):
        model.getParameter(name).setConstant(False)
        event = model.createEvent()
        event.setId(f"change_{number}")
        event.setUseValuesFromTriggerTime(True)
        trigger = event.createTrigger()
        trigger.setInitialValue(True)
        trigger.setPersistent(True)
        trigger.setMath(libsbml.parseL3Formula(f"time >= {day!r}"))
        assignment = event.createEventAssignment()
        assignment.setVariable(name)
        assignment.setMath(libsbml.parseL3Formula(repr(value)))
    return str(libsbml.writeSBMLToString(document))
