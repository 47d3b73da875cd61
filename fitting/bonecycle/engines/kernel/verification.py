"""A kernel is used only after it has agreed with libroadrunner."""

from __future__ import annotations

import numpy as np

from bonecycle.cache import kept_json
from bonecycle.engines.interface import Floats
from bonecycle.engines.kernel.draws import prior_draws
from bonecycle.engines.kernel.engine import KernelEngine, disagreement
from bonecycle.manifest import content_hash

LIMIT = 1e-6
"""Largest difference, relative to max(|x|, 1e-6 of the range), of states and outputs."""
_DRAWS = 4
_TOLERANCE = 1e-10
# Where a state falls by a millionth roadrunner at 1e-10 is itself 1e-6 off.
_REFERENCE_TOLERANCE = 1e-12
# Derivatives are held against differences, whose own error is larger.
_STEP, _SLOPE_LIMIT = 1e-4, 1e-3
# Doses, phases that follow them, and the start of the cycle's answer.
_TIMES = (0.0, 1.0, 10.0, 40.0, 100.0)


class RefusedError(Exception):
    """A kernel that disagrees with libroadrunner."""


def verify(engine: KernelEngine, sbml: str) -> float:
    """Compare states and outputs of a kernel with libroadrunner's at random prior draws.

    The largest difference is kept (`bonecycle.cache`), so this is done once a kernel.

    Returns
    -------
    float
        See `LIMIT`.

    Raises
    ------
    RefusedError
        When it is above the limit.
    """
    draws = prior_draws(engine.parameters, engine.own_values, _DRAWS)
    key = content_hash(engine.hash, sbml, draws.tobytes())
    difference = float(kept_json("checked", key, lambda: _difference(engine, sbml, draws)))
    if not difference <= LIMIT:
        raise RefusedError(
            f"the generated kernel of {engine.model_name!r} differs from roadrunner by "
            f"{difference:.1e}, more than {LIMIT:g}"
        )
    return difference


def _difference(engine: KernelEngine, sbml: str, draws: Floats) -> float:
    """Largest difference of lanes, of the code for one set, and of its derivatives."""
    # Slow to import, and a kernel that was checked before does not need it.
    from bonecycle.engines.roadrunner import RoadRunnerEngine

    times = sorted({*_TIMES, *engine.after_late_change(_TIMES[-1])})
    reference = RoadRunnerEngine(
        sbml,
        engine.parameters,
        engine.all_outputs,
        engine.model_name,
        engine.arm,
        relative_tolerance=_REFERENCE_TOLERANCE,
    )
    exact = reference.simulate(draws, times)
    if not exact.ok.any():
        return float("inf")
    in_lanes = engine.simulate_all(draws, times, _TOLERANCE).values
    alone = np.concatenate([engine.simulate_all(d[None], times, _TOLERANCE).values for d in draws])
    return max(
        disagreement(in_lanes, exact.values),
        disagreement(alone, exact.values),
        LIMIT * _slope_difference(engine, draws[exact.ok][0], times) / _SLOPE_LIMIT,
    )


def _slope_difference(engine: KernelEngine, point: Floats, times: list[float]) -> float:
    """Difference of derivatives along a random direction from central differences."""
    if not len(point):
        return 0.0
    direction = np.random.default_rng(1).uniform(-1, 1, len(point)) * point
    moved = np.stack([point + _STEP * direction, point - _STEP * direction])
    plus, minus = engine.simulate_all(moved, times, _TOLERANCE).values[..., : len(engine.outputs)]
    expected = (plus - minus) / (2 * _STEP)
    found = engine.gradient(point[None], times)
    along = found.slopes[0] @ direction
    size = np.abs(found.batch.values[0]).max(axis=0)
    size = np.where(size > 0, size, 1.0)
    return float(np.max(np.abs(along - expected) / size, initial=0.0))
