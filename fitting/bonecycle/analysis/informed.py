"""Where a prediction stands on data: rules that read the fitted rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bonecycle.biology import catalogue
from bonecycle.biology.amounts import DAYS_PER_MONTH
from bonecycle.biology.dosing import AVERAGED_UP_TO_DAYS
from bonecycle.biology.regimens import Regimen
from bonecycle.biology.treatments import Every, Treatment
from bonecycle.problem.targets import Target
from bonecycle.studies.schema import Comparison

_DIRECTIONS = (Comparison.DECREASED, Comparison.INCREASED)
_TOLERANCE_DAYS = 1.0
_SAME_DOSE = 0.01


@dataclass(frozen=True)
class _Given:
    """What was given of one drug up to a day."""

    drug: str
    lasts: float  # days from the first dose to the day or the end of treatment
    since: float  # days since the last dose taken
    rates: tuple[float, ...]  # mg a day while treated, of regular doses
    missed: bool


def reasons(targets: Sequence[Target], regimen: Regimen, quantity: str, day: float) -> list[str]:
    """Why a predicted value is not informed by data; empty where it is.

    Every rule holds the value against the fitted rows with a number or a limit (rows with a
    direction alone inform a sign and no size):

    - no such row of the quantity;
    - no such row under the drug, or none of its kind (biopsy or serum marker);
    - longer treatment than in any such row of the drug and of that kind;
    - longer after the last dose taken than in any row of the drug (and than 31 days, up to which
      doses may act as their average);
    - a dose per day outside those of the rows of the drug;
    - missed doses, when no row has any;
    - several drugs one after another, when no row has these.

    Parameters
    ----------
    targets : sequence of Target
        Rows of a problem.
    regimen : Regimen
        What is predicted.
    quantity : str
        Observable.
    day : float
        Days since the start of the regimen.

    Returns
    -------
    list of str
        Plain words, one a rule.
    """
    rows = [t for t in targets if t.fitted and t.observation.comparison not in _DIRECTIONS]
    found: list[str] = []
    symbol = catalogue.observables()[quantity].symbol
    if not any(t.observation.variable == quantity for t in rows):
        words = any(t.fitted and t.observation.variable == quantity for t in targets)
        found.append(f"{symbol}: only a direction is fitted" if words else f"no row of {symbol}")
    given = _given(regimen, day)
    for own in given:
        found += _drug_reasons(own, rows, _kind(quantity))
    drugs = {own.drug for own in given}
    met = [{own.drug for own in _given(t.regimen, t.time_days)} for t in rows]
    if len(drugs) > 1 and not any(drugs <= others for others in met):
        found.append(f"no row under {' and '.join(sorted(drugs))} one after another")
    return found


def _drug_reasons(own: _Given, rows: Sequence[Target], kind: str) -> Iterator[str]:
    """Rules on one drug."""
    under = [
        (other, _kind(t.observation.variable))
        for t in rows
        for other in _given(t.regimen, t.time_days)
        if other.drug == own.drug
    ]
    if not under:
        yield f"no row under {own.drug}"
        return
    alike = [other for other, of_kind in under if of_kind == kind]
    if not alike:
        yield f"no {kind} under {own.drug}"
    else:
        longest = max(other.lasts for other in alike)
        if own.lasts > longest + _TOLERANCE_DAYS:
            yield f"longer than {_time(longest)} of {own.drug}, the longest {kind}"
    farthest = max(AVERAGED_UP_TO_DAYS, *(other.since for other, _ in under))
    if own.since > farthest + _TOLERANCE_DAYS:
        yield f"more than {_time(farthest)} after a dose of {own.drug}"
    rates = [rate for other, _ in under for rate in other.rates]
    if rates and any(
        not (1 - _SAME_DOSE) * min(rates) <= rate <= (1 + _SAME_DOSE) * max(rates)
        for rate in own.rates
    ):
        yield f"a dose of {own.drug} outside {min(rates):.3g} to {max(rates):.3g} mg/d"
    if own.missed and not any(other.missed for other, _ in under):
        yield f"missed doses of {own.drug}"


@lru_cache(maxsize=4096)
def _given(regimen: Regimen, day: float) -> tuple[_Given, ...]:
    """What was given before a day, by drug."""
    by_drug: dict[str, list[Treatment]] = {}
    for treatment in regimen.treatments:
        if treatment.start_days < day:
            by_drug.setdefault(treatment.drug, []).append(treatment)
    found = []
    for drug, treatments in by_drug.items():
        taken = np.concatenate([treatment.dose_times() for treatment in treatments])
        planned = np.concatenate([treatment.schedule.times() for treatment in treatments])
        taken, planned = taken[taken < day], planned[planned < day]
        if not len(taken):
            continue
        ends = max(t.stop_days + t.interval_days * (not _is_every(t)) for t in treatments)
        found.append(
            _Given(
                drug=drug,
                lasts=min(day, ends) - float(taken.min()),
                since=day - float(taken.max()),
                rates=tuple(t.dose_mg / t.interval_days for t in treatments if _is_every(t)),
                missed=len(taken) < len(planned),
            )
        )
    return tuple(found)


def _is_every(treatment: Treatment) -> bool:
    return isinstance(treatment.schedule, Every)


def _kind(variable: str) -> str:
    return "serum marker" if catalogue.observables()[variable].kind == "marker" else "biopsy"


def _time(days: float) -> str:
    return (
        f"{days:.3g} days" if days < 2 * DAYS_PER_MONTH else f"{days / DAYS_PER_MONTH:.3g} months"
    )
