"""Proposals of the sampler, built on what was found about the posterior before it starts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from emcee.moves import DEMove, MHMove, Move
from scipy.special import logsumexp
from scipy.stats import multivariate_t

from bonecycle.engines.interface import Floats

# Heavier tails than a normal posterior's, so that no walker waits long to be replaced.
FREEDOM = 20
# Share of the proposals that come from the prior.
_DEFENSIVE = 0.1


@dataclass(frozen=True)
class StudentT:
    """A multivariate t.

    Attributes
    ----------
    center : ndarray, shape (n_parameters,)
    covariance : ndarray, shape (n_parameters, n_parameters)
        Its scale matrix.
    freedom : int
        Degrees of freedom.
    """

    center: Floats
    covariance: Floats
    freedom: int = FREEDOM

    def draw(self, random: np.random.RandomState | np.random.Generator, count: int) -> Floats:
        """Points, shape (count, n_parameters)."""
        stretch = np.sqrt(self.freedom / random.chisquare(self.freedom, size=(count, 1)))
        normal = random.standard_normal((count, len(self.center)))
        factor = np.linalg.cholesky(self.covariance)
        return np.asarray(self.center + stretch * (normal @ factor.T))

    def log_density(self, points: Floats) -> Floats:
        """Log density of points (n_points, n_parameters), shape (n_points,)."""
        shape = multivariate_t(self.center, self.covariance, df=self.freedom)
        return np.asarray(np.atleast_1d(shape.logpdf(points)), dtype=float)


@dataclass(frozen=True)
class IndependentProposal:
    """Propose from a guess of the posterior, sometimes from the prior, wherever a walker is.

    The log density ratio of the mixture is the Hastings factor, so the target stays invariant
    whatever the guess is; it only decides how often a proposal is taken. The prior's share is a
    defence (Hesterberg 1995, Technometrics 37:185): without it a walker in a small mode far from
    the guess, where the guess has next to no density, would never leave.

    Attributes
    ----------
    guess, prior : StudentT
    """

    guess: StudentT
    prior: StudentT

    def log_density(self, points: Floats) -> Floats:
        """Log density of the mixture at points (n_points, n_parameters), shape (n_points,)."""
        near = np.log(1 - _DEFENSIVE) + self.guess.log_density(points)
        wide = np.log(_DEFENSIVE) + self.prior.log_density(points)
        return np.asarray(logsumexp([near, wide], axis=0))

    def __call__(self, points: Floats, random: np.random.RandomState) -> tuple[Floats, Floats]:
        """Proposals for walkers at `points`, and the logs of their Hastings factors."""
        count = len(points)
        wide = random.random_sample((count, 1)) < _DEFENSIVE
        near = self.guess.draw(random, count)
        proposed = np.where(wide, self.prior.draw(random, count), near)
        return proposed, self.log_density(points) - self.log_density(proposed)


def default_moves(proposal: IndependentProposal) -> tuple[tuple[Move, float], ...]:
    """Moves of an ensemble with their weights.

    Mostly independent proposals; differential evolution, which needs no guess of the posterior,
    moves on walkers where the guess is a poor one. What was tried stands in docs/sampling.md.
    """
    return (
        (MHMove(proposal, ndim=len(proposal.guess.center)), 0.8),
        (DEMove(), 0.15),
        # A full difference carries a walker from one mode to another.
        (DEMove(gamma0=1.0), 0.05),
    )
