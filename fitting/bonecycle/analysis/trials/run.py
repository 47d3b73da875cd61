"""Thousands of virtual trials of a design, the same for any number of workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from bonecycle.analysis.trials.cox import cox
from bonecycle.analysis.trials.design import Design, Endpoint, Window
from bonecycle.analysis.trials.patients import draw_patients, observe
from bonecycle.tasks import run_all

# Trials of one task and one seed: a fixed number, or the workers would change the draws.
BLOCK = 100
COLUMNS = ("log_ratio", "error", "score", "events_control", "events_treated")


@dataclass(frozen=True)
class _Task:
    design: Design
    trials: int
    first: int
    endpoints: tuple[Endpoint, ...]
    windows: tuple[Window, ...]


def simulate_trials(
    designs: Sequence[Design],
    trials: int,
    *,
    seed: int,
    endpoints: Sequence[Endpoint] = tuple(Endpoint),
    windows: Sequence[Window] = tuple(Window),
    executor: Executor | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Simulate trials of each design and estimate their hazard ratios.

    Returns
    -------
    DataFrame
        One row a design, trial, endpoint and window: `log_ratio` (Cox, treated against control),
        its standard `error`, the log-rank `score` and the events of each arm.
    """
    tasks = [
        _Task(design, min(BLOCK, trials - first), first, tuple(endpoints), tuple(windows))
        for design in designs
        for first in range(0, trials, BLOCK)
    ]
    parts = run_all(tasks, _block, seed=seed, executor=executor, progress=progress)
    return pd.concat(parts, ignore_index=True)


def _block(task: _Task, seed: np.random.SeedSequence) -> pd.DataFrame:
    patients = draw_patients(task.design, task.trials, np.random.default_rng(seed))
    parts = []
    for endpoint in task.endpoints:
        for window in task.windows:
            found = cox(observe(patients, endpoint, window), patients.treated)
            head = {
                "design": task.design.name,
                "endpoint": str(endpoint),
                "window": str(window),
                "trial": np.arange(task.first, task.first + task.trials),
            }
            parts.append(pd.DataFrame(head | {name: getattr(found, name) for name in COLUMNS}))
    return pd.concat(parts, ignore_index=True)


def operating_characteristics(table: pd.DataFrame, alpha: float = 0.05) -> pd.DataFrame:
    """Power and distribution of the hazard ratio, one row a design, endpoint and window.

    `power` is the share of trials in which the log-rank test finds the arms to differ (two-sided
    `alpha`), with its Monte Carlo error; `favours_treated` the share that does so with fewer
    events under the drug; `reversed` the share of hazard ratios above one, beside
    `reversed_normal`, the same by the normal law with the simulated mean and SD.
    """
    rows = []
    limit = norm.isf(alpha / 2)
    for keys, own in table.groupby(["design", "endpoint", "window"], sort=False):
        known = own["log_ratio"].dropna()
        power = float((own["score"].abs() > limit).mean())
        low, middle, high = np.exp(known.quantile([0.025, 0.5, 0.975])) if len(known) else [
            np.nan] * 3  # fmt: skip
        rows.append(
            dict(zip(("design", "endpoint", "window"), keys, strict=True))
            | {
                "trials": len(own),
                "estimable": len(known),
                "events_control": own["events_control"].mean(),
                "events_treated": own["events_treated"].mean(),
                "ratio": middle,
                "ratio_low": low,
                "ratio_high": high,
                "log_ratio_mean": known.mean(),
                "log_ratio_sd": known.std(),
                "error_mean": own["error"].mean(),
                "power": power,
                "power_error": np.sqrt(power * (1 - power) / len(own)),
                "favours_treated": float((own["score"] < -limit).mean()),
                "reversed": float((known > 0).mean()),
                "reversed_normal": float(norm.sf(0, known.mean(), known.std())),
            }
        )
    return pd.DataFrame(rows)
