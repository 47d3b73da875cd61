"""Virtual patients: latent times from piecewise constant hazards, and what a trial sees of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonecycle.analysis.trials.design import Design, Endpoint, Event, Window

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Patients:
    """Many trials of one design, times in years from entry; arrays (n_trials, n_patients).

    `treated` is (n_patients,). Infinite times never come. `censored` is the close of the trial;
    metastases after death are not seen.
    """

    treated: Flags
    bone: Floats
    non_skeletal: Floats
    death: Floats
    censored: Floats
    medication: float


@dataclass(frozen=True)
class Observed:
    """Times from `start` on, and whether they end with the event; (n_trials, n_patients).

    `entered` marks the patients who are at risk at the start of the window.
    """

    time: Floats
    event: Flags
    entered: Flags


def draw_patients(design: Design, trials: int, rng: np.random.Generator) -> Patients:
    """Draw the patients of many trials.

    First bone and first non-skeletal metastasis are independent given the patient. Death comes
    at its own hazard, and from the first metastasis on at a further one: the earlier of two
    exponential times is exactly the sum of hazards.
    """
    size = design.control + design.treated
    treated = np.arange(size) >= design.control
    shape = (trials, size)
    factor, effect = _kinds(design, treated, shape, rng)
    takes = treated & (rng.random(shape) < design.adherence)
    if design.effect_log_sd:
        effect = effect * np.exp(design.effect_log_sd * rng.standard_normal(shape))
    effect = np.where(takes, effect, 0.0)
    years = design.medication_months / 12

    def first(event: Event, risk: Floats | float) -> Floats:
        on = design.hazards[event] * risk * design.ratio_on.get(event, 1.0) ** effect
        after = design.hazards[event] * risk * design.ratio_after.get(event, 1.0) ** effect
        return piecewise_times(rng.exponential(size=shape), on, after, years)

    bone = first(Event.BONE, factor)
    other = first(Event.NON_SKELETAL, factor)
    death = first(Event.DEATH, 1.0)
    if design.death_after_metastasis:
        wait = rng.exponential(1 / design.death_after_metastasis, shape)
        death = np.minimum(death, np.minimum(bone, other) + wait)
    entry = rng.random(shape) * design.accrual_months / 12
    return Patients(treated, bone, other, death, design.follow_up_months / 12 - entry, years)


def _kinds(
    design: Design, treated: Flags, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    if not design.strata:
        return np.ones(shape), np.ones(shape)
    which = np.empty(shape, dtype=int)
    for arm, name in ((False, "share_control"), (True, "share_treated")):
        edges = np.cumsum([getattr(one, name) for one in design.strata])[:-1]
        members = treated == arm
        which[:, members] = np.searchsorted(edges, rng.random((shape[0], members.sum())), "right")
    factor = np.array([one.hazard_factor for one in design.strata])
    effect = np.array([one.effect_factor for one in design.strata])
    return factor[which], effect[which]


def piecewise_times(unit: Floats, on: Floats, after: Floats, change: float) -> Floats:
    """Times at which the cumulated hazard reaches `unit`.

    Parameters
    ----------
    unit
        Standard exponential draws.
    on, after
        Hazard before and after `change`; the shape of `unit`.
    change
        Years.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        early = np.where(on > 0, unit / on, np.inf)
        late = np.where(after > 0, change + (unit - on * change) / after, np.inf)
    return np.where(early < change, early, late)


def observe(patients: Patients, endpoint: Endpoint, window: Window) -> Observed:
    """Return what a trial sees of an endpoint in a window."""
    times = {
        Endpoint.BONE: patients.bone,
        Endpoint.NON_SKELETAL: patients.non_skeletal,
        Endpoint.DISTANT: np.minimum(patients.bone, patients.non_skeletal),
        Endpoint.DEATH: patients.death,
    }[endpoint]
    end = patients.censored
    if endpoint is not Endpoint.DEATH:
        end = np.minimum(end, patients.death)
    start = patients.medication if window is Window.AFTER else 0.0
    if window is Window.MEDICATION:
        end = np.minimum(end, patients.medication)
    seen = np.minimum(times, end)
    return Observed(seen - start, times <= end, seen > start)
