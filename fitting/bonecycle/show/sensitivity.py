"""Figures of sensitivity: tornado, heat map, screening, indices, convergence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bonecycle.errors import UsageError
from bonecycle.show.courses import symbol
from bonecycle.show.style import BLUE, GREEN, GREY, INK, ORANGE, PALE, PURPLE, VERMILLION, styled

_MOST = 12  # parameters in a panel of bars
# Of the parameters named in a scatter or drawn in a convergence.
_LINES = ((BLUE, "o"), (VERMILLION, "s"), (GREEN, "^"), (ORANGE, "D"), (PURPLE, "v"), (INK, "x"))


@styled
def plot_tornado(table: pd.DataFrame) -> Figure:
    """Draw local sensitivities as bars, the largest on top, a panel an output.

    Parameters
    ----------
    table
        As `bonecycle.local_sensitivities` returns it; every observable at its last time. Over
        several points the line is the 95 % interval.
    """
    panels = list(_last(table))
    figure, all_axes = _panels(panels)
    for axes, (title, rows) in zip(all_axes, panels, strict=True):
        shown = _largest(rows, "sensitivity")
        colors = [VERMILLION if value > 0 else BLUE for value in shown["sensitivity"]]
        places = np.arange(len(shown))
        axes.barh(places, shown["sensitivity"], color=colors, height=0.7)
        if (shown["points"] > 1).any():
            axes.hlines(places, shown["lower"], shown["upper"], color=INK, linewidth=1)
        axes.axvline(0, color=GREY, linewidth=0.8)
        _name_rows(axes, shown, title)
        axes.set_xlabel("d ln y / d ln p")
    figure.suptitle(
        "Per cent that an output rises (red) or falls (blue) for one per cent more of a parameter",
        x=0.01,
        ha="left",
        fontsize=9.5,
    )
    return figure


@styled
def plot_screening(table: pd.DataFrame) -> Figure:
    """Draw the size of elementary effects against their spread, a panel an output.

    Parameters
    ----------
    table
        `table` of `bonecycle.screen`; every observable at its last time.
    """
    panels = list(_last(table))
    columns = min(len(panels), 3)
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(3.8 * columns, 0.5 + 4.2 * lines), layout="constrained")
    all_axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, (title, rows) in zip(all_axes, panels, strict=False):
        top = 1.15 * max(float(rows["mu_star"].max()), float(rows["sigma"].max()), 1e-12)
        axes.plot([0, top], [0, top], color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        axes.hlines(rows["sigma"], rows["lower"], rows["upper"], color=GREY, linewidth=0.8)
        axes.plot(rows["mu_star"], rows["sigma"], "o", color=PALE, markeredgecolor=GREY, ms=4)
        for (color, mark), row in zip(
            _LINES, _largest(rows, "mu_star").iloc[::-1].to_dict("records"), strict=False
        ):
            axes.plot(row["mu_star"], row["sigma"], mark, color=color, ms=6, label=row["parameter"])
        axes.set(xlim=(0, top), ylim=(0, top), title=title)
        axes.set_xlabel("mu* (mean size of effects)")
        axes.set_ylabel("sigma (their SD)")
        axes.grid(color=PALE)
        axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(0, -0.2))
    for axes in all_axes[len(panels) :]:
        axes.remove()
    figure.suptitle(
        "Effect of moving one parameter through its central 90 %, in units of the output.\n"
        "Above the dashed line it depends on the other parameters or on the place",
        x=0.01,
        ha="left",
        fontsize=9.5,
    )
    return figure


@styled
def plot_indices(table: pd.DataFrame) -> Figure:
    """Draw shares of variance with their intervals, a panel an output.

    Parameters
    ----------
    table
        `table` of `bonecycle.sobol_indices` or of `bonecycle.given_data_indices`; every
        observable at its last time.
    """
    panels = [(title, rows) for title, rows in _last(table) if rows["estimate"].notna().any()]
    if not panels:
        raise UsageError("No output varies: there is no variance to share out.")
    figure, all_axes = _panels(panels)
    kinds = [kind for kind in ("total", "first") if (table["index"] == kind).any()]
    for axes, (title, rows) in zip(all_axes, panels, strict=True):
        leading = rows[rows["index"] == kinds[0]]
        shown = _largest(leading, "estimate")
        for kind, color in zip(kinds, (PALE, BLUE) if len(kinds) > 1 else (BLUE,), strict=True):
            own = rows[rows["index"] == kind].set_index("parameter").loc[shown["parameter"]]
            places = np.arange(len(own)) + (0.16 if kind == "total" else -0.16) * (len(kinds) > 1)
            edge: dict[str, Any] = {"edgecolor": GREY, "linewidth": 0.6}
            height = 0.32 if len(kinds) > 1 else 0.6
            axes.barh(places, own["estimate"], color=color, height=height, label=kind, **edge)
            axes.hlines(places, own["lower"], own["upper"], color=INK, linewidth=1)
        _name_rows(axes, shown, title)
        axes.set_xlim(min(0.0, float(rows["lower"].min())), None)
        axes.set_xlabel("Share of the variance")
    if len(kinds) > 1:
        handles, labels = all_axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
    what = "alone (first) and with all its interactions (total)" if len(kinds) > 1 else "known"
    figure.suptitle(
        f"Share of an output's variance that goes with a parameter {what}; lines: 95 % intervals",
        x=0.01,
        ha="left",
        fontsize=9.5,
    )
    return figure


@styled
def plot_sensitivity_map(table: pd.DataFrame) -> Figure:
    """Draw parameters against outputs and times as a heat map.

    Parameters
    ----------
    table
        Of `bonecycle.local_sensitivities` (coloured by sign), or `table` of `bonecycle.screen`
        (each output relative to its largest mu*), `bonecycle.sobol_indices` (total indices) or
        `bonecycle.given_data_indices`.
    """
    column, rows, title = _mapped(table)
    outputs = rows[["observable", "months"]].drop_duplicates()
    names = list(dict.fromkeys(rows["parameter"]))
    wide = rows.pivot(index="parameter", columns=["observable", "months"], values=column)
    wide = wide.loc[names, list(outputs.itertuples(index=False, name=None))]
    order = wide.abs().max(axis=1).fillna(0).sort_values(ascending=False, kind="stable").index
    values = wide.loc[order].to_numpy()
    figure = Figure(
        figsize=(3.4 + 0.62 * len(outputs), 1.7 + 0.24 * len(names)), layout="constrained"
    )
    axes = figure.subplots()
    signed = bool(np.nanmin(values) < 0) and column == "sensitivity"
    reach = max(float(np.nanmax(np.abs(values))), 1e-12)
    scale: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -reach, "vmax": reach}
    image = axes.imshow(
        np.clip(values, None if signed else 0, None),
        aspect="auto",
        **(scale if signed else {"cmap": "Blues", "vmin": 0, "vmax": reach}),
    )
    for (line, place), value in np.ndenumerate(values):
        if np.isfinite(value) and abs(value) >= 0.005:
            color = "white" if abs(value) > 0.65 * reach else INK
            axes.text(place, line, f"{value:.2f}", ha="center", va="center", size=7, color=color)
    axes.set_yticks(range(len(order)), list(order), fontsize=8)
    ticks = [
        f"{symbol_of(name)}\n{months:g} mo" for name, months in outputs.itertuples(index=False)
    ]
    axes.set_xticks(range(len(outputs)), ticks, fontsize=8)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, shrink=0.7)
    figure.suptitle(title, x=0.01, ha="left", fontsize=9.5)
    return figure


@styled
def plot_convergence(convergence: pd.DataFrame) -> Figure:
    """Draw total indices over growing numbers of base samples, a panel an output.

    Parameters
    ----------
    convergence
        Of `bonecycle.sobol_indices`; every observable at its last time, the largest six.
    """
    total = convergence[convergence["index"] == "total"]
    panels = [(title, rows) for title, rows in _last(total) if rows["estimate"].notna().any()]
    if not panels:
        raise UsageError("No output varies: there is no variance to share out.")
    columns = min(len(panels), 3)
    lines = -(-len(panels) // columns)
    figure = Figure(figsize=(4.2 * columns, 0.5 + 3.0 * lines), layout="constrained")
    all_axes = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes, (title, rows) in zip(all_axes, panels, strict=False):
        most = int(rows["samples"].max())
        shown = _largest(rows[rows["samples"] == most], "estimate").iloc[::-1]
        for (color, mark), name in zip(_LINES, shown["parameter"], strict=False):
            own = rows[rows["parameter"] == name]
            style = {"color": color, "linewidth": 1.2}
            axes.plot(own["samples"], own["estimate"], marker=mark, ms=4, label=name, **style)
            axes.fill_between(
                own["samples"], own["lower"], own["upper"], color=color, alpha=0.12, linewidth=0
            )
        counts = sorted(rows["samples"].unique())
        axes.set_xscale("log", base=2)
        axes.set_xticks(counts, [str(count) for count in counts])
        axes.minorticks_off()
        axes.set_ylim(bottom=0)
        axes.set_title(title)
        axes.set_xlabel("Base samples")
        axes.set_ylabel("Total index")
        axes.grid(color=PALE)
        axes.legend(fontsize=7, loc="upper right")
    for axes in all_axes[len(panels) :]:
        axes.remove()
    figure.suptitle(
        "Total indices settle when more samples no longer move them; bands: 95 % intervals",
        x=0.01,
        ha="left",
        fontsize=9.5,
    )
    return figure


def symbol_of(name: str) -> str:
    """ASBMR symbol of an observable; any other output keeps its name."""
    try:
        return symbol(name)
    except KeyError:
        return name


def _mapped(table: pd.DataFrame) -> tuple[str, pd.DataFrame, str]:
    """Column to colour, its rows and a title."""
    if "sensitivity" in table:
        return "sensitivity", table, "Local sensitivities d ln y / d ln p"
    if "mu_star" in table:
        largest = table.groupby(["observable", "months"])["mu_star"].transform("max")
        share = table["mu_star"] / largest.where(largest > 0)
        title = "Elementary effects (mu*) as a share of the output's largest"
        return "share", table.assign(share=share), title
    kind = "total" if (table["index"] == "total").any() else "first"
    title = "Total indices" if kind == "total" else "First indices, dependence included"
    return "estimate", table[table["index"] == kind], f"{title}: shares of the variance"


def _last(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Every observable at its last time, with a title."""
    for name, rows in table.groupby("observable", sort=False):
        months = float(rows["months"].max())
        unit = str(rows["unit"].iloc[0])
        shown = f" ({unit})" if unit not in ("", "1") else ""
        yield f"{symbol_of(str(name))}{shown}, month {months:g}", rows[rows["months"] == months]


def _largest(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """The parameters with the largest values, smallest first as bars are drawn upwards."""
    order = rows[column].abs().fillna(0).sort_values(kind="stable").index
    return rows.loc[order].tail(_MOST)


def _panels(panels: Sequence[tuple[str, pd.DataFrame]]) -> tuple[Figure, list[Axes]]:
    most = max(min(rows["parameter"].nunique(), _MOST) for _, rows in panels)
    columns = min(len(panels), 2)
    lines = -(-len(panels) // columns)
    figure = Figure(
        figsize=(4.8 * columns, 0.8 + lines * (0.9 + 0.23 * most)), layout="constrained"
    )
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in grid[len(panels) :]:
        axes.remove()
    return figure, list(grid[: len(panels)])


def _name_rows(axes: Axes, shown: pd.DataFrame, title: str) -> None:
    axes.set_yticks(range(len(shown)), list(shown["parameter"]), fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=PALE)
    axes.set_title(title)
