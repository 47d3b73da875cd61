"""How well a fit stands: effective parameters, chi-square, correlations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2

from bonecycle.inference.fitting.identifiability import fisher_information
from bonecycle.inference.fitting.least_squares import Fit
from bonecycle.problem.problem import load_problem

# A chi-square that far in either tail wants a reason: errors too small or a wrong model, errors
# too large or data that were fitted too freely.
P_LOW, P_HIGH = 0.05, 0.95


@dataclass(frozen=True)
class Goodness:
    """Fitted numbers against their committed errors at the best point.

    Attributes
    ----------
    numbers : int
        Fitted numbers; limits, directions and "unchanged" have no chi-square.
    effective_parameters : float
        Trace of the share of information that comes from the numbers and not from the priors.
    chi_square : float
        Sum of squared whitened residuals of the numbers; its mean is `degrees_of_freedom`.
    degrees_of_freedom : float
        Numbers minus effective parameters.
    predictive_chi_square : float
        The same with the squared distances from the priors: chi-square with as many degrees as
        numbers when data come from the prior predictive (exact for a linear model).
    p : float
        Probability of a larger `predictive_chi_square`.
    flag : str
        ``too large`` or ``too small`` where `p` is below 0.05 or above 0.95, else empty.
    """

    numbers: int
    effective_parameters: float
    chi_square: float
    degrees_of_freedom: float
    predictive_chi_square: float
    p: float
    flag: str


def goodness(fit: Fit) -> Goodness:
    """Measure a fit at its best point."""
    problem, theta = load_problem(fit.spec), fit.best.theta
    # tr(F (F + 1)^-1), with the prior's information being one in its own SDs.
    shares = np.linalg.eigvalsh(fisher_information(problem, theta, numbers_only=True))
    effective = float(np.sum(shares / (shares + 1)))
    kept = problem.fitted & problem.are_numbers
    chi_square = float(np.sum(problem.evaluate(theta[None]).residuals[0, kept] ** 2))
    numbers = int(kept.sum())
    predictive = chi_square + float(np.sum(problem.space.standardized(theta[None]) ** 2))
    p = float(chi2.sf(predictive, numbers))
    flag = "too large" if p < P_LOW else "too small" if p > P_HIGH else ""
    degrees = numbers - effective
    return Goodness(numbers, effective, chi_square, degrees, predictive, p, flag)


def correlation_table(fit: Fit) -> pd.DataFrame:
    """One row a pair of free parameters: correlation at the best point, strongest first."""
    names = load_problem(fit.spec).space.names
    sds = np.sqrt(np.diag(fit.best.covariance))
    matrix = fit.best.covariance / sds[:, None] / sds
    rows = [
        {
            "mechanism": fit.spec.mechanism,
            "first": names[i],
            "second": names[j],
            "correlation": float(matrix[i, j]),
        }
        for i in range(len(names))
        for j in range(i + 1, len(names))
    ]
    table = pd.DataFrame(rows, columns=["mechanism", "first", "second", "correlation"])
    return table.sort_values("correlation", key=abs, ascending=False, ignore_index=True)
