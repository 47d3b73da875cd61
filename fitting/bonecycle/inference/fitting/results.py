"""Write fits as tables and JSON; every table has the same content in `fit.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bonecycle.inference.fitting.goodness import correlation_table
from bonecycle.inference.fitting.least_squares import Fit
from bonecycle.inference.fitting.summary import mechanism_table, parameter_table, target_table
from bonecycle.manifest import atomic_write
from bonecycle.problem.problem import load_problem


def write_tables(
    folder: Path, fits: Sequence[Fit], dosing: Sequence[pd.DataFrame] = ()
) -> dict[str, pd.DataFrame]:
    """Write targets.csv, parameters.csv, mechanisms.csv, dosing.csv, correlations.csv and fit.json.

    Parameters
    ----------
    folder : Path
        Made when missing; files are replaced whole.
    fits : sequence of Fit
        One a mechanism.
    dosing : sequence of DataFrame
        `summary.dosing_table` of each; none for a model that is given every dose.

    Returns
    -------
    dict of str to DataFrame
        The tables by name.
    """
    tables = {
        "targets": pd.concat([target_table(fit) for fit in fits], ignore_index=True),
        "parameters": pd.concat([parameter_table(fit) for fit in fits], ignore_index=True),
        "mechanisms": mechanism_table(list(fits)),
        "correlations": pd.concat(map(correlation_table, fits), ignore_index=True),
    }
    if dosing:
        tables["dosing"] = pd.concat(dosing, ignore_index=True)
    for name, table in tables.items():
        atomic_write(folder / f"{name}.csv", table.to_csv(index=False))
    record = {
        "fits": [_record(fit) for fit in fits],
        "tables": {name: json.loads(t.to_json(orient="records")) for name, t in tables.items()},
    }
    atomic_write(folder / "fit.json", json.dumps(record, indent=1) + "\n")
    return tables


def _record(fit: Fit) -> dict[str, object]:
    problem = load_problem(fit.spec)
    return {
        "mechanism": fit.spec.mechanism,
        "encoding": fit.spec.encoding,
        "error_scale": fit.spec.error_scale,
        "engine": fit.spec.engine.value,
        "dosing": fit.spec.dosing.value,
        "parameters": list(problem.space.names),
        "scales": [str(p.scale) for p in problem.space.parameters],
        "covariance": [[_finite(value) for value in row] for row in fit.best.covariance],
        "hashes": problem.hashes,
        "starts": [
            {
                "theta": start.theta.tolist(),
                "cost": start.cost,
                "evaluations": start.evaluations,
                "failures": start.failures,
                "converged": start.converged,
                "message": start.message,
            }
            for start in fit.starts
        ],
    }


def _finite(value: float) -> float | None:
    """A number as JSON knows it."""
    return float(value) if np.isfinite(value) else None
