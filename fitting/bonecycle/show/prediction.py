"""Predicted courses with bands, mechanisms side by side, and what no data inform."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bonecycle.analysis.prediction import ALL, RATIO
from bonecycle.engines.interface import Floats
from bonecycle.show.courses import color_of, heading, line_style, symbol
from bonecycle.show.style import GREY, INK, PALE, month_axis, styled

_SHOWN = ("CTX", "P1NP", "Ac_f", "ES_BS", "Rv_D", "BMD_rel")
# By how many fold an axis spans.
_TICKS = {
    8.0: (0.03, 0.1, 0.3, 1.0, 3.0, 10.0),
    2.0: (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0),
    0.0: (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4),
}
_WORDS = "not informed by data"


@styled
def plot_prediction(table: pd.DataFrame, regimen: str, source: str) -> Figure:
    """Ratios to untreated over time: a row a quantity, a column a mechanism.

    Parameters
    ----------
    table : DataFrame
        As `analysis.prediction.prediction_table` gives it.
    regimen, source : str
        What is given, and where the draws come from.

    Returns
    -------
    Figure
        Medians with bands of 50 and 95 % of the draws; hatched where no data inform the value.
        The last column holds the medians of all mechanisms. Of more than six quantities, six.
    """
    ratios = table[table.unit == RATIO]
    every = list(dict.fromkeys(ratios["quantity"]))
    quantities = every if len(every) <= len(_SHOWN) else [q for q in _SHOWN if q in every]
    names = [name for name in dict.fromkeys(ratios["mechanism"]) if name != ALL]
    columns = len(names) + (len(names) > 1)
    size = (max(1.6 + 1.5 * columns, 6.2), 1.5 + 1.45 * len(quantities))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(quantities), columns, squeeze=False, sharex=True, sharey="row")
    for line, quantity in zip(grid, quantities, strict=True):
        rows = ratios[ratios["quantity"] == quantity]
        for axes, name in zip(line, names, strict=False):
            _draw(axes, rows[rows["mechanism"] == name], name)
        if len(names) > 1:
            for name in names:
                part = rows[rows["mechanism"] == name]
                line[-1].plot(part["time_months"], part["median"], lw=1.3, **line_style(name))
        line[0].set_ylabel(f"{symbol(quantity)}\n(ratio to untreated)")
        _scale(line[0], rows[rows["mechanism"] != ALL])
        for axes in line:
            _hatch(axes, rows[rows["mechanism"] == names[0]])
            axes.axhline(1, color=GREY, linewidth=0.8, linestyle=":", zorder=1)
            axes.tick_params(labelleft=axes is line[0])
    for axes, name in zip(grid[0], [*names, "Medians"], strict=False):
        axes.set_title(name)
    for axes in grid[-1]:
        axes.set_xlabel("Time (months)")
        month_axis(axes, float(ratios["time_months"].max()))
    heading(
        figure,
        f"Predicted: {regimen}",
        "Median, 50 % (dark) and 95 % (pale) of the draws. Hatched: not informed by data, see "
        f"prediction.csv for the reason. {source}",
    )
    return figure


@styled
def plot_validation(table: pd.DataFrame, source: str) -> Figure:
    """Rows kept for validation beside what each mechanism predicts for them.

    Parameters
    ----------
    table : DataFrame
        As `analysis.validation.validation_table` gives it.
    source : str
        Where the draws come from.

    Returns
    -------
    Figure
        A panel a row: thick 50 %, thin 95 % of the draws; pale 95 % with the committed error of
        the row. The line is what was observed.
    """
    rows = table.dropna(subset="within_95")
    keys = ["study", "arm", "symbol", "time_months"]
    panels = list(rows.groupby(keys, sort=False))
    figure = Figure(figsize=(max(1.2 + 2.9 * len(panels), 6.2), 3.6), layout="constrained")
    grid = figure.subplots(1, max(len(panels), 1), squeeze=False)[0]
    for axes, (key, part) in zip(grid, panels, strict=False):
        study, arm, name, month = key
        for place, row in enumerate(part.to_dict("records")):
            color = color_of(str(row["mechanism"]))
            for kind, level, width, alpha in (
                ("observed", "95", 9, 0.25),
                ("model", "95", 1.4, 1.0),
                ("model", "50", 5, 1.0),
            ):
                ends = [row[f"{kind}_{end}_{level}"] for end in ("lower", "upper")]
                axes.plot(ends, [place, place], color=color, lw=width, alpha=alpha, zorder=2)
        axes.axvline(part["observed"].iloc[0], color=INK, linewidth=1.4, zorder=3)
        axes.set_yticks(range(len(part)), list(part["mechanism"]))
        axes.set_ylim(len(part) - 0.5, -0.5)
        axes.set_xscale("log")
        low, high = part["observed_lower_95"].min(), part["observed_upper_95"].max()
        axes.set_xlim(0.85 * low, 1.18 * high)
        ticks = [t for t in (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10) if 0.85 * low < t < 1.18 * high]
        axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
        axes.set_xticks([], minor=True)
        axes.set_xlabel(f"{name} ({part['unit'].iloc[0]})")
        axes.set_title(f"{study}, month {month:g}\n", fontsize=8.5)
        axes.text(0, 1.02, arm, transform=axes.transAxes, fontsize=7.5, color=GREY)
    heading(
        figure,
        "Rows kept for validation, never fitted",
        "Line: observed. Thick 50 % and thin 95 % of the draws; pale: 95 % with the committed "
        f"error of the row, given the fitted rows of its arm. {source}",
    )
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, name: str) -> None:
    color = color_of(name)
    times = rows["time_months"].to_numpy()
    for level, alpha in (("95", 0.18), ("50", 0.4)):
        low, high = (rows[f"{end}_{level}"].to_numpy() for end in ("lower", "upper"))
        axes.fill_between(times, low, high, color=color, alpha=alpha, linewidth=0)
    axes.plot(times, rows["median"], color=color, linewidth=1.3)


def _scale(axes: Axes, rows: pd.DataFrame) -> None:
    axes.set_yscale("log")
    low, high = float(rows["lower_95"].min()), float(rows["upper_95"].max())
    low, high = min(0.9 * low, 0.85), max(1.1 * high, 1.2)
    ticks = next(ticks for fold, ticks in _TICKS.items() if high / low > fold)
    axes.set_yticks([t for t in ticks if low <= t <= high])
    axes.set_yticks([], minor=True)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylim(low, high)


def _hatch(axes: Axes, rows: pd.DataFrame) -> None:
    """Hatch the months that no data inform, and say so once."""
    spans = _spans(
        rows["time_months"].to_numpy(dtype=float), ~rows["informed"].to_numpy(dtype=bool)
    )
    for start, end in spans:
        axes.axvspan(start, end, facecolor="none", edgecolor=PALE, hatch="////", lw=0, zorder=0)
    if spans:
        start, end = spans[int(np.argmax([end - start for start, end in spans]))]
        axes.text(
            (start + end) / 2,
            0.04,
            _WORDS if end - start > 0.6 * float(rows["time_months"].max()) else "not\ninformed",
            transform=axes.get_xaxis_transform(),
            ha="center",
            va="bottom",
            fontsize=6.5,
            color=GREY,
        )


def _spans(times: Floats, chosen: NDArray[np.bool_]) -> list[tuple[float, float]]:
    """Stretches of the chosen times, each from the time before its first."""
    found: list[tuple[float, float]] = []
    for i in np.flatnonzero(chosen):
        start = float(times[max(int(i) - 1, 0)])
        if found and found[-1][1] >= start:
            found[-1] = (found[-1][0], float(times[i]))
        else:
            found.append((start, float(times[i])))
    return found
