"""Kaplan-Meier curves of virtual trials."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import CensoredData, ecdf

from bonecycle.analysis.trials.design import Design, Endpoint, Window
from bonecycle.analysis.trials.patients import draw_patients, observe


def kaplan_meier(
    design: Design,
    endpoint: Endpoint,
    years: Sequence[float],
    *,
    trials: int = 200,
    seed: int = 0,
) -> pd.DataFrame:
    """Share of patients with the event by Kaplan-Meier, over virtual trials.

    Returns
    -------
    DataFrame
        One row an arm and year: median and 95 % band over trials, as shares. Other events, death
        among them, censor, as in the publications.
    """
    patients = draw_patients(design, trials, np.random.default_rng(seed))
    seen = observe(patients, endpoint, Window.TOTAL)
    rows = []
    for arm, members in (("control", ~patients.treated), ("treated", patients.treated)):
        shares = np.empty((trials, len(years)))
        for trial in range(trials):
            time, event = seen.time[trial, members], seen.event[trial, members]
            curve = ecdf(CensoredData(uncensored=time[event], right=time[~event]))
            shares[trial] = curve.cdf.evaluate(np.asarray(years, dtype=float))
        low, middle, high = np.quantile(shares, [0.025, 0.5, 0.975], axis=0)
        rows += [
            {"arm": arm, "year": year, "low": a, "share": b, "high": c}
            for year, a, b, c in zip(years, low, middle, high, strict=True)
        ]
    return pd.DataFrame(rows)
