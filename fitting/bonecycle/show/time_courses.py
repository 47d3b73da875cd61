"""Time courses of every mechanism with the data they were fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bonecycle.analysis.simulation import relative
from bonecycle.biology.regimens import Regimen
from bonecycle.errors import UsageError
from bonecycle.inference.fitting.summary import MET_WITHIN
from bonecycle.problem.targets import Target
from bonecycle.show.courses import (
    Curves,
    author_year,
    color_of,
    courses,
    dose_of,
    drug_of,
    heading,
    line_style,
    mechanism_key,
    symbol,
)
from bonecycle.show.style import GREY, INK, month_axis, styled
from bonecycle.studies.schema import Comparison, Role

_COLUMNS = 4
_MARKERS = ("CTX", "P1NP", "BSALP")
_ORDER = (*_MARKERS, "Ac_f", "BFR_BS", "MS_BS", "OS_BS", "ES_BS")
_TICKS = (0.01, 0.03, 0.1, 0.3, 1.0)
# Nearer than this (ratio) the highest and the lowest curve are not named: the names would overlap.
_APART = 1.25
_WORDS = (Comparison.DECREASED, Comparison.INCREASED, Comparison.UNCHANGED)

_Panel = tuple[Regimen, str, list[Target]]


@styled
def plot_fit(targets: Sequence[Target], fits: Mapping[str, Curves]) -> Figure:
    """Draw a panel for every observable of every course of treatment that has a number or a limit.

    Parameters
    ----------
    targets : sequence of Target
        Rows of a problem; ratios to untreated are drawn, directions are not.
    fits : mapping of str to curves
        Curves of every mechanism by its name, from `fitted_curves`.

    Returns
    -------
    Figure
        Rows of panels by drug. Bars are two committed errors, arrows limits; filled marks were
        fitted, open ones are validation. The highest and the lowest mechanism carry their names.

    Raises
    ------
    UsageError
        When no row is a number or a limit under treatment.
    """
    rows = _rows(targets)
    if not rows:
        raise UsageError("Every target is a direction: there is no number to draw.")
    figure = Figure(figsize=(9.6, 1.3 + 1.85 * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), _COLUMNS, squeeze=False)
    runs = {
        (name, regimen): relative(curves[regimen])
        for name, curves in fits.items()
        for regimen in {panel[0] for row in rows for panel in row}
    }
    for line, row in zip(grid, rows, strict=True):
        for axes in line[len(row) :]:
            axes.set_visible(False)
        for axes, (regimen, variable, drawn) in zip(line, row, strict=False):
            shown = {name: runs[name, regimen] for name in fits}
            _draw_panel(axes, variable, drawn, shown)
            studies = ", ".join(dict.fromkeys(author_year(t.observation.study) for t in drawn))
            axes.set_title(f"{drug_of(regimen)}: {symbol(variable)}", pad=23)
            axes.text(
                0,
                1.03,
                f"{dose_of(regimen)}\n{studies}",
                transform=axes.transAxes,
                fontsize=7,
                color=GREY,
                linespacing=1.1,
            )
        line[0].set_ylabel("Ratio to untreated")
    for axes in grid[-1]:
        axes.set_xlabel("Time (months)")
    mechanism_key(figure, list(fits))
    heading(
        figure,
        "Best fits to markers and biopsies",
        "Points with two committed errors; arrows: limits; open: validation, not fitted. The "
        "highest and the lowest mechanism are named at the end.",
    )
    return figure


def _rows(targets: Sequence[Target]) -> list[list[_Panel]]:
    """Panels in rows; a drug begins a new row."""
    rows: list[list[_Panel]] = []
    drug = ""
    for regimen, course in courses(targets).items():
        by_variable: dict[str, list[Target]] = {}
        for target in course:
            if target.value is not None and target.observation.comparison not in _WORDS:
                by_variable.setdefault(target.observation.variable, []).append(target)
        for variable, drawn in sorted(by_variable.items(), key=lambda item: _place(item[0])):
            if drug_of(regimen) != drug or len(rows[-1]) == _COLUMNS:
                rows.append([])
                drug = drug_of(regimen)
            rows[-1].append((regimen, variable, drawn))
    return rows


def _place(variable: str) -> int:
    """Resorption, then formation, then the rest."""
    return _ORDER.index(variable) if variable in _ORDER else len(_ORDER)


def _draw_panel(
    axes: Axes, variable: str, drawn: Sequence[Target], runs: Mapping[str, xr.Dataset]
) -> None:
    axes.axhline(1, color=GREY, linewidth=0.8, linestyle=":", zorder=1)
    for name, run in runs.items():
        axes.plot(run.months, run[variable], linewidth=1.2, alpha=0.85, **line_style(name))
    for target in drawn:
        _draw_target(axes, target)
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    axes.set_yticks(_TICKS)
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    # After the ticks, which widen the limits. Markers and surfaces have a floor each.
    floor = 0.08 if variable in _MARKERS else 0.02
    axes.set_ylim(min(low, floor), max(high, 1.6))
    months = max(float(run.months[-1]) for run in runs.values())
    month_axis(axes, months)
    axes.set_xlim(0, months * 1.03)  # room for a mark at the last month
    ends = {name: float(run[variable][-1]) for name, run in runs.items()}
    lowest, highest = min(ends, key=ends.__getitem__), max(ends, key=ends.__getitem__)
    if ends[highest] > _APART * ends[lowest]:
        for name in (lowest, highest):
            axes.annotate(
                name,
                (1, ends[name]),
                (2, 0),
                xycoords=("axes fraction", "data"),
                textcoords="offset points",
                va="center",
                fontsize=7,
                fontweight="bold",
                color=color_of(name),
                annotation_clip=False,
            )


def _draw_target(axes: Axes, target: Target) -> None:
    value, month = target.value, target.observation.time_months
    assert value is not None  # chosen so
    face = "white" if target.observation.role is Role.VALIDATION else INK
    if target.is_number:
        low, high = value * np.exp(np.array([-1, 1]) * MET_WITHIN * target.log_sd)
        axes.plot([month, month], [low, high], color=INK, linewidth=0.9, zorder=3)
        axes.plot(
            month,
            value,
            "o",
            markersize=4,
            color=face,
            markeredgecolor=INK,
            clip_on=False,
            zorder=4,
        )
        return
    axes.annotate(
        "",
        (month, value * 1.8**target.side),
        (month, value),
        arrowprops={"arrowstyle": "-|>", "color": INK, "shrinkA": 0, "shrinkB": 0},
        zorder=4,
    )
    axes.plot(month, value, "_", color=INK, markersize=9, zorder=4)
