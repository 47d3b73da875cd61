"""The comparison as a surface: evidence over encodings, error scales and priors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import pandas as pd

from bonecycle.inference.comparison.laplace import laplace
from bonecycle.inference.fitting.verdict import ERROR_SCALES, variants
from bonecycle.inference.parts import Record, numbers_key, problem_key
from bonecycle.problem.problem import ProblemSpec, load_problem
from bonecycle.studies.error_model import load_encodings

VARIANT = ["encoding", "error_scale", "prior_scale"]
"""Columns that name a variant."""
PRIOR_SCALES = (0.5, 1.0, 2.0)
"""Factors on the prior SDs of the mechanisms' strengths.

Only of these: they are what the mechanisms do not share, nobody has measured them, and evidence
pays for their width. H0 has none, so its evidence must not change along this axis. All other
priors are the same for every mechanism and most rest on measurements.
"""


@dataclass(frozen=True)
class Cell:
    """One mechanism under one variant, refitted.

    Attributes
    ----------
    spec : ProblemSpec
        The variant.
    theta : tuple of float
        Best point at the chosen variant: one start, the other is the prior centre.
    """

    spec: ProblemSpec
    theta: tuple[float, ...]

    @property
    def key(self) -> str:
        """Everything that determines the result."""
        problem = problem_key(load_problem(self.spec))
        return repr(("surface", problem, numbers_key(self.theta)))

    def run(self) -> Record:
        """Refit, and approximate the evidence at the mode."""
        problem = load_problem(self.spec)
        found = laplace(problem, [np.array(self.theta), problem.space.centers])
        encoding = load_encodings()[self.spec.encoding]
        return {
            "mechanism": self.spec.mechanism,
            "encoding": self.spec.encoding,
            "threshold": encoding.threshold,
            "width": encoding.log_sd,
            "error_scale": self.spec.error_scale,
            "prior_scale": self.spec.prior_scale,
            "cost": found.cost,
            "log_evidence": found.log_evidence,
        }


def cells(spec: ProblemSpec, theta: Sequence[float]) -> list[Cell]:
    """All variants of a mechanism: encodings x error scales x prior scales."""
    encodings = list(dict.fromkeys(variant.encoding for variant in variants(spec)))
    scales = sorted({1.0, *ERROR_SCALES})
    return [
        Cell(replace(spec, encoding=encoding, error_scale=scale, prior_scale=width), tuple(theta))
        for encoding, scale, width in product(encodings, scales, PRIOR_SCALES)
    ]


def surface_table(records: Sequence[Record]) -> pd.DataFrame:
    """One row a mechanism and variant, with its log evidence behind the best of that variant.

    Evidence compares mechanisms within a variant only: errors and statements differ between them.
    ``behind`` is NaN in all of a variant where one evidence is: the best of it is not known.
    """
    table = pd.DataFrame(records)
    best = table.groupby(VARIANT)["log_evidence"].transform(lambda own: own.max(skipna=False))
    return table.assign(behind=best - table["log_evidence"])
