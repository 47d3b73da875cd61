"""The one module that touches ArviZ, whose 0.23 and 1.x releases differ."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

import numpy as np
import xarray as xr

from bonecycle.engines.interface import Floats

with warnings.catch_warnings():
    # 0.23 announces 1.x on import.
    warnings.simplefilter("ignore", FutureWarning)
    az: Any = import_module("arviz")


def rhat(draws: Floats) -> Floats:
    """Rank-normalized split R-hat between chains.

    Parameters
    ----------
    draws : ndarray, shape (n_chains, n_draws, n_parameters)
        In the order in which they were drawn.

    Returns
    -------
    ndarray, shape (n_parameters,)
    """
    dims = ("chain", "draw", "parameter")
    values: xr.Dataset = az.rhat(xr.Dataset({"theta": (dims, draws)}))
    return np.asarray(values["theta"].to_numpy(), dtype=float)
