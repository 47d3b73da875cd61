"""Which mechanism is chosen when each of them is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from bonecycle.inference.checks.synthetic import draw_point, synthetic_data
from bonecycle.inference.comparison.evidence import Base, importance, nested, nested_state
from bonecycle.inference.comparison.laplace import Laplace, Posterior, laplace
from bonecycle.inference.parts import Record, generator, numbers_key, problem_key
from bonecycle.inference.sampling.clouds import Cloud
from bonecycle.problem.problem import ProblemSpec, load_problem

DECISIVE = 3.0
"""Log Bayes factor from which a choice is called strong (Kass and Raftery 1995, JASA 90:773)."""
CHECKED_CELLS = 10
UNDETERMINED = "undetermined"
"""The outcome where the evidence of a candidate could not be determined."""


@dataclass(frozen=True)
class Candidate:
    """A mechanism with its normal approximation on the studies."""

    spec: ProblemSpec
    theta: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]

    @classmethod
    def of(cls, spec: ProblemSpec, found: Laplace) -> Candidate:
        """From a Laplace approximation."""
        return cls(spec, tuple(found.theta.tolist()), tuple(map(tuple, found.covariance.tolist())))

    @property
    def name(self) -> str:
        """The mechanism."""
        return self.spec.mechanism


@dataclass(frozen=True)
class DataSet:
    """One synthetic data set, and every candidate fitted to it.

    Attributes
    ----------
    truth : Candidate
        Parameters are drawn from its normal approximation.
    number, seed : int
        Which data set.
    candidates : tuple of Candidate
        What is fitted, from the best point on the studies and from the prior centre.
    """

    truth: Candidate
    number: int
    candidates: tuple[Candidate, ...]
    seed: int = 0

    @property
    def key(self) -> str:
        """Everything that determines the result."""
        every = (self.truth, *self.candidates)
        problems = [problem_key(load_problem(c.spec)) for c in every]
        fits = [numbers_key(c.theta, c.covariance) for c in every]
        return repr(("recovery", problems, fits, self.number, self.seed))

    def observations(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Values and sides of the data set, the same for every candidate."""
        problem = load_problem(self.truth.spec)
        rng = generator(self.seed, f"{self.truth.name} {self.number}")
        center, covariance = np.array(self.truth.theta), np.array(self.truth.covariance)
        values, sides = synthetic_data(problem, draw_point(problem, center, covariance, rng), rng)
        return tuple(values.tolist()), tuple(sides.tolist())

    def fit(self, candidate: Candidate) -> Laplace:
        """Laplace approximation of one candidate on this data set."""
        problem = Posterior(candidate.spec, *self.observations()).problem
        return laplace(problem, [np.array(candidate.theta), problem.space.centers])

    def run(self) -> Record:
        """Log evidence of every candidate."""
        evidence = {c.name: self.fit(c).log_evidence for c in self.candidates}
        return {"truth": self.truth.name, "data_set": self.number, "log_evidence": evidence}


@dataclass(frozen=True)
class CheckedCell:
    """One candidate on one data set with its evidence by all three methods."""

    data: DataSet
    candidate: Candidate
    live_points: int
    checkpoints: Path

    @property
    def key(self) -> str:
        """Everything that determines the result."""
        return repr(("checked", self.data.key, self.candidate.name, self.live_points))

    def run(self) -> Record:
        """Laplace, importance sampling and nested sampling."""
        name = f"{self.data.truth.name}-{self.data.number}-{self.candidate.name}"
        rng = generator(self.data.seed, name)
        found = self.data.fit(self.candidate)
        density = Posterior(self.candidate.spec, *self.data.observations())
        sampled, cloud = importance(density, Cloud(found.theta, found.covariance), rng)
        checkpoint = nested_state(self.checkpoints, name, self.key)
        by_nested = nested(
            density,
            Base.around(cloud),
            rng=rng,
            live_points=self.live_points,
            checkpoint=checkpoint,
        )
        return {
            "truth": self.data.truth.name,
            "data_set": self.data.number,
            "candidate": self.candidate.name,
            "laplace": found.log_evidence,
            "importance": sampled.log_value,
            "importance_error": sampled.error,
            "effective_draws": sampled.effective_draws,
            "nested": by_nested.log_evidence,
            "nested_error": by_nested.error,
            "evaluations": by_nested.evaluations,
        }


def data_sets(candidates: Sequence[Candidate], count: int, seed: int) -> list[DataSet]:
    """All data sets, the first one of every mechanism first."""
    every = tuple(candidates)
    return [DataSet(truth, number, every, seed) for number in range(count) for truth in every]


def checked_cells(sets: Sequence[DataSet], live_points: int, folder: Path) -> list[CheckedCell]:
    """Ten cells over all true mechanisms and candidates: the true one, then ever farther ones."""
    cells = []
    for i, data in enumerate(sets[:CHECKED_CELLS]):
        place = data.candidates.index(data.truth) + i // 2
        candidate = data.candidates[place % len(data.candidates)]
        cells.append(CheckedCell(data, candidate, live_points, folder))
    return cells


def choice_table(records: Sequence[Record]) -> pd.DataFrame:
    """One row a data set: what is true, what is chosen, and by how much.

    Returns
    -------
    DataFrame
        ``lead``: log evidence of the chosen mechanism over the runner-up. ``behind``: of the
        chosen one over the true one. ``strong``: a lead of 3 or more. A log evidence column per
        candidate. ``chosen`` is "undetermined", and the numbers are NaN, where any evidence is.
    """
    rows = []
    for record in records:
        evidence = record["log_evidence"]
        ordered = sorted(evidence.items(), key=lambda item: -item[1])
        if not np.isfinite(list(evidence.values())).all():
            ordered = [(UNDETERMINED, np.nan)] * 2
        chosen, runner_up = ordered[0], ordered[1]
        lead = chosen[1] - runner_up[1]
        rows.append(
            {
                "truth": record["truth"],
                "data_set": record["data_set"],
                "chosen": chosen[0],
                "lead": lead,
                "behind": chosen[1] - evidence[record["truth"]],
                "strong": lead >= DECISIVE,
            }
            | {f"log_evidence_{name}": value for name, value in evidence.items()}
        )
    return pd.DataFrame(rows)


def confusion_table(choices: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Counts of data sets, one row a true mechanism and a column an outcome.

    Outcomes are the chosen mechanism, or "undetermined".
    """
    counts = pd.crosstab(choices["truth"], choices["chosen"])
    table = counts.reindex(index=list(names), columns=[*names, UNDETERMINED], fill_value=0)
    return table.rename_axis(index="truth", columns=None).reset_index()
