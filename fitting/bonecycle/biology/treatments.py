"""A treatment: one drug at one dose, by a schedule, with the doses that were missed."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from bonecycle.biology.amounts import RegimenError, dates_text, duration_text, number_text

MAX_DOSES = 100_000
# A hundred grams: a thousand times and more what these drugs are given at, so a mistaken unit.
MAX_DOSE_MG = 100_000.0
_DRUG = re.compile(r"[a-z][a-z0-9_-]*")
# Times closer than this share of an interval are one time: a ratio of times carries rounding.
_ROUNDING = 1e-9


class Route(StrEnum):
    """How a drug is given."""

    ORAL = "oral"
    IV = "iv"
    SC = "sc"


@dataclass(frozen=True)
class Every:
    """Doses at equal intervals.

    Parameters
    ----------
    interval_days
        Time between two doses, days.
    start_days, stop_days
        First dose and end of treatment, days; no dose is given at `stop_days`.

    Raises
    ------
    RegimenError
        With every fault of the values.
    """

    interval_days: float
    start_days: float
    stop_days: float

    def __post_init__(self) -> None:
        if faults := list(self._faults()):
            raise RegimenError(faults)

    def _faults(self) -> Iterator[tuple[str, str]]:
        times = {"interval": self.interval_days, "start": self.start_days, "stop": self.stop_days}
        if infinite := [name for name, time in times.items() if not math.isfinite(time)]:
            yield infinite[0], f"{', '.join(infinite)}: times must be finite numbers"
            return
        if self.interval_days <= 0:
            yield "interval", f"the interval must be above zero, not {self.interval_days:g} days"
        if self.start_days < 0:
            yield "start", f"treatment cannot start before time zero ({self.start_days:g} days)"
        lasts = self.stop_days - self.start_days
        if lasts <= 0:
            yield (
                "stop",
                f"treatment must last longer than zero days: it starts at {self.start_days:g} "
                f"and stops at {self.stop_days:g} days",
            )
        if self.interval_days > 0 and lasts > MAX_DOSES * self.interval_days:
            yield "interval", f"more than {MAX_DOSES} doses: check the interval and its unit"

    def times(self) -> NDArray[np.float64]:
        """Times of the doses, days, shape `(n_doses,)`; the stop is exclusive."""
        span = (self.stop_days - self.start_days) / self.interval_days
        n_doses = max(1, math.ceil(span - _ROUNDING))
        return self.start_days + self.interval_days * np.arange(n_doses, dtype=np.float64)

    def __str__(self) -> str:
        start = f" from {duration_text(self.start_days)}" if self.start_days else ""
        lasts = self.stop_days - self.start_days
        # The reader adds start and length: the one of three neighbours that gives the stop again.
        near = (lasts, math.nextafter(lasts, 0), math.nextafter(lasts, math.inf))
        lasts = next((days for days in near if self.start_days + days == self.stop_days), lasts)
        return f"every {duration_text(self.interval_days)}{start} for {duration_text(lasts)}"


@dataclass(frozen=True)
class At:
    """Doses at given times, days, increasing.

    Raises
    ------
    RegimenError
        With every fault of the times.
    """

    dates_days: tuple[float, ...]

    def __post_init__(self) -> None:
        dates = self.dates_days
        if not dates or not all(math.isfinite(date) for date in dates):
            raise RegimenError([("dates", "give one date or more, all of them finite")])
        faults = []
        if dates[0] < 0:
            faults.append(f"no dose can be given before time zero ({dates[0]:g} days)")
        faults += [
            f"the dates must increase: {later:g} days follows {earlier:g} days"
            for earlier, later in pairwise(dates)
            if later <= earlier
        ]
        if faults:
            raise RegimenError([("dates", fault) for fault in faults])

    @property
    def interval_days(self) -> float:
        """Shortest time between two doses, days; infinite for a single dose."""
        return min(
            (later - earlier for earlier, later in pairwise(self.dates_days)), default=np.inf
        )

    @property
    def start_days(self) -> float:
        """First dose, days."""
        return self.dates_days[0]

    @property
    def stop_days(self) -> float:
        """Last dose, days."""
        return self.dates_days[-1]

    def times(self) -> NDArray[np.float64]:
        """Times of the doses, days, shape `(n_doses,)`."""
        return np.array(self.dates_days)

    def __str__(self) -> str:
        return f"at {dates_text(self.dates_days)}"


@dataclass(frozen=True)
class Treatment:
    """One drug given at a fixed dose.

    Parameters
    ----------
    drug
        Lower-case name. Whether a model knows it is asked by `dosing.check_regimen`.
    dose_mg
        One dose, mg, above zero and up to `MAX_DOSE_MG`.
    route
        How it is given.
    schedule
        When.
    infusion_days
        Length of the infusion of one dose, days; zero for a bolus. The last infusion may outlast
        the end of the treatment.
    missed
        Numbers of the doses not taken, from 1, increasing.
    adherence
        Share of the other doses taken, each independently of the rest, above 0 and up to 1.
    seed
        Of the draw of the doses taken (NumPy's default generator).

    Raises
    ------
    RegimenError
        With every fault of the values.
    """

    drug: str
    dose_mg: float
    route: Route
    schedule: Every | At
    infusion_days: float = 0.0
    missed: tuple[int, ...] = ()
    adherence: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if faults := list(self._faults()):
            raise RegimenError(faults)

    def _faults(self) -> Iterator[tuple[str, str]]:
        if not _DRUG.fullmatch(self.drug) or self.drug == "untreated":
            yield "drug", f"{self.drug!r} is not a drug name: write one lower-case word"
        if not math.isfinite(self.dose_mg):
            yield "dose", "the dose must be a finite number"
        elif self.dose_mg <= 0:
            yield "dose", f"the dose must be above zero, not {self.dose_mg:g} mg"
        elif self.dose_mg > MAX_DOSE_MG:
            largest = f"{MAX_DOSE_MG / 1000:g} g"
            yield "dose", f"{self.dose_mg:g} mg exceed {largest} a dose: check the unit"
        yield from self._infusion_faults()
        planned = len(self.schedule.times())
        if self.missed and not 1 <= self.missed[0] <= self.missed[-1] <= planned:
            yield "missed", f"missed doses are numbered from 1 to {planned}, the last dose"
        if any(later <= earlier for earlier, later in pairwise(self.missed)):
            yield "missed", "the numbers of missed doses must increase"
        if not 0 < self.adherence <= 1:
            share = 100 * self.adherence
            yield "adherence", f"doses taken must be above 0 and up to 100 %, not {share:g} %"
        if self.seed < 0:
            yield "seed", f"the seed must be zero or above, not {self.seed}"

    def _infusion_faults(self) -> Iterator[tuple[str, str]]:
        days, interval = self.infusion_days, self.interval_days
        if not (math.isfinite(days) and days >= 0):
            yield "infusion", f"an infusion lasts zero days or longer, not {days:g} days"
        elif days > 0 and self.route is not Route.IV:
            yield "infusion", f"only iv doses can be infused, not {self.route.value}"
        elif days > interval * (1 + _ROUNDING):
            yield "infusion", f"{days:g} days of infusion exceed the interval of {interval:g} days"

    @property
    def interval_days(self) -> float:
        """Time between two doses, days: see the schedule."""
        return self.schedule.interval_days

    @property
    def start_days(self) -> float:
        """First dose, days."""
        return self.schedule.start_days

    @property
    def stop_days(self) -> float:
        """End of treatment, days."""
        return self.schedule.stop_days

    @property
    def end_days(self) -> float:
        """When another treatment with the drug may start: after stop and last infusion, days."""
        return max(self.stop_days, float(self.schedule.times()[-1]) + self.infusion_days)

    def taken(self) -> NDArray[np.intp]:
        """Places of the doses taken among the planned ones, from 0, increasing."""
        planned = len(self.schedule.times())
        taken = np.random.default_rng(self.seed).random(planned) < self.adherence
        taken[[number - 1 for number in self.missed]] = False
        return np.flatnonzero(taken)

    def dose_times(self) -> NDArray[np.float64]:
        """Times of the doses taken, days, shape `(n_taken,)`."""
        return self.schedule.times()[self.taken()]

    def __str__(self) -> str:
        over = f" over {duration_text(self.infusion_days)}" if self.infusion_days else ""
        missing = f" missing doses {_numbers_text(self.missed)}" if self.missed else ""
        taking = ""
        if self.adherence < 1 or self.seed:
            # Exact: 100 times a binary fraction would pick up rounding.
            percent = (Decimal(repr(float(self.adherence))) * 100).normalize()
            taking = f" taking {percent:f} % (seed {self.seed})"
        return (
            f"{self.drug} {number_text(self.dose_mg)} mg {self.route}{over} "
            f"{self.schedule}{missing}{taking}"
        )


def _numbers_text(numbers: tuple[int, ...]) -> str:
    """Write increasing numbers as ``3, 7-10``."""
    array = np.array(numbers)
    runs = np.split(array, np.flatnonzero(np.diff(array) != 1) + 1)
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)
