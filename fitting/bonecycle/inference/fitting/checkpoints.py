"""Finished starts of a fit, kept on disk so that an interrupted run goes on where it stopped."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import numpy as np

from bonecycle.inference.fitting.least_squares import Start
from bonecycle.manifest import atomic_write, content_hash
from bonecycle.problem.problem import Problem


class Checkpoints:
    """Starts of one mechanism under a key of everything that determines them.

    Parameters
    ----------
    folder : Path
        Where to keep them; made when the first start finishes.
    problem : Problem
        The problem that is fitted.
    seed : int
        Seed of the starts.
    """

    def __init__(self, folder: Path, problem: Problem, seed: int) -> None:
        self._folder = folder
        parts = [
            version("bonecycle"),
            repr(problem.spec),
            repr([(t.study, t.arm, t.time_days, t.value, t.log_sd) for t in problem.targets]),
            str(seed),
            *problem.hashes.values(),
        ]
        self._key = content_hash(*parts)[:16]
        self._stem = f"{problem.spec.mechanism}-{self._key}"

    def save(self, index: int, start: Start) -> None:
        """Keep a finished start."""
        record = {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in asdict(start).items()
        }
        atomic_write(self._folder / f"{self._stem}-{index}.json", json.dumps(record))

    def load(self) -> dict[int, Start]:
        """Starts that finished earlier, by index."""
        found = {}
        for path in self._folder.glob(f"{self._stem}-*.json"):
            record = json.loads(path.read_text(encoding="utf-8"))
            record |= {name: np.array(record[name]) for name in ("theta", "covariance")}
            found[int(path.stem.rpartition("-")[2])] = Start(**record)
        return found
