"""Rows that are kept for validation, with predicted intervals and how many of them hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bonecycle.analysis.draws import Draws
from bonecycle.analysis.prediction import RATIO, Prediction, predict
from bonecycle.biology import catalogue
from bonecycle.biology.regimens import Regimen
from bonecycle.engines.interface import Floats
from bonecycle.problem.problem import load_problem
from bonecycle.problem.targets import Target
from bonecycle.studies.reader import load_studies, shipped_studies
from bonecycle.studies.schema import Role

KEPT = "kept for validation"
"""Stands in the note of a row that is kept although no observable predicts it."""
_LEVELS = {"50": (0.25, 0.75), "95": (0.025, 0.975)}


def validation_table(
    draws: Sequence[Draws], progress: Callable[[int], object] | None = None
) -> pd.DataFrame:
    """Predict every row kept for validation, with every mechanism.

    Parameters
    ----------
    draws : sequence of Draws
        One a mechanism, of the same data.
    progress : callable, optional
        Called with the number of draws done since the last call.

    Returns
    -------
    DataFrame
        One row a mechanism and validation row. Bands of 50 and 95 % of the draws (``model_``), and
        of the draws with the committed error of the row (``observed_``), which is what an observed
        value is held against: ``within_50``, ``within_95``. ``probability``: of a larger value
        than the observed one. ``arm_fitted``, ``trial_fitted``: whether other rows of its arm or
        trial are fitted. Errors within an arm are correlated, so that the band of a row of such an
        arm is given those rows: ``log_sd`` is the SD of its error then, ``shift`` the median of
        the mean of its log error. Rows for which there is no observable stand with their note and
        without a band.
    """
    rows = [row for one in draws for row in _predicted(one, progress)]
    rows += [row for one in draws for row in _silent(one)]
    return pd.DataFrame(rows)


def coverage_table(table: pd.DataFrame) -> pd.DataFrame:
    """Validation rows within their 50 and 95 % intervals with error, one row a mechanism.

    ``arm_fitted`` of the rows are of arms with fitted rows, which their intervals take as given.
    """
    numbers = table[table.within_95.notna()]
    rows = []
    for name, part in numbers.groupby("mechanism", sort=False):
        rows.append(
            {
                "mechanism": name,
                "rows": len(part),
                "arm_fitted": int(part.arm_fitted.sum()),
                "within_50": int(part.within_50.sum()),
                "within_95": int(part.within_95.sum()),
                "not_predicted": int(((table.mechanism == name) & table.within_95.isna()).sum()),
            }
        )
    return pd.DataFrame(rows)


def validation_targets(draws: Draws) -> tuple[Target, ...]:
    """Rows kept for validation, those of fitted regimens first."""
    problem = load_problem(draws.spec)
    shared = [t for t in problem.targets if t.observation.role is Role.VALIDATION]
    return (*shared, *problem.held)


def _predicted(draws: Draws, progress: Callable[[int], object] | None) -> list[dict[str, object]]:
    problem = load_problem(draws.spec)
    fitted = problem.evaluate(draws.theta)
    means, log_sds = problem.errors_given_fitted(fitted.predictions)
    by_regimen: dict[Regimen, list[Target]] = {}
    for target in validation_targets(draws):
        by_regimen.setdefault(target.regimen, []).append(target)
    rows = []
    for regimen, targets in by_regimen.items():
        months = sorted({target.observation.time_months for target in targets})
        outputs = list(dict.fromkeys(target.observation.variable for target in targets))
        prediction = predict(draws, regimen, months, outputs, progress)
        ok = prediction.courses.ok & fitted.ok
        for target in targets:
            mean, log_sd = np.zeros(len(draws)), target.log_sd
            if target in problem.targets:
                place = problem.targets.index(target)
                mean, log_sd = means[:, place], float(log_sds[place])
            values = _read(prediction, target, months)
            rows.append(_row(prediction, target, values[ok], mean[ok], log_sd))
    return rows


def _read(prediction: Prediction, target: Target, months: Sequence[float]) -> Floats:
    """Predictions of a row, one a draw."""
    courses = prediction.courses
    place = courses.outputs.index(target.observation.variable)
    values = courses.ratios if target.is_ratio else courses.values
    time = months.index(target.observation.time_months)
    return np.asarray(values[:, time, place])


def _row(
    prediction: Prediction, target: Target, values: Floats, mean: Floats, log_sd: float
) -> dict[str, object]:
    draws = prediction.draws
    random = np.random.default_rng([draws.seed, target.observation.row])
    noisy = values * np.exp(mean + log_sd * random.normal(size=values.shape))
    row = _heading(draws, target) | {
        "observed": target.value,
        "log_sd": log_sd,
        "shift": float(np.median(mean)),
        "model_median": float(np.median(values)),
    }
    for name, sample in (("model", values), ("observed", noisy)):
        for level, ends in _LEVELS.items():
            low, high = np.quantile(sample, ends)
            row |= {f"{name}_lower_{level}": float(low), f"{name}_upper_{level}": float(high)}
    if target.is_number and target.value is not None:
        for level, ends in _LEVELS.items():
            low, high = np.quantile(noisy, ends)
            row[f"within_{level}"] = bool(low <= target.value <= high)
        row["probability"] = float(np.mean(noisy > target.value))
    row |= {
        "draws": len(values),
        "failed": len(draws) - len(values),
        "note": target.observation.note,
    }
    return row


def _heading(draws: Draws, target: Target) -> dict[str, object]:
    row = target.observation
    observable = catalogue.observables()[row.variable]
    return {
        "mechanism": draws.mechanism,
        "study": target.study,
        "arm": target.arm,
        "regimen": str(row.regimen),
        "quantity": row.variable,
        "symbol": observable.symbol,
        "unit": RATIO if target.is_ratio else observable.unit,
        "time_months": row.time_months,
        **_beside(draws, target.trial, target.arm),
    }


def _beside(draws: Draws, trial: str, arm: str) -> dict[str, object]:
    """Whether rows of the arm and of the trial are fitted."""
    fitted = load_problem(draws.spec).fitted_arms
    return {"arm_fitted": (trial, arm) in fitted, "trial_fitted": trial in dict(fitted)}


def _silent(draws: Draws) -> list[dict[str, object]]:
    """Rows that are kept for validation and that no observable predicts."""
    paths = [Path(path) for path in draws.spec.data] or shipped_studies()
    return [
        {
            "mechanism": draws.mechanism,
            "study": study.name,
            "arm": row.arm,
            "regimen": str(row.regimen or ""),
            "quantity": row.variable,
            "symbol": row.variable,
            "unit": row.unit.value,
            "time_months": row.time_months,
            **_beside(draws, study.trial, row.arm),
            "observed": row.value,
            "note": row.note,
        }
        for study in load_studies(catalogue.observables(), paths)
        for row in study.observations
        if row.role is Role.CONTEXT and KEPT in row.note
    ]
