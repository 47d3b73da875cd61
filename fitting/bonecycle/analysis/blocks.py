"""Evaluate a long design in blocks: over workers, resumable, the same numbers for any number."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bonecycle.analysis.responses import Response
from bonecycle.engines.interface import Floats
from bonecycle.errors import UsageError
from bonecycle.manifest import atomic_write, content_hash
from bonecycle.tasks import run_all

BLOCK = 1024
"""Sets a block: less than a second of work, so little is lost by an interrupt."""
MOST_FAILED = 0.25
"""Share of failed groups above which a design says nothing about the distribution asked for."""


@dataclass(frozen=True)
class Run:
    """Where a design is evaluated.

    Attributes
    ----------
    executor : Executor, optional
        As `worker_pool` gives it; None for this process.
    checkpoints : Path, optional
        Folder where finished blocks are kept; a later call with the same design goes on there.
    progress : callable, optional
        Called with the number of finished sets and of all.
    """

    executor: Executor | None = None
    checkpoints: Path | None = None
    progress: Callable[[int, int], None] | None = None


def evaluate_in_blocks(response: Response, values: Floats, run: Run | None = None) -> Floats:
    """Evaluate a response at many sets.

    Parameters
    ----------
    response : Response
    values : ndarray, shape (n_sets, n_parameters)
    run : Run, optional

    Returns
    -------
    ndarray, shape (n_sets, n_outputs)
        NaN in the rows of sets that failed.
    """
    run = run or Run()
    blocks = np.split(values, range(BLOCK, len(values), BLOCK))
    key = content_hash(response.key, np.ascontiguousarray(values).tobytes())[:16]
    finished = _load(run.checkpoints, key)
    waiting = [i for i in range(len(blocks)) if i not in finished]

    def keep(place: int, outputs: Floats) -> None:
        finished[waiting[place]] = outputs
        if run.checkpoints is not None:
            memory = io.BytesIO()
            np.save(memory, outputs)
            atomic_write(run.checkpoints / f"{key}-{waiting[place]}.npy", memory.getvalue())

    def report(_done: int, _total: int) -> None:
        if run.progress is not None:
            run.progress(sum(len(blocks[i]) for i in finished), len(values))

    report(0, 0)
    tasks = [(response, blocks[i]) for i in waiting]
    run_all(tasks, _evaluate, seed=0, executor=run.executor, progress=report, on_result=keep)
    return np.concatenate([finished[i] for i in range(len(blocks))])


def whole_groups(outputs: Floats, size: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Keep the groups of a design in which every set was simulated.

    A set that fails takes its group of `size` consecutive rows with it (a base sample with its
    crossed sets, a trajectory): the design stays whole, and no output is invented. What is left
    speaks of the distribution on which the model can be simulated.

    Parameters
    ----------
    outputs : ndarray, shape (n_groups * size, n_outputs)
    size : int

    Returns
    -------
    outputs : ndarray, shape (n_kept * size, n_outputs)
    kept : ndarray of bool, shape (n_groups,)

    Raises
    ------
    UsageError
        When more than `MOST_FAILED` of the groups are lost, or fewer than two are left.
    """
    groups = outputs.reshape(-1, size, outputs.shape[1])
    kept = np.asarray(np.isfinite(groups).all(axis=(1, 2)))
    lost = int((~kept).sum())
    if lost > MOST_FAILED * len(kept) or kept.sum() < 2:
        raise UsageError(
            f"{lost} of {len(kept)} groups of the design hold a set that could not be simulated; "
            f"at most {MOST_FAILED:.0%} may, and two must be left. Vary fewer parameters, or "
            "those with narrower priors."
        )
    return groups[kept].reshape(-1, outputs.shape[1]), kept


def _load(folder: Path | None, key: str) -> dict[int, Floats]:
    if folder is None:
        return {}
    files = folder.glob(f"{key}-*.npy")
    return {int(path.stem.rpartition("-")[2]): np.load(path) for path in files}


def _evaluate(task: tuple[Response, Floats], _seed: np.random.SeedSequence) -> Floats:
    response, values = task
    return response.evaluate(values)
