"""Between-patient variability: from single biopsies to the median patient of each arm.

The patients of an arm differ by an effect that all surfaces and rates of a biopsy share, and every
measurement has a residual of its own; both are normal on the log scale. Model parameters touch the
biopsies through the arm's median patient only, so the likelihood of a table is a function of the
medians m of its arms,

    L(m) = integral over SDs of prior(SDs) x product over patients of `likelihood.patient_terms`,

and here it is summarized once by a normal distribution of m. At given SDs and without zeros that is
exact: a closed form, no approximation. With zeros it is a Laplace approximation. The three SDs are
estimated from all arms together (partial pooling: restricted likelihood and a prior), and their
uncertainty is integrated by six cubature points. What is left, the arm's own deviation
(population, laboratory, reader), comes on top from the error model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import minimize

from bonecycle.engines.interface import Floats
from bonecycle.errors import DataError, Fault
from bonecycle.problem.likelihood import patient_terms
from bonecycle.studies.biopsies import BiopsyArm, constants

SPREADS = ("patient_log_sd", "surface_log_sd", "size_log_sd")
"""Rows of biopsy.csv that hold the priors of the three SDs."""
_ASIDE = np.array([0.3, -0.3, 0.0])
_STEP = 0.02
_NEWTON = 60
# Log units; far below any error of a median.
_SETTLED = 1e-4


@dataclass(frozen=True, eq=False)
class ArmMedians:
    """The median patient of one arm, on the natural log scale of the observables' units.

    Attributes
    ----------
    arm : BiopsyArm
    log_medians : ndarray, shape (n_cells,)
    covariance : ndarray, shape (n_cells, n_cells)
        Of `log_medians`: finite number of patients, and uncertain SDs.
    """

    arm: BiopsyArm
    log_medians: Floats
    covariance: Floats


@dataclass(frozen=True, eq=False)
class Patients:
    """What a table of single biopsies says.

    Attributes
    ----------
    arms : tuple of ArmMedians
    log_sds, log_sd_errors : ndarray, shape (3,)
        Logs of the SDs of `SPREADS`, and their standard errors.
    """

    arms: tuple[ArmMedians, ...]
    log_sds: Floats
    log_sd_errors: Floats


def estimate(arms: Sequence[BiopsyArm]) -> Patients:
    """Estimate the median patients of all arms of a table, and the spread between patients.

    Parameters
    ----------
    arms
        Every cell has at least one value above zero.
    """
    return _estimate(tuple(arms))


@lru_cache(maxsize=16)
def _estimate(arms: tuple[BiopsyArm, ...]) -> Patients:
    """Estimate once: it takes half a second, and every mechanism and encoding asks."""
    rows = [constants()[name] for name in SPREADS]
    centers = np.log([row.value for row in rows])
    sds = np.array([row.prior_sd for row in rows], dtype=float)
    starts = [_start(arm) for arm in arms]

    def cost(log_sds: Floats) -> float:
        total = 0.5 * float(np.sum(((log_sds - centers) / sds) ** 2))
        for i, arm in enumerate(arms):
            # From the last point: neighbouring SDs have neighbouring medians.
            starts[i], curvature, value, _ = _medians(arm, log_sds, starts[i])
            # Restricted likelihood: the medians are integrated out with a flat prior.
            total += 0.5 * float(np.linalg.slogdet(curvature)[1]) - value
        return total

    bounds = [(c - 4 * s, c + 4 * s) for c, s in zip(centers, sds, strict=True)]
    # Not from the centre: with one surface the first two SDs may change places, and it is a saddle.
    start = centers + _ASIDE * sds
    best = np.asarray(minimize(cost, start, method="L-BFGS-B", bounds=bounds).x, dtype=float)
    covariance = _covariance(_hessian(cost, best), sds)
    # Points at root 3 of an SD: means and covariances to third order.
    root = np.sqrt(len(SPREADS)) * np.linalg.cholesky(covariance)
    points = [best + sign * root[:, i] for sign in (1, -1) for i in range(len(SPREADS))]
    found = []
    for arm, start in zip(arms, starts, strict=True):
        parts = [_medians(arm, point, start) for point in points]
        # Probes of the search far away may fail to settle; what is handed on may not.
        last = max(part[3] for part in parts)
        if not last < _SETTLED:
            message = f"its medians were not found: the last of {_NEWTON} steps was {last:.2g}"
            raise DataError([Fault(arm.name, 0, "", message, "check its values and limits")])
        medians = np.array([part[0] for part in parts])
        within = np.mean([np.linalg.inv(part[1]) for part in parts], axis=0)
        spread = medians - medians.mean(axis=0)
        covariance_of_medians = within + spread.T @ spread / len(points)
        found.append(ArmMedians(arm, medians.mean(axis=0), covariance_of_medians))
    return Patients(tuple(found), best, np.sqrt(np.diag(covariance)))


def log_likelihood(arm: BiopsyArm, log_medians: Floats, log_sds: Floats) -> float:
    """Log-likelihood of the biopsies of one arm at given medians (n_cells,) and SDs (3,)."""
    return float(patient_terms(log_medians, *_arguments(arm, log_sds))[0].sum())


def _arguments(arm: BiopsyArm, log_sds: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    shared, surface, size = np.exp(log_sds)
    turnover = arm.with_turnover
    seen = arm.values > 0
    logs = np.log(np.where(seen, arm.values, 1.0))
    return (
        np.where(seen, logs, np.nan),
        np.log(arm.limits),
        np.where(turnover, shared, 0.0),
        np.where(turnover, surface, size),
    )


def _start(arm: BiopsyArm) -> Floats:
    """Mean logs, with values below a limit at half of it."""
    values = np.where(arm.values > 0, arm.values, 0.5 * arm.limits)
    return np.asarray(np.nanmean(np.log(values), axis=0), dtype=float)


def _medians(arm: BiopsyArm, log_sds: Floats, start: Floats) -> tuple[Floats, Floats, float, float]:
    """Most likely medians at given SDs, curvature, log-likelihood, and the last step there."""
    arguments = _arguments(arm, log_sds)
    medians = start
    for _ in range(_NEWTON):
        terms, slopes, curvature = patient_terms(medians, *arguments)
        step = np.linalg.solve(curvature, slopes)
        # A cell of few values and many zeros is far from normal: no step above one log unit.
        medians = medians + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-9:
            break
    return medians, curvature, float(terms.sum()), float(np.abs(step).max())


def _covariance(hessian: Floats, sds: Floats) -> Floats:
    """Inverse of second derivatives in which no direction is wider than the prior, (n, n)."""
    values, vectors = np.linalg.eigh(hessian * sds[:, None] * sds)
    inverse = (vectors / np.maximum(values, 1.0)) @ vectors.T
    return np.asarray(inverse * sds[:, None] * sds)


def _hessian(cost: object, point: Floats) -> Floats:
    """Second derivatives by central differences, (n, n)."""
    assert callable(cost)
    n = len(point)
    steps = _STEP * np.eye(n)
    result = np.empty((n, n))
    middle = cost(point)
    for i in range(n):
        result[i, i] = (cost(point + steps[i]) - 2 * middle + cost(point - steps[i])) / _STEP**2
        for j in range(i):
            corners = [cost(point + a * steps[i] + b * steps[j]) * a * b
                       for a in (1, -1) for b in (1, -1)]  # fmt: skip
            result[i, j] = result[j, i] = sum(corners) / (4 * _STEP**2)
    return result
