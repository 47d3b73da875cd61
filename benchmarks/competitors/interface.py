"""What a competitor gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from benchmarks.cases import Arm
from bonecycle.engines.interface import Floats

Run = Callable[[Floats], object]
"""Simulates parameter sets (n_sets, n_parameters)."""


class NotMeasured(Exception):
    """A competitor is absent or does not take the case; the text says why."""


class Competitor(Protocol):
    """One simulator.

    Attributes
    ----------
    name : str
    tolerances : tuple of float
        Relative tolerances to try, loosest first.
    sets : int
        Parameter sets of a batch that are timed: all that gains by them, few of a plain loop.
    """

    name: str
    tolerances: tuple[float, ...]
    sets: int

    def prepare(self, arm: Arm, tolerance: float) -> Callable[[Floats], Floats]:
        """Return what gives outputs, (n_sets, n_times, n_outputs); raises `NotMeasured`."""
        ...

    def derivatives(self, arm: Arm, tolerance: float) -> dict[str, Run]:
        """Ways to derivatives by name, each for one set, shape (1, n_parameters)."""
        ...
