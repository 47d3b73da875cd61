"""How well a fit stands: effective parameters, chi-square, correlations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2

from bonecycle.inference.identifiability import fisher_information
from bonecycle.inference.least_squares import Fit
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
        Fitted numbers; limits and directions have no chi-square.
    effective_parameters : float
        Trace of the share of information that comes from the targets and not from the priors.
    chi_square : float
        Sum of squared whitened residuals of the numbers.
    degrees_of_freedom : float
        Numbers minus effective parameters.
    p : float
        Probability of a larger chi-square.
    flag : str
        ``too large`` or ``too small`` where `p` is below 0.05 or above 0.95, else empty.
    """

    numbers: int
    effective_parameters: float
    chi_square: float
    degrees_of_freedom: float
    p: float
    flag: str


def goodness(fit: Fit) -> Goodness:
    """Measure a fit at its best point."""
    problem = load_problem(fit.spec)
    information = fisher_information(problem, fit.best.theta)
    # tr(F (F + 1)^-1), with the prior's information being one in its own SDs.
    shares = np.linalg.eigvalsh(information)
    effective = float(np.sum(shares / (shares + 1)))
    is_number = np.array([target.is_number and target.fitted for target in problem.targets])
    residuals = problem.evaluate(fit.best.theta[None]).residuals[0, is_number]
    chi_square = float(np.sum(residuals**2))
    degrees = len(residuals) - effective
    p = float(chi2.sf(chi_square, degrees)) if degrees > 0 else float("nan")
    flag = "too large" if p < P_LOW else "too small" if p > P_HIGH else ""
    return Goodness(len(residuals), effective, chi_square, degrees, p, flag)


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
