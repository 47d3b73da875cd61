"""Simulation-based calibration: whether a truth ranks as any draw of its own posterior.

A parameter drawn from the prior and the data drawn at it are a draw of the joint distribution; so
is a posterior draw given those data with the same data. The rank of the truth among posterior draws
is therefore uniform, if prior, likelihood, model and sampler are what they are said to be (Talts
et al. 2018, arXiv:1804.06788). Ranks of the parameters alone cannot see a posterior that ignores
the data: the log likelihood is ranked too (Modrak et al. 2023, Bayesian Anal., arXiv:2211.02383).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bonecycle.engines.interface import Floats
from bonecycle.errors import SimulationError, UsageError
from bonecycle.inference.checks.synthetic import synthetic_data
from bonecycle.inference.fitting.least_squares import search
from bonecycle.inference.parts import Record, generator, problem_key
from bonecycle.inference.sampling.clouds import Cloud, LogDensity
from bonecycle.inference.sampling.convergence import autocorrelation_times
from bonecycle.inference.sampling.ensembles import short_chain
from bonecycle.inference.sampling.proposal import fitted_guess
from bonecycle.inference.sampling.run import Settings, posterior_moves, starting_points
from bonecycle.problem.problem import Problem, ProblemSpec, load_problem

LOG_LIKELIHOOD = "log_likelihood"
STEPS = 150
"""Default steps. Half are burn-in, 15 times the tau of about 5 of docs/sampling.md."""
RANKED = 199
"""Posterior draws among which a truth is ranked: a rank is one of 200 values."""
# Steps kept after the burn-in: 15 apart by default, three times tau.
_KEPT_STEPS = 5
_ENSEMBLES, _FEWEST_WALKERS = 2, 40
_TRIES = 200


@dataclass(frozen=True)
class Trial:
    """One draw of the prior, its data, and its ranks in the posterior of these.

    Attributes
    ----------
    spec : ProblemSpec
    number, seed : int
        Which draw.
    steps : int
        Steps of each of two ensembles.
    assumed_errors : float
        Error SDs that the sampler assumes, over those of the data: other than 1 is a wrong
        likelihood, which must fail.
    """

    spec: ProblemSpec
    number: int
    seed: int = 0
    steps: int = STEPS
    assumed_errors: float = 1.0

    @property
    def key(self) -> str:
        """Everything that determines the result."""
        problem = problem_key(load_problem(self.spec))
        return repr(
            ("calibration", problem, self.number, self.seed, self.steps, self.assumed_errors)
        )

    def run(self) -> Record:
        """Ranks, or why there is no posterior."""
        problem = load_problem(self.spec)
        rng = generator(self.seed, f"calibration {self.number}")
        truth, values, sides, redrawn = _prior_predictive(problem, rng)
        assumed = problem.with_values(values, sides)
        assumed.error_factor = self.assumed_errors * problem.error_factor
        record = {"draw": self.number, "redrawn": redrawn, "truth": truth.tolist()}
        try:
            return record | _ranks(assumed, truth, self.steps, rng)
        except (SimulationError, UsageError) as error:
            # Kept, since data sets left out in silence would make the other ranks look uniform.
            return record | {"failed": str(error)}


def trials(
    spec: ProblemSpec, count: int, seed: int, steps: int = STEPS, assumed_errors: float = 1.0
) -> list[Trial]:
    """All draws; the first ones do not depend on how many are asked for."""
    return [Trial(spec, number, seed, steps, assumed_errors) for number in range(count)]


def _prior_predictive(
    problem: Problem, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats, int]:
    """Truth, values, sides, and how many truths before could not be simulated.

    Such truths have no posterior density either, so that redrawing them conditions prior and
    posterior alike: ranks stay uniform, under the prior cut to what can be simulated.
    """
    space = problem.space
    for redrawn in range(_TRIES):
        truth = space.centers + space.sds * rng.standard_normal(len(space.names))
        try:
            values, sides = synthetic_data(problem, truth, rng)
        except SimulationError:
            continue
        return truth, values, sides, redrawn
    remedy = f"none of {_TRIES} draws of the prior can be simulated; check the priors"
    raise SimulationError("cycle", "all arms", {}, remedy)


def _ranks(problem: Problem, truth: Floats, steps: int, rng: np.random.Generator) -> Record:
    """Ranks of a truth among nearly independent draws of a posterior, and what the run was like."""

    def density(theta: Floats) -> Floats:
        return problem.evaluate(theta).log_posterior

    chains, logs, tau = _sampled(problem, density, steps, rng)
    kept = np.linspace(steps, steps // 2, _KEPT_STEPS, endpoint=False).astype(int) - 1
    draws = chains[:, kept].reshape(-1, len(truth))
    likelihoods = logs[:, kept].ravel() - problem.space.log_prior(draws).sum(axis=1)
    chosen = rng.choice(len(draws), RANKED, replace=False)
    true_likelihood = density(truth[None])[0] - problem.space.log_prior(truth[None]).sum()
    ranks = dict(
        zip(problem.space.names, (draws[chosen] < truth).sum(axis=0).tolist(), strict=True)
    )
    ranks[LOG_LIKELIHOOD] = int((likelihoods[chosen] < true_likelihood).sum())
    return {"ranks": ranks, "tau": tau, "spacing": int(kept[0] - kept[1])}


def _sampled(
    problem: Problem, density: LogDensity, steps: int, rng: np.random.Generator
) -> tuple[Floats, Floats, float]:
    """Chains (n_ensembles, steps, n_walkers, n_parameters), log densities, the longest tau.

    As `sampling.sample` makes them, but short. Nothing here knows the truth.
    """
    parameters = len(problem.space.names)
    points = [np.zeros(parameters), rng.standard_normal(parameters)]
    mode = min((search(problem, point) for point in points), key=lambda start: start.cost)
    if not np.isfinite(mode.covariance).all():
        raise SimulationError("cycle", "synthetic data", {}, "no mode was found")
    seed = int(rng.integers(2**31))
    guess = fitted_guess(density, Cloud(mode.theta, mode.covariance), seed=seed)
    settings = Settings(_ENSEMBLES, max(_FEWEST_WALKERS, 2 * parameters), seed)
    initial = starting_points(problem.space, guess, settings, density)
    seeds = np.random.SeedSequence(seed).spawn(_ENSEMBLES)
    moves = posterior_moves(problem.space, guess)
    runs = [
        short_chain(density, moves, start, steps=steps, seed=child)
        for start, child in zip(initial, seeds, strict=True)
    ]
    chains = np.array([chain for chain, _ in runs])
    tau = max(float(autocorrelation_times(chain[steps // 2 :]).max()) for chain in chains)
    return chains, np.array([log for _, log in runs]), tau
