"""The one module that touches ArviZ, whose 0.23 and 1.x releases differ."""

from __future__ import annotations

import warnings
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bonecycle.engines.interface import Floats

with warnings.catch_warnings():
    # 0.23 announces 1.x on import.
    warnings.simplefilter("ignore", FutureWarning)
    az: Any = import_module("arviz")

# Fewer have no tail to speak of.
_FEWEST_WEIGHTS = 25
K_HAT_BELOW = 0.7
"""Above this k-hat the estimate for a row is not reliable (Vehtari et al. 2024, JMLR 25:72)."""


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


def pareto_k(weights: Floats) -> float:
    """Pareto k of the largest of some importance weights, shape (n,).

    Below 0.7 the error of an average with these weights is known from the draws themselves
    (Vehtari et al. 2024, JMLR 25:72). Infinite where too few weights are above zero to tell.
    """
    logs = np.log(weights[weights > 0])
    if len(logs) < _FEWEST_WEIGHTS:
        return float("inf")
    if hasattr(az, "psislw"):
        return float(az.psislw(logs)[1])
    # 1.x takes the logs of what is divided by.
    return float(import_module("arviz_stats.base").array_stats.psislw(-logs)[1])


def psis_loo(tree: xr.DataTree) -> pd.DataFrame:
    """Leave one target out by Pareto smoothed importance sampling: a diagnostic, no verdict.

    A target's term is conditional on the earlier numbers of its arm, so that a row with strong
    neighbours looks easier than its study would be to predict.

    Parameters
    ----------
    tree : DataTree
        Groups ``posterior`` and ``log_likelihood``, the latter with one variable ``targets`` of
        dims (chain, draw, target): the fitted targets.

    Returns
    -------
    DataFrame
        One row a target: ``elpd_loo``, ``k_hat``, ``reliable`` (k-hat below 0.7). A target with
        the same term in every draw, such as a direction about which a mechanism says nothing, has
        that term as its elpd, and no k-hat.
    """
    terms = tree["log_likelihood"].to_dataset()["targets"]
    names = terms["target"].to_numpy().astype(str)
    draws = terms.transpose("target", ...).to_numpy().reshape(len(names), -1)
    varies = np.ptp(draws, axis=1) > 0
    found = pd.DataFrame(
        {"target": names, "elpd_loo": draws[:, 0], "k_hat": np.nan, "reliable": True}
    )
    if varies.any():
        elpd, k_hat = _loo(tree["posterior"].to_dataset(), terms.isel(target=varies).to_dataset())
        found.loc[varies, ["elpd_loo", "k_hat"]] = np.column_stack([elpd, k_hat])
        found.loc[varies, "reliable"] = k_hat < K_HAT_BELOW
    return found


def _loo(posterior: xr.Dataset, terms: xr.Dataset) -> tuple[Floats, Floats]:
    """Elpd and k-hat of every target."""
    groups = {"/posterior": posterior, "/log_likelihood": terms}
    with TemporaryDirectory() as folder:
        # The way from a tree into ArviZ that both 0.23 and 1.x know.
        path = Path(folder) / "posterior.nc"
        xr.DataTree.from_dict(groups).to_netcdf(path, engine="h5netcdf")
        loo = az.loo(az.from_netcdf(str(path)), pointwise=True)
    pointwise = loo["loo_i"] if "loo_i" in loo else loo["elpd_i"]
    return pointwise.to_numpy(), loo["pareto_k"].to_numpy()
