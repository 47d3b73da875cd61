"""The generated kernel, at the tolerance that it takes by itself."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.cases import Arm
from benchmarks.competitors.interface import Run
from bonecycle.engines.interface import Floats


class Ours:
    name = "ours"
    tolerances = (0.0,)  # its own choice
    sets = 64

    def prepare(self, arm: Arm, tolerance: float) -> Callable[[Floats], Floats]:
        return lambda sets: arm.kernel.simulate(sets, arm.times).values

    def derivatives(self, arm: Arm, tolerance: float) -> dict[str, Run]:
        return {"jacobian": lambda sets: arm.kernel.gradient(sets, arm.times)}
