"""What the model and drug folders hold: parameters, observables, units, modules, drugs.

Everything is read from tables and Antimony files, so that a new drug is one data file
and a new mechanism one Antimony file with its rows in the parameter table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from bonecycle.biology.tables import Parameter, read_parameters, read_rows
from bonecycle.errors import DataError, Fault, unknown

ROUTES = ("oral", "iv", "sc")
_ROUTE_PORT = re.compile(r"\{\{ drug \}\}_(\w+)_rate\b")


@dataclass(frozen=True)
class Observable:
    """Code name, ASBMR symbol, unit, kind (surface, rate, marker, ...) and meaning."""

    id: str
    symbol: str
    unit: str
    kind: str
    meaning: str


@dataclass(frozen=True)
class Unit:
    """A unit: SBML id, how people write it, and factors (SBML kind, exponent, multiplier)."""

    id: str
    display: str
    factors: tuple[tuple[str, int, float], ...]
    meaning: str


@dataclass(frozen=True)
class Family:
    """A model: the folders of its modules, and whether drugs join it.

    A module of a later folder stands in for one of the same name in an earlier folder.
    """

    name: str
    folders: tuple[str, ...]
    drugs: bool
    meaning: str


@dataclass(frozen=True)
class Compartment:
    """A place: its dimensions, unit and constant size, what it is, and where that comes from."""

    id: str
    name: str
    dimensions: int
    unit: str
    size: float
    identifier: str
    source: str
    place: str
    status: str
    note: str


@dataclass(frozen=True)
class FusionRule:
    """A rule of fusion: the values of the switches of fusion.ant that make it."""

    name: str
    switches: dict[str, float]
    meaning: str


@dataclass(frozen=True)
class Drug:
    """A drug: the Antimony module that it fills, an identifier, and its parameters."""

    name: str
    module: str
    identifier: str
    note: str
    parameters: tuple[Parameter, ...]


def _models() -> Traversable:
    return files("bonecycle_models")


@cache
def units() -> dict[str, Unit]:
    """Units by SBML id."""
    table = {}
    for row in read_rows(_models() / "units.csv"):
        parts = (item.split() for item in row["factors"].split(";"))
        factors = tuple((kind, int(exponent), float(size)) for kind, exponent, size in parts)
        table[row["id"]] = Unit(row["id"], row["display"], factors, row["meaning"])
    return table


def _displays() -> dict[str, str]:
    return {unit.display: unit.id for unit in units().values()}


def unit_id(display: str) -> str:
    """SBML id of a unit as people write it, e.g. ``um/d`` -> ``um_per_d``."""
    if display not in _displays():
        raise unknown("unit", display, _displays())
    return _displays()[display]


@cache
def models() -> dict[str, Family]:
    """Models by name."""
    return {
        row["id"]: Family(
            row["id"], tuple(row["folders"].split()), row["drugs"] == "yes", row["meaning"]
        )
        for row in read_rows(_models() / "models.csv")
    }


@cache
def compartments() -> dict[str, Compartment]:
    """Places by id."""
    found = {}
    for row in read_rows(_models() / "compartments.csv"):
        numbers = {"dimensions": int(row["dimensions"]), "size": float(row["size"])}
        found[row["id"]] = Compartment(**{**row, **numbers})  # type: ignore[arg-type]
    return found


@cache
def fusion_rules() -> dict[str, FusionRule]:
    """Rules of fusion by name; the first is that of the review."""
    found = {}
    for row in read_rows(_models() / "osteoclast" / "rules.csv"):
        switches = {n: float(v) for n, v in row.items() if n not in ("rule", "meaning")}
        found[row["rule"]] = FusionRule(row["rule"], switches, row["meaning"])
    return found


@cache
def observables() -> dict[str, Observable]:
    """Observables of the cycle by code name, in the order of the table: what a study reports."""
    return _observables(_models() / "observables.csv")


@cache
def observables_of(model: str) -> dict[str, Observable]:
    """Observables of a model by code name: of the cycle, and of the model's own folders."""
    folders = models()[model].folders
    found = dict(observables()) if "cycle" in folders else {}
    for folder in folders:
        path = _models() / folder / "observables.csv"
        if path.is_file():
            found |= _observables(path)
    return found


def _observables(path: Traversable) -> dict[str, Observable]:
    return {row["id"]: Observable(**row) for row in read_rows(path)}


def observable(name: str) -> Observable:
    """Observable by name; of a problem that is not ours, one that has its name only."""
    return observables().get(name) or Observable(name, name, "1", "own", name)


@cache
def parameters() -> dict[str, Parameter]:
    """The model's own parameters by id (drugs bring theirs: see `drugs`)."""
    path = _models() / "parameters.csv"
    return {p.id: p for p in read_parameters(path.name, read_rows(path), _displays())}


@cache
def drugs() -> dict[str, Drug]:
    """Drugs by name; one data file each, in the folder of the Antimony module they fill."""
    found = {}
    for folder in _sorted(files("bonecycle_data") / "drugs"):
        if folder.is_dir() and not folder.name.startswith("_"):
            for path in _sorted(folder):
                drug = _read_drug(path, folder.name)
                found[drug.name] = drug
    return found


def _sorted(folder: Traversable) -> list[Traversable]:
    return sorted(folder.iterdir(), key=lambda item: item.name)


def _read_drug(path: Traversable, module: str) -> Drug:
    rows = read_rows(path)
    heads = [row for row in rows if row.get("id") == "drug"]
    if len(heads) != 1 or not heads[0]["name"]:
        message = f"{len(heads)} rows have the id 'drug'"
        remedy = "give exactly one, with the drug's name and its identifier as source"
        raise DataError([Fault(path.name, 1, "id", message, remedy)])
    head = heads[0]
    read = read_parameters(path.name, rows, _displays(), prefix=f"{head['name']}_", skip="drug")
    return Drug(head["name"], module, head["source"], head["note"], tuple(read))


@cache
def routes() -> dict[str, tuple[str, ...]]:
    """Routes by drug, the usual one first: oral, iv, sc.

    A route is a port of the drug's module. By mouth a drug is given only where a source states
    its oral bioavailability: the value of the others is assumed, to complete the module.
    """
    found = {}
    for drug in drugs().values():
        ports = _ROUTE_PORT.findall(module_sources("drugs")[drug.module])
        status = {parameter.id: parameter.status for parameter in drug.parameters}
        oral = status.get(f"{drug.name}_bioavailability") != "assumed"
        found[drug.name] = tuple(r for r in ROUTES if r in ports and (r != "oral" or oral))
    return found


def mechanisms() -> dict[str, tuple[str, ...]]:
    """Mechanisms and the strengths that each frees; H0 frees none."""
    found: dict[str, tuple[str, ...]] = {"H0": ()}
    for parameter in parameters().values():
        if parameter.mechanism:
            found[parameter.mechanism] = (*found.get(parameter.mechanism, ()), parameter.id)
    return found


@cache
def module_sources(folder: str) -> dict[str, str]:
    """Antimony templates of a folder of the models package, by module name."""
    return {
        path.name.removesuffix(".ant"): path.read_text(encoding="utf-8")
        for path in _sorted(_models() / folder)
        if path.name.endswith(".ant")
    }
