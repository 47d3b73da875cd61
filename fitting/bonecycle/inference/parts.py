"""Long work in parts, each kept on disk when it is finished, so that an interrupted run goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from bonecycle.manifest import atomic_write, content_hash
from bonecycle.problem.problem import Problem
from bonecycle.tasks import run_all

Record = dict[str, Any]
"""A result in JSON values."""


class Part(Protocol):
    """One part of a long work; frozen, and small enough to travel to a process."""

    @property
    def key(self) -> str:
        """Everything that determines the result, as text."""
        ...

    def run(self) -> Record:
        """Do it."""
        ...


def problem_key(problem: Problem) -> str:
    """Everything that determines what a problem evaluates to, as text."""
    targets = [(t.study, t.arm, t.time_days, t.value, t.log_sd) for t in problem.targets]
    parts = [version("bonecycle"), repr(problem.spec), repr(targets), *problem.hashes.values()]
    return content_hash(*parts)


def numbers_key(*numbers: ArrayLike) -> str:
    """Hash of numbers that a part starts from: another fit is another part."""
    return content_hash(*(np.asarray(values, dtype=float).tobytes() for values in numbers))


def generator(seed: int, key: str) -> np.random.Generator:
    """Random numbers of one part: the same in any order and on any number of workers."""
    return np.random.default_rng([seed, int(content_hash(key)[:12], 16)])


def run_parts(
    parts: Sequence[Part],
    folder: Path,
    *,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Record]:
    """Run all parts that are not yet in the folder; results in the order of the parts."""
    files = [folder / f"{content_hash(part.key)[:24]}.json" for part in parts]
    waiting = [i for i, file in enumerate(files) if not file.exists()]
    kept = len(parts) - len(waiting)

    def report(done: int, _total: int) -> None:
        if progress is not None:
            progress(kept + done, len(parts))

    def keep(position: int, record: Record) -> None:
        atomic_write(files[waiting[position]], json.dumps(record))

    report(0, len(waiting))
    run_all(
        [parts[i] for i in waiting],
        _run,
        seed=0,  # parts draw from `generator`
        executor=executor,
        progress=report,
        on_result=keep,
    )
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def _run(part: Part, _seed: np.random.SeedSequence) -> Record:
    return part.run()
