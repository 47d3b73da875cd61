"""Virtual patients: latent times from piecewise constant hazards, and what a trial sees of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonecycle.analysis.trials.design import Design, Endpoint, Event, Stratum, Window

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
    strata = design.strata or (Stratum("all", 1.0, 1.0),)
    kind = _kinds(strata, treated, shape, rng)
    effect = np.array([one.effect_factor for one in strata])[kind]
    takes = treated & (rng.random(shape) < design.adherence)
    if design.effect_log_sd:
        effect = effect * np.exp(design.effect_log_sd * rng.standard_normal(shape))
    effect = np.where(takes, effect, 0.0)
    years = design.medication_months / 12

    def first(event: Event) -> Floats:
        hazard = np.array([_risk(one, event) for one in strata])[kind] * design.hazards[event]
        on, after = (
            np.array([own.get(event, usual.get(event, 1.0)) for own in of_strata])[kind]
            for usual, of_strata in (
                (design.ratio_on, [one.ratio_on for one in strata]),
                (design.ratio_after, [one.ratio_after for one in strata]),
            )
        )
        unit = rng.exponential(size=shape)
        return piecewise_times(unit, hazard * on**effect, hazard * after**effect, years)

    bone = first(Event.BONE)
    other = first(Event.NON_SKELETAL)
    death = first(Event.DEATH)
    if design.death_after_metastasis:
        wait = rng.exponential(1 / design.death_after_metastasis, shape)
        death = np.minimum(death, np.minimum(bone, other) + wait)
    entry = rng.random(shape) * design.accrual_months / 12
    return Patients(treated, bone, other, death, design.follow_up_months / 12 - entry, years)


def _risk(stratum: Stratum, event: Event) -> float:
    of_metastasis = 1.0 if event is Event.DEATH else stratum.hazard_factor
    return of_metastasis * stratum.event_factor.get(event, 1.0)


def _kinds(
    strata: tuple[Stratum, ...], treated: Flags, shape: tuple[int, int], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Stratum of each patient, by its number."""
    if len(strata) == 1:
        return np.zeros(shape, dtype=np.int64)
    which = np.empty(shape, dtype=np.int64)
    for arm, name in ((False, "share_control"), (True, "share_treated")):
        edges = np.cumsum([getattr(one, name) for one in strata])[:-1]
        members = treated == arm
        which[:, members] = np.searchsorted(edges, rng.random((shape[0], members.sum())), "right")
    return which


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
