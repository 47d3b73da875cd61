"""Regimens: all treatments of one arm, and their text.

The grammar of a treatment is ``DRUG DOSE UNIT ROUTE [over TIME] every INTERVAL [from TIME] for
TIME``, or ``at TIMES`` from ``every`` on; then ``[missing doses NUMBERS]`` and
``[taking PERCENT % [(seed NUMBER)]]``. Treatments are joined by ``;``.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from bonecycle.biology.amounts import DAYS_PER_MONTH, RegimenError
from bonecycle.biology.treatment_parts import Routes, collected, drug_faults, read_treatment
from bonecycle.biology.treatments import Treatment

__all__ = [
    "DAYS_PER_MONTH",
    "GRAMMAR",
    "Regimen",
    "RegimenError",
    "check_drugs",
    "overlaps",
    "parse_regimen",
]

GRAMMAR = (
    "DRUG DOSE UNIT ROUTE [over TIME] every INTERVAL [from TIME] for TIME, or at TIMES, then "
    "[missing doses NUMBERS] [taking PERCENT % (seed NUMBER)]"
)
_HEAD = re.compile(r"(?P<drug>\S+) (?P<dose>.+) (?P<route>\S+)")
_CLAUSE = re.compile(r" (over|every|from|for|at|missing doses?|taking)(?= )", re.IGNORECASE)
_CLAUSES = ({"every", "for"}, {"at"})
_OPTIONAL = ({"over", "from", "missing", "taking"}, {"over", "missing", "taking"})
_PARTS = {
    "over": "infusion",
    "every": "interval",
    "from": "start",
    "for": "lasts",
    "at": "dates",
    "missing": "missed",
    "taking": "adherence",
}
_TAKING = re.compile(r"(?P<adherence>.+?)(?: \(seed (?P<seed>\d+)\))?")


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


def parse_regimen(text: str, routes: Routes | None = None) -> Regimen:
    """Read a regimen, such as ``zoledronate 5 mg iv every 12 months for 36 months``.

    Parameters
    ----------
    text
        ``untreated``, or treatments joined by ``;`` in the grammar of this module.
    routes
        Routes by drug, as `catalogue.routes` gives them, to check drugs too. None: any drug.

    Raises
    ------
    RegimenError
        With every fault of every treatment; of several, the number stands before the fault.
    """
    if text.strip().lower() == "untreated":
        return Regimen.untreated()
    treatments: list[Treatment] = []
    faults: list[tuple[str, str]] = []
    parts = text.split(";")
    for number, part in enumerate(parts, start=1):
        found: list[tuple[str, str]] = []
        with collected(found):
            treatments.append(_parse_treatment(" ".join(part.split()), routes))
        faults += _numbered(found, number, len(parts))
    with collected(faults):
        regimen = Regimen(tuple(treatments))
    if faults:
        raise RegimenError(faults)
    return regimen


def check_drugs(regimen: Regimen, routes: Routes) -> None:
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
        With every unknown drug and every route that a drug does not have, as `parse_regimen`.
    """
    faults: list[tuple[str, str]] = []
    for number, treatment in enumerate(regimen.treatments, start=1):
        found = drug_faults(treatment.drug, treatment.route, routes)
        faults += _numbered(found, number, len(regimen.treatments))
    if faults:
        raise RegimenError(faults)


def _numbered(faults: Iterable[tuple[str, str]], number: int, count: int) -> list[tuple[str, str]]:
    """Say in which treatment a fault is, where there are several."""
    of = f"treatment {number}: " if count > 1 else ""
    return [(part, f"{of}{message}") for part, message in faults]


def _parse_treatment(text: str, routes: Routes | None) -> Treatment:
    if not text:
        raise RegimenError([("", f"no treatment is written: write {GRAMMAR}")])
    # A space at the end too, so that a clause may be empty and is then named as a fault.
    head, *rest = _CLAUSE.split(f"{text} ")
    keys = [key.split()[0].lower() for key in rest[::2]]
    clauses = {_PARTS[key]: value.strip() for key, value in zip(keys, rest[1::2], strict=True)}
    match = _HEAD.fullmatch(head.strip())
    fitting = any(
        needed <= set(keys) <= needed | optional
        for needed, optional in zip(_CLAUSES, _OPTIONAL, strict=True)
    )
    if match is None or not fitting or len(clauses) < len(keys):
        close = difflib.get_close_matches(text.strip().lower(), ["untreated"])
        hint = " (did you mean 'untreated'?)" if close else ""
        raise RegimenError([("", f"{text!r} is not a treatment{hint}: write {GRAMMAR}")])
    taking = _TAKING.fullmatch(clauses.get("adherence", ""))
    if taking:
        clauses |= {part: value for part, value in taking.groupdict().items() if value}
    return read_treatment(match.groupdict() | clauses, routes)
