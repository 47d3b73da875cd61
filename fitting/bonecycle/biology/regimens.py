"""Treatment regimens: from the text of a study table to times and doses.

The grammar is ``DRUG DOSE UNIT ROUTE every INTERVAL [from TIME] for TIME``, joined by ``;``.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bonecycle.errors import BonecycleError, unknown

DAYS_PER_MONTH = 365.25 / 12
MAX_DOSES = 100_000

_DAYS = {"month": DAYS_PER_MONTH, "week": 7.0, "day": 1.0, "year": 365.25}
_MILLIGRAMS = {"mg": 1.0, "ug": 1e-3, "g": 1e3}
_SPELLINGS = {"d": "day", "wk": "week", "mo": "month", "yr": "year", "mcg": "ug"}
_QUANTITY = re.compile(r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?) ?(?P<unit>\S*)")
_TREATMENT = re.compile(
    r"(?P<drug>\S+) (?P<dose>.+) (?P<route>\S+) every (?P<interval>.+?)"
    r"(?: from (?P<start>.+?))? for (?P<duration>.+)"
)
_DRUG = re.compile(r"[a-z][a-z0-9_-]*")
GRAMMAR = "DRUG DOSE UNIT ROUTE every INTERVAL [from TIME] for TIME"


class RegimenError(BonecycleError):
    """A regimen, dose or duration that cannot be used; `messages` holds every fault found."""

    def __init__(self, messages: Iterable[str]) -> None:
        self.messages = tuple(messages)
        super().__init__(self.messages)

    def __str__(self) -> str:
        return "\n".join(self.messages)


class Route(StrEnum):
    """How a drug is given."""

    ORAL = "oral"
    IV = "iv"
    SC = "sc"


@dataclass(frozen=True)
class Treatment:
    """One drug given at a fixed dose and interval.

    Parameters
    ----------
    drug
        Lower-case name. Whether a model knows it is asked by `check_drugs`.
    dose_mg
        One dose, mg.
    route
        How it is given.
    interval_days
        Time between two doses, days.
    start_days, stop_days
        First dose and end of treatment, days; no dose is given at `stop_days`.

    Raises
    ------
    RegimenError
        With every fault of the values.
    """

    drug: str
    dose_mg: float
    route: Route
    interval_days: float
    start_days: float
    stop_days: float

    def __post_init__(self) -> None:
        faults = []
        if not _DRUG.fullmatch(self.drug) or self.drug == "untreated":
            faults.append(f"{self.drug!r} is not a drug name: write one lower-case word")
        numbers = (self.dose_mg, self.interval_days, self.start_days, self.stop_days)
        if not all(math.isfinite(number) for number in numbers):
            faults.append("dose and times must be finite numbers")
        if self.dose_mg <= 0:
            faults.append(f"the dose must be above zero, not {self.dose_mg:g} mg")
        if self.interval_days <= 0:
            faults.append(f"the interval must be above zero, not {self.interval_days:g} days")
        if self.start_days < 0:
            faults.append(f"treatment cannot start before time zero ({self.start_days:g} days)")
        if self.stop_days <= self.start_days:
            faults.append(f"treatment must last longer than zero days (stop {self.stop_days:g})")
        if not faults and self.stop_days - self.start_days > MAX_DOSES * self.interval_days:
            faults.append(f"more than {MAX_DOSES} doses: check the interval and its unit")
        if faults:
            raise RegimenError(faults)

    def dose_times(self) -> NDArray[np.float64]:
        """Return the times of all doses, days, shape `(n_doses,)`; the stop is exclusive."""
        span = (self.stop_days - self.start_days) / self.interval_days
        # The slack keeps a rounding error in the ratio from adding a dose at the stop.
        n_doses = max(1, math.ceil(span - 1e-9))
        return self.start_days + self.interval_days * np.arange(n_doses, dtype=np.float64)

    def __str__(self) -> str:
        start = f" from {_duration_text(self.start_days)}" if self.start_days else ""
        return (
            f"{self.drug} {_number_text(self.dose_mg)} mg {self.route} "
            f"every {_duration_text(self.interval_days)}{start} "
            f"for {_duration_text(self.stop_days - self.start_days)}"
        )


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
        faults = [
            f"two treatments with {first.drug} overlap: give the second a later 'from'"
            for first, second in combinations(self.treatments, 2)
            if first.drug == second.drug
            and first.start_days < second.stop_days
            and second.start_days < first.stop_days
        ]
        if faults:
            raise RegimenError(faults)

    @classmethod
    def untreated(cls) -> "Regimen":
        """Return the regimen without any treatment."""
        return cls(())

    def __str__(self) -> str:
        return "; ".join(str(treatment) for treatment in self.treatments) or "untreated"


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
    faults: list[str] = []
    for part in text.split(";"):
        try:
            treatments.append(_parse_treatment(" ".join(part.split())))
        except RegimenError as error:
            faults.extend(error.messages)
    if faults:
        raise RegimenError(faults)
    return Regimen(tuple(treatments))


def parse_duration(text: str) -> float:
    """Return a duration such as ``24 months`` in days.

    A month is 365.25 / 12 days and a year 365.25 days.

    Raises
    ------
    RegimenError
        When the text is not a number with a unit of time.
    """
    return _parse_quantity(text, "duration", _DAYS, "'24 months'")


def parse_dose(text: str) -> float:
    """Return a dose such as ``70 mg`` or ``60000 ug`` in mg.

    Raises
    ------
    RegimenError
        When the text is not a number with a unit of mass.
    """
    return _parse_quantity(text, "dose", _MILLIGRAMS, "'70 mg'")


def check_drugs(regimen: Regimen, known: Collection[str]) -> None:
    """Check that every drug of a regimen is among the known ones.

    Raises
    ------
    RegimenError
        With one message for every unknown drug.
    """
    drugs = sorted({treatment.drug for treatment in regimen.treatments})
    faults = [str(unknown("drug", drug, known)) for drug in drugs if drug not in known]
    if faults:
        raise RegimenError(faults)


def _parse_treatment(text: str) -> Treatment:
    match = _TREATMENT.fullmatch(text)
    if match is None:
        raise RegimenError([f"{text!r} is not a treatment: write {GRAMMAR}"])
    faults: list[str] = []

    def read(part: str, parse: Callable[[str], float]) -> float:
        try:
            return parse(part)
        except RegimenError as error:
            faults.extend(error.messages)
            return 1.0  # harmless, so that the other parts are still checked

    dose = read(match["dose"], parse_dose)
    interval = read(match["interval"], parse_duration)
    start = read(match["start"] or "0 days", parse_duration)
    duration = read(match["duration"], parse_duration)
    route = Route.ORAL
    if match["route"] in list(Route):
        route = Route(match["route"])
    else:
        faults.append(str(unknown("route", match["route"], list(Route))))
    try:
        treatment = Treatment(match["drug"].lower(), dose, route, interval, start, start + duration)
    except RegimenError as error:
        faults.extend(error.messages)
    if faults:
        raise RegimenError(faults)
    return treatment


def _parse_quantity(text: str, kind: str, units: dict[str, float], example: str) -> float:
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise RegimenError([f"{text.strip()!r} is not a {kind}: write {example}"])
    unit = match["unit"].lower().replace("\u00b5", "u").replace("\u03bc", "u")
    unit = _SPELLINGS.get(unit, unit)
    if unit.removesuffix("s") in units:
        unit = unit.removesuffix("s")
    if not unit:
        raise RegimenError([f"the {kind} {text.strip()!r} has no unit: write {example}"])
    if unit not in units:
        raise RegimenError([str(unknown(f"unit of {kind}", match["unit"], units))])
    return float(match["number"]) * units[unit]


def _duration_text(days: float) -> str:
    for unit in ("month", "week", "day"):
        count = round(days / _DAYS[unit])
        if 0 < count < MAX_DOSES and count * _DAYS[unit] == days:
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"{_number_text(days)} days"


def _number_text(number: float) -> str:
    text = f"{number:.15g}"
    return text if float(text) == number else repr(number)
