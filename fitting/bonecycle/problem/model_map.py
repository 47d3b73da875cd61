"""The table that maps a user's own model to our observables, priors and regimens."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from bonecycle.biology import catalogue
from bonecycle.biology.amounts import RegimenError, parse_duration
from bonecycle.biology.foreign import ForeignModel, free_ids, no_such, read_model, readable_ids
from bonecycle.biology.foreign_dosing import Action, Way, with_ways
from bonecycle.biology.tables import Parameter, Scale
from bonecycle.errors import DataError, Fault, unknown
from bonecycle.studies.table import read_number, read_rows

COLUMNS = ("kind", "name", "model_id")
OPTIONAL = ("factor", "action", "center", "sd", "scale", "unit", "note")


_Choice = TypeVar("_Choice", bound=StrEnum)


class Kind(StrEnum):
    """What a row says."""

    OBSERVABLE = "observable"
    PARAMETER = "parameter"
    DOSE = "dose"
    START = "start"
    TIME = "time"


class StartAt(StrEnum):
    """Where simulations begin."""

    INITIAL = "initial_state"
    STEADY = "steady_state"


@dataclass(frozen=True)
class ModelMap:
    """A user's model with what its table says.

    Attributes
    ----------
    model : ForeignModel
        With effects and switches of the drugs, all off.
    observables : dict of str to (str, float)
        Id in the model and factor, by our observable.
    parameters : tuple of Parameter
        Those that a fit frees.
    ways : dict of str to Way
        How a drug acts, by its name.
    start : StartAt
    """

    model: ForeignModel
    observables: Mapping[str, tuple[str, float]]
    parameters: tuple[Parameter, ...]
    ways: Mapping[str, Way]
    start: StartAt


def read_map(path: Path, model_file: Path) -> ModelMap:
    """Read a model and the table that maps it.

    Parameters
    ----------
    path : Path
        CSV with the columns `COLUMNS` and any of `OPTIONAL`. By ``kind``: *observable* (name: ours;
        model_id: what is read; factor to our unit, 1 if empty), *parameter* (model_id: a constant
        that a fit frees; prior ``center``, the model's own value if empty, ``sd``, ``scale`` log or
        logit), *dose* (name: drug; model_id: what it acts on; action: add, rate or set; factor: the
        effect), *start* (name: initial_state or steady_state), *time* (name: unit of the model's
        time).
    model_file : Path

    Raises
    ------
    DataError
        With every fault of the table: row, column, and the nearest names.
    ModelError
        For a model that cannot be used.
    """
    faults: list[Fault] = []
    rows = [
        _Row(path.name, n, cells, faults) for n, cells in read_rows(path, COLUMNS, faults, OPTIONAL)
    ]
    if faults and not rows:
        raise DataError(faults)  # nothing was read: what is missing in it is not known
    by_kind: dict[Kind, list[_Row]] = {kind: [] for kind in Kind}
    for row in rows:
        kind = row.choice("kind", Kind)
        if kind is not None:
            by_kind[kind].append(row)
    unit = "".join([row.time_unit() for row in by_kind[Kind.TIME]][:1])
    model = read_model(model_file, unit)
    readable = readable_ids(model)
    observables = {}
    for row in by_kind[Kind.OBSERVABLE]:
        row.known("name", "observable", catalogue.observables())
        row.in_model("model_id", "variable", readable)
        row.same_unit()
        observables[row["name"]] = (row["model_id"], row.number("factor", 1.0))
    ways = {}
    for row in by_kind[Kind.DOSE]:
        way = row.way(free_ids(model), readable)
        if way is not None:
            ways[way.drug] = way
    once = {Kind.OBSERVABLE: "name", Kind.DOSE: "name", Kind.PARAMETER: "model_id"}
    for kind, column in once.items():
        _twice(by_kind[kind], column)
    _twice([row for row in by_kind[Kind.DOSE] if row["action"] != Action.ADD], "model_id")
    for kind in (Kind.START, Kind.TIME):
        for row in by_kind[kind][1:]:
            row.add("kind", f"a second row of kind {kind}", "keep one")
    for way in ways.values():
        if clash := sorted(set(way.new_ids) & set(readable)):
            text = f"the model already has {', '.join(clash)}"
            faults.append(Fault(path.name, 0, "name", text, f"rename it, or the drug {way.drug}"))
    starts = [row.choice("name", StartAt) for row in by_kind[Kind.START]]
    constants = _with_effects(free_ids(model), ways)
    parameters = [row.parameter(constants, ways) for row in by_kind[Kind.PARAMETER]]
    if not by_kind[Kind.OBSERVABLE]:
        text = "no row of kind observable"
        faults.append(Fault(path.name, 1, "kind", text, "name what of the model is compared"))
    if not by_kind[Kind.PARAMETER]:
        text = "no row of kind parameter"
        faults.append(Fault(path.name, 1, "kind", text, "name what a fit may change"))
    if faults:
        raise DataError(sorted(faults, key=lambda fault: fault.row))
    model = with_ways(model, list(ways.values()))
    free = tuple(parameter for parameter in parameters if parameter is not None)
    return ModelMap(
        model, observables, free, ways, (starts[0] if starts else None) or StartAt.INITIAL
    )


def _with_effects(constants: Mapping[str, float], ways: Mapping[str, Way]) -> dict[str, float]:
    """Constants of the model once `with_ways` has changed it."""
    result = dict(constants)
    for way in ways.values():
        result[way.effect_id] = way.effect
        if way.action is not Action.ADD:
            result[way.untreated_id] = result.pop(way.target, 1.0)
    return result


def _twice(rows: list[_Row], column: str) -> None:
    seen: dict[str, int] = {}
    for row in rows:
        name = row[column]
        if name in seen:
            row.add(column, f"{name!r} stands in row {seen[name]} too", "keep one of them")
        seen.setdefault(name, row.number_of_row)


class _Row:
    """The cells of one row; their faults are collected."""

    def __init__(self, file: str, number: int, cells: dict[str, str], faults: list[Fault]) -> None:
        self._file, self.number_of_row, self._cells, self._faults = file, number, cells, faults

    def __getitem__(self, column: str) -> str:
        return self._cells[column]

    def add(self, column: str, message: str, remedy: str) -> None:
        """Keep a fault."""
        self._faults.append(Fault(self._file, self.number_of_row, column, message, remedy))

    def choice(self, column: str, choices: type[_Choice]) -> _Choice | None:
        """Return one of some words."""
        if self[column] in list(choices):
            return choices(self[column])
        self.add(column, str(unknown(column, self[column], choices)), "write one of these words")
        return None

    def number(self, column: str, default: float | None) -> float:
        """Return a number, or the default where the cell is empty."""
        if not self[column] and default is not None:
            return default
        try:
            return read_number(self[column])
        except ValueError:
            text = f"{self[column]!r} is not a number" if self[column] else "is empty"
            self.add(column, text, "write digits with a decimal point")
            return 1.0

    def known(self, column: str, kind: str, names: Collection[str]) -> None:
        """Check a name of ours."""
        if self[column] not in names:
            self.add(column, str(unknown(kind, self[column], names)), "write a known name")

    def in_model(self, column: str, kind: str, names: Collection[str]) -> bool:
        """Check an id of the model."""
        found = self[column] in names
        if not found:
            self.add(column, no_such(kind, self[column], names), "write an id, not a formula")
        return found

    def time_unit(self) -> str:
        """Return a unit of time."""
        try:
            parse_duration(f"1 {self['name']}")
        except RegimenError as error:
            self.add("name", str(error), "write day, hour, week or another unit of time")
            return ""
        return self["name"]

    def same_unit(self) -> None:
        """Check that a unit, where one is written, is that of our observable."""
        ours = catalogue.observables().get(self["name"])
        if ours is not None and self["unit"] not in ("", ours.unit):
            text = f"{self['name']} is in {ours.unit!r}, not in {self['unit']!r}"
            self.add("unit", text, "set factor so that model_id x factor is in our unit")

    def way(self, constants: Collection[str], readable: Collection[str]) -> Way | None:
        """Return how a drug acts."""
        action = self.choice("action", Action)
        if not self["name"].isidentifier() or self["name"] != self["name"].lower():
            self.add("name", f"{self['name']!r} is no drug name", "write one lower-case word")
        effect = self.number("factor", None)
        if action is None:
            return None
        if action is Action.ADD:
            moving = [name for name in readable if name not in constants]
            fine = self.in_model("model_id", "variable that doses could go into", moving)
        else:
            fine = self.in_model("model_id", "constant parameter", constants)
        return Way(self["name"], self["model_id"], action, effect) if fine else None

    def parameter(
        self, constants: Mapping[str, float], ways: Mapping[str, Way]
    ) -> Parameter | None:
        """Return a free parameter with its prior."""
        name = self["model_id"]
        for way in ways.values():
            if way.action is not Action.ADD and name == way.target:
                text = f"{name!r} is set while treated with {way.drug}"
                self.add("model_id", text, f"free {way.untreated_id!r} or {way.effect_id!r}")
                return None
        if not self.in_model("model_id", "constant parameter", constants):
            return None
        scale = self.choice("scale", Scale)
        center = self.number("center", constants[name])
        sd = self.number("sd", None)
        if not sd > 0:
            self.add("sd", f"{sd:g} is no SD", "write a number above zero")
        top = 1.0 if scale is Scale.LOGIT else float("inf")
        if not 0 < center < top:
            text = f"{center:g} lies outside the {scale} scale"
            self.add("center", text, "change the centre or the scale")
        return Parameter(
            id=name,
            name=self["name"] or name,
            unit=self["unit"] or "1",
            value=center,
            scale=scale,
            prior_sd=sd,
            fitted=True,
            mechanism="",
            source=self._file,
            place=f"row {self.number_of_row}",
            status="assumed",
            note=self["note"],
        )
