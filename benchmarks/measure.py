"""Matched error, then interleaved rounds."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from benchmarks.cases import Arm, Case
from benchmarks.competitors.interface import Competitor, NotMeasured, Run
from bonecycle.engines.interface import Floats
from bonecycle.engines.kernel.engine import disagreement
from bonecycle.errors import BonecycleError

ERROR = 1e-6
"""Asked of every competitor: relative to max(|x|, 1e-6 of the range)."""
_REFERENCE = 1e-10
_CHECKED = 2
_LONGEST = 15.0  # seconds of one timed batch
_LONG, _FEW = 5.0, 3  # what takes longer than so many seconds has so many rounds


@dataclass
class Entry:
    """A competitor on a case: what it runs, and the seconds of every round."""

    error: float
    tolerances: list[float]
    runs: dict[str, tuple[Callable[[], object], int]]
    seconds: dict[str, list[float]] = field(default_factory=dict)

    def record(self) -> dict[str, object]:
        sets = {name: count for name, (_, count) in self.runs.items()}
        return {
            "error": self.error,
            "tolerances": self.tolerances,
            "sets": sets,
            "seconds_per_set": self.seconds,
        }


def prepare(case: Case, competitor: Competitor, derivatives: bool) -> Entry:
    """Choose tolerances and warm everything up.

    Raises
    ------
    NotMeasured
        With the reason.
    """
    simulate, tolerances, errors = [], [], []
    by_name: dict[str, list[Run]] = {}
    for arm in case.arms:
        try:
            tolerance, error, run = _matched(arm, competitor)
            found = competitor.derivatives(arm, tolerance) if derivatives else {}
            for timed in found.values():
                timed(arm.sets[:1])
        except (BonecycleError, RuntimeError, ValueError, KeyError) as reason:
            raise NotMeasured(f"{arm.name}: {_first_line(reason)}") from reason
        simulate.append(run)
        tolerances.append(tolerance)
        errors.append(error)
        for name, timed in found.items():
            by_name.setdefault(name, []).append(timed)
    runs: dict[str, tuple[Callable[[], object], int]] = {
        "single": (_over(case.arms, simulate, 1), 1)
    }
    start = perf_counter()
    runs["single"][0]()
    sets = competitor.sets
    if sets > 1 and (perf_counter() - start) * sets < _LONGEST:
        runs["batch"] = (_over(case.arms, simulate, sets), sets)
        runs["batch"][0]()
    for name, each in by_name.items():
        runs[name] = (_over(case.arms, each, 1), 1)
    return Entry(max(errors), tolerances, runs)


def interleave(entries: Sequence[Entry], rounds: int) -> list[float]:
    """Time all entries in turn, in a new order every round; returns the load at each round.

    What takes long is timed in the first rounds only.
    """
    load = []
    for number in range(rounds):
        load.append(os.getloadavg()[0])
        for i in range(len(entries)):
            entry = entries[(i + number) % len(entries)]
            for name, (run, sets) in entry.runs.items():
                seconds = entry.seconds.setdefault(name, [])
                if number >= _FEW and sets * seconds[0] > _LONG:
                    continue
                start = perf_counter()
                run()
                seconds.append((perf_counter() - start) / sets)
    return load


def reference_difference(case: Case, roadrunner: Competitor) -> float:
    """Largest difference of the two tight references, kernel and roadrunner, at one set."""
    return max(
        disagreement(roadrunner.prepare(arm, _REFERENCE)(arm.sets[:1]), _exact(arm, 1))
        for arm in case.arms
    )


def _matched(arm: Arm, competitor: Competitor) -> tuple[float, float, Callable[[Floats], Floats]]:
    """Loosest tolerance whose error is below `ERROR`, else the tightest."""
    exact = _exact(arm, _CHECKED)
    for tolerance in competitor.tolerances:
        run = competitor.prepare(arm, tolerance)
        error = disagreement(run(arm.sets[:_CHECKED]), exact)
        if error < ERROR:
            break
    return tolerance, error, run


def _exact(arm: Arm, count: int) -> Floats:
    batch = arm.kernel.simulate_all(arm.sets[:count], arm.times, _REFERENCE)
    return np.asarray(batch.values[..., : len(arm.outputs)])


def _over(arms: Iterable[Arm], runs: Iterable[Run], sets: int) -> Callable[[], object]:
    pairs = list(zip(arms, runs, strict=True))

    def timed() -> None:
        for arm, run in pairs:
            run(arm.sets[:sets])

    return timed


def _first_line(reason: BaseException) -> str:
    return (str(reason).splitlines() or [type(reason).__name__])[0][:200]
