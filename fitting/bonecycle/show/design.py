"""What to measure next: gain of every measurement over time, and how often studies decide."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bonecycle.show.courses import heading, symbol
from bonecycle.show.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
    styled,
)

_COLORS = (VERMILLION, BLUE, BLACK, PURPLE, GREEN, ORANGE, SKY, YELLOW)
_STUDIES = 5
_DECIDED = 0.9


@styled
def plot_design(
    ranking: pd.DataFrame, studies: pd.DataFrame, regimen: str, source: str, end: float = np.inf
) -> Figure:
    """Gain over months by measurement, and chance of a decision over patients by study.

    Parameters
    ----------
    ranking, studies : DataFrame
        Of `analysis.design_tables`.
    regimen, source : str
        What is given, and where the draws come from.
    end : float
        Month in which treatment ends; infinite for none.

    Returns
    -------
    Figure
        Left: bits with two Monte Carlo errors. Right: the least chance over true mechanisms
        (solid) and the mean (dashed) of a posterior probability above 0.9, for the best studies.
    """
    figure = Figure(figsize=(9.6, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    quantities = list(dict.fromkeys(ranking["quantity"]))
    for place, name in enumerate(quantities):
        part = ranking[ranking["quantity"] == name].sort_values("time_months")
        color = _COLORS[place % len(_COLORS)]
        style = "-" if place < len(_COLORS) else "--"
        left.errorbar(
            range(len(part)),
            part["bits"],
            2 * part["error"],
            color=color,
            linestyle=style,
            marker="o",
            markersize=3.5,
            linewidth=1.3,
            elinewidth=0.8,
            label=symbol(name),
        )
    months = sorted(set(ranking["time_months"]))
    off = [" off" if month > end else "" for month in months]
    left.set_xticks(range(len(months)), [f"{m:g}{o}" for m, o in zip(months, off, strict=True)])
    left.set_xlabel("Month of the measurement")
    left.set_ylabel("Expected gain about the mechanism (bits)")
    left.set_ylim(bottom=min(0.0, left.get_ylim()[0]))
    patients = ranking["patients_an_arm"].iloc[0]
    left.set_title(f"One measurement, {patients:g} patients an arm")
    left.legend(ncols=2, loc="upper left")
    reached = studies.groupby("study")[["decided_least", "decided_mean"]].max()
    top = reached.sort_values(["decided_least", "decided_mean"], ascending=False)
    sizes = sorted(set(studies["patients_an_arm"]))
    for place, name in enumerate(top.index[:_STUDIES]):
        part = studies[studies["study"] == name].sort_values("patients_an_arm")
        color = _COLORS[place]
        right.plot(range(len(sizes)), part["decided_least"], "o-", color=color, ms=3.5, label=name)
        right.plot(range(len(sizes)), part["decided_mean"], "--", color=color, lw=1)
    right.axhline(_DECIDED, color=GREY, linewidth=0.8, linestyle=":")
    right.set_xticks(
        range(len(sizes)), ["no end" if size == np.inf else f"{size:g}" for size in sizes]
    )
    right.set_ylim(0, 1.02)
    right.set_xlabel("Patients an arm")
    right.set_ylabel("Chance of a posterior probability above 0.9")
    right.set_title("Studies that decide most often")
    right.legend(loc="upper left", fontsize=7.5)
    most = float(ranking["of"].iloc[0])
    heading(
        figure,
        f"What to measure next: {regimen}",
        f"Left: of {most:.2f} bits that would name the mechanism; bars: two Monte Carlo errors. "
        "Right: for the mechanism named least often (solid), mean over mechanisms (dashed). "
        f"{source}",
    )
    return figure
