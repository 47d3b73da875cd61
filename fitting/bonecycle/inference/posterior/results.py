"""Write a finished run: the posterior as netCDF, its tables, what was learned, the diagnosis."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from bonecycle.inference.posterior.files import write_posterior
from bonecycle.inference.posterior.lessons import combination_table, learned_table, unlearned_text
from bonecycle.inference.posterior.tables import (
    autocorrelation_table,
    coverage_table,
    posterior_table,
)
from bonecycle.inference.posterior.tree import posterior_tree
from bonecycle.inference.sampling.convergence import (
    RHAT_BELOW,
    STEPS_PER_TAU,
    WALKERS_APART_BELOW,
    Convergence,
)
from bonecycle.inference.sampling.run import Sample
from bonecycle.manifest import atomic_write
from bonecycle.problem.problem import load_problem


def write_posterior_results(
    folder: Path, sample: Sample
) -> tuple[xr.DataTree, dict[str, pd.DataFrame]]:
    """Write posterior.nc, the tables as CSV, unlearned.txt and diagnosis.json.

    Parameters
    ----------
    folder : Path
        Made when missing; files are replaced whole.
    sample : Sample
        The run.

    Returns
    -------
    DataTree
        As in posterior.nc.
    dict of str to DataFrame
        ``posterior``, ``learned``, ``combinations``, ``coverage``, ``autocorrelation``.
    """
    tree = posterior_tree(sample)
    write_posterior(folder / "posterior.nc", tree)
    space, draws = load_problem(sample.spec).space, sample.draws()
    tables = {
        "posterior": posterior_table(sample),
        "learned": learned_table(space, draws),
        "combinations": combination_table(space, draws),
        "coverage": coverage_table(tree),
        "autocorrelation": autocorrelation_table(sample),
    }
    for name, table in tables.items():
        atomic_write(folder / f"{name}.csv", table.to_csv(index=False))
    text = unlearned_text(tables["learned"], tables["combinations"])
    atomic_write(folder / "unlearned.txt", text)
    record = {
        "mechanism": sample.spec.mechanism,
        **diagnosis(sample.state),
        "acceptance": sample.ensembles.acceptance().tolist(),
        "seed": sample.settings.seed,
        "coverage": coverage_counts(tables["coverage"]),
        "unlearned": text,
        "hashes": load_problem(sample.spec).hashes,
    }
    atomic_write(folder / "diagnosis.json", json.dumps(record, indent=1) + "\n")
    return tree, tables


def diagnosis(state: Convergence) -> dict[str, Any]:
    """The state of a run as JSON values."""
    return {
        "converged": state.reached,
        "verdict": state.verdict,
        "stop_rule": {
            "steps_per_tau_above": STEPS_PER_TAU,
            "rhat_below": RHAT_BELOW,
            "walkers_apart_below": WALKERS_APART_BELOW,
        },
        "ensembles": len(state.tau),
        "walkers": state.walkers,
        "steps": state.steps,
        "burn_in": state.burn_in,
        "steps_per_tau": state.steps_per_tau.tolist(),
        "parameters": list(state.names),
        "tau": [[_finite(tau) for tau in row] for row in state.tau],
        "rhat": state.rhat.tolist(),
        "walkers_apart": [[_finite(ratio) for ratio in row] for row in state.walkers_apart],
        "ess": state.ess.tolist(),
    }


def _finite(number: float) -> float | None:
    return float(number) if np.isfinite(number) else None


def coverage_counts(coverage: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Numbers inside their predictive intervals, by role."""
    numbers = coverage[coverage["inside_95"].notna()]
    return {
        str(role): {
            "numbers": len(rows),
            "arm_fitted": int(rows["arm_fitted"].sum()),
            "inside_50": int(rows["inside_50"].astype(bool).sum()),
            "inside_95": int(rows["inside_95"].astype(bool).sum()),
        }
        for role, rows in numbers.groupby("role", sort=False)
    }
