"""A kernel is used only after it has agreed with libroadrunner."""

from __future__ import annotations

import json
from importlib.metadata import version

import numpy as np

from bonecycle.biology import catalogue
from bonecycle.biology.tables import Parameter, Scale
from bonecycle.engines.interface import Floats
from bonecycle.engines.kernel.engine import KernelEngine, disagreement
from bonecycle.engines.kernel.library import cache_folder
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.manifest import atomic_write

LIMIT = 1e-6
"""Largest difference, relative to max(|x|, 1e-6 of the range), of states and outputs."""
_DRAWS = 4
_TOLERANCE = 1e-10
# Parameters that no table lists vary by this much around the model's own value.
_SPREAD = 0.1
# Doses, phases that follow them, and the start of the cycle's answer.
_TIMES = (0.0, 1.0, 10.0, 40.0, 100.0)


class RefusedError(Exception):
    """A kernel that disagrees with libroadrunner."""


def verify(engine: KernelEngine, sbml: str) -> float:
    """Compare states and outputs of a kernel with libroadrunner's at random prior draws.

    The largest difference is kept beside the machine code, so this is done once a kernel.

    Returns
    -------
    float
        See `LIMIT`.

    Raises
    ------
    RefusedError
        When it is above the limit.
    """
    path = cache_folder() / f"{engine.hash}.json"
    if path.exists():
        difference = float(json.loads(path.read_text(encoding="utf-8"))["difference"])
    else:
        difference = _difference(engine, sbml)
        record = {"difference": difference, "limit": LIMIT, "bonecycle": version("bonecycle")}
        atomic_write(path, json.dumps(record) + "\n")
    if not difference <= LIMIT:
        raise RefusedError(
            f"the generated kernel of {engine.model_name!r} differs from roadrunner by "
            f"{difference:.1e}, more than {LIMIT:g}"
        )
    return difference


def _difference(engine: KernelEngine, sbml: str) -> float:
    draws = prior_draws(engine)
    reference = RoadRunnerEngine(
        sbml,
        engine.parameters,
        engine.all_outputs,
        engine.model_name,
        engine.arm,
        relative_tolerance=_TOLERANCE,
    )
    exact = reference.simulate(draws, _TIMES)
    ours = engine.simulate_all(draws, _TIMES, _TOLERANCE)
    if not exact.ok.any():
        return float("inf")
    return disagreement(ours.values, exact.values)


def prior_draws(engine: KernelEngine) -> Floats:
    """Random prior draws of an engine's parameters, (n_sets, n_parameters)."""
    known = dict(catalogue.parameters())
    for drug in catalogue.drugs().values():
        known |= {parameter.id: parameter for parameter in drug.parameters}
    random = np.random.default_rng(0).standard_normal((_DRAWS, len(engine.parameters)))
    own = engine.own_values
    columns = [
        _drawn(known.get(name), value, normal)
        for name, value, normal in zip(engine.parameters, own, random.T, strict=True)
    ]
    return np.stack(columns, axis=1) if columns else np.zeros((_DRAWS, 0))


def _drawn(parameter: Parameter | None, own: float, normal: Floats) -> Floats:
    if parameter is None or parameter.prior_sd is None or not parameter.value > 0:
        return own * np.exp(_SPREAD * normal)
    spread = min(parameter.prior_sd, 1.0) * normal
    if parameter.scale is Scale.LOG:
        return np.asarray(parameter.value * np.exp(spread))
    odds = parameter.value / (1 - parameter.value) * np.exp(spread)
    return np.asarray(odds / (1 + odds))
