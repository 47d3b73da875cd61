"""First-order indices from draws whose parameters depend on each other, such as a posterior."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from bonecycle.analysis.blocks import Run, evaluate_in_blocks, whole_groups
from bonecycle.analysis.responses import Response
from bonecycle.engines.interface import Floats
from bonecycle.errors import UsageError

_RESAMPLES = 200
_FEWEST = 100


@dataclass(frozen=True)
class GivenData:
    """Result of `given_data_indices`.

    Attributes
    ----------
    table : DataFrame
        observable, months, unit, parameter, `index` ("first"), `estimate`, and `lower` to
        `upper`, the bootstrap 95 % interval. NaN for an output that does not vary.
    draws, lost : int
        Draws used, and left out because they could not be simulated.
    """

    table: pd.DataFrame
    draws: int
    lost: int


def given_data_indices(
    response: Response, values: Floats, *, seed: int = 0, run: Run | None = None
) -> GivenData:
    """Estimate Var(E[y | p]) / Var(y) of every parameter from draws as they are.

    This is the share of the variance of y that would go if p became known, dependence included:
    a parameter that does nothing itself has a share when it is correlated with one that does, and
    the shares need not sum to one. Total indices and interactions are not defined without
    independent parameters and are not given.

    Parameters
    ----------
    response : Response
    values : ndarray, shape (n_draws, n_parameters)
        Draws in natural units, 100 or more; `over_draws` takes them from a posterior. Draws of a
        chain should be thinned: the intervals take them as independent.
    seed : int
        Of the bootstrap.
    run : Run, optional
        Workers, checkpoints, progress.

    Notes
    -----
    Draws are sorted by the parameter and split into classes of equal size, as many as the square
    root of half the draws; the estimate is the share of the variance between them, less what
    classes of unrelated draws would have (epsilon squared). Plischke, Borgonovo and Smith 2013,
    European Journal of Operational Research 226:536, section 3.

    Raises
    ------
    UsageError
        For fewer draws, or when too many of them failed.
    """
    if len(values) < _FEWEST:
        raise UsageError(f"{len(values)} draws say little: give {_FEWEST} or more.")
    outputs, kept = whole_groups(evaluate_in_blocks(response, values, run), 1)
    values = values[kept]
    rng = np.random.default_rng(seed)
    resamples = rng.integers(len(values), size=(_RESAMPLES, len(values)))
    rows = []
    for column, label in enumerate(response.labels):
        y = outputs[:, column]
        for place, name in enumerate(response.names):
            estimates = [_first(values[r, place], y[r]) for r in resamples]
            estimate = _first(values[:, place], y)
            reach = 1.959964 * float(np.std(estimates, ddof=1))
            rows.append(
                label._asdict()
                | {
                    "parameter": name,
                    "index": "first",
                    "estimate": estimate,
                    "lower": estimate - reach,
                    "upper": estimate + reach,
                }
            )
    return GivenData(pd.DataFrame(rows), int(kept.sum()), int((~kept).sum()))


def _first(parameter: Floats, output: Floats) -> float:
    """Share of the variance between classes of the parameter, bias removed."""
    variance = output.var()
    if variance <= (1e-9 * np.abs(output).max()) ** 2:
        return float("nan")
    classes = int(np.sqrt(len(output) / 2))
    parts = np.array_split(output[np.argsort(parameter, kind="stable")], classes)
    within = sum(len(part) * part.var() for part in parts) / (len(output) - classes)
    return float(1 - within * (len(output) - 1) / (len(output) * variance))
