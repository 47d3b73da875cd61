"""Osteoclasts by their number of nuclei."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bonecycle.biology.compose import compose
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.errors import unknown


def nuclei_distribution(
    parameters: Mapping[str, float] | None = None, days: float = 0.0
) -> pd.DataFrame:
    """Osteoclasts of the route by number of nuclei, at rest or some days after a change.

    Parameters
    ----------
    parameters : mapping of str to float, optional
        Natural values by name; the others keep their prior centre.
    days : float
        Time since the untreated rest; zero for the rest itself.

    Returns
    -------
    DataFrame
        ``nuclei`` (the last row stands for that many or more), ``settled`` and ``resorbing`` in
        cells per mm2 of bone surface. One nucleus: founders.

    Raises
    ------
    UsageError
        For an unknown parameter.
    """
    model = compose("route")
    values = dict(parameters or {})
    for name in values:
        if name not in model.parameters:
            raise unknown("parameter", name, model.parameters)
    last = model.build.nuclei
    chain = [("settled", i) for i in range(1, last + 1)]
    chain += [("resorbing", i) for i in range(2, last + 1)]
    outputs = (*(f"{kind}_{i}" for kind, i in chain), "settled_giants", "resorbing_giants")
    engine = RoadRunnerEngine(model.sbml, tuple(values), outputs, "route")
    batch = engine.simulate(np.array([list(values.values())]), [0.0, days] if days else [0.0])
    read = dict(zip(outputs, batch.values[0, -1], strict=True))
    rows = [
        {
            "nuclei": i,
            "settled": read[f"settled_{i}"] / i,
            "resorbing": read[f"resorbing_{i}"] / i if i > 1 else 0.0,
        }
        for i in range(1, last + 1)
    ]
    giants = {"settled": read["settled_giants"], "resorbing": read["resorbing_giants"]}
    return pd.DataFrame([*rows, {"nuclei": last + 1, **giants}])
