"""Local sensitivities: what a small relative change of a parameter does to an output."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bonecycle.analysis.responses import Output, SmoothResponse
from bonecycle.engines.interface import Floats
from bonecycle.errors import UsageError

INTERVAL = 0.95
"""Probability of the interval over several points."""


def local_sensitivities(response: SmoothResponse, values: Floats | None = None) -> pd.DataFrame:
    """Scaled sensitivities d ln y / d ln p of every output to every parameter.

    2 means that one per cent more of the parameter gives two per cent more of the output. They
    are (p / y) dy / dp, with the sign of dy / dp turned where y is negative, and hold for small
    changes around one point only; wide priors ask for `screen` or `sobol_indices`.

    Parameters
    ----------
    response : SmoothResponse
        With exact derivatives where its engine gives them.
    values : ndarray, shape (n_points, n_parameters), optional
        Where; None: at the centre of every parameter. Several points, such as draws of a
        posterior, give a median and an interval: how far the local picture holds.

    Returns
    -------
    DataFrame
        observable, months, unit, parameter, `output` (at the point, median over several),
        `sensitivity` (dimensionless, median), `lower` and `upper` (95 % interval over the points,
        equal to it for one point), `points` that could be used. NaN where an output is zero.

    Raises
    ------
    UsageError
        When no point could be simulated.
    """
    if values is None:
        values = response.from_scores(np.zeros((1, len(response.names))))
    outputs, slopes = response.gradient(values)
    good = np.isfinite(outputs).all(axis=1) & np.isfinite(slopes).all(axis=(1, 2))
    if not good.any():
        raise UsageError(f"None of {len(values)} points could be simulated with derivatives.")
    outputs, slopes, values = outputs[good], slopes[good], values[good]
    size = np.where(outputs == 0, np.nan, np.abs(outputs))
    scaled = slopes * values[:, None, :] / size[..., None]
    tail = (1 - INTERVAL) / 2
    # A quantile of numbers with a NaN is NaN: one point without a ratio leaves the output out.
    lower, middle, upper = np.quantile(scaled, [tail, 0.5, 1 - tail], axis=0)
    shape = (len(response.labels), len(response.names))
    columns = {
        field: np.repeat([getattr(label, field) for label in response.labels], shape[1])
        for field in Output._fields
    }
    return pd.DataFrame(
        columns
        | {
            "parameter": np.tile(response.names, shape[0]),
            "output": np.repeat(np.median(outputs, axis=0), shape[1]),
            "sensitivity": middle.ravel(),
            "lower": lower.ravel(),
            "upper": upper.ravel(),
            "points": int(good.sum()),
        }
    )
