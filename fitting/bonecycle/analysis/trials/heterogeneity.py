"""Cochran's Q: could trials disagree as they did by chance, and what do their designs add."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.stats import chi2, ncx2

from bonecycle.analysis.trials.design import Design
from bonecycle.analysis.trials.patients import Floats

# What a design difference is: fields that go together.
DIFFERENCES = {
    "medication": ("medication_months",),
    "follow-up": ("accrual_months", "follow_up_months"),
    "risk of the patients": ("hazards", "death_after_metastasis"),
    "kinds of patients": ("strata",),
    "adherence": ("adherence", "effect_log_sd"),
    "effect": ("ratio_on", "ratio_after"),
}


def cochran_q(log_ratio: Floats, error: Floats) -> Floats:
    """Cochran's Q of log hazard ratios and their standard errors, (..., n_trials) to (...)."""
    weight = 1 / np.square(error)
    pooled = (weight * log_ratio).sum(axis=-1, keepdims=True) / weight.sum(axis=-1, keepdims=True)
    return np.asarray((weight * np.square(log_ratio - pooled)).sum(axis=-1))


def chance_of_q(q: float, centers: Sequence[float], errors: Sequence[float]) -> float:
    """Chance of a Q of at least `q` by the analytic law, exact for known errors.

    A non-central chi-square with one degree of freedom fewer than trials; its non-centrality is
    the Q of the true log hazard ratios. It reaches tails that no simulation does.
    """
    beyond = float(cochran_q(np.asarray(centers), np.asarray(errors)))
    freedom = len(centers) - 1
    return float(ncx2.sf(q, freedom, beyond) if beyond > 0 else chi2.sf(q, freedom))


def q_table(
    table: pd.DataFrame, observed: dict[str, float] | None = None, alpha: float = 0.05
) -> pd.DataFrame:
    """Q over one trial of each design, per endpoint and window.

    Parameters
    ----------
    table
        As `simulate_trials` returns it, with two designs or more.
    observed
        Thresholds of Q by endpoint, beside the one that chi-square exceeds with chance `alpha`.

    Returns
    -------
    DataFrame
        For each threshold the simulated share of Q at or above it (with Monte Carlo error), and
        the analytic chance with the simulated mean log hazard ratios and errors.
    """
    rows = []
    for (endpoint, window), own in table.groupby(["endpoint", "window"], sort=False):
        wide = own.pivot(index="trial", columns="design", values=["log_ratio", "error"]).dropna()
        if wide.empty:
            continue
        ratios, errors = wide["log_ratio"].to_numpy(float), wide["error"].to_numpy(float)
        q = cochran_q(ratios, errors)
        centers, usual = ratios.mean(axis=0), np.sqrt(np.square(errors).mean(axis=0))
        count = len(centers)
        thresholds = {f"chi-square {alpha:g}": float(chi2.isf(alpha, count - 1))}
        if observed and endpoint in observed:
            thresholds["observed"] = observed[str(endpoint)]
        for name, threshold in thresholds.items():
            share = float((q >= threshold).mean())
            rows.append(
                {
                    "endpoint": endpoint,
                    "window": window,
                    "trials": count,
                    "sets": len(wide),
                    "q_mean": q.mean(),
                    "threshold": name,
                    "q": threshold,
                    "share": share,
                    "share_error": np.sqrt(share * (1 - share) / len(wide)),
                    "analytic": chance_of_q(threshold, list(centers), list(usual)),
                    "analytic_no_difference": float(chi2.sf(threshold, count - 1)),
                }
            )
    return pd.DataFrame(rows)


def by_difference(designs: Sequence[Design]) -> Iterator[tuple[str, tuple[Design, ...]]]:
    """Yield the designs alike but for one difference at a time.

    First "chance alone": all as the first design, each with its own numbers of patients. Then
    each difference that there is, alone; last all together.
    """
    first = designs[0]
    alike = tuple(
        replace(first, name=one.name, control=one.control, treated=one.treated) for one in designs
    )
    yield "chance alone", alike
    for name, fields in DIFFERENCES.items():
        own = [{field: getattr(one, field) for field in fields} for one in designs]
        if any(a != b for a, b in itertools.pairwise(own)):
            yield name, tuple(replace(a, **o) for a, o in zip(alike, own, strict=True))
    yield "all differences", tuple(designs)
