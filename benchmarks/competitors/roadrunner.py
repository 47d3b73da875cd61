"""libroadrunner with the model's events, as the reference engine uses it."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.cases import Arm
from benchmarks.competitors.interface import Run
from bonecycle.engines.interface import Floats
from bonecycle.engines.roadrunner import RoadRunnerEngine


class RoadRunner:
    name = "roadrunner"
    tolerances = (1e-5, 3e-6, 1e-6, 3e-7, 1e-7, 3e-8, 1e-8, 1e-9)
    sets = 4

    def prepare(self, arm: Arm, tolerance: float) -> Callable[[Floats], Floats]:
        engine = _engine(arm, tolerance)
        return lambda sets: engine.simulate(sets, arm.times).values

    def derivatives(self, arm: Arm, tolerance: float) -> dict[str, Run]:
        # Differences need simulations better than the error asked for.
        engine = _engine(arm, min(tolerance, 1e-8))
        return {"jacobian": lambda sets: engine.gradient(sets, arm.times)}


def _engine(arm: Arm, tolerance: float) -> RoadRunnerEngine:
    return RoadRunnerEngine(
        arm.sbml, arm.parameters, arm.outputs, arm=arm.name, relative_tolerance=tolerance
    )
