"""What to measure next: gain of measurements over time, and what separates mechanisms."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from bonecycle.show.courses import heading, symbol
from bonecycle.show.style import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
    styled,
)

_COLORS = (VERMILLION, BLUE, BLACK, PURPLE, GREEN, ORANGE, SKY, YELLOW)
_CHANCES = LinearSegmentedColormap.from_list("chances", ["#FFFFFF", BLUE])
_DARK = 0.6


@styled
def plot_design(
    ranking: pd.DataFrame, pairs: pd.DataFrame, regimen: str, source: str, end: float = np.inf
) -> Figure:
    """Gain over months by measurement, and chance of a decision over patients by study.

    Parameters
    ----------
    ranking, pairs : DataFrame
        Of `analysis.design_tables`: single measurements, and pairs of mechanisms.
    regimen, source : str
        What is given, and where the draws come from.
    end : float
        Month in which treatment ends; infinite for none.

    Returns
    -------
    Figure
        Left: bits with two Monte Carlo errors. Right: patients in total that separate two
        mechanisms.
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
    _draw_pairs(right, pairs)
    most = float(ranking["of"].iloc[0])
    heading(
        figure,
        f"What to measure next: {regimen}",
        f"Left: of {most:.2f} bits that would name the mechanism; bars: two Monte Carlo errors. "
        "Right: patients of both arms and all months (each biopsy is of another patient) with "
        "which some study of biopsies and markers has a chance of 90 % of a Bayes factor above "
        "10, whichever is true; where none has, the best chance. "
        f"{source}",
    )
    return figure


def _draw_pairs(axes: Axes, pairs: pd.DataFrame) -> None:
    """Draw a cell a pair of mechanisms."""
    names = list(dict.fromkeys([*pairs["first"], *pairs["second"]]))
    chances = np.full((len(names),) * 2, np.nan)
    for row in pairs.to_dict("records"):
        i, j = names.index(str(row["first"])), names.index(str(row["second"]))
        chances[j, i] = row["chance"]
        text = f"{row['patients_total']:g}" if row["decides"] else f"none\n({row['chance']:.2f})"
        color = "white" if row["chance"] > _DARK else "black"
        axes.text(i, j, text, ha="center", va="center", fontsize=8, color=color)
    axes.imshow(chances, cmap=_CHANCES, vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(names)), names)
    axes.set(xlim=(-0.5, len(names) - 1.5), ylim=(len(names) - 0.5, 0.5))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title("Patients in total that separate two mechanisms")
