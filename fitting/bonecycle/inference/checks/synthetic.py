"""Synthetic observations of a problem at a known point, drawn from its own error model."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from bonecycle.engines.interface import Floats
from bonecycle.errors import SimulationError
from bonecycle.problem.likelihood import SMALLEST
from bonecycle.problem.problem import Problem

_TRIES = 200


def synthetic_data(
    problem: Problem, theta: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Observations that the problem's likelihood would generate at one point.

    Numbers get the errors of the error model, correlated within an arm. A limit, a direction or
    "not strongly decreased" is made with the probability that its probit gives it; otherwise the
    opposite is stated about the same threshold.

    Returns
    -------
    values, sides : ndarray, shape (n_targets,)
        For `Problem.with_values`.

    Raises
    ------
    SimulationError
        When the point cannot be simulated.
    """
    evaluation = problem.evaluate(theta[None])
    if not evaluation.ok[0]:
        names = dict(zip(problem.space.names, map(float, theta), strict=True))
        raise SimulationError("cycle", "synthetic data", names, evaluation.messages[0])
    logs = np.log(np.maximum(evaluation.predictions[0], SMALLEST))
    noisy = np.exp(logs + problem.error_factor @ rng.standard_normal(len(logs)))
    values, sides = problem.values, problem.sides
    z = sides * (logs - np.log(values)) / np.diag(problem.error_factor)
    holds = rng.uniform(size=len(z)) < ndtr(np.nan_to_num(z))
    numbers = sides == 0
    drawn = np.where(numbers & ~np.isnan(values), noisy, values)
    return drawn, np.where(numbers | holds, sides, -sides)


def draw_point(
    problem: Problem, theta: Floats, covariance: Floats, rng: np.random.Generator
) -> Floats:
    """A point of a normal approximation that can be simulated, shape (n_parameters,).

    Raises
    ------
    SimulationError
        When none of many can.
    """
    for _ in range(_TRIES):
        point = rng.multivariate_normal(theta, covariance)
        if problem.evaluate(point[None]).ok[0]:
            return np.asarray(point)
    names = dict(zip(problem.space.names, map(float, theta), strict=True))
    remedy = f"none of {_TRIES} points around the mode can be simulated; refit the mechanism"
    raise SimulationError("cycle", "all arms", names, remedy)
