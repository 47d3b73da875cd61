"""Marginal likelihood of a mechanism: importance sampling, and nested sampling with dynesty."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from dynesty import NestedSampler
from scipy.special import stdtrit
from scipy.stats import t as student

from bonecycle.engines.interface import Floats
from bonecycle.inference.comparison.lanes import Lanes, OneByOne
from bonecycle.inference.sampling.clouds import (
    Cloud,
    Integral,
    LogDensity,
    adapted,
    draw,
    in_batches,
    integrate,
)
from bonecycle.manifest import content_hash

LIVE_POINTS = 500
WHOLE_PRIOR_POINTS = 100
"""Live points over the whole prior: a check, where as many as above would take ten minutes.

For H1 and all studies a run takes 92 000 evaluations (110 s), with an error of 0.45.
"""
IMPORTANCE_DRAWS = 4096
# Walks in step: a batch of 32 costs a set about a fourth of what one alone does, and few of 500
# live points are proposed before the bound has moved on.
_LANES = 32
# Log evidence that the points left at the end, which are added, could still bring.
_DLOGZ = 0.1
_CHECKPOINT_SECONDS = 30.0


@dataclass(frozen=True)
class Base:
    """Density in whose cube nested sampling runs: products of Student densities along axes.

    Evidence is the integral of likelihood times prior, whatever is called prior: with
    ``likelihood x prior / base`` as the likelihood and `base` as the prior it is unchanged, and a
    base near the posterior shortens the run (posterior repartitioning: Chen, Hobson, Das and
    Gelderblom 2019, Stat Comput 29:835, doi 10.1007/s11222-018-9841-3).

    Attributes
    ----------
    center : ndarray, shape (d,)
    factor : ndarray, shape (d, d)
        Lower triangular; its columns are the axes.
    df : float
        Degrees of freedom; infinity for a normal density.
    """

    center: Floats
    factor: Floats
    df: float

    @classmethod
    def of_prior(cls, centers: Floats, sds: Floats) -> Base:
        """The prior itself: normal and independent on the scale of theta."""
        return cls(centers, np.diag(sds), np.inf)

    @classmethod
    def around(cls, cloud: Cloud) -> Base:
        """A cloud widened by half its SDs, with tails of five degrees of freedom."""
        return cls(cloud.theta, np.asarray(1.5 * np.linalg.cholesky(cloud.covariance)), 5.0)

    def from_cube(self, cube: Floats) -> Floats:
        """A point of the unit cube (d,) to theta (d,)."""
        return np.asarray(self.center + self.factor @ stdtrit(self.df, cube))

    def log_density(self, theta: Floats) -> Floats:
        """Log density of points (n, d), shape (n,)."""
        z = np.linalg.solve(self.factor, (theta - self.center).T).T
        volume = np.sum(np.log(np.diag(self.factor)))
        return np.asarray(student.logpdf(z, self.df).sum(axis=1) - volume)


@dataclass(frozen=True)
class _Repartitioned:
    """What nested sampling calls the likelihood."""

    density: LogDensity
    base: Base

    def __call__(self, theta: Floats) -> Floats:
        return self.density(theta) - self.base.log_density(theta)


@dataclass(frozen=True)
class Nested:
    """Result of nested sampling.

    Attributes
    ----------
    log_evidence, error : float
        Log marginal likelihood and its standard error as dynesty estimates it.
    information : float
        Information gained from base to posterior (nats).
    iterations, evaluations : int
    """

    log_evidence: float
    error: float
    information: float
    iterations: int
    evaluations: int


def importance(
    density: LogDensity, cloud: Cloud, rng: np.random.Generator, draws: int = IMPORTANCE_DRAWS
) -> tuple[Integral, Cloud]:
    """Log evidence by importance sampling around a mode, in two rounds.

    The first half of the draws is centred on the given cloud and only adapts it; the second half,
    from the adapted cloud, is the estimate. It sees one mode: a second one far away would be
    missed, as it would by the Laplace approximation.

    Returns
    -------
    Integral
        With its Monte Carlo error and effective draws.
    Cloud
        Mean and covariance of the posterior.
    """
    first = draw([cloud], draws // 2, rng)
    found = integrate(in_batches(density, first.theta), first)
    # A covariance from fewer draws than parameters is singular.
    few = found.effective_draws <= len(cloud.theta)
    second = draw([cloud if few else adapted(first, found.weights)], draws // 2, rng)
    integral = integrate(in_batches(density, second.theta), second)
    return integral, adapted(second, integral.weights)


def nested_state(folder: Path, name: str, key: str) -> Path:
    """File in which `nested` keeps the state of the run that `key` determines."""
    return folder / f"{name}-{content_hash(key)[:12]}.dynesty"


def nested(
    density: LogDensity,
    base: Base,
    *,
    rng: np.random.Generator,
    live_points: int = LIVE_POINTS,
    checkpoint: Path | None = None,
) -> Nested:
    """Log evidence by nested sampling in the unit cube of a base density.

    Parameters
    ----------
    density : callable
        Log of likelihood times prior, (n, d) to (n,).
    base : Base
        What is sampled.
    rng : Generator
        Source of all random numbers.
    live_points : int
        The error falls with their root.
    checkpoint : Path, optional
        Where the state is kept every half minute; a run goes on from there, and removes it at its
        end.
    """
    lanes = Lanes(_LANES)
    resume = checkpoint is not None and checkpoint.exists()
    if resume:
        sampler = NestedSampler.restore(str(checkpoint), pool=lanes)
    else:
        sampler = NestedSampler(
            OneByOne(_Repartitioned(density, base)),
            base.from_cube,
            len(base.center),
            nlive=live_points,
            bound="multi",
            sample="rwalk",
            rstate=rng,
            pool=lanes,
            queue_size=lanes.size,
            use_pool={"prior_transform": False, "update_bound": False},
        )
    if checkpoint is not None:
        checkpoint.parent.mkdir(parents=True, exist_ok=True)
    sampler.run_nested(
        dlogz=_DLOGZ,
        print_progress=False,
        checkpoint_file=None if checkpoint is None else str(checkpoint),
        checkpoint_every=_CHECKPOINT_SECONDS,
        resume=resume,
    )
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    results = sampler.results
    return Nested(
        log_evidence=float(results.logz[-1]),
        error=float(results.logzerr[-1]),
        information=float(results.information[-1]),
        iterations=int(results.niter),
        evaluations=int(np.sum(results.ncall)),
    )
