"""Cox's log hazard ratio of two arms, for many trials at once.

With one covariate that is 0 or 1 the partial likelihood needs only the numbers at risk at each
event, so Newton's method runs on all trials together. Survival libraries fit one trial at a
time; the tests compare with one. Times are continuous: ties have no place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonecycle.analysis.trials.patients import Flags, Floats, Observed

_STEPS, _LARGEST_STEP, _ENOUGH = 50, 1.0, 1e-10


@dataclass(frozen=True)
class Estimates:
    """Estimates of many trials, each (n_trials,).

    `log_ratio` and `error` (its standard error) are NaN where an arm has no event; `score` is the
    log-rank statistic, standard normal where arms do not differ.
    """

    log_ratio: Floats
    error: Floats
    score: Floats
    events_control: NDArray[np.int64]
    events_treated: NDArray[np.int64]


def cox(observed: Observed, treated: Flags) -> Estimates:
    """Estimate the log hazard ratio, treated against control, of every trial.

    Parameters
    ----------
    observed
        Times and events, (n_trials, n_patients).
    treated
        Arm of each patient, (n_patients,).
    """
    order = np.argsort(observed.time, axis=1)
    event = np.take_along_axis(observed.event & observed.entered, order, axis=1)
    entered = np.take_along_axis(observed.entered, order, axis=1)
    arm = treated[order]
    risk = _still_there(entered & arm), _still_there(entered & ~arm)
    events_treated = (event & arm).sum(axis=1)
    events_control = (event & ~arm).sum(axis=1)
    # Only events enter the likelihood: packed to the left, they are a fifth of the columns.
    most = int((events_treated + events_control).max(initial=0))
    first = np.argsort(~event, axis=1, kind="stable")[:, :most]
    treated_risk, control_risk = (np.take_along_axis(one, first, axis=1) for one in risk)
    counted = np.take_along_axis(event, first, axis=1)
    usable = (events_treated > 0) & (events_control > 0)
    log_ratio = np.zeros(len(event))
    score = np.zeros(len(event))
    for step in range(_STEPS):
        weight = np.exp(log_ratio)[:, None] * treated_risk
        share = np.where(counted, weight / np.where(counted, weight + control_risk, 1), 0.0)
        slope = events_treated - share.sum(axis=1)
        curvature = (share * (1 - share)).sum(axis=1)
        if step == 0:
            score = np.divide(
                slope, np.sqrt(curvature), out=np.zeros(len(event)), where=curvature > 0
            )
        move = np.divide(slope, curvature, out=np.zeros(len(event)), where=usable & (curvature > 0))
        move = np.clip(move, -_LARGEST_STEP, _LARGEST_STEP)
        if np.abs(move).max(initial=0) < _ENOUGH:
            break
        log_ratio = log_ratio + move
    settled = usable & (np.abs(move) < np.sqrt(_ENOUGH))
    error = np.divide(1, np.sqrt(curvature), out=np.full(len(event), np.nan), where=settled)
    return Estimates(
        np.where(settled, log_ratio, np.nan), error, score, events_control, events_treated
    )


def _still_there(members: Flags) -> Floats:
    return np.cumsum(members[:, ::-1], axis=1)[:, ::-1].astype(float)
