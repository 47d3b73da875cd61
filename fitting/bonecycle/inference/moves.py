"""Proposals of the sampler, built on what least squares found about the posterior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from emcee.moves import DEMove, MHMove, Move
from scipy.linalg import solve_triangular

from bonecycle.engines.interface import Floats

# Heavier tails than the posterior's, so that no walker waits long for a proposal to replace it.
FREEDOM = 20.0


@dataclass(frozen=True)
class IndependentT:
    """Propose from a multivariate t, wherever a walker is.

    Its log density ratio is the Hastings factor, so the target stays invariant whatever the
    center and the covariance are; they only decide how often a proposal is taken.

    Attributes
    ----------
    center : ndarray, shape (n_parameters,)
    covariance : ndarray, shape (n_parameters, n_parameters)
        Scale matrix of the t.
    freedom : float
        Degrees of freedom.
    """

    center: Floats
    covariance: Floats
    freedom: float = FREEDOM

    def draw(self, random: np.random.RandomState | np.random.Generator, count: int) -> Floats:
        """Points, shape (count, n_parameters)."""
        stretch = np.sqrt(self.freedom / random.chisquare(self.freedom, size=(count, 1)))
        normal = random.standard_normal((count, len(self.center)))
        return np.asarray(self.center + stretch * (normal @ self._factor.T))

    def log_density(self, points: Floats) -> Floats:
        """Log density of points (n_points, n_parameters) up to a constant, shape (n_points,)."""
        scaled = solve_triangular(self._factor, (points - self.center).T, lower=True)
        power = -0.5 * (self.freedom + len(self.center))
        return np.asarray(power * np.log1p(np.sum(scaled**2, axis=0) / self.freedom))

    def __call__(self, points: Floats, random: np.random.RandomState) -> tuple[Floats, Floats]:
        """Proposals for walkers at `points`, and the logs of their Hastings factors."""
        proposed = self.draw(random, len(points))
        return proposed, self.log_density(points) - self.log_density(proposed)

    @property
    def _factor(self) -> Floats:
        return np.asarray(np.linalg.cholesky(self.covariance), dtype=float)


def default_moves(proposal: IndependentT) -> tuple[tuple[Move, float], ...]:
    """Moves of an ensemble with their weights.

    Mostly independent proposals; differential evolution, which needs no guess of the posterior,
    moves on walkers where the proposal is a poor one. What was tried stands in docs/sampling.md.
    """
    return (
        (MHMove(proposal, ndim=len(proposal.center)), 0.8),
        (DEMove(), 0.15),
        # A full difference carries a walker from one mode to another.
        (DEMove(gamma0=1.0), 0.05),
    )
