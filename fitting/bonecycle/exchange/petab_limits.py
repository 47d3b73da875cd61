"""What PEtab cannot say of our problems, and what the export does about it.

docs/petab.md holds the same table in words; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from bonecycle.biology.tables import Scale
from bonecycle.problem.problem import Problem
from bonecycle.studies.schema import Comparison, Role

_DIRECTIONS = (Comparison.DECREASED, Comparison.INCREASED)
_LIMITS = (Comparison.BELOW, Comparison.ABOVE, Comparison.NOT_STRONGLY_DECREASED)


class Handling(StrEnum):
    """What the export does."""

    EXACT = "exact, in another form"
    EXTENSION = "extension"
    APPROXIMATION = "approximation"
    ERROR = "error"


@dataclass(frozen=True)
class Limit:
    """One thing that PEtab cannot say; `count` says how often a problem has it."""

    id: str
    what: str
    handling: Handling
    how: str
    count: Callable[[Problem], int]


def _fitted(problem: Problem, comparisons: tuple[Comparison, ...]) -> int:
    return sum(t.fitted and t.observation.comparison in comparisons for t in problem.targets)


def _correlated(problem: Problem) -> int:
    covariance = problem.error_factor @ problem.error_factor.T
    return int(((np.abs(covariance) > 0).sum(axis=1) > 1).sum())


LIMITS = (
    Limit(
        "limits",
        "limits (above, below, not strongly decreased) as probit terms",
        Handling.EXTENSION,
        "left out of the measurements; the studies in the extension hold them",
        lambda problem: _fitted(problem, _LIMITS),
    ),
    Limit(
        "directions",
        "directions (increased, decreased) as probit terms",
        Handling.EXTENSION,
        "left out of the measurements; the studies in the extension hold them",
        lambda problem: _fitted(problem, _DIRECTIONS),
    ),
    Limit(
        "correlated_errors",
        "errors that numbers of one arm share",
        Handling.APPROXIMATION,
        "measurements are independent with the same SD each; the error model in the extension's "
        "hashes correlates them",
        _correlated,
    ),
    Limit(
        "validation",
        "rows kept for validation",
        Handling.EXTENSION,
        "left out of the measurements; the studies in the extension hold them",
        lambda problem: sum(
            t.observation.role is Role.VALIDATION for t in (*problem.targets, *problem.held)
        ),
    ),
    Limit(
        "logit_scale",
        "parameters on the logit scale",
        Handling.EXACT,
        "the logit is a parameter of the model, linear with a normal prior; a rule gives the share",
        lambda problem: sum(p.scale is Scale.LOGIT for p in problem.space.parameters),
    ),
    Limit(
        "unused_parameters",
        "free parameters of drugs that are not in the data",
        Handling.EXTENSION,
        "left out of the parameters: only their priors know them",
        lambda problem: sum(p.id not in problem.parameters for p in problem.space.parameters),
    ),
    Limit(
        "prior_density",
        "priors as densities of the logarithm",
        Handling.APPROXIMATION,
        "exact in version 1 (parameterScaleNormal); version 2 has log-normal priors, the same "
        "distribution with the density of the value, so its posterior mode lies elsewhere",
        lambda problem: sum(p.scale is Scale.LOG for p in problem.space.parameters),
    ),
    Limit(
        "likelihood_density",
        "measurements as densities of the logarithm",
        Handling.EXACT,
        "PEtab's density is that of the value: the log-likelihood differs by the constant sum of "
        "log(measurement)",
        lambda problem: sum(t.fitted and t.is_number for t in problem.targets),
    ),
    Limit(
        "doses",
        "regimens of one problem with one model",
        Handling.EXACT,
        "all regimens are events of the one model; a condition turns one of them on",
        lambda problem: sum(bool(regimen.treatments) for regimen in problem.regimens),
    ),
    Limit(
        "own_model",
        "problems with a model of one's own and a map",
        Handling.ERROR,
        "refused: only problems with the cycle are exported",
        lambda problem: int(bool(problem.spec.model)),
    ),
)


def limits_table(problem: Problem) -> list[dict[str, object]]:
    """One row an entry of `LIMITS`, with how often this problem has it."""
    return [
        {
            "id": limit.id,
            "what": limit.what,
            "handling": limit.handling.value,
            "how": limit.how,
            "count": limit.count(problem),
        }
        for limit in LIMITS
    ]
