"""Tasks side by side on threads, so that what they ask for one by one is evaluated in batches.

A nested sampler moves each of its points by a walk of many evaluations, one after another. Several
walks in step fill a batch, which costs a fraction of as many single evaluations.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from bonecycle.engines.interface import Floats
from bonecycle.inference.sampling.clouds import LogDensity


class Lanes:
    """A pool with a `map`, as samplers want it, that runs `size` calls in step.

    Only one lane computes at a time: it evaluates for all when every lane waits. Results do not
    depend on the timing of threads.
    """

    def __init__(self, size: int) -> None:
        self.size = size

    def map(self, function: Callable[[Any], Any], tasks: Iterable[Any]) -> list[Any]:
        """Call `function` for every task, in order."""
        waiting = list(tasks)
        results: list[Any] = []
        for first in range(0, len(waiting), self.size):
            group = waiting[first : first + self.size]
            meeting = _Meeting(len(group))
            with ThreadPoolExecutor(len(group)) as threads:
                started = [
                    threads.submit(meeting.run, lane, function, task)
                    for lane, task in enumerate(group)
                ]
            results += [future.result() for future in started]
        return results


class OneByOne:
    """A log density for one point at a time, (d,), that shares batches within `Lanes`."""

    def __init__(self, density: LogDensity) -> None:
        self.density = density

    def __call__(self, point: Floats) -> float:
        """Log density of one point."""
        meeting = getattr(_own, "meeting", None)
        if meeting is None:
            return float(self.density(point[None])[0])
        return float(meeting.ask(_own.lane, self.density, point))


_own = threading.local()


class _Meeting:
    """Where the lanes of one group wait for each other."""

    def __init__(self, lanes: int) -> None:
        self._turn = threading.Condition()
        self._running = lanes
        self._asked: dict[int, tuple[LogDensity, Floats]] = {}
        self._answers: dict[int, float] = {}
        self._error: BaseException | None = None

    def run(self, lane: int, function: Callable[[Any], Any], task: Any) -> Any:
        _own.meeting, _own.lane = self, lane
        try:
            return function(task)
        finally:
            with self._turn:
                self._running -= 1
                self._answer_when_all_wait()

    def ask(self, lane: int, density: LogDensity, point: Floats) -> float:
        with self._turn:
            self._asked[lane] = (density, point)
            self._answer_when_all_wait()
            while lane not in self._answers and self._error is None:
                self._turn.wait()
            if self._error is not None:
                raise self._error
            return self._answers.pop(lane)

    def _answer_when_all_wait(self) -> None:
        if not self._asked or len(self._asked) < self._running:
            return
        lanes = sorted(self._asked)
        density = self._asked[lanes[0]][0]
        try:
            values = density(np.array([self._asked[lane][1] for lane in lanes]))
        except BaseException as error:
            self._error = error
        else:
            self._answers.update(zip(lanes, map(float, values), strict=True))
        self._asked.clear()
        self._turn.notify_all()
