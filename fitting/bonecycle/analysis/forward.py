"""Batches of parameter values forwarded through any regimen by the kernel engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from bonecycle.analysis.draws import parameters_with_prior, rows_of
from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing, is_averaged, with_regimen
from bonecycle.biology.regimens import Regimen
from bonecycle.engines.choice import EngineName, make_engine
from bonecycle.engines.interface import Engine, Floats

# Averaged doses are kept while they move no output by more than this share of its value.
AVERAGED_WITHIN = 0.02
_CHECKED = 4
_BATCH = 256
# A visit on the day of a dose comes before it.
_BEFORE_DOSE_DAYS = 1e-3


@dataclass(frozen=True)
class Courses:
    """Outputs of a batch over time.

    Attributes
    ----------
    outputs : tuple of str
    values : ndarray, shape (n_sets, n_times, n_outputs)
        In their own units; NaN for a set that failed.
    start : ndarray, shape (n_sets, n_outputs)
        Before treatment.
    ok : ndarray of bool, shape (n_sets,)
    messages : tuple of str
        Why sets failed, without the empty ones.
    """

    outputs: tuple[str, ...]
    values: Floats
    start: Floats
    ok: NDArray[np.bool_]
    messages: tuple[str, ...]

    @property
    def ratios(self) -> Floats:
        """Values over those before treatment, (n_sets, n_times, n_outputs)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.values / self.start[:, None])


@dataclass(frozen=True)
class DosingChoice:
    """How doses reach the model, and in words why."""

    dosing: Dosing
    reason: str


def forward(
    values: Mapping[str, Floats],
    regimen: Regimen,
    days: Sequence[float],
    outputs: Sequence[str],
    dosing: Dosing = Dosing.AVERAGED,
    progress: Callable[[int], object] | None = None,
) -> Courses:
    """Simulate a regimen for a batch of parameter values.

    Parameters
    ----------
    values : mapping of str to ndarray, shape (n_sets,)
        Natural values of all parameters with a prior, as `Draws.values` gives them for the drugs
        of the regimen.
    regimen : Regimen
    days : sequence of float
        Increasing times, days since the start. What is read on the day of a dose is read before
        it.
    outputs : sequence of str
        Observables.
    dosing : Dosing
    progress : callable, optional
        Called with the number of sets done since the last call.

    Returns
    -------
    Courses
    """
    engine = _engine(regimen, dosing)
    names = engine.parameters
    sets = np.column_stack([values[name] for name in names])
    visits = np.array([before_dose(regimen, day) for day in days])
    times = np.unique(np.concatenate([[0.0], visits]))
    places = np.searchsorted(times, visits)
    columns = [engine.outputs.index(name) for name in outputs]
    parts, ok, messages = [], [], []
    for first in range(0, len(sets), _BATCH):
        batch = engine.simulate(sets[first : first + _BATCH], times.tolist())
        parts.append(batch.values[:, :, columns])
        ok.append(batch.ok)
        messages += [message for message in batch.messages if message]
        if progress is not None:
            progress(len(batch.ok))
    found = np.concatenate(parts)
    return Courses(
        tuple(outputs), found[:, places], found[:, 0], np.concatenate(ok), tuple(messages)
    )


def choose_dosing(
    values: Mapping[str, Floats], regimen: Regimen, days: Sequence[float], outputs: Sequence[str]
) -> DosingChoice:
    """Time averages, as in a fit, where they change nothing that matters; else every dose.

    The first four sets are simulated both ways, and the largest difference of an output over its
    value with every dose decides.
    """
    averaged = [t.drug for t in regimen.treatments if is_averaged(t, Dosing.AVERAGED)]
    if not averaged:
        return DosingChoice(Dosing.EVENTS, "every dose is given one by one")
    few = rows_of(values, slice(_CHECKED))
    one, other = (
        forward(few, regimen, days, outputs, dosing).values
        for dosing in (Dosing.AVERAGED, Dosing.EVENTS)
    )
    both = np.isfinite(one) & np.isfinite(other) & (other != 0)
    gaps = np.abs(one[both] / other[both] - 1)
    largest = float(gaps.max()) if gaps.size else np.inf
    drugs = ", ".join(dict.fromkeys(averaged))
    if largest <= AVERAGED_WITHIN:
        reason = (
            f"{drugs} as its time average; every dose one by one moves the outputs by up to "
            f"{100 * largest:.2g} % ({len(few[next(iter(few))])} draws)"
        )
        return DosingChoice(Dosing.AVERAGED, reason)
    reason = (
        f"every dose is given one by one: the time average of {drugs} moves an output by up to "
        f"{100 * largest:.2g} %, more than {100 * AVERAGED_WITHIN:g} %"
    )
    return DosingChoice(Dosing.EVENTS, reason)


def before_dose(regimen: Regimen, day: float) -> float:
    """The time, or a moment earlier when a dose is given then."""
    if day > 0 and any(
        (np.abs(treatment.dose_times() - day) < _BEFORE_DOSE_DAYS).any()
        for treatment in regimen.treatments
    ):
        return day - _BEFORE_DOSE_DAYS
    return day


@lru_cache(maxsize=32)
def _engine(regimen: Regimen, dosing: Dosing) -> Engine:
    """Engine of a regimen; parameters and outputs are the same for all, which share the code."""
    names = tuple(p.id for p in parameters_with_prior(regimen.drugs))
    model = with_regimen(compose("cycle", regimen.drugs), regimen, dosing)
    outputs = tuple(catalogue.observables())
    engine, _ = make_engine(EngineName.KERNEL, model.sbml, names, outputs, model.name, str(regimen))
    return engine
