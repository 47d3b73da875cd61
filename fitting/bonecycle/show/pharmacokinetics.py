"""Published pharmacokinetics against the model: all ratios, and the curves of one drug."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator, ScalarFormatter

from bonecycle.analysis.experiments import Experiment
from bonecycle.analysis.pharmacokinetics import Fact, Role
from bonecycle.engines.interface import Floats
from bonecycle.show.style import BLUE, GREY, INK, PALE, VERMILLION, styled

_NARROWEST, _WIDEST = 0.2, 5.0
_LINE = 0.165  # inches a row
_COLUMNS = 3
_NUMBER = re.compile(r"-?\d+\.?\d*")
_DAYS = {"1 min": 1 / 1440, "1 h": 1 / 24, "1 d": 1.0, "7 d": 7.0, "30 d": 30.0}


@styled
def plot_overview(table: pd.DataFrame) -> Figure:
    """Draw model over published value, and the spread, of every number that the model says.

    Left out are the values that the model takes over, where the ratio is one by construction.

    Parameters
    ----------
    table
        As `bonecycle.analysis.pharmacokinetics.validate` returns it.
    """
    said = table[~table.role.isin([Role.NOT_SAID, Role.TAKEN_OVER])]
    groups = {str(drug): rows for drug, rows in said.groupby("drug")}
    columns = _balanced({drug: len(rows) + 3 for drug, rows in groups.items()})
    longest = max(sum(len(groups[drug]) + 3 for drug in column) for column in columns)
    # One drug alone still needs room for the title and the legend, which take two rows then.
    narrow = len(columns) == 1
    figure = Figure(figsize=(5.6 if narrow else 4.9 * len(columns), _LINE * longest + 1.6))
    top, bottom = 1 - 1.0 / figure.get_figheight(), 0.5 / figure.get_figheight()
    for number, column in enumerate(columns):
        left = (number + 0.58) / len(columns)
        edge = top
        for drug in column:
            rows = groups[drug]
            height = (top - bottom) * len(rows) / longest
            edge -= (top - bottom) * 1.2 / longest
            axes = figure.add_axes((left, edge - height, 0.40 / len(columns), height))
            _draw_ratios(axes, drug, rows, last=drug == column[-1])
            edge -= height + (top - bottom) * 1.8 / longest
    taken = int((table.role == Role.TAKEN_OVER).sum())
    rest = f"{chr(10) if narrow else ' '}({taken} that the model takes over are left out)"
    inside = int((said.within == True).sum())  # noqa: E712
    figure.suptitle(
        f"Published pharmacokinetics: {inside} of {len(said)} numbers lie within the spread{rest}",
        y=1 - 0.18 / figure.get_figheight(),
    )
    marks = [
        _mark("o", BLUE, "within"),
        _mark("o", VERMILLION, "outside"),
        _mark("o", GREY, "used in the estimation (goodness of fit)"),
        _mark("D", GREY, "not used (a check)", hollow=True),
        Line2D([], [], color=PALE, linewidth=5, label="published spread"),
        Line2D([], [], color=GREY, linewidth=0.8, label="spread assumed"),
    ]
    figure.legend(
        handles=marks,
        loc="upper center",
        ncols=3 if narrow else len(marks),
        bbox_to_anchor=(0.5, 1 - (0.56 if narrow else 0.38) / figure.get_figheight()),
        columnspacing=1.2,
    )
    return figure


@styled
def plot_experiments(drug: str, found: Sequence[Experiment]) -> Figure:
    """Draw plasma, cumulative urine and bone of a drug with the published numbers on them.

    A published half-life is a line of that slope over the window, through the middle of the
    model's own regression line; its spread is shaded.

    Parameters
    ----------
    drug
        Name of the drug.
    found
        As `bonecycle.analysis.experiments.experiments` returns them; at least one.
    """
    panels = 3 if found[0].urine is not None else 1
    width = 3.3 * panels + 0.4 if panels > 1 else 5.6
    figure = Figure(figsize=(width, 2.35 * len(found) + 0.75), layout="constrained")
    grid = figure.subplots(len(found), panels, squeeze=False)
    for row, experiment in zip(grid, found, strict=True):
        _draw_plasma(row[0], experiment)
        if panels > 1:
            assert experiment.urine is not None and experiment.bone is not None
            _draw_share(row[1], experiment, experiment.urine, ("urine_share", "urine_amount"))
            row[1].set_ylabel("Cumulative urine (% of dose)")
            _draw_share(row[2], experiment, experiment.bone, ("bone_share", "kept_share"))
            row[2].set_ylabel("In bone (% of dose)")
        for axes in row:
            _time_axis(axes, experiment.times)
        row[0].set_title(experiment.label)
    figure.suptitle(
        f"{drug.capitalize()}: model (black) and published numbers (blue, with their spread;"
        f"{' ' if panels > 1 else chr(10)}a half-life is a slope over its window)",
        fontsize=10,
    )
    return figure


def _mark(marker: str, colour: str, label: str, hollow: bool = False) -> Line2D:
    face = "white" if hollow else colour
    return Line2D(
        [], [], marker=marker, color=colour, markerfacecolor=face, linestyle="", label=label
    )


def _balanced(sizes: dict[str, int]) -> list[list[str]]:
    """Share the drugs out over columns of about one length, the longest first."""
    columns: list[list[str]] = [[] for _ in range(min(_COLUMNS, len(sizes)))]
    for drug in sorted(sizes, key=lambda name: -sizes[name]):
        shortest = min(columns, key=lambda column: sum(sizes[name] for name in column))
        shortest.append(drug)
    return columns


def _draw_ratios(axes: Axes, drug: str, rows: pd.DataFrame, last: bool) -> None:
    axes.axvline(1.0, color=INK, linewidth=0.8, zorder=0)
    for place, row in enumerate(rows.to_dict("records")):
        published = _published(row)
        lower = row["lower"] / published
        upper = row["upper"] / published if np.isfinite(row["upper"]) else _WIDEST
        lower, upper = max(lower, _NARROWEST), min(upper, _WIDEST)
        known = row["spread"] == "published"
        axes.plot(
            [lower, upper],
            [place, place],
            color=PALE if known else GREY,
            linewidth=5 if known else 0.8,
            solid_capstyle="butt",
            zorder=1,
        )
        colour = BLUE if row["within"] else VERMILLION
        ratio = row["model"] / published
        shown = float(np.clip(ratio, _NARROWEST, _WIDEST))
        check = row["role"] == Role.CHECK
        marker = "D" if check else "o"
        axes.plot(
            shown, place, marker, color=colour, markerfacecolor="white" if check else colour, ms=4
        )
        if shown != ratio:
            text = f"{ratio:.0f}\u00d7 \u2192" if ratio > 1 else f"\u2190 {ratio:.2f}\u00d7"
            align = "right" if ratio > 1 else "left"
            offset = (-6, 0) if ratio > 1 else (6, 0)
            axes.annotate(
                text, (shown, place), offset, textcoords="offset points",
                ha=align, va="center", fontsize=6.5,
            )  # fmt: skip
    axes.set_yticks(range(len(rows)), rows.fact.tolist(), fontsize=7)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xscale("log")
    axes.set_xlim(_NARROWEST * 0.95, _WIDEST * 1.05)
    axes.xaxis.set_major_locator(FixedLocator([0.2, 0.5, 1, 2, 5]))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_locator(NullLocator())
    axes.tick_params(axis="x", labelbottom=last)
    axes.grid(axis="x")
    axes.set_title(drug.capitalize(), pad=3)
    if last:
        axes.set_xlabel("Model / published value", fontsize=8)


def _published(row: dict[Any, Any]) -> float:
    numbers = _NUMBER.findall(str(row["published"]))
    return float(numbers[0])


def _draw_plasma(axes: Axes, experiment: Experiment) -> None:
    seen = experiment.plasma > 0
    times, plasma = experiment.times[seen], experiment.plasma[seen]
    axes.plot(times, plasma, color=INK, linewidth=1.4)
    peak_times = [f for f in experiment.facts if f.quantity == "peak_time"]
    for fact in experiment.facts:
        if fact.quantity == "half_life":
            _draw_half_life(axes, fact, times, plasma)
        elif fact.quantity == "peak":
            top = float(times[np.argmax(plasma)])
            where = float(peak_times[0].value) / peak_times[0].factor if peak_times else top
            _draw_point(axes, where, fact, 1 / fact.factor)
    if peak_times and not any(f.quantity == "peak" for f in experiment.facts):
        fact = peak_times[0]
        axes.axvspan(
            fact.lower / fact.factor, fact.upper / fact.factor, color=BLUE, alpha=0.15, linewidth=0
        )
        axes.axvline(float(fact.value) / fact.factor, color=BLUE, linewidth=1)
        axes.text(
            fact.upper / fact.factor * 1.1, 0.04, "time of the peak", color=BLUE, fontsize=7,
            transform=axes.get_xaxis_transform(),
        )  # fmt: skip
    axes.set_yscale("log")
    axes.set_ylim(max(float(plasma[-1]) / 3, float(plasma.max()) * 1e-7), float(plasma.max()) * 4)
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("Plasma (mg/L)")


def _draw_half_life(axes: Axes, fact: Fact, times: Floats, plasma: Floats) -> None:
    first, last = fact.window
    span = np.linspace(max(first, float(times[0])), last, 40)
    # A regression line goes through the means.
    middle = float(np.mean(span))
    level = float(np.exp(np.mean(np.interp(span, times, np.log(plasma)))))

    def course(value: float) -> Floats:
        slope = -math.log(2) * fact.factor / value
        return np.asarray(level * np.exp(slope * (span - middle)), dtype=np.float64)

    axes.plot(span, course(float(fact.value)), color=BLUE, linewidth=2.4, alpha=0.8)
    axes.fill_between(
        span, course(fact.lower), course(fact.upper), color=BLUE, alpha=0.18, linewidth=0
    )


def _draw_share(
    axes: Axes, experiment: Experiment, curve: Floats, quantities: tuple[str, ...]
) -> None:
    axes.plot(experiment.times, curve, color=INK, linewidth=1.4)
    told = [f for f in experiment.facts if f.quantity in quantities]
    for fact in told:
        scale = 100.0 / fact.factor
        if fact.quantity == "urine_amount":
            scale /= experiment.dose_mg
        # What was collected later stands on what was collected until then.
        before = [f for f in told if f.window[1] == fact.window[0] and f is not fact]
        base = float(before[0].value) * 100.0 / before[0].factor if before else 0.0
        if fact.window[0] == 0 or before:
            # Points of one time stand beside each other.
            alike = [f for f in told[: told.index(fact)] if f.window == fact.window]
            _draw_point(axes, fact.window[1] * 1.1 ** len(alike), fact, scale, base)
    axes.set_ylim(0, 1.12 * max(float(curve.max()), float(axes.dataLim.y1)))


def _draw_point(axes: Axes, time: float, fact: Fact, scale: float, base: float = 0.0) -> None:
    value = base + float(fact.value) * scale
    lower = base + fact.lower * scale
    upper = base + fact.upper * scale if np.isfinite(fact.upper) else value
    axes.errorbar(
        time,
        value,
        [[value - lower], [upper - value]],
        fmt="o",
        color=BLUE,
        markersize=4,
        capsize=2,
        linewidth=1,
        lolims=not np.isfinite(fact.upper),
    )


def _time_axis(axes: Axes, times: Floats) -> None:
    axes.set_xscale("log")
    axes.set_xlim(float(times[1]), float(times[-1]))
    ticks = {name: days for name, days in _DAYS.items() if times[1] <= days <= times[-1]}
    axes.xaxis.set_major_locator(FixedLocator(list(ticks.values())))
    axes.set_xticklabels(list(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="x")
    axes.set_xlabel("Time after the dose")
