"""Importance sampling from a few heavy-tailed clouds around known modes, in batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp
from scipy.stats import multivariate_t

from bonecycle.engines.interface import Floats

LogDensity = Callable[[Floats], Floats]
"""Log density, not normalized, of points (n, d): shape (n,)."""

# Student clouds somewhat wider than the normal approximation: weights stay bounded where the
# posterior's tails are heavier.
_DF, _WIDER = 7, 1.2
BATCH = 256


@dataclass(frozen=True)
class Cloud:
    """Centre (d,) and covariance (d, d) of a normal approximation."""

    theta: Floats
    covariance: Floats


@dataclass(frozen=True)
class Draws:
    """Points of a mixture of clouds.

    Attributes
    ----------
    theta : ndarray, shape (n, d)
    log_density : ndarray, shape (n,)
        Of the mixture.
    """

    theta: Floats
    log_density: Floats


@dataclass(frozen=True)
class Integral:
    """Log of an integral by importance sampling.

    Attributes
    ----------
    log_value : float
    error : float
        Monte Carlo standard error of `log_value`.
    effective_draws : float
        (sum of weights)^2 / sum of squared weights.
    weights : ndarray, shape (n,)
        Normalized to sum to one.
    """

    log_value: float
    error: float
    effective_draws: float
    weights: Floats


def draw(clouds: Sequence[Cloud], count: int, rng: np.random.Generator) -> Draws:
    """Draw from the mixture of the clouds, about `count` points, as many from each.

    Weighting with the density of the whole mixture is the balance heuristic (Veach and Guibas
    1995, SIGGRAPH): no point can get a large weight that one of the clouds covers.
    """
    parts = [
        multivariate_t(cloud.theta, _WIDER * cloud.covariance, df=_DF, seed=rng) for cloud in clouds
    ]
    each = -(-count // len(parts))
    theta = np.vstack([np.atleast_2d(part.rvs(each)) for part in parts])
    densities = np.array([part.logpdf(theta) for part in parts])
    return Draws(theta, np.asarray(logsumexp(densities, axis=0) - np.log(len(parts))))


def in_batches(function: LogDensity, theta: Floats) -> Floats:
    """Evaluate many points a batch at a time."""
    return np.concatenate([function(theta[i : i + BATCH]) for i in range(0, len(theta), BATCH)])


def integrate(log_values: Floats, draws: Draws) -> Integral:
    """Integrate a density, given by its logs at the draws, shape (n,)."""
    logs = log_values - draws.log_density
    total = float(logsumexp(logs))
    weights = np.exp(logs - total)
    n = len(weights)
    effective = 1 / float(np.sum(weights**2))
    error = float(np.std(n * weights, ddof=1)) / np.sqrt(n)
    return Integral(total - float(np.log(n)), error, effective, weights)


def adapted(draws: Draws, weights: Floats) -> Cloud:
    """Cloud with the weighted mean and covariance of draws."""
    mean = np.average(draws.theta, axis=0, weights=weights)
    return Cloud(mean, np.cov(draws.theta.T, aweights=weights))
