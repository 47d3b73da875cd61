"""The posterior of a problem as a function of a batch, and its normal approximation at a mode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonecycle.engines.interface import Floats
from bonecycle.inference.fitting.least_squares import Start, search
from bonecycle.problem.problem import Problem, ProblemSpec, load_problem

# Step of the differences of the gradient, in prior SDs. The gradient is exact, so the step may be
# small; at a thousandth the curvature is symmetric to 1e-5.
_STEP = 1e-3


@dataclass(frozen=True)
class Posterior:
    """Log posterior density, up to the evidence, as plain values that travel to processes.

    Attributes
    ----------
    spec : ProblemSpec
        The problem.
    values, sides : tuple of float, optional
        Other observations, see `Problem.with_values`; None for those of the studies.
    """

    spec: ProblemSpec
    values: tuple[float, ...] | None = None
    sides: tuple[float, ...] | None = None

    @property
    def problem(self) -> Problem:
        """The problem with these observations."""
        problem = load_problem(self.spec)
        if self.values is None:
            return problem
        sides = None if self.sides is None else np.array(self.sides)
        return problem.with_values(np.array(self.values), sides)

    def __call__(self, theta: Floats) -> Floats:
        """Log density of points (n, n_parameters), shape (n,); minus infinity where one fails."""
        return self.problem.evaluate(theta).log_posterior


@dataclass(frozen=True)
class Laplace:
    """Normal approximation of a posterior at its mode.

    Attributes
    ----------
    theta : ndarray, shape (n_parameters,)
        The mode.
    covariance : ndarray, shape (n_parameters, n_parameters)
        Inverse of the exact curvature; of the curvature without the bend of the predictions where
        the exact one is not positive definite.
    log_evidence : float
        Log marginal likelihood; NaN where the exact curvature is not positive definite.
    cost : float
        Squared residuals at the mode, priors included.
    """

    theta: Floats
    covariance: Floats
    log_evidence: float
    cost: float


def laplace(problem: Problem, points: list[Floats]) -> Laplace:
    """Search from every point and approximate the posterior at the best mode found.

    The evidence is ``p(y, mode) (2 pi)^(d/2) det(curvature)^(-1/2)``: exact for a normal posterior
    (Tierney and Kadane 1986, J Am Stat Assoc 81:82). The curvature is that of the posterior
    itself, from differences of the exact gradient: without the bend of the predictions the log
    evidence of the shipped problem is wrong by up to one.

    Parameters
    ----------
    problem : Problem
    points : list of ndarray, shape (n_parameters,)
        On the scales of the priors.
    """
    starts = [search(problem, problem.space.standardized(point[None])[0]) for point in points]
    return at_mode(problem, min(starts, key=lambda start: start.cost))


def at_mode(problem: Problem, start: Start) -> Laplace:
    """Approximate the posterior where a search has ended."""
    theta, sds = start.theta, problem.space.sds
    curvature = curvature_at(problem, theta)
    failed = Laplace(theta, start.covariance, float("nan"), start.cost)
    if not np.isfinite(curvature).all() or np.linalg.eigvalsh(curvature)[0] <= 0:
        return failed
    covariance = np.linalg.inv(curvature) * sds[:, None] * sds
    density = float(problem.evaluate(theta[None]).log_posterior[0])
    volume = 0.5 * float(np.linalg.slogdet(2 * np.pi * covariance)[1])
    return Laplace(theta, covariance, density + volume, start.cost)


def curvature_at(problem: Problem, theta: Floats) -> Floats:
    """Second derivatives of minus the log posterior in prior SDs, (n_parameters, n_parameters).

    NaN where a neighbour cannot be simulated.
    """
    sds = problem.space.sds

    def gradient(point: Floats) -> Floats:
        residuals = problem.evaluate(point[None]).residuals[0, problem.fitted]
        slopes = problem.residual_slopes(point)[problem.fitted] * sds
        return np.asarray(slopes.T @ residuals + problem.space.standardized(point[None])[0])

    here = gradient(theta)
    steps = _STEP * np.diag(sds)
    rows = np.array([gradient(theta + step) - here for step in steps]) / _STEP
    return np.asarray((rows + rows.T) / 2)
