"""A guess of the posterior by importance sampling, from which the chains propose.

The covariance at the mode is that of a normal posterior. Weighted draws know its skewness: the
guess gets their mean and covariance (population Monte Carlo: Cappe et al. 2004, J. Comput.
Graph. Stat. 13:907). It is fixed before the chains start, so these stay exact whatever it is.
"""

from __future__ import annotations

from concurrent.futures import Executor

import numpy as np

from bonecycle.engines.interface import Floats
from bonecycle.inference.sampling.clouds import Cloud, LogDensity, adapted, draw, integrate
from bonecycle.inference.sampling.moves import StudentT
from bonecycle.tasks import run_all

ROUNDS, POINTS = 2, 2048
"""Rounds, and draws of each."""
# What one task evaluates.
_TASKS = 8
# With fewer effective draws for each parameter a covariance would be worse than the one at hand.
_EFFECTIVE_PER_PARAMETER = 10


def fitted_guess(
    density: LogDensity, cloud: Cloud, *, seed: int, executor: Executor | None = None
) -> StudentT:
    """Return a t with about the mean and the covariance of a density.

    Parameters
    ----------
    density : callable
        It is pickled for worker processes.
    cloud : Cloud
        A first guess: the mode and the covariance there.
    seed : int
        Of the draws; the result does not depend on the executor.
    executor : Executor, optional
        Where the density is evaluated; None for this process.

    Returns
    -------
    StudentT
        After two rounds, or the last one whose weights were even enough to trust.
    """
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    for _ in range(ROUNDS):
        draws = draw([cloud], POINTS, rng)
        tasks = [(density, part) for part in np.array_split(draws.theta, _TASKS)]
        logs = np.concatenate(run_all(tasks, _evaluate, seed=seed, executor=executor))
        integral = integrate(logs, draws)
        if integral.effective_draws < _EFFECTIVE_PER_PARAMETER * len(cloud.theta):
            break
        cloud = adapted(draws, integral.weights)
    return StudentT(cloud.theta, cloud.covariance)


def _evaluate(task: tuple[LogDensity, Floats], _seed: np.random.SeedSequence) -> Floats:
    density, points = task
    return density(points)
