"""Independent ensembles of emcee on any batch log density, in blocks that survive a kill.

Every ensemble is a file in emcee's HDF format. A block of steps is added to a copy, which then
takes the place of the file: a kill at any moment costs that block, and never the file.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import emcee
import h5py  # type: ignore[import-untyped]
import numpy as np
from emcee.moves import Move

from bonecycle.engines.interface import Floats
from bonecycle.errors import UsageError
from bonecycle.inference.sampling.convergence import Convergence, judge
from bonecycle.tasks import run_all

BLOCK = 50
"""Steps between two checkpoints, and two questions to the stop rule."""


@dataclass(frozen=True)
class Ensembles:
    """What is sampled, and where the chains are.

    Attributes
    ----------
    density : callable
        Log density (n_sets,) of points (n_sets, n_parameters); minus infinity where it is not
        defined, never NaN. It is pickled for worker processes.
    moves : tuple of (Move, float)
        emcee's moves and their weights, without a state of their own.
    initial : ndarray, shape (n_ensembles, n_walkers, n_parameters)
        Dispersed starting points with a finite density.
    names : tuple of str
        Parameters.
    seed : int
        Root of all random numbers.
    folder : Path
        Of the chains; they go on from where they are.
    """

    density: Callable[[Floats], Floats]
    moves: tuple[tuple[Move, float], ...]
    initial: Floats
    names: tuple[str, ...]
    seed: int
    folder: Path

    def path(self, ensemble: int) -> Path:
        """File of one ensemble."""
        return self.folder / f"ensemble-{ensemble}.h5"

    @property
    def steps(self) -> int:
        """Steps that every ensemble has."""
        return min(_steps(self.path(i)) for i in range(len(self.initial)))

    def chains(self, steps: int) -> Floats:
        """The first steps of all ensembles, (n_ensembles, steps, n_walkers, n_parameters)."""
        return np.array(
            [self._backend(i).get_chain()[:steps] for i in range(len(self.initial))], dtype=float
        )

    def log_densities(self, steps: int) -> Floats:
        """Log density at `chains`, shape (n_ensembles, steps, n_walkers)."""
        return np.array(
            [self._backend(i).get_log_prob()[:steps] for i in range(len(self.initial))],
            dtype=float,
        )

    def acceptance(self) -> Floats:
        """Share of accepted proposals, shape (n_ensembles,)."""
        backends = [self._backend(i) for i in range(len(self.initial))]
        return np.array([np.mean(b.accepted) / b.iteration for b in backends], dtype=float)

    def _backend(self, ensemble: int) -> emcee.backends.HDFBackend:
        return emcee.backends.HDFBackend(str(self.path(ensemble)), read_only=True)


def run(
    ensembles: Ensembles,
    *,
    max_steps: int,
    executor: Executor | None = None,
    progress: Callable[[Convergence], None] | None = None,
) -> Convergence:
    """Sample until the stop rule is met or `max_steps` are done, going on from what is on disk.

    The numbers do not depend on the executor, nor on how often the run was interrupted.

    Parameters
    ----------
    ensembles : Ensembles
        What to sample.
    max_steps : int
        Steps of every ensemble at most, rounded up to whole blocks.
    executor : Executor, optional
        Where the blocks run; None for this process.
    progress : callable, optional
        Called with the state after every block.

    Raises
    ------
    UsageError
        When a chain on disk cannot be read.
    """
    for unfinished in ensembles.folder.glob(".ensemble-*.h5.*"):
        unfinished.unlink(missing_ok=True)
    everyone = range(len(ensembles.initial))
    steps = max(ensembles.steps, BLOCK)
    while True:
        tasks = [(ensembles, i, steps) for i in everyone]
        run_all(tasks, _advance, seed=ensembles.seed, executor=executor)
        state = judge(ensembles.chains(steps), ensembles.names)
        if progress is not None:
            progress(state)
        if state.reached or steps >= max_steps:
            return state
        steps += BLOCK


def _advance(task: tuple[Ensembles, int, int], seed: np.random.SeedSequence) -> None:
    """Bring one ensemble to a number of steps."""
    ensembles, number, steps = task
    path = ensembles.path(number)
    done = _steps(path)
    if done >= steps:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # The process's own: workers elsewhere may outlive a killed parent for a while.
    copy = path.with_name(f".{path.name}.{os.getpid()}")
    copy.unlink(missing_ok=True)
    try:
        if done:
            shutil.copyfile(path, copy)
        with h5py.File(copy, "a") as handle:
            initial, backend = ensembles.initial[number], _Open(handle)
            _sample(ensembles.density, ensembles.moves, initial, backend, seed, steps - done)
        with copy.open("rb") as handle:
            os.fsync(handle.fileno())
        if _steps(path) < steps:
            copy.replace(path)
    finally:
        copy.unlink(missing_ok=True)


def short_chain(
    density: Callable[[Floats], Floats],
    moves: Sequence[tuple[Move, float]],
    initial: Floats,
    *,
    steps: int,
    seed: np.random.SeedSequence,
) -> tuple[Floats, Floats]:
    """One ensemble of a fixed length, kept in memory: for runs too short to be interrupted.

    Parameters
    ----------
    density, moves
        As in `Ensembles`.
    initial : ndarray, shape (n_walkers, n_parameters)
    steps : int
    seed : SeedSequence

    Returns
    -------
    chain : ndarray, shape (steps, n_walkers, n_parameters)
    log_density : ndarray, shape (steps, n_walkers)
    """
    backend = emcee.backends.Backend()
    _sample(density, moves, initial, backend, seed, steps)
    return np.asarray(backend.get_chain()), np.asarray(backend.get_log_prob())


def _sample(
    density: Callable[[Floats], Floats],
    moves: Sequence[tuple[Move, float]],
    initial: Floats,
    backend: emcee.backends.Backend,
    seed: np.random.SeedSequence,
    steps: int,
) -> None:
    """Add steps to the chain of a backend, which may have none."""
    begun = backend.initialized
    sampler = emcee.EnsembleSampler(
        *initial.shape, density, moves=moves, vectorize=True, backend=backend
    )
    # emcee would take numpy's global random state; afterwards the backend has the state.
    random = np.random.RandomState(np.random.MT19937(seed))
    start = None if begun else emcee.State(initial, random_state=random.get_state())
    sampler.run_mcmc(start, steps)


class _Open(emcee.backends.HDFBackend):  # type: ignore[misc]
    """emcee's backend on a file that stays open; it would open it anew for every step."""

    def __init__(self, handle: h5py.File) -> None:
        super().__init__(handle.filename)
        self._handle = handle

    def open(self, mode: str = "r") -> AbstractContextManager[h5py.File]:
        """Lend the open file."""
        return nullcontext(self._handle)


def _steps(path: Path) -> int:
    """Steps in a file; none where there is no file."""
    if not path.exists():
        return 0
    try:
        return int(emcee.backends.HDFBackend(str(path), read_only=True).iteration)
    except (OSError, KeyError) as error:
        message = f"{path} is not a chain ({error}): delete it, and it is sampled again."
        raise UsageError(message) from None


def dispersed(
    candidates: Sequence[Floats], density: Callable[[Floats], Floats], shape: tuple[int, int]
) -> Floats:
    """Starting points with a finite density, taken in turn from several sources.

    Parameters
    ----------
    candidates : sequence of ndarray, shape (n_points, n_parameters)
        One a source; surplus points replace those without a finite density.
    density : callable
        As in `Ensembles`.
    shape : (int, int)
        Ensembles and walkers.

    Returns
    -------
    ndarray, shape (n_ensembles, n_walkers, n_parameters)

    Raises
    ------
    UsageError
        When too few points have a finite density.
    """
    points = np.stack(candidates, axis=1).reshape(-1, candidates[0].shape[1])
    usable = points[np.isfinite(density(points))]
    wanted = shape[0] * shape[1]
    if len(usable) < wanted:
        raise UsageError(
            f"Only {len(usable)} of {len(points)} starting points have a finite posterior, "
            f"{wanted} are needed: check the priors and the data."
        )
    return usable[:wanted].reshape(*shape, -1)
