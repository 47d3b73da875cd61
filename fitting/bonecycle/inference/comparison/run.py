"""The parts of a comparison of mechanisms: what is done for each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bonecycle.inference.comparison.evidence import (
    LIVE_POINTS,
    WHOLE_PRIOR_POINTS,
    Base,
    importance,
    nested,
    nested_state,
)
from bonecycle.inference.comparison.laplace import Posterior, laplace
from bonecycle.inference.comparison.left_out import LEFT_OUT_DRAWS, LeftOut, fitted_trials
from bonecycle.inference.comparison.surface import Cell, cells
from bonecycle.inference.fitting.least_squares import Fit
from bonecycle.inference.parts import Record, generator, numbers_key, problem_key
from bonecycle.inference.sampling.clouds import Cloud
from bonecycle.problem.problem import ProblemSpec, load_problem


@dataclass(frozen=True)
class WholePrior:
    """Marginal likelihood of one mechanism by nested sampling over its whole prior.

    No mode is given to it, so that it would find one that the fits miss.

    Attributes
    ----------
    spec : ProblemSpec
    folder : Path
        Where nested sampling keeps its state.
    seed, live_points : int
    """

    spec: ProblemSpec
    folder: Path
    seed: int = 0
    live_points: int = WHOLE_PRIOR_POINTS

    @property
    def key(self) -> str:
        """Everything that determines the result."""
        problem = problem_key(load_problem(self.spec))
        return repr(("whole prior", problem, self.seed, self.live_points))

    def run(self) -> Record:
        """Nested sampling in the cube of the prior."""
        name, space = self.spec.mechanism, load_problem(self.spec).space
        checkpoint = nested_state(self.folder, name, self.key)
        found = nested(
            Posterior(self.spec),
            Base.of_prior(space.centers, space.sds),
            rng=generator(self.seed, f"whole prior {name}"),
            live_points=self.live_points,
            checkpoint=checkpoint,
        )
        return {
            "mechanism": name,
            "whole_prior": found.log_evidence,
            "whole_prior_error": found.error,
            "whole_prior_evaluations": found.evaluations,
        }


@dataclass(frozen=True)
class Evidence:
    """Marginal likelihood of one mechanism by three methods.

    Attributes
    ----------
    spec : ProblemSpec
    theta : tuple of float
        Best point of the fit.
    folder : Path
        Where nested sampling keeps its state.
    seed, live_points : int
    """

    spec: ProblemSpec
    theta: tuple[float, ...]
    folder: Path
    seed: int = 0
    live_points: int = LIVE_POINTS

    @property
    def key(self) -> str:
        """Everything that determines the result."""
        problem = problem_key(load_problem(self.spec))
        fit = numbers_key(self.theta)
        return repr(("evidence", problem, fit, self.seed, self.live_points))

    def run(self) -> Record:
        """Laplace, importance sampling around the mode, nested sampling around the posterior."""
        posterior, name = Posterior(self.spec), self.spec.mechanism
        found = laplace(posterior.problem, [np.array(self.theta)])
        rng = generator(self.seed, f"evidence {name}")
        sampled, cloud = importance(posterior, Cloud(found.theta, found.covariance), rng)
        checkpoint = nested_state(self.folder, name, self.key)
        by_nested = nested(
            posterior,
            Base.around(cloud),
            rng=rng,
            live_points=self.live_points,
            checkpoint=checkpoint,
        )
        return {
            "mechanism": name,
            "laplace": found.log_evidence,
            "importance": sampled.log_value,
            "importance_error": sampled.error,
            "effective_draws": sampled.effective_draws,
            "nested": by_nested.log_evidence,
            "nested_error": by_nested.error,
            "information": by_nested.information,
            "iterations": by_nested.iterations,
            "evaluations": by_nested.evaluations,
        }


def left_out_parts(
    fits: Sequence[Fit], seed: int = 0, draws: int = LEFT_OUT_DRAWS
) -> list[LeftOut]:
    """One part a mechanism and trial with fitted rows."""
    return [
        LeftOut(
            fit.spec,
            trial,
            tuple(fit.best.theta.tolist()),
            tuple(map(tuple, fit.best.covariance.tolist())),
            seed,
            draws,
        )
        for fit in fits
        for trial in fitted_trials(load_problem(fit.spec))
    ]


def surface_parts(fits: Sequence[Fit]) -> list[Cell]:
    """One part a mechanism and variant."""
    return [cell for fit in fits for cell in cells(fit.spec, fit.best.theta.tolist())]


def evidence_parts(
    fits: Sequence[Fit], folder: Path, seed: int, live_points: int
) -> list[Evidence]:
    """One part a mechanism."""
    return [
        Evidence(fit.spec, tuple(fit.best.theta.tolist()), folder, seed, live_points)
        for fit in fits
    ]


def whole_prior_parts(
    fits: Sequence[Fit], folder: Path, seed: int, live_points: int
) -> list[WholePrior]:
    """One part a mechanism."""
    return [WholePrior(fit.spec, folder, seed, live_points) for fit in fits]
