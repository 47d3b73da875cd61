"""A problem whose posterior, evidence and predictions are known exactly."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.linalg import block_diag

from bonecycle.biology.tables import Parameter, Scale
from bonecycle.engines.interface import Batch, gradient_by_differences
from bonecycle.problem.arms import Arm
from bonecycle.problem.problem import Problem, ProblemSpec
from bonecycle.problem.space import Space

ARMS = (("one", "a"), ("one", "b"), ("two", "a"), ("three", "a"))
ROWS = 2


class LogLinear:
    """An engine whose outputs are products of powers of its parameters."""

    def __init__(self, powers):
        self.powers = powers
        self.parameters = tuple(f"p{i}" for i in range(powers.shape[1]))

    def simulate(self, values, times):
        logs = np.log(values) @ self.powers.T
        ok = np.ones(len(values), dtype=bool)
        return Batch(np.exp(logs)[:, None, :], ok, ("",) * len(values))

    def gradient(self, values, times, by=None):
        return gradient_by_differences(self, values, times, by)


def make_parameter(name, sd):
    nothing = {"mechanism": "", "source": "", "place": "", "status": "assumed", "note": ""}
    return Parameter(name, name, "1", 1.3, Scale.LOG, sd, True, **nothing)


class KnownProblem(Problem):
    """Numbers that are normal on the log scale around a linear prediction."""

    def __init__(self, name="known", sds=(0.5, 1.0, 0.8)):
        rng = np.random.default_rng(4)
        n, d = ROWS * len(ARMS), 3
        self.spec = ProblemSpec(name)
        self.hashes = {"data": name}
        self.powers = rng.standard_normal((n, d))
        self.space = Space(tuple(make_parameter(f"p{i}", sd) for i, sd in enumerate(sds)))
        self.targets = tuple(
            SimpleNamespace(
                study=study,
                trial=study,
                arm=arm,
                log_sd=0.3,
                is_number=True,
                time_days=0.0,
                value=1.0,
            )
            for study, arm in ARMS
            for _ in range(ROWS)
        )
        self.fitted = np.ones(n, dtype=bool)
        block = 0.3**2 * np.array([[1.0, 0.5], [0.5, 1.0]])
        self.covariance = block_diag(*[block] * len(ARMS))
        self.error_factor = np.linalg.cholesky(self.covariance)
        self._values = np.exp(self.powers @ self.space.centers + rng.standard_normal(n))
        self._sides = np.zeros(n, dtype=int)
        engine = LogLinear(self.powers)
        zeros = np.zeros(n, dtype=np.intp)
        every = np.arange(d)
        self.arms = (
            Arm(
                engine, (0.0,), np.ones(d), every, every, np.arange(n), zeros, np.arange(n),
                np.zeros(n, dtype=bool),
            ),
        )  # fmt: skip

    def log_evidence(self, kept):
        """Exact log density of the numbers that are kept."""
        powers = self.powers[kept]
        mean = powers @ self.space.centers
        covariance = powers @ np.diag(self.space.sds**2) @ powers.T
        covariance += self.covariance[np.ix_(kept, kept)]
        gap = np.log(self._values[kept]) - mean
        volume = np.linalg.slogdet(2 * np.pi * covariance)[1]
        return float(-0.5 * (gap @ np.linalg.solve(covariance, gap) + volume))

    def posterior(self, kept):
        """Exact mean and covariance of theta."""
        powers, inverse = self.powers[kept], np.linalg.inv(self.covariance[np.ix_(kept, kept)])
        covariance = np.linalg.inv(powers.T @ inverse @ powers + np.diag(self.space.sds**-2.0))
        gap = np.log(self._values[kept]) - powers @ self.space.centers
        return self.space.centers + covariance @ powers.T @ inverse @ gap, covariance


@pytest.fixture
def known():
    return KnownProblem()
