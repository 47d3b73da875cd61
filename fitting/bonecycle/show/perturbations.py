"""Perturbations of the route: who obeys, and how far the observable moves."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bonecycle.show.style import BLUE, GREY, INK, ORANGE, PALE, styled

_FLOOR, _CEILING = 1e-3, 30.0


@styled
def plot_perturbations(table: pd.DataFrame) -> Figure:
    """Draw the ratio of every row over the prior, and the shares of draws that obey.

    Parameters
    ----------
    table : DataFrame
        As `analysis.perturbations.perturbation_table` returns it.
    """
    count = len(table)
    figure = Figure(figsize=(10, 1.4 + 0.3 * count), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[2, 1])
    places = np.arange(count)[::-1]
    for place, (_, row) in zip(places, table.iterrows(), strict=True):
        built = row["prior_share"] == 1
        colour = GREY if built else ORANGE
        ends = np.clip([row["low_ratio"], row["high_ratio"]], _FLOOR, _CEILING)
        if row["expected"] == "absent":
            left.text(1, place, "absent: no ratio", fontsize=7, va="center", color=GREY)
        else:
            left.plot(ends, [place, place], color=colour, linewidth=3, solid_capstyle="butt")
            middle = float(np.clip(row["median_ratio"], _FLOOR, _CEILING))
            left.plot(middle, place, "o", color=INK, markersize=4)
        right.barh(place + 0.18, row["prior_share"], 0.34, color=PALE if built else ORANGE)
        right.barh(place - 0.18, row["posterior_share"], 0.34, color=BLUE)
        text = "by construction" if built else row["reversing"].replace("; ", ",\n")
        right.text(1.03, place, text, fontsize=5.5, va="center", color=GREY if built else INK)
    left.axvline(1, color=GREY, linewidth=0.8)
    left.set_xscale("log")
    left.set_xlim(_FLOOR, _CEILING)
    left.set_yticks(
        places,
        [f"{r['perturbation']}: {r['observable']} {r['expected']}" for _, r in table.iterrows()],
        fontsize=7,
    )
    left.set_ylim(-0.7, count - 0.3)
    left.set_xlabel("Ratio to untreated, or to the other row\n(median and 95 % of prior draws)")
    right.set_xlim(0, 1.75)
    right.set_xticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    right.set_xlabel("Draws that obey:\nprior (above), posterior (below)", loc="left")
    right.spines["left"].set_visible(False)
    right.tick_params(axis="y", length=0)
    figure.suptitle("What follows from each perturbation of the route", x=0.01, ha="left")
    return figure
