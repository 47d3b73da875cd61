"""Regimens: all treatments of one arm, and their text.

The grammar of a treatment is ``DRUG DOSE UNIT ROUTE [over TIME] every INTERVAL [from TIME] for
TIME``, or ``at TIMES`` from ``every`` on; then ``[missing doses NUMBERS]`` and
``[taking PERCENT % [(seed NUMBER)]]``. Treatments are joined by ``;``.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations

from bonecycle.biology.amounts import (
    DAYS_PER_MONTH,
    RegimenError,
    parse_dates,
    parse_dose,
    parse_duration,
)
from bonecycle.biology.treatments import MAX_DOSES, At, Every, Route, Treatment
from bonecycle.errors import unknown

__all__ = [
    "DAYS_PER_MONTH",
    "GRAMMAR",
    "Regimen",
    "RegimenError",
    "check_drugs",
    "collected",
    "overlaps",
    "parse_adherence",
    "parse_numbers",
    "parse_regimen",
    "parse_route",
]

GRAMMAR = (
    "DRUG DOSE UNIT ROUTE [over TIME] every INTERVAL [from TIME] for TIME, or at TIMES, then "
    "[missing doses NUMBERS] [taking PERCENT % (seed NUMBER)]"
)
_HEAD = re.compile(r"(?P<drug>\S+) (?P<dose>.+) (?P<route>\S+)")
_CLAUSE = re.compile(r" (over|every|from|for|at|missing doses?|taking) ")
_CLAUSES = ({"every", "for"}, {"at"})
_OPTIONAL = ({"over", "from", "missing", "taking"}, {"over", "missing", "taking"})
_ADHERENCE = re.compile(r"(?P<percent>\d+(?:\.\d+)?) ?%")
_TAKING = re.compile(r"(?P<percent>.+?)(?: \(seed (?P<seed>\d+)\))?")
_NUMBERS = re.compile(r"(?P<first>\d+)(?: ?- ?(?P<last>\d+))?")


@dataclass(frozen=True)
class Regimen:
    """All treatments of one arm; none at all is `Regimen.untreated()`.

    Raises
    ------
    RegimenError
        When two treatments with the same drug overlap in time.
    """

    treatments: tuple[Treatment, ...]

    def __post_init__(self) -> None:
        if faults := [("start", message) for _, message in overlaps(self.treatments)]:
            raise RegimenError(faults)

    @classmethod
    def untreated(cls) -> "Regimen":
        """Return the regimen without any treatment."""
        return cls(())

    @property
    def drugs(self) -> tuple[str, ...]:
        """Drugs of the treatments, sorted."""
        return tuple(sorted({treatment.drug for treatment in self.treatments}))

    def __str__(self) -> str:
        return "; ".join(str(treatment) for treatment in self.treatments) or "untreated"


def overlaps(treatments: Sequence[Treatment]) -> Iterator[tuple[int, str]]:
    """Yield the place of every treatment that starts within another with its drug, and a message.

    A treatment lasts until its stop, its last dose or the end of its last infusion, whichever
    comes last.
    """
    for pair in combinations(range(len(treatments)), 2):
        first, second = sorted(pair, key=lambda place: treatments[place].start_days)
        earlier, later = treatments[first], treatments[second]
        last = float(earlier.schedule.times()[-1])
        if earlier.drug == later.drug and (
            later.start_days < earlier.end_days or later.start_days <= last
        ):
            end = earlier.end_days
            message = f"starts at {later.start_days:g} days, the other ends at {end:g} days"
            yield second, f"two treatments with {later.drug} overlap: one {message}"


def parse_regimen(text: str) -> Regimen:
    """Read a regimen, such as ``zoledronate 5 mg iv every 12 months for 36 months``.

    Parameters
    ----------
    text
        ``untreated``, or treatments joined by ``;`` in the grammar of this module.

    Raises
    ------
    RegimenError
        With every fault of every treatment.
    """
    if text.strip().lower() == "untreated":
        return Regimen.untreated()
    treatments: list[Treatment] = []
    faults: list[tuple[str, str]] = []
    for part in text.split(";"):
        with collected(faults):
            treatments.append(_parse_treatment(" ".join(part.split())))
    with collected(faults):
        regimen = Regimen(tuple(treatments))
    if faults:
        raise RegimenError(faults)
    return regimen


def check_drugs(regimen: Regimen, routes: Mapping[str, Collection[str]]) -> None:
    """Check that every drug of a regimen is known and can be given by its route.

    Parameters
    ----------
    regimen
        Any regimen.
    routes
        Routes by drug, as `catalogue.routes` gives them.

    Raises
    ------
    RegimenError
        With one message for every unknown drug and every route that a drug does not have.
    """
    faults: dict[tuple[str, str], None] = {}
    for treatment in regimen.treatments:
        drug, route = treatment.drug, treatment.route
        if drug not in routes:
            faults["drug", str(unknown("drug", drug, routes))] = None
        elif route not in routes[drug]:
            usual = " or ".join(routes[drug])
            faults["route", f"{drug} is not given {route.value}: use {usual}"] = None
    if faults:
        raise RegimenError(faults)


def parse_route(text: str) -> Route:
    """Return a route by its name.

    Raises
    ------
    RegimenError
        For another word.
    """
    if text not in list(Route):
        raise RegimenError([("route", str(unknown("route", text, list(Route))))])
    return Route(text)


def parse_numbers(text: str) -> tuple[int, ...]:
    """Return numbers of doses such as ``3, 7-10``, sorted.

    Raises
    ------
    RegimenError
        For anything else.
    """
    matches = [_NUMBERS.fullmatch(part.strip()) for part in text.split(",")]
    numbers: set[int] = set()
    for match in matches:
        if match is None or int(match["last"] or match["first"]) > MAX_DOSES:
            fault = f"{text!r} are no numbers of doses: write '3, 7-10'"
            raise RegimenError([("missed", fault)])
        numbers |= set(range(int(match["first"]), int(match["last"] or match["first"]) + 1))
    return tuple(sorted(numbers))


def parse_adherence(text: str) -> float:
    """Return a share of doses taken such as ``80 %``, as a fraction.

    Raises
    ------
    RegimenError
        For anything else.
    """
    match = _ADHERENCE.fullmatch(text)
    if match is None:
        raise RegimenError([("adherence", f"{text!r} is not a share of doses: write '80 %'")])
    return float(Decimal(match["percent"]) / 100)


@contextmanager
def collected(faults: list[tuple[str, str]], part: str = "") -> Iterator[None]:
    """Add the faults raised inside to a list; `part` names what had them where they do not."""
    try:
        yield
    except RegimenError as error:
        faults.extend((named or part, message) for named, message in error.faults)


def _parse_treatment(text: str) -> Treatment:
    # A space on both sides, so that a clause may be empty and is then named as a fault.
    head, *rest = _CLAUSE.split(f"{text} ")
    keys = [key.split()[0] for key in rest[::2]]
    clauses = dict(zip(keys, (value.strip() for value in rest[1::2]), strict=True))
    match = _HEAD.fullmatch(head.strip())
    fitting = any(
        needed <= set(keys) <= needed | optional
        for needed, optional in zip(_CLAUSES, _OPTIONAL, strict=True)
    )
    if match is None or not fitting or len(clauses) < len(keys):
        raise RegimenError([("", f"{text!r} is not a treatment: write {GRAMMAR}")])
    faults: list[tuple[str, str]] = []
    # Harmless values, so that the parts after a fault are still checked.
    dose, route, infusion, share, seed = 1.0, Route.IV, 0.0, 1.0, 0
    missed: tuple[int, ...] = ()
    schedule: Every | At | None = None
    with collected(faults, "dose"):
        dose = parse_dose(match["dose"])
    with collected(faults):
        route = parse_route(match["route"])
    if "over" in clauses:
        with collected(faults, "infusion"):
            infusion = parse_duration(clauses["over"])
    with collected(faults, "dates"):
        schedule = At(parse_dates(clauses["at"])) if "at" in clauses else _parse_every(clauses)
    if "missing" in clauses:
        with collected(faults):
            missed = parse_numbers(clauses["missing"])
    if "taking" in clauses:
        taking = _TAKING.fullmatch(clauses["taking"])
        with collected(faults):
            share = parse_adherence(taking["percent"] if taking else clauses["taking"])
        seed = int((taking and taking["seed"]) or 0)
    with collected(faults):
        name = match["drug"].lower()
        if schedule is None:
            schedule, infusion, missed = At((0.0,)), 0.0, ()
        treatment = Treatment(name, dose, route, schedule, infusion, missed, share, seed)
    if faults:
        raise RegimenError(faults)
    return treatment


def _parse_every(clauses: dict[str, str]) -> Every:
    faults: list[tuple[str, str]] = []
    interval, start, lasts = 1.0, 0.0, 1.0
    with collected(faults, "interval"):
        interval = parse_duration(clauses["every"])
    with collected(faults, "start"):
        start = parse_duration(clauses.get("from", "0 days"))
    with collected(faults, "stop"):
        lasts = parse_duration(clauses["for"])
    with collected(faults):
        every = Every(interval, start, start + lasts)
    if faults:
        raise RegimenError(faults)
    return every
