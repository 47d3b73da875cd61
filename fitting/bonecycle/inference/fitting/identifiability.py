"""What the targets could tell about the parameters, before any fit: Fisher information.

Everything is in prior standard deviations, so one is what the prior says by itself.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import norm, qmc

from bonecycle.biology import catalogue
from bonecycle.engines.interface import Floats
from bonecycle.errors import SimulationError
from bonecycle.problem.problem import Problem, ProblemSpec, load_problem

POINTS = 8
"""Points of the prior at which information is measured, when none are given."""
# A direction in which the targets weigh more than this share of the prior is informed.
_INFORMED = 1.0
# Singular values below this share of the largest are rounding.
_RANK = 1e-8
# Two mechanisms are separated when every mixture of their strengths has an SD below this share.
SEPARATED_BELOW = 0.7


def prior_points(problem: Problem, points: int, seed: int = 0) -> Floats:
    """Scrambled Sobol points of the prior within two SDs, (points, n_parameters), on its scale."""
    n = len(problem.space.names)
    sobol = qmc.Sobol(n, scramble=True, rng=np.random.default_rng(seed))
    uniform = sobol.random_base2(max(points - 1, 1).bit_length())[:points]
    standard = np.clip(norm.ppf(uniform), -2.0, 2.0)
    return np.asarray(problem.space.centers + standard * problem.space.sds)


def fisher_information(problem: Problem, theta: Floats, numbers_only: bool = False) -> Floats:
    """Information of the fitted targets at one point, (n_parameters, n_parameters).

    In prior SDs; of numbers alone when asked for; NaN where the point cannot be simulated.
    """
    kept = problem.fitted & (problem.are_numbers if numbers_only else True)
    slopes = problem.weighted_slopes(theta)[kept] * problem.space.sds
    return np.asarray(slopes.T @ slopes)


def rank_table(spec: ProblemSpec, points: int = POINTS) -> pd.DataFrame:
    """One row a point of the prior: how many combinations of parameters the targets inform.

    Returns
    -------
    DataFrame
        ``rank``: singular values above 1e-8 of the largest; ``informed``: combinations that the
        targets inform more than the prior does.
    """
    problem = load_problem(spec)
    rows = []
    for i, theta in enumerate(prior_points(problem, points)):
        slopes = problem.weighted_slopes(theta)[problem.fitted] * problem.space.sds
        if not np.isfinite(slopes).all():
            continue
        # Of the slopes: squared, the small ones would drown in rounding.
        values = np.linalg.svd(slopes, compute_uv=False)
        rows.append(
            {
                "mechanism": spec.mechanism,
                "point": i,
                "parameters": len(problem.space.names),
                "rank": int(np.sum(values > _RANK * values.max())),
                "informed": int(np.sum(values > _INFORMED)),
            }
        )
    return pd.DataFrame(rows, columns=["mechanism", "point", "parameters", "rank", "informed"])


def pair_table(spec: ProblemSpec, points: int = POINTS) -> pd.DataFrame:
    """One row a pair of mechanisms: whether the targets could separate them in one model.

    At every point of the prior of the model with both mechanisms on, the two strengths (the first
    one of a mechanism that has several) are moved together so that the targets notice least, all
    other parameters following. It says nothing about how the mechanisms compare when each is
    fitted alone.

    Returns
    -------
    DataFrame
        ``posterior_sd``: SD of that least noticed combination in prior SDs, the median over the
        points, with ``lowest`` and ``highest``; near one, some mixture of the two is not informed.
        ``separated``: whether it is below 0.7.
        ``alike``: largest cosine between what the two strengths do to the targets once the other
        parameters have followed.
    """
    every = [name for name, strengths in catalogue.mechanisms().items() if strengths]
    rows = []
    for first, second in combinations(every, 2):
        problem = load_problem(replace(spec, mechanism=f"{first}+{second}"))
        names = problem.space.names
        pair = [names.index(catalogue.mechanisms()[name][0]) for name in (first, second)]
        measured = [
            _pair(fisher_information(problem, theta), pair)
            for theta in prior_points(problem, points)
        ]
        values = [value for value in measured if value is not None]
        if not values:
            remedy = "no point of the prior could be simulated; check the priors and the data"
            raise SimulationError("cycle", f"{first}+{second}", {}, remedy)
        widest, cosines = np.array(values).T
        rows.append(
            {
                "first": first,
                "second": second,
                "points": len(values),
                "posterior_sd": float(np.median(widest)),
                "lowest": float(widest.min()),
                "highest": float(widest.max()),
                "alike": float(cosines.max()),
                "separated": bool(np.median(widest) < SEPARATED_BELOW),
            }
        )
    return pd.DataFrame(rows)


def _pair(information: Floats, pair: list[int]) -> tuple[float, float] | None:
    """SD of the least noticed combination of two parameters, and how alike they act."""
    if not np.isfinite(information).all():
        return None
    block = np.linalg.inv(information + np.eye(len(information)))[np.ix_(pair, pair)]
    # What the targets add to the prior, once the other parameters have followed.
    added = np.linalg.inv(block) - np.eye(2)
    cosine = added[0, 1] / np.sqrt(max(added[0, 0] * added[1, 1], 1e-300))
    return float(np.sqrt(np.linalg.eigvalsh(block)[-1])), float(abs(cosine))
