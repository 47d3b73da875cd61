"""Parameter sets of finished fits, read from their ``fit.json``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from bonecycle.biology.tables import Scale
from bonecycle.errors import UsageError


def fitted_points(folder: Path, draws: int = 0, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Best points of a fit, and draws of the normal distribution about them.

    Parameters
    ----------
    folder
        Where `bonecycle fit` wrote its results.
    draws
        Draws about each best point, with its covariance on the scales of the priors (Laplace).
    seed
        Of the draws.

    Returns
    -------
    dict of str to DataFrame
        By mechanism: one row a set, the best one first; one column a free parameter, natural
        values.

    Raises
    ------
    UsageError
        When the folder holds no fit.
    """
    path = folder / "fit.json"
    try:
        records = json.loads(path.read_text(encoding="utf-8"))["fits"]
    except (OSError, ValueError, KeyError):
        raise UsageError(
            f"{path} is no result of `bonecycle fit`: name its --out folder."
        ) from None
    children = np.random.SeedSequence(seed).spawn(len(records))
    return {
        record["mechanism"]: _sets(record, draws, np.random.default_rng(child))
        for record, child in zip(records, children, strict=True)
    }


def _sets(record: dict[str, list[object]], draws: int, rng: np.random.Generator) -> pd.DataFrame:
    start = record["starts"][0]
    assert isinstance(start, dict)
    theta = np.array(start["theta"], dtype=float)
    sets = theta[None]
    covariance = np.array(record["covariance"], dtype=float)
    if draws and np.isfinite(covariance).all():
        drawn = rng.multivariate_normal(theta, covariance, size=draws, method="eigh")
        sets = np.vstack([sets, drawn])
    is_log = np.array([scale == Scale.LOG for scale in record["scales"]])
    natural = np.where(is_log, np.exp(np.where(is_log, sets, 0.0)), expit(sets))
    return pd.DataFrame(natural, columns=[str(name) for name in record["parameters"]])
