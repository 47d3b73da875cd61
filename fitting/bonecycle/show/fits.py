"""Figures of a fit: time courses with data, and the plane of formation against erosion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bonecycle.analysis.simulation import relative
from bonecycle.biology import catalogue
from bonecycle.biology.regimens import DAYS_PER_MONTH, Regimen
from bonecycle.biology.treatments import Every
from bonecycle.inference.summary import MET_WITHIN
from bonecycle.problem.targets import Target
from bonecycle.show.style import (
    BLACK,
    DRUGS,
    GREY,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    month_axis,
    styled,
)
from bonecycle.studies.schema import Comparison, Role

Curves = Mapping[Regimen, xr.Dataset]

# Apart from the colours of the drugs, which mark the data.
_LINES = (GREY, PURPLE, ORANGE, SKY, BLACK)
_ROWS = (("CTX",), ("P1NP", "BSALP"), ("Ac_f", "MS_BS", "BFR_BS"), ("ES_BS",))
_MARKS = {"MS_BS": "s", "BFR_BS": "D", "BSALP": "P"}


@styled
def plot_fit(targets: Sequence[Target], fits: Mapping[str, Curves]) -> Figure:
    """Time courses of markers and surfaces under every regimen, with the data.

    Parameters
    ----------
    targets : sequence of Target
        Rows of a problem; ratios to untreated are drawn.
    fits : mapping of str to curves
        Curves of every mechanism by its name, from `fitted_curves`.

    Returns
    -------
    Figure
        A row for CTX, P1NP, formation and eroded surface; a column a course of treatment. Bars
        are two committed errors; filled marks were fitted, open ones are validation.
    """
    columns = _columns(targets)
    figure = Figure(figsize=(2.5 * len(columns), 8.6), layout="constrained")
    axes = figure.subplots(len(_ROWS), len(columns), sharey="row", squeeze=False)
    for column, (regimen, drawn) in enumerate(columns.items()):
        months = max(float(curves[regimen].months[-1]) for curves in fits.values())
        for row, variables in enumerate(_ROWS):
            ax = axes[row, column]
            ax.axhline(1, color=GREY, linewidth=0.8, linestyle=":")
            for color, (name, curves) in zip(cycle(_LINES), fits.items(), strict=False):
                run = relative(curves[regimen])
                ax.plot(run.months, run[variables[0]], color=color, label=name)
                if any(t.observation.variable == "BSALP" for t in drawn) and "BSALP" in variables:
                    ax.plot(run.months, run["BSALP"], color=color, linestyle="--", linewidth=1)
            for target in drawn:
                if target.observation.variable in variables:
                    _draw_target(ax, target)
            ax.set_yscale("log")
            ax.set_ylim(0.02 if row > 1 else 0.08, 1.5)
            ax.set_yticks([0.03, 0.1, 0.3, 1] if row > 1 else [0.1, 0.2, 0.5, 1])
            ax.yaxis.set_major_formatter("{x:g}")
            ax.yaxis.set_minor_formatter("")
            month_axis(ax, months)
            ax.set_xlim(0, months * 1.03)  # room for a mark at the last month
            if column == 0:
                ax.set_ylabel(f"{_symbols(variables)}\n(ratio to untreated)")
            if row == 0:
                studies = list(dict.fromkeys(_short(target) for target in drawn))
                lines = [", ".join(studies[i : i + 2]) for i in range(0, len(studies), 2)]
                title = "\n".join([_title(regimen), *lines])
                ax.set_title(title, fontsize=8, fontweight="normal")
            if row == len(_ROWS) - 1:
                ax.set_xlabel("Time (months)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=max(len(labels), 1))
    figure.suptitle(
        "Best fits of each mechanism to published markers and biopsies\n"
        "Bars: two committed errors. Triangles: limits and directions. Squares: MS/BS. Diamonds: "
        "BFR/BS. Open plus, dashed: BSALP, validation",
        fontsize=9,
    )
    return figure


def _draw_target(ax: Axes, target: Target) -> None:
    if target.value is None or not target.is_ratio:
        return
    month = target.observation.time_months
    color = _color(target.regimen)
    open_mark = target.observation.role is Role.VALIDATION
    face = "white" if open_mark else color
    if target.is_number:
        low, high = target.value * np.exp(np.array([-1, 1]) * MET_WITHIN * target.log_sd)
        ax.plot([month, month], [low, high], color=color, linewidth=0.9, alpha=0.6)
        mark = _MARKS.get(target.observation.variable, "o")
    else:
        mark = "v" if target.side < 0 else "^"
    ax.plot(
        month,
        target.value,
        mark,
        markersize=5,
        markerfacecolor=face,
        markeredgecolor=color,
        clip_on=False,
    )


@styled
def plot_plane(
    targets: Sequence[Target], fits: Mapping[str, Curves], month: float = 24.0
) -> Figure:
    """Plane of Ac.f against ES/BS, both relative to untreated: the paradox in one figure.

    Parameters
    ----------
    targets : sequence of Target
        Rows of a problem, for the regions that the data ask for.
    fits : mapping of str to curves
        Curves of every mechanism by its name; the mark stands at `month`.
    month : float
        Month at which the marks are drawn.

    Returns
    -------
    Figure
    """
    figure = Figure(figsize=(1.2 + 3.6 * len(fits), 4.5), layout="constrained")
    axes = figure.subplots(1, len(fits), sharey=True, squeeze=False)
    regimens = list(_columns(targets))
    for ax, (name, curves) in zip(axes[0], fits.items(), strict=True):
        _draw_regions(ax, targets)
        drawn = set()
        for regimen in regimens:
            drug = regimen.treatments[0].drug
            if drug in drawn or float(curves[regimen].months[-1]) < month - 1:
                continue
            drawn.add(drug)
            run = relative(curves[regimen])
            color = _color(regimen)
            ax.plot(run["Ac_f"], run["ES_BS"], color=color, linewidth=1.2, alpha=0.7)
            at = run.interp(time=month * 365.25 / 12 - 0.01)
            ax.plot(at["Ac_f"], at["ES_BS"], "o", color=color, markersize=8, label=drug)
        ax.plot(1, 1, "+", color=INK, markersize=9, label="untreated")
        ax.set(xscale="log", yscale="log", xlim=(0.012, 1.5), ylim=(0.05, 1.5))
        for axis, ticks in ((ax.xaxis, [0.03, 0.1, 0.3, 1]), (ax.yaxis, [0.1, 0.2, 0.4, 0.6, 1])):
            axis.set_ticks(ticks)
            axis.set_major_formatter("{x:g}")
            axis.set_minor_formatter("")
        ax.set_title(name)
        ax.set_xlabel("Ac.f (ratio to untreated)")
    axes[0, 0].set_ylabel("ES/BS (ratio to untreated)")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    figure.suptitle(
        f"Formation falls; does eroded surface? Best fits at {month:g} months (dots) and their "
        "way (lines)\nShaded: one committed error around Ac.f or BFR/BS as reported for each drug",
        fontsize=9,
    )
    return figure


def _draw_regions(ax: Axes, targets: Sequence[Target]) -> None:
    """Shade, per drug, the range of formation and of eroded surface that biopsies report."""
    for target in targets:
        row, value = target.observation, target.value
        if value is None or not target.is_ratio or not target.regimen.treatments:
            continue
        color = _color(target.regimen)
        drug, study = target.regimen.treatments[0].drug, row.study.split()[0]
        if row.comparison is Comparison.EQUAL and row.variable in ("Ac_f", "BFR_BS"):
            low, high = value * np.exp(np.array([-1, 1]) * target.log_sd)
            ax.axvspan(low, high, color=color, alpha=0.14, linewidth=0)
            symbol = catalogue.observables()[row.variable].symbol
            ax.text(
                value,
                0.053,
                f"{drug}\n{symbol}, {study}",
                rotation=90,
                fontsize=8,
                color=color,
                ha="center",
                va="bottom",
            )
        elif row.variable == "ES_BS" and target.side > 0:
            ax.axhspan(
                value, 1.5, xmax=1, facecolor="none", edgecolor=color, hatch="//", alpha=0.25
            )
            ax.text(
                0.0135,
                1.38,
                f"ES/BS not strongly decreased\n(alendronate, Jensen; read as > {value:g})",
                fontsize=8,
                color=color,
                va="top",
            )
        elif row.variable == "ES_BS" and target.side < 0:
            ax.axhline(value, color=color, linewidth=1, linestyle="--")
            ax.text(
                1.45,
                value * 0.97,
                f"{drug}: below {value:.2g} ({study})",
                fontsize=8,
                color=color,
                ha="right",
                va="top",
            )


def _columns(targets: Sequence[Target]) -> dict[Regimen, list[Target]]:
    """Ratios under each course of treatment, by its longest regimen, most data first.

    Regimens that begin alike and only stop at another time are one course: no row of them is
    later than its stop.
    """
    courses: dict[tuple[object, ...], list[Target]] = {}
    for target in targets:
        if target.is_ratio and target.regimen.treatments:
            key = tuple(
                (t.drug, t.dose_mg, t.route, t.interval_days, t.start_days)
                for t in target.regimen.treatments
            )
            courses.setdefault(key, []).append(target)
    ordered = sorted(courses.values(), key=len, reverse=True)
    return {max((t.regimen for t in course), key=_stop): course for course in ordered}


def _stop(regimen: Regimen) -> float:
    return max(treatment.stop_days for treatment in regimen.treatments)


def _short(target: Target) -> str:
    words = target.observation.study.split()
    return " ".join(words[:2])


def _title(regimen: Regimen) -> str:
    doses = ", then ".join(f"{t.dose_mg:g}" for t in regimen.treatments)
    first = regimen.treatments[0]
    regular = isinstance(first.schedule, Every)
    when = f"every {_interval(first.interval_days)}" if regular else "on given days"
    return f"{first.drug} {doses} mg {first.route.value}\n{when}"


def _interval(days: float) -> str:
    for size, name in ((365.25, "year"), (DAYS_PER_MONTH, "month"), (7.0, "week"), (1.0, "day")):
        if days >= size * 0.999 and abs(days / size - round(days / size)) < 1e-6:
            count = round(days / size)
            return name if count == 1 else f"{count} {name}s"
    return f"{days:g} days"


def _symbols(variables: Sequence[str]) -> str:
    return ", ".join(catalogue.observables()[name].symbol for name in variables)


def _color(regimen: Regimen) -> str:
    return DRUGS.get(regimen.treatments[0].drug, INK)
