"""What a verdict on the mechanisms rests on: refits with other encodings and errors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import replace

import numpy as np
import pandas as pd

from bonecycle.inference.fitting.least_squares import Fit, refit
from bonecycle.inference.fitting.summary import target_table
from bonecycle.problem.problem import ProblemSpec, load_problem
from bonecycle.studies.error_model import load_encodings
from bonecycle.studies.schema import Comparison
from bonecycle.tasks import run_all

ERROR_SCALES = (0.5, 2.0)
"""Factors on the between-study errors, beside the committed ones."""


def variants(spec: ProblemSpec) -> list[ProblemSpec]:
    """Every encoding at the committed errors, and the chosen one with errors halved and doubled.

    Data without the statement "not strongly decreased" have one encoding. Halved errors keep the
    floor of the error model; the width of the encoding is its own and stays.
    """
    comparisons = {target.observation.comparison for target in load_problem(spec).targets}
    read = Comparison.NOT_STRONGLY_DECREASED in comparisons
    names = list(load_encodings()) if read else [spec.encoding]
    encodings = [replace(spec, encoding=name) for name in names]
    return encodings + [replace(spec, error_scale=scale) for scale in ERROR_SCALES]


def verdict_table(
    fits: Sequence[Fit],
    *,
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """One row a mechanism and variant: its cost after a refit, and what it meets.

    Every refit starts from the best point of the fit and from the prior centre.

    Returns
    -------
    DataFrame
        ``behind``: cost above the lowest among the mechanisms of that variant. ``threshold`` and
        ``width`` are those of the encoding, empty where the statement is dropped.
        ``numbers_met`` counts within two of the errors of that variant. ``statement_met``: whether
        the statement "not strongly decreased" is met.
    """
    tasks = [(spec, fit.best.theta) for fit in fits for spec in variants(fit.spec)]
    rows = run_all(tasks, _row, seed=0, executor=executor, progress=progress)
    table = pd.DataFrame(rows)
    lowest = table.groupby(["encoding", "error_scale"])["cost"].transform("min")
    return table.assign(behind=table["cost"] - lowest)


def _row(task: tuple[ProblemSpec, np.ndarray], _seed: np.random.SeedSequence) -> dict[str, object]:
    spec, theta = task
    problem = load_problem(spec)
    fit = refit(spec, [theta, problem.space.centers])
    encoding = load_encodings()[spec.encoding]
    table = target_table(fit)
    fitted = table[(table.role == "fitted") & table.predictable]
    statement = table[(table.comparison == "not_strongly_decreased") & (table.role == "fitted")]
    numbers = fitted[fitted.comparison.isin(["equal", "unchanged"])]
    return {
        "mechanism": spec.mechanism,
        "encoding": spec.encoding,
        "threshold": encoding.threshold,
        "width": encoding.log_sd,
        "error_scale": spec.error_scale,
        "cost": fit.best.cost,
        "numbers": len(numbers),
        "numbers_met": int(numbers.met.sum()),
        "met": int(fitted.met.sum()),
        "of": len(fitted),
        "statement_met": bool(statement.met.all()) if len(statement) else None,
    }
