"""The posterior of a problem, sampled by independent ensembles from around its mode."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
from emcee.moves import Move

from bonecycle.engines.interface import Floats
from bonecycle.errors import UsageError
from bonecycle.inference.fitting.least_squares import fit
from bonecycle.inference.sampling.clouds import Cloud
from bonecycle.inference.sampling.convergence import Convergence
from bonecycle.inference.sampling.ensembles import BLOCK, Ensembles, dispersed, run
from bonecycle.inference.sampling.moves import IndependentProposal, StudentT, default_moves
from bonecycle.inference.sampling.proposal import fitted_guess
from bonecycle.manifest import atomic_write, content_hash
from bonecycle.problem.problem import Problem, ProblemSpec, load_problem
from bonecycle.problem.space import Space

ENSEMBLES, WALKERS, MAX_STEPS = 4, 48, 5000
"""Defaults: walkers more than twice the parameters, as moves by differences need."""
# Starts of the search for the mode; every mechanism shipped has one mode, found from each.
_STARTS = 4
# Starting points are spread so many times wider than the posterior seems to be at its mode.
_OVERDISPERSED = 2.0


@dataclass(frozen=True)
class PosteriorDensity:
    """Log posterior density of a problem as `ensembles.run` asks for it."""

    spec: ProblemSpec

    def __call__(self, theta: Floats) -> Floats:
        """Log density (n_sets,) of theta (n_sets, n_parameters)."""
        return load_problem(self.spec).evaluate(theta).log_posterior


@dataclass(frozen=True)
class Settings:
    """What makes the numbers of a run, beside the problem.

    Attributes
    ----------
    ensembles, walkers : int
        At least four ensembles; walkers even and at least twice the number of parameters.
    seed : int
    """

    ensembles: int = ENSEMBLES
    walkers: int = WALKERS
    seed: int = 0

    def check(self, spec: ProblemSpec) -> None:
        """Raise a UsageError that names every fault."""
        parameters = len(load_problem(spec).space.names)
        faults = []
        if self.ensembles < 4:
            faults.append(f"{self.ensembles} ensembles are too few for R-hat: at least four")
        if self.walkers < 2 * parameters or self.walkers % 2:
            faults.append(
                f"{self.walkers} walkers: an even number of at least {2 * parameters} is needed, "
                f"twice the {parameters} parameters of {spec.mechanism}"
            )
        if faults:
            raise UsageError(". ".join(faults) + ".")


@dataclass(frozen=True)
class Sample:
    """A finished run.

    Attributes
    ----------
    spec : ProblemSpec
    settings : Settings
    ensembles : Ensembles
        Its chains, on disk.
    state : Convergence
        Where it stopped, and whether that was convergence.
    """

    spec: ProblemSpec
    settings: Settings
    ensembles: Ensembles
    state: Convergence

    def draws(self) -> Floats:
        """All draws after the burn-in, shape (n_draws, n_parameters), on the priors' scales."""
        chains = self.ensembles.chains(self.state.steps)[:, self.state.burn_in :]
        return chains.reshape(-1, chains.shape[-1])


def has_chains(folder: Path) -> bool:
    """Whether a run was begun in a folder."""
    return (folder / _RECORD).exists()


def sample(
    spec: ProblemSpec,
    folder: Path,
    settings: Settings | None = None,
    *,
    max_steps: int = MAX_STEPS,
    executor: Executor | None = None,
    progress: Callable[[Convergence], None] | None = None,
) -> Sample:
    """Sample the posterior of a problem until it has converged or `max_steps` are done.

    Parameters
    ----------
    spec : ProblemSpec
        What to sample.
    folder : Path
        Of the chains. A run of the same problem and settings goes on from its checkpoints, with
        the numbers that it would have had uninterrupted.
    settings : Settings, optional
        Ensembles, walkers and seed.
    max_steps : int
        Steps of every ensemble at most, rounded up to whole blocks of 50.
    executor : Executor, optional
        Where the ensembles run; None for this process. The numbers do not depend on it.
    progress : callable, optional
        Called with the state after every block.

    Raises
    ------
    UsageError
        When the folder has chains of another problem, settings or version.
    SimulationError
        When no mode could be found.
    """
    settings = settings or Settings()
    settings.check(spec)
    problem = load_problem(spec)
    density = PosteriorDensity(spec)
    guess = _guess(problem, density, folder, settings, executor)
    ensembles = Ensembles(
        density=density,
        moves=posterior_moves(problem.space, guess),
        initial=starting_points(problem.space, guess, settings, density),
        names=problem.space.names,
        seed=settings.seed,
        folder=folder,
    )
    state = run(ensembles, max_steps=max_steps, executor=executor, progress=progress)
    return Sample(spec, settings, ensembles, state)


_RECORD = "run.json"


def _guess(
    problem: Problem,
    density: PosteriorDensity,
    folder: Path,
    settings: Settings,
    executor: Executor | None,
) -> StudentT:
    """Guess of the posterior: from the record of a run that was begun, or found from the mode."""
    identity = {
        "spec": repr(problem.spec),
        "settings": repr(settings),
        "block": BLOCK,
        "targets": content_hash(
            repr([(t.study, t.arm, t.time_days, t.value, t.log_sd) for t in problem.targets])
        ),
        "bonecycle": version("bonecycle"),
        **problem.hashes,
    }
    path = folder / _RECORD
    if path.exists():
        record = json.loads(path.read_text(encoding="utf-8"))
        before = record["identity"]
        other = [
            f"{name} was {before.get(name)!r} and is {value!r}"
            for name, value in identity.items()
            if before.get(name) != value
        ]
        if other:
            raise UsageError(
                f"{folder} has the chains of another run: {'; '.join(other)}. Name another folder "
                "or delete this one."
            )
        return StudentT(np.array(record["center"]), np.array(record["covariance"]))
    best = fit(problem.spec, starts=_STARTS, seed=settings.seed, executor=executor).best
    guess = fitted_guess(
        density,
        Cloud(best.theta, best.covariance),
        seed=settings.seed,
        executor=executor,
    )
    record = {
        "identity": identity,
        "mode": best.theta.tolist(),
        "center": guess.center.tolist(),
        "covariance": guess.covariance.tolist(),
    }
    atomic_write(path, json.dumps(record, indent=1) + "\n")
    return guess


def posterior_moves(space: Space, guess: StudentT) -> tuple[tuple[Move, float], ...]:
    """Moves of `moves.default_moves` for a posterior of which there is a guess."""
    prior = StudentT(space.centers, np.diag(space.sds**2))
    return default_moves(IndependentProposal(guess, prior))


def starting_points(
    space: Space, guess: StudentT, settings: Settings, density: Callable[[Floats], Floats]
) -> Floats:
    """Half of the walkers around the posterior, spread wider than it, and half from the prior.

    Shape (n_ensembles, n_walkers, n_parameters); see `ensembles.dispersed` for errors.
    """
    rng = np.random.default_rng(np.random.SeedSequence(settings.seed))
    count = settings.ensembles * settings.walkers
    around = replace(guess, covariance=_OVERDISPERSED**2 * guess.covariance)
    prior = space.centers + space.sds * rng.standard_normal((count, len(space.names)))
    return dispersed(
        [around.draw(rng, count), prior], density, (settings.ensembles, settings.walkers)
    )
