"""Profiles: how well a parameter can be moved when all others follow.

One search at each value gives two curves. With all priors it is the profile of the posterior;
without the prior of that one parameter, which is constant where the parameter is held, it is the
profile likelihood: what the data say about it, given the priors of the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from bonecycle.engines.interface import Floats
from bonecycle.inference.fitting.least_squares import search
from bonecycle.inference.parts import Record, numbers_key, problem_key
from bonecycle.problem.problem import Problem, ProblemSpec, load_problem

LEVEL = float(chi2.ppf(0.95, 1))
"""Rise of twice the negative log at the ends of a 95 % interval of one parameter."""
REACH = 4.0
"""Profiles end this many prior SDs from the prior centre."""
# A curve is followed to this multiple of the level, so that its crossing is no guess.
_BEYOND = 1.5
# In posterior SDs and prior SDs; a step that changes little is followed by a longer one.
_FIRST_STEP, _LONGEST_STEP, _LONGER = 0.4, 0.5, 1.6
_LITTLE = 0.4
# A cost this high is a point that could not be simulated.
_FAILED = 1e5


@dataclass(frozen=True)
class Profile:
    """The profile of one parameter as a part of a long work.

    Attributes
    ----------
    spec : ProblemSpec
    parameter : str
    theta : tuple of float
        The mode, on the scales of the priors.
    sd : float
        Posterior SD of the parameter on its scale: the size of the steps.
    """

    spec: ProblemSpec
    parameter: str
    theta: tuple[float, ...]
    sd: float

    @property
    def key(self) -> str:
        """Everything that determines the result."""
        problem = problem_key(load_problem(self.spec))
        return repr(("profile", problem, numbers_key(self.theta, self.sd), self.parameter))

    def run(self) -> Record:
        """Follow the profile to both sides."""
        problem = load_problem(self.spec)
        points = profile(problem, self.parameter, np.array(self.theta), self.sd)
        return {"mechanism": self.spec.mechanism, "parameter": self.parameter, "points": points}


def profile(problem: Problem, parameter: str, theta: Floats, sd: float) -> list[Record]:
    """Follow one parameter from the mode to both sides, all others following.

    Every search starts where the last one on that side ended. A side ends where both curves have
    risen well above the 95 % level, at four prior SDs from the prior centre, or where the model
    can no longer be simulated.

    Returns
    -------
    list of dict
        In increasing order: ``prior_sds`` from the prior centre, ``value`` in the parameter's
        unit, ``cost`` (squared residuals with all priors), ``likelihood_cost`` (without the prior
        of this parameter).
    """
    space = problem.space
    place = space.names.index(parameter)
    mode = space.standardized(theta[None])[0]
    middle = _point(problem, parameter, place, search(problem, mode, held=[parameter]).theta)
    points = [middle]
    for direction in (-1.0, 1.0):
        points += _side(problem, parameter, place, mode, direction * sd / space.sds[place], middle)
    return sorted(points, key=lambda point: float(point["prior_sds"]))


def _side(
    problem: Problem, parameter: str, place: int, mode: Floats, sd: float, middle: Record
) -> list[Record]:
    found = [middle]
    last, step = mode.copy(), _FIRST_STEP * sd
    while abs(last[place]) < REACH or last[place] * step < 0:
        start = last.copy()
        start[place] = np.clip(last[place] + step, -REACH, REACH)
        end = search(problem, start, held=[parameter])
        point = _point(problem, parameter, place, end.theta)
        if point["cost"] > _FAILED:
            break
        found.append(point)
        last = problem.space.standardized(end.theta[None])[0]
        rises = [
            point[name] - min(other[name] for other in found)
            for name in ("cost", "likelihood_cost")
        ]
        if min(rises) > _BEYOND * LEVEL:
            break
        changes = [abs(point[name] - found[-2][name]) for name in ("cost", "likelihood_cost")]
        if max(changes) < _LITTLE * LEVEL:
            step = float(np.clip(_LONGER * step, -_LONGEST_STEP, _LONGEST_STEP))
    return found[1:]


def _point(problem: Problem, parameter: str, place: int, theta: Floats) -> Record:
    evaluation = problem.evaluate(theta[None])
    z = problem.space.standardized(theta[None])[0]
    cost = float(np.sum(evaluation.residuals[0, problem.fitted] ** 2) + np.sum(z**2))
    return {
        "parameter": parameter,
        "prior_sds": float(z[place]),
        "value": float(problem.space.to_natural(theta[None])[0, place]),
        "cost": cost if np.isfinite(cost) else 2 * _FAILED,
        "likelihood_cost": cost - float(z[place] ** 2),
    }


def curve_table(records: Sequence[Record]) -> pd.DataFrame:
    """One row a point of a profile.

    Returns
    -------
    DataFrame
        ``rise`` and ``likelihood_rise``: above the lowest point of their curve.
    """
    table = pd.DataFrame(
        [{"mechanism": r["mechanism"], **point} for r in records for point in r["points"]]
    )
    by = table.groupby(["mechanism", "parameter"], sort=False)
    return table.assign(
        rise=table["cost"] - by["cost"].transform("min"),
        likelihood_rise=table["likelihood_cost"] - by["likelihood_cost"].transform("min"),
    )


def interval_table(curves: pd.DataFrame, spec: ProblemSpec) -> pd.DataFrame:
    """One row a parameter: 95 % intervals of both curves, and which are open.

    Parameters
    ----------
    curves
        As `curve_table` returns it, of one mechanism.
    spec
        Its problem, for units and priors.

    Returns
    -------
    DataFrame
        ``lower``, ``upper``: where the posterior's profile has risen by 3.84.
        ``likelihood_lower``, ``likelihood_upper``: the same of the profile likelihood; empty where
        it is open: it stays below the level up to four prior SDs from the prior centre, or up to
        where the model can be simulated. ``data_say``: "interval", "lower limit", "upper limit" or
        "nothing".
    """
    space = load_problem(spec).space
    rows = []
    for parameter, own in curves.groupby("parameter", sort=False):
        place = space.names.index(str(parameter))
        described = space.parameters[place]
        z = own["prior_sds"].to_numpy()
        ends = {
            "": crossings(z, own["rise"].to_numpy()),
            "likelihood_": crossings(z, own["likelihood_rise"].to_numpy()),
        }
        row: dict[str, Any] = {
            "mechanism": spec.mechanism,
            "parameter": described.id,
            "name": described.name,
            "unit": described.unit,
            "best": float(own["value"].iloc[int(own["cost"].argmin())]),
        }
        for prefix, pair in ends.items():
            for name, end in zip(("lower", "upper"), pair, strict=True):
                row[prefix + name] = None if end is None else _natural(spec, place, end)
        low, high = ends["likelihood_"]
        row["data_say"] = _WORDS[low is not None, high is not None]
        rows.append(row)
    return pd.DataFrame(rows)


_WORDS = {
    (True, True): "interval",
    (True, False): "lower limit",
    (False, True): "upper limit",
    (False, False): "nothing",
}


def _natural(spec: ProblemSpec, place: int, z: float) -> float:
    space = load_problem(spec).space
    theta = space.centers.copy()
    theta[place] += z * space.sds[place]
    return float(space.to_natural(theta[None])[0, place])


def crossings(z: Floats, rise: Floats) -> tuple[float | None, float | None]:
    """Where a curve crosses the 95 % level below and above its lowest point; None where open.

    Interpolated in the root of the rise, which is straight for a normal curve.
    """
    roots = np.sqrt(np.maximum(rise, 0.0)) - np.sqrt(LEVEL)
    lowest = int(np.argmin(rise))

    def first(indices: Sequence[int]) -> float | None:
        for near, far in pairwise(indices):
            if roots[near] <= 0 < roots[far]:
                share = -roots[near] / (roots[far] - roots[near])
                return float(z[near] + share * (z[far] - z[near]))
        return None

    return first(range(lowest, -1, -1)), first(range(lowest, len(z)))
