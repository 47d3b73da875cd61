"""Morris screening: which parameters matter at all, over the whole of their distributions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from SALib.analyze import morris as analysis
from SALib.sample import morris as sampling

from bonecycle.analysis.blocks import Run, evaluate_in_blocks, whole_groups
from bonecycle.analysis.responses import Response

REACH = 1.644854
"""The grid spans the central 90 % of every parameter, in normal scores: in the corners of wider
ones the phases of the cycle do not fit on the bone."""
_LEVELS = 4


@dataclass(frozen=True)
class Screening:
    """Result of `screen`.

    Attributes
    ----------
    table : DataFrame
        observable, months, unit, parameter; `mu` (mean elementary effect), `mu_star` (mean of its
        size) with the bootstrap 95 % interval `lower` to `upper`, and `sigma` (its SD:
        interactions or curvature), all in units of the output.
    trajectories, lost : int
        Trajectories used, and left out because one of their sets could not be simulated.
    """

    table: pd.DataFrame
    trajectories: int
    lost: int


def screen(
    response: Response, trajectories: int = 32, *, seed: int = 0, run: Run | None = None
) -> Screening:
    """Screen parameters by the elementary effects of Morris.

    An elementary effect is the change of the output for a step of one parameter, divided by the
    step as a share of the parameter's central 95 %: for a straight response it is the change from
    the 5 % to the 95 % quantile.

    Parameters
    ----------
    response : Response
        Over a posterior (`over_draws`), parameters step one at a time along their own marginals:
        where they are correlated, the steps leave what the posterior allows.
    trajectories : int
        Walks through the grid of four levels; each costs one set more than there are parameters.
    seed : int
    run : Run, optional
        Workers, checkpoints, progress.

    Raises
    ------
    UsageError
        When too many trajectories hold a set that failed; see `blocks.whole_groups`.
    """
    names = list(response.names)
    grid = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    places = sampling.sample(grid, trajectories, num_levels=_LEVELS, seed=seed)
    values = response.from_scores(REACH * (2 * places - 1))
    size = len(names) + 1
    outputs, kept = whole_groups(evaluate_in_blocks(response, values, run), size)
    rows = places[np.repeat(kept, size)]
    parts = []
    for column, label in enumerate(response.labels):
        found = analysis.analyze(
            grid, rows, outputs[:, column], num_levels=_LEVELS, num_resamples=1000, seed=seed
        )
        star, spread = np.array(found["mu_star"]), np.array(found["mu_star_conf"])
        parts.append(
            pd.DataFrame(
                label._asdict()
                | {
                    "parameter": names,
                    "mu": np.array(found["mu"], dtype=float),
                    "mu_star": star.astype(float),
                    "lower": (star - spread).astype(float),
                    "upper": (star + spread).astype(float),
                    "sigma": np.array(found["sigma"], dtype=float),
                }
            )
        )
    lost = int((~kept).sum())
    return Screening(pd.concat(parts, ignore_index=True), int(kept.sum()), lost)
