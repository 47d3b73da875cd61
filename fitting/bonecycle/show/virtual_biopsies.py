"""Figures of the virtual biopsy: its measures, and published counts of labels."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.stats import beta

from bonecycle.biology import catalogue
from bonecycle.show.courses import mark_style
from bonecycle.show.style import BLUE, GREY, INK, PALE, SKY, styled

_MEASURES = ("ES_BS", "OS_BS", "MS_BS", "MAR", "BFR_BS", "O_Th", "Ac_f")
_LABELS = {"double": BLUE, "single": SKY, "none": PALE}
# More dots than this hide each other.
_DOTS = 200


@styled
def plot_virtual_biopsies(biopsies: pd.DataFrame) -> Figure:
    """Draw the labels and the measures of virtual biopsies, one column of dots a group.

    Parameters
    ----------
    biopsies
        As `bonecycle.analysis.virtual_biopsy.virtual_biopsies` returns them, with a column
        ``group``.
    """
    groups = list(dict.fromkeys(biopsies["group"]))
    width = max(2.4, 0.25 * len(groups) + 1.9)
    figure = Figure(figsize=(4 * width, 5.8), layout="constrained")
    panels = figure.subplots(2, 4).ravel()
    _label_panel(panels[0], biopsies, groups)
    for axes, variable in zip(panels[1:], _MEASURES, strict=True):
        _measure_panel(axes, variable, biopsies, groups)
    handles, labels = panels[0].get_legend_handles_labels()
    dots, names = panels[1].get_legend_handles_labels()
    figure.legend(handles + dots, labels + names, loc="outside lower center", ncols=6)
    return figure


def _label_panel(axes: Axes, biopsies: pd.DataFrame, groups: list[str]) -> None:
    bottom = np.zeros(len(groups))
    for label, color in _LABELS.items():
        shares = [
            float((biopsies.loc[biopsies["group"] == group, "label"] == label).mean())
            for group in groups
        ]
        name = "no label" if label == "none" else f"{label} label"
        axes.bar(range(len(groups)), shares, bottom=bottom, color=color, width=0.7, label=name)
        bottom += shares
    axes.set_title("Share of biopsies")
    axes.set_ylim(0, 1)
    _name_groups(axes, groups)


def _measure_panel(axes: Axes, variable: str, biopsies: pd.DataFrame, groups: list[str]) -> None:
    rng = np.random.default_rng(0)
    highest = float(biopsies[variable].quantile(0.99))
    for place, group in enumerate(groups):
        values = biopsies.loc[biopsies["group"] == group, variable]
        found = values.dropna()
        if found.empty:
            axes.text(place, 0.02 * highest, "none", ha="center", color=GREY, fontsize=7)
            continue
        shown = found.iloc[:_DOTS]
        spots = place + rng.uniform(-0.28, 0.28, len(shown))
        axes.plot(spots, shown, "o", ms=2.2, mew=0, alpha=0.5, color=SKY, label="one biopsy")
        low, middle, high = found.quantile([0.25, 0.5, 0.75])
        axes.plot([place] * 2, [low, high], color=INK, lw=1.2, label="quartiles")
        axes.plot(place, middle, "_", ms=12, mew=2, color=INK, label="median of those measured")
        if len(found) < len(values):
            text = f"{100 * len(found) / len(values):.0f}%"
            axes.text(place, 1.0, text, ha="center", va="bottom", fontsize=6, color=GREY,
                      transform=axes.get_xaxis_transform())  # fmt: skip
    observable = catalogue.observables()[variable]
    measured = biopsies[variable].isna().any()
    pad = 12 if measured else 6
    note = "  % measured" if measured else ""
    axes.set_title(f"{observable.symbol} ({observable.unit}){note}", pad=pad)
    axes.set_ylim(bottom=0, top=1.1 * highest if highest > 0 else 1.0)
    axes.grid(axis="y", color=PALE)
    _name_groups(axes, groups)
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    for handle in handles:
        if handle not in unique.values():
            handle.set_label("_")


def _name_groups(axes: Axes, groups: list[str]) -> None:
    axes.set_xlim(-0.6, len(groups) - 0.4)
    turn = 45 if len(groups) > 2 else 0
    axes.set_xticks(range(len(groups)), groups, rotation=turn, ha="right" if turn else "center")
    axes.tick_params(axis="x", length=0)


@styled
def plot_label_counts(counts: pd.DataFrame) -> Figure:
    """Draw published shares of biopsies with a finding beside what each mechanism predicts.

    Parameters
    ----------
    counts
        As `bonecycle.analysis.label_counts.compare_counts` returns it.
    """
    keys = list(dict.fromkeys(zip(counts["arm"], counts["finding"], strict=True)))
    figure = Figure(figsize=(8.2, 0.95 * len(keys) + 1.2), layout="constrained")
    axes = figure.subplots()
    mechanisms = list(dict.fromkeys(counts["mechanism"]))
    step = 0.62 / max(len(mechanisms), 1)
    names = []
    for place, (arm, finding) in enumerate(keys):
        own = counts[(counts["arm"] == arm) & (counts["finding"] == finding)]
        first = own.iloc[0]
        k, n = int(first["count"]), int(first["n"])
        _published(axes, place - 0.38, k, n, above=first["comparison"] == "above")
        for number, row in enumerate(own.to_dict("records")):
            y = place - 0.22 + step * number
            style = mark_style(str(row["mechanism"])) | {"markersize": 5, "linestyle": "none"}
            axes.plot(row["probability"], y, label=row["mechanism"], **style)
            axes.plot([row["lower"], row["upper"]], [y, y], color=style.get("color", GREY), lw=1)
        what = {"double": "double label", "any": "any label"}.get(finding, finding)
        sign = "\u2265 " if first["comparison"] == "above" else ""
        names.append(textwrap.fill(arm, 24) + f"\n{what}, {sign}{k} of {n}")
    axes.set_yticks(range(len(keys)), names)
    axes.set_ylim(len(keys) - 0.4, -0.6)
    axes.set_xlim(0, 1)
    axes.set_xlabel("Share of biopsies")
    axes.grid(axis="x", color=PALE)
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(reversed(list(zip(labels, handles, strict=True))))
    order = list(dict.fromkeys(labels))
    figure.legend([unique[n] for n in order], order, loc="outside lower center", ncols=5)
    axes.set_title("Published counts (95 % interval), and the virtual biopsy (95 % of draws)")
    return figure


def _published(axes: Axes, y: float, k: int, n: int, *, above: bool) -> None:
    low = float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0
    high = 1.0 if above or k == n else float(beta.ppf(0.975, k + 1, n - k))
    axes.plot([k / n if above else low, high], [y, y], color=INK, lw=3, solid_capstyle="butt")
    axes.plot(k / n, y, ">" if above else "D", ms=6, color=INK, label="published")
