"""Residuals: how far each mechanism lies from each target, in committed errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bonecycle.biology import catalogue
from bonecycle.inference.fitting.summary import MET_WITHIN
from bonecycle.show.courses import author_year, heading, mark_style, mechanism_key
from bonecycle.show.style import GREY, PALE, styled

# Farther away a mark stands at the edge as an arrow head.
_EDGE = 6.0
_NUMBERS = ("equal", "unchanged")
# Lines that title and axis of a part take.
_AROUND = 4
_KEYS = ["study", "arm", "symbol", "time_months", "comparison"]


@styled
def plot_residuals(targets: pd.DataFrame) -> Figure:
    """Draw a row a target and a mark a mechanism: log(fitted / observed) in committed errors.

    Parameters
    ----------
    targets : DataFrame
        `bonecycle.target_table` of one mechanism, or of several under each other.

    Returns
    -------
    Figure
        Left the serum markers, right the biopsies; numbers with the band of two errors; limits and
        directions, where the shaded side is the one asked for; rows of validation apart. Dropped
        rows and rows that no free parameter moves are left out.
    """
    rows = targets[targets["distance"].notna() & targets["predictable"].astype(bool)]
    kinds = {name: observable.kind for name, observable in catalogue.observables().items()}
    marker = rows["variable"].map(kinds) == "marker"
    number = rows["comparison"].isin(list(_NUMBERS))
    fitted = rows["role"] == "fitted"
    sides: list[dict[str, pd.DataFrame]] = [
        {"Markers": rows[marker & number & fitted]},
        {
            "Biopsies": rows[~marker & number & fitted],
            "Limits and directions: met on the right": rows[~number & fitted],
            "Validation, not fitted": rows[~fitted],
        },
    ]
    sides = [{title: part for title, part in side.items() if len(part)} for side in sides]
    sides = [side for side in sides if side]
    heights = [[_height(part) + _AROUND for part in side.values()] for side in sides]
    tallest = max(map(sum, heights))
    figure = Figure(figsize=(4.8 * len(sides), 1.2 + 0.155 * tallest), layout="constrained")
    columns = figure.add_gridspec(1, len(sides))
    names = list(dict.fromkeys(targets["mechanism"]))
    for column, (side, high) in enumerate(zip(sides, heights, strict=True)):
        rest = tallest - sum(high)
        lines = columns[column].subgridspec(
            len(high) + (rest > 0), 1, height_ratios=[*high, *([rest] if rest > 0 else [])]
        )
        for i, (title, part) in enumerate(side.items()):
            _draw_part(figure.add_subplot(lines[i]), title, part, names)
    mechanism_key(figure, names, lines=False)
    heading(
        figure,
        "How far each fit lies from each datum: log(fitted / observed) in committed errors",
        "Band: two errors. Arrow heads: farther than the axis. Left out: rows that no free "
        "parameter moves.",
    )
    return figure


def _groups(part: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Rows of a study and arm under their name, in the order of the table."""
    return [
        (f"{author_year(str(rows['source'].iloc[0]))}, {arm}", rows)
        for (_, arm), rows in part.groupby(["study", "arm"], sort=False)
    ]


def _height(part: pd.DataFrame) -> int:
    """Lines of a part: one a target and one a group."""
    return len(part[_KEYS].drop_duplicates()) + len(_groups(part))


def _draw_part(axes: Axes, title: str, part: pd.DataFrame, names: list[str]) -> None:
    numbers = part["comparison"].isin(_NUMBERS)
    band = (-MET_WITHIN, MET_WITHIN) if numbers.all() else (0.0, _EDGE + 0.5)
    axes.axvspan(*band, color=PALE, linewidth=0, alpha=0.6, zorder=0)
    axes.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    line = -1
    ticks: dict[int, str] = {}
    for name, rows in _groups(part):
        line += 1
        axes.text(
            0.005,
            line,
            name,
            transform=axes.get_yaxis_transform(),
            va="center",
            fontsize=7.5,
            fontweight="bold",
        )
        in_time = rows.sort_values(["symbol", "time_months"], kind="stable")
        for _, target in in_time.groupby(_KEYS, sort=False):
            line += 1
            ticks[line] = _label(target.iloc[0])
            axes.axhline(line, color=PALE, linewidth=0.5, zorder=0)
            _draw_marks(axes, line, target, names)
    axes.set_yticks(list(ticks), list(ticks.values()), fontsize=7.5)
    axes.tick_params(axis="y", length=0)
    axes.spines.left.set_visible(False)
    axes.set(xlim=(-_EDGE - 0.5, _EDGE + 0.5), ylim=(line + 0.8, -0.8))
    axes.set_xticks(np.arange(-_EDGE, _EDGE + 1, 2))
    axes.set_xlabel("Distance (committed errors)")
    axes.set_title(title)


def _label(row: pd.Series[Any]) -> str:
    words = {"equal": "", "unchanged": " unchanged", "not_strongly_decreased": " not strongly down"}
    sign = {"below": " <", "above": " >", "decreased": " falls", "increased": " rises"}
    what = (words | sign)[str(row["comparison"])]
    number = f" {row['observed']:.2g}" if row["comparison"] in ("below", "above") else ""
    return f"{row['symbol']}{what}{number}, {row['time_months']:.3g} mo"


def _draw_marks(axes: Axes, line: int, target: pd.DataFrame, names: list[str]) -> None:
    for row in target.to_dict("records"):
        name = str(row["mechanism"])
        x = float(row["distance"])
        far = abs(x) > _EDGE
        spread = 0.07 * (names.index(name) - (len(names) - 1) / 2)
        style = mark_style(name) | {"markeredgewidth": 0.3, "markersize": 4.5}
        if far:
            style |= {"marker": ">" if x > 0 else "<"}
        axes.plot(np.clip(x, -_EDGE, _EDGE), line + spread, zorder=3, **style)
