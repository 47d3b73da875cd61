"""What single biopsies say, as a table: the spread between patients and the median patients."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from bonecycle.biology import catalogue
from bonecycle.problem.patients import SPREADS, Patients, estimate
from bonecycle.studies.biopsies import constants
from bonecycle.studies.reader import load_studies

_Z95 = 1.959964


def read_patients(paths: Iterable[Path]) -> dict[str, Patients]:
    """Estimate the patients of every table of single biopsies, by name of the study.

    Tables of means and study tables hold no patients and are left out.

    Raises
    ------
    DataError
        With every fault of every file.
    """
    studies = load_studies(catalogue.observables(), paths)
    return {study.name: estimate(study.biopsies) for study in studies if study.biopsies}


def patient_table(study: str, patients: Patients) -> pd.DataFrame:
    """One row an SD between patients, then one a median patient of an arm, variable and month.

    Returns
    -------
    DataFrame
        ``value`` with its 95 % interval, in ``unit``; SDs are on the natural log scale, pooled over
        the arms, beside the centre of their prior. ``seen``, ``below``, ``missing`` count biopsies
        with a value, below the detection limit, and without either.
    """
    rows: list[dict[str, object]] = []
    for name, log_sd, error in zip(SPREADS, patients.log_sds, patients.log_sd_errors, strict=True):
        rows.append(
            {"study": study, "kind": "SD between patients", "arm": "all", "variable": name}
            | _interval(float(log_sd), float(error))
            | {"unit": "log", "prior_center": constants()[name].value}
        )
    for found in patients.arms:
        errors = np.sqrt(np.diag(found.covariance))
        for j, (variable, month) in enumerate(found.arm.cells):
            values = found.arm.values[:, j]
            rows.append(
                {"study": study, "kind": "median patient", "arm": found.arm.name}
                | {"variable": variable, "time_months": month}
                | _interval(float(found.log_medians[j]), float(errors[j]))
                | {"unit": catalogue.observables()[variable].unit}
                | {
                    "seen": int(np.sum(values > 0)),
                    "below": int(np.sum(values == 0)),
                    "missing": int(np.sum(np.isnan(values))),
                }
            )
    return pd.DataFrame(rows)


def _interval(log_value: float, error: float) -> dict[str, object]:
    low, middle, high = np.exp([log_value - _Z95 * error, log_value, log_value + _Z95 * error])
    return {"value": float(middle), "lower": float(low), "upper": float(high)}
