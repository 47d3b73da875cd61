"""The plane of formation against erosion: what biopsies ask for and what each mechanism says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bonecycle.analysis.simulation import relative
from bonecycle.biology.regimens import DAYS_PER_MONTH, Regimen
from bonecycle.engines.interface import Floats
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
    mark_style,
    mechanism_key,
    symbol,
    write_beside,
)
from bonecycle.show.style import GREY, INK, styled
from bonecycle.studies.error_model import load_encodings
from bonecycle.studies.schema import Comparison

# What stands for formation, the first of them that was measured gives the band.
_FORMATION = ("Ac_f", "BFR_BS", "MS_BS")
_EROSION = "ES_BS"
_TICKS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


@styled
def plot_plane(targets: Sequence[Target], fits: Mapping[str, Curves]) -> Figure:
    """Plane of Ac.f against ES/BS, both relative to untreated: the paradox in one figure.

    Parameters
    ----------
    targets : sequence of Target
        Rows of a problem, for what the biopsies of each drug ask for.
    fits : mapping of str to curves
        Curves of every mechanism by its name, from `fitted_curves`.

    Returns
    -------
    Figure
        A panel a course of treatment with biopsies. Each mechanism goes from untreated to its mark
        at the month of the biopsies. Bands are two committed errors around a number; what a
        source says in words is hatched. Below, every measure of formation with one and two errors.
    """
    panels = _biopsied(targets)
    paths = {
        regimen: {name: _path(relative(curves[regimen]), rows) for name, curves in fits.items()}
        for regimen, rows in panels.items()
    }
    figure = Figure(figsize=(max(1.1 + 2.85 * len(panels), 6.0), 5.4), layout="constrained")
    grid = figure.subplots(
        2, len(panels), sharex=True, sharey="row", squeeze=False, height_ratios=(1, 0.3)
    )
    _scale(grid[0, 0], panels, paths)
    for (plane, strip), (regimen, rows) in zip(grid.T, panels.items(), strict=True):
        month = f", month {_month(rows):.3g}" if rows else ""
        plane.set_title(f"{drug_of(regimen)}{month}\n")
        plane.text(0, 1.02, dose_of(regimen), transform=plane.transAxes, fontsize=8, color=GREY)
        _draw_regions(plane, rows)
        _draw_measures(strip, rows)
        for name, (x, y) in paths[regimen].items():
            plane.plot(x, y, linewidth=1.1, alpha=0.7, **line_style(name))
            plane.plot(x[-1], y[-1], markersize=8, zorder=5, **mark_style(name))
        plane.plot(1, 1, "+", color=INK, markersize=10, markeredgewidth=1.6, zorder=5)
        strip.set_xlabel("Formation: Ac.f (ratio to untreated)")
    grid[0, 0].set_ylabel("Erosion: ES/BS (ratio to untreated)")
    mechanism_key(figure, list(fits))
    heading(
        figure,
        "Bone formation falls under every drug. Does eroded surface fall with it?",
        "Lines: best fit of each mechanism, from untreated (+) to the month of the biopsies; loops "
        "lie between doses. Grey: where the biopsies ask it to end (within two committed errors of "
        "a number; hatched: a limit or words). Below: measures of formation, one and two errors.",
    )
    figure.draw_without_rendering()
    for plane, ends in zip(grid[0], paths.values(), strict=True):
        points = [(x[-1], y[-1], name, color_of(name)) for name, (x, y) in ends.items()]
        write_beside(plane, points)
    return figure


def _biopsied(targets: Sequence[Target]) -> dict[Regimen, list[Target]]:
    """Rows of the plane by course of treatment; all courses, without rows, when none has any."""
    found = courses(targets)
    chosen = {
        regimen: [t for t in rows if t.observation.variable in (*_FORMATION, _EROSION)]
        for regimen, rows in found.items()
    }
    return {regimen: rows for regimen, rows in chosen.items() if rows} or chosen


def _month(rows: Sequence[Target]) -> float:
    return max((t.observation.time_months for t in rows), default=np.inf)


def _path(run: xr.Dataset, rows: Sequence[Target]) -> tuple[Floats, Floats]:
    """Ratios of Ac.f and of ES/BS from the start to the last biopsy, before that day's dose."""
    last = min(_month(rows) * DAYS_PER_MONTH - 0.01, float(run.time[-1]))
    times = np.append(run.time[run.time < last], last)
    part = run[["Ac_f", _EROSION]].interp(time=times)
    return part["Ac_f"].to_numpy(), part[_EROSION].to_numpy()


def _span(target: Target, errors: float = MET_WITHIN) -> tuple[float, float]:
    assert target.value is not None  # only numbers have a span
    low, high = target.value * np.exp(np.array([-1, 1]) * errors * target.log_sd)
    return float(low), float(high)


def _scale(
    plane: Axes,
    panels: Mapping[Regimen, Sequence[Target]],
    paths: Mapping[Regimen, Mapping[str, tuple[Floats, Floats]]],
) -> None:
    """Logarithmic axes, shared by all panels, that hold all paths and data."""
    rows = [t for rows in panels.values() for t in rows if t.value is not None]
    ends = [path for by_name in paths.values() for path in by_name.values()]
    x = [_span(t)[0] for t in rows if t.is_number and t.observation.variable in _FORMATION]
    y = [0.55 * (t.value or 1) for t in rows if t.observation.variable == _EROSION]
    plane.set(xscale="log", yscale="log")
    for axis in (plane.xaxis, plane.yaxis):
        axis.set_ticks(_TICKS)
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter("")
    plane.set(  # after the ticks, which widen the limits
        xlim=(0.85 * min([*x, *(float(path[0].min()) for path in ends)]), 1.4),
        ylim=(0.75 * min([*y, *(float(path[1].min()) for path in ends)]), 2.1),
    )


def _draw_regions(plane: Axes, rows: Sequence[Target]) -> None:
    """Shade the formation and the eroded surface that the biopsies of a drug ask for."""
    numbers = [t for t in rows if t.is_number and t.observation.variable in _FORMATION]
    if numbers:
        first = min(numbers, key=lambda t: _FORMATION.index(t.observation.variable))
        plane.axvspan(*_span(first), color=INK, alpha=0.09, linewidth=0, zorder=0)
    bottom, top = plane.get_ylim()
    for target in rows:
        value = target.value
        if target.observation.variable != _EROSION:
            continue
        if target.is_number:
            plane.axhspan(*_span(target), color=INK, alpha=0.09, linewidth=0, zorder=0)
        elif value is not None:
            plane.axhspan(
                *((value, top) if target.side > 0 else (bottom, value)),
                facecolor=(0, 0, 0, 0.06),
                edgecolor=(0, 0, 0, 0.13),
                hatch="///",
                linewidth=0,
                zorder=0,
            )
            plane.axhline(value, color=INK, linewidth=0.9, linestyle="--", zorder=1)
        below = target.side < 0
        plane.text(
            0.03,
            0.03 if below else 0.975,
            _words(target),
            transform=plane.transAxes,
            va="bottom" if below else "top",
            fontsize=8,
            bbox={"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 1},
            zorder=4,
        )
    if not any(t.observation.variable == _EROSION for t in rows):
        plane.text(0.03, 0.03, "ES/BS: no datum", transform=plane.transAxes, color=GREY)


def _words(target: Target) -> str:
    """What a row about eroded surface says, and how words are read."""
    row, study = target.observation, author_year(target.observation.study)
    if row.comparison is not Comparison.NOT_STRONGLY_DECREASED:
        sign = "" if target.is_number else "< " if target.side < 0 else "> "
        return f"ES/BS {sign}{target.value:.2g}\n{study}"
    if target.value is None:
        return f"“not strongly decreased”\n{study}; left out of the fit"
    name = next(
        encoding.name
        for encoding in load_encodings().values()
        if (encoding.threshold, encoding.log_sd) == (target.value, target.log_sd)
    )
    return f"“not strongly decreased”\n{study}; read as > {target.value:g}\n(encoding {name})"


def _draw_measures(strip: Axes, rows: Sequence[Target]) -> None:
    """Draw every measure of formation: numbers as bars, limits and directions as arrows."""
    shown = [t for t in rows if t.observation.variable in _FORMATION and t.value is not None]
    shown.sort(key=lambda t: _FORMATION.index(t.observation.variable))
    for place, target in enumerate(shown):
        value = target.value or 1.0
        if target.is_number:
            for errors, width in ((MET_WITHIN, 1.0), (1.0, 3.5)):
                strip.plot(_span(target, errors), [place] * 2, color=INK, linewidth=width)
            strip.plot(value, place, "o", color="white", markeredgecolor=INK, markersize=5)
            right = _span(target)[1]
        else:
            strip.annotate(
                "",
                (value * 0.45 if target.side < 0 else value / 0.45, place),
                (value, place),
                arrowprops={"arrowstyle": "->", "color": INK, "shrinkA": 0, "shrinkB": 0},
            )
            right = value
        row = target.observation
        strip.annotate(
            f"{symbol(row.variable)}, {author_year(row.study)}",
            (right, place - 0.12),
            xytext=(0, 0),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize=7.5,
        )
    strip.set_ylim(max(len(shown), 3) - 0.6, -0.9)
    strip.set_yticks([])
    strip.spines.left.set_visible(False)
