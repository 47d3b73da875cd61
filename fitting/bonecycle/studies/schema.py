"""One row of a study table, checked at construction, and the study it belongs to."""

import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from bonecycle.biology.regimens import DAYS_PER_MONTH, Regimen
from bonecycle.errors import DataError, Fault
from bonecycle.studies.biopsies import BiopsyArm


class Role(StrEnum):
    """What a row is used for."""

    FITTED = "fitted"
    VALIDATION = "validation"
    CONTEXT = "context"


class Comparison(StrEnum):
    """How a prediction is compared with the row."""

    EQUAL = "equal"
    BELOW = "below"
    ABOVE = "above"
    DECREASED = "decreased"
    INCREASED = "increased"
    UNCHANGED = "unchanged"
    NOT_STRONGLY_DECREASED = "not_strongly_decreased"


class Unit(StrEnum):
    """Unit of a value as published; `NONE` for a direction without a number."""

    PERCENT = "%"
    PERCENT_CHANGE = "% change"
    FRACTION = "fraction"
    FOLD = "fold"
    MICROMETRE = "um"
    MICROMETRE_PER_DAY = "um/d"
    MICROMETRE_PER_YEAR = "um/yr"
    CELLS_PER_MILLIMETRE = "cells/mm"
    PER_YEAR = "1/yr"
    DAY = "d"
    MONTH = "months"
    COUNT = "count"
    ONE = "1"
    NONE = ""


class Reference(StrEnum):
    """What a ratio or direction is taken against; `NONE` for an absolute value."""

    BASELINE = "baseline"
    PLACEBO = "placebo"
    NONE = "none"


class Kind(StrEnum):
    """Whether the target is a value in its unit or a ratio to the reference."""

    ABSOLUTE = "absolute"
    RATIO = "ratio"


NUMERIC = frozenset({Comparison.EQUAL, Comparison.BELOW, Comparison.ABOVE})

_RATIO_RANGE = {
    Unit.PERCENT_CHANGE: (-100.0, math.inf),
    Unit.FRACTION: (0.0, math.inf),
    Unit.FOLD: (0.0, math.inf),
}
_ABSOLUTE_RANGE = {
    Unit.PERCENT: (0.0, 100.0),
    Unit.FRACTION: (0.0, 1.0),
    Unit.MICROMETRE: (-math.inf, math.inf),
    Unit.MICROMETRE_PER_DAY: (0.0, math.inf),
    Unit.MICROMETRE_PER_YEAR: (0.0, math.inf),
    Unit.CELLS_PER_MILLIMETRE: (0.0, math.inf),
    Unit.PER_YEAR: (0.0, math.inf),
    Unit.DAY: (0.0, math.inf),
    Unit.MONTH: (0.0, math.inf),
    Unit.COUNT: (0.0, math.inf),
    Unit.ONE: (0.0, math.inf),
}


@dataclass(frozen=True)
class Observation:
    """One row of a study table.

    Parameters
    ----------
    file, row
        Where it stands; the header is row 1.
    study, doi, pmid
        Citation; DOI and PubMed number may be empty.
    arm
        Name of the arm, unique within the file.
    regimen
        What the arm was given; None only in a context row.
    role
        What the row is used for.
    site
        Where it was measured, as published.
    time_months
        Time since the start of the regimen, months of 365.25 / 12 days.
    variable
        Code name of the observable; free text in a context row.
    comparison
        How a prediction is compared with the row.
    value, unit
        As published; no value and no unit for a direction.
    reference
        What a ratio or direction is taken against.
    lower, upper, interval
        Limits in `unit`, or None, and what they are.
    n
        Number of people or biopsies, as published.
    source_place, note
        Place in the source, and what a reader must know.
    sampling_log_sd
        Standard error of a number on the natural log scale, from the spread between patients and
        their number; zero where the table does not give them. The error model comes on top.
    trial, trial_source
        Name of the trial that the study reports, where another study reports it too, and what says
        so; empty otherwise.

    Raises
    ------
    DataError
        With every fault of the row.
    """

    file: str
    row: int
    study: str
    doi: str
    pmid: str
    arm: str
    regimen: Regimen | None
    role: Role
    site: str
    time_months: float
    variable: str
    comparison: Comparison
    value: float | None
    unit: Unit
    reference: Reference
    lower: float | None
    upper: float | None
    interval: str
    n: str
    source_place: str
    note: str
    sampling_log_sd: float = 0.0
    trial: str = ""
    trial_source: str = ""

    def __post_init__(self) -> None:
        checks = (_text_faults, _number_faults, _unit_faults, _limit_faults)
        faults = [
            Fault(self.file, self.row, column, message, remedy)
            for check in checks
            for column, message, remedy in check(self)
        ]
        if faults:
            raise DataError(faults)

    @property
    def time_days(self) -> float:
        """Time since the start of the regimen, days."""
        return self.time_months * DAYS_PER_MONTH

    @property
    def kind(self) -> Kind:
        """Ratio when a reference is named, else absolute."""
        return Kind.ABSOLUTE if self.reference is Reference.NONE else Kind.RATIO

    @property
    def target(self) -> float | None:
        """Published value as a ratio, or in `unit` when absolute; None for a direction."""
        return self._converted(self.value)

    @property
    def target_lower(self) -> float | None:
        """Lower limit on the scale of `target`, or None."""
        return self._converted(self.lower)

    @property
    def target_upper(self) -> float | None:
        """Upper limit on the scale of `target`, or None."""
        return self._converted(self.upper)

    @property
    def log_target(self) -> float | None:
        """Natural logarithm of `target`; None for a direction or when it is not positive."""
        target = self.target
        return None if target is None or target <= 0 else math.log(target)

    def _converted(self, number: float | None) -> float | None:
        if number is None or self.unit is not Unit.PERCENT_CHANGE:
            return number
        return 1 + number / 100


@dataclass(frozen=True)
class Arm:
    """The rows of one arm that a model can be asked for, and its regimen."""

    study: str
    name: str
    regimen: Regimen
    observations: tuple[Observation, ...]


@dataclass(frozen=True)
class Study:
    """One published study or one table of a user.

    `name` is the name of the file without ``.csv``; the error model refers to it. `biopsies` are
    the single biopsies of a per-biopsy table, one entry an arm; `notices` say how a user's table
    was understood.
    """

    name: str
    citation: str
    doi: str
    pmid: str
    observations: tuple[Observation, ...]
    biopsies: tuple[BiopsyArm, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def trial(self) -> str:
        """Trial that the study reports; its own name where no other study reports it.

        Studies of one trial are left out together, and rows of one arm share its error whichever
        of them reports it.
        """
        return self.observations[0].trial or self.name

    def arms(self, roles: Collection[Role] = (Role.FITTED,)) -> tuple[Arm, ...]:
        """Return the arms with their rows of the given roles; arms without any are left out."""
        chosen: dict[str, list[Observation]] = {}
        regimens: dict[str, Regimen] = {}
        for row in self.observations:
            if row.role in roles and row.regimen is not None:
                chosen.setdefault(row.arm, []).append(row)
                regimens[row.arm] = row.regimen
        return tuple(
            Arm(self.name, name, regimens[name], tuple(rows)) for name, rows in chosen.items()
        )


_Finding = tuple[str, str, str]


def _text_faults(row: Observation) -> Iterator[_Finding]:
    for column in ("study", "arm", "variable", "source_place"):
        if not getattr(row, column):
            yield column, "is empty", "every row names its study, arm, variable and source"
    if row.regimen is None and row.role is not Role.CONTEXT:
        yield "regimen", "is empty", "write 'untreated' or the treatment of the arm"
    if bool(row.trial) != bool(row.trial_source):
        remedy = "name the trial and what says that the study reports it, or leave both empty"
        yield ("trial_source" if row.trial else "trial"), "is empty", remedy
    if row.role is Role.CONTEXT and not row.note:
        yield "note", "is empty", "say why the row is context and is not predicted"


def _number_faults(row: Observation) -> Iterator[_Finding]:
    numbers = {
        "time_months": row.time_months,
        "value": row.value,
        "lower": row.lower,
        "upper": row.upper,
    }
    for column, number in numbers.items():
        if number is not None and not math.isfinite(number):
            yield column, f"{number} is not finite", "leave the cell empty or write a number"
    if row.time_months < 0:
        message = f"{row.time_months:g} is before the start of the regimen"
        yield "time_months", message, "write months since the start"
    if row.comparison in NUMERIC and row.value is None:
        yield "value", f"is empty but the comparison is {row.comparison}", "write the number"
    if row.comparison not in NUMERIC and row.value is not None:
        message = f"{row.value:g} stands beside the direction {row.comparison}"
        yield "value", message, "empty the cell, or compare with equal, below or above"


def _unit_faults(row: Observation) -> Iterator[_Finding]:
    absolute = row.kind is Kind.ABSOLUTE
    if row.value is None:
        if row.unit is not Unit.NONE:
            yield "unit", f"{row.unit} stands beside no value", "empty the cell"
        if absolute:
            yield "reference", "a direction needs a reference", "write baseline or placebo"
        return
    ranges = _ABSOLUTE_RANGE if absolute else _RATIO_RANGE
    if row.unit not in ranges:
        message = f"{row.unit.value!r} does not go with reference {row.reference}"
        yield "unit", message, f"write one of: {', '.join(ranges)}"
        return
    low, high = ranges[row.unit]
    for column, number in (("value", row.value), ("lower", row.lower), ("upper", row.upper)):
        if number is not None and not low <= number <= high:
            message = f"{number:g} {row.unit} is outside {low:g} to {high:g}"
            yield column, message, "check the number and its unit"
    predicted = row.role is not Role.CONTEXT
    if predicted and low <= row.value <= high and row.log_target is None:
        message = "is zero or negative and has no logarithm"
        yield "value", message, "write the limit of detection with below, or a context row"


def _limit_faults(row: Observation) -> Iterator[_Finding]:
    if row.value is None and (row.lower is not None or row.upper is not None):
        yield "lower", "limits stand beside no value", "empty lower and upper"
    if row.lower is not None and row.upper is not None and row.lower > row.upper:
        yield "lower", f"{row.lower:g} is above upper {row.upper:g}", "exchange the two"
