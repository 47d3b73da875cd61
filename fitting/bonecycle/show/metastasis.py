"""Metastasis: regimens by mechanism, and published against predicted hazard ratios."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bonecycle.show.style import BLUE, GREEN, GREY, INK, VERMILLION, styled

_MECHANISMS = {"indirect": BLUE, "direct": VERMILLION, "both": GREEN}


@styled
def plot_regimens(table: pd.DataFrame) -> Figure:
    """Draw hazard ratios of regimens by mechanism, bone and outside bone, at the last year.

    Parameters
    ----------
    table : DataFrame
        As `analysis.metastasis.regimen_table` returns it.
    """
    table = table[table["year"] == table["year"].max()]
    regimens = list(dict.fromkeys(table["regimen"]))
    mechanisms = list(dict.fromkeys(table["mechanism"]))
    figure = Figure(figsize=(9, 1.6 + 0.42 * len(regimens)), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    titles = {"bone": "First bone metastasis", "non_skeletal": "First metastasis elsewhere"}
    for axes, (endpoint, title) in zip(panels, titles.items(), strict=True):
        own = table[table["endpoint"] == endpoint]
        for row in own.to_dict("records"):
            shift = 0.22 * (mechanisms.index(row["mechanism"]) - (len(mechanisms) - 1) / 2)
            place = regimens.index(row["regimen"]) + shift
            colour = _MECHANISMS[row["mechanism"]]
            axes.plot([row["ratio_low"], row["ratio_high"]], [place, place], color=colour)
            named = row["mechanism"] if row["regimen"] == regimens[0] else None
            axes.plot(row["ratio"], place, "o", color=colour, markersize=4, label=named)
        axes.axvline(1, color=GREY, linewidth=0.8)
        axes.set_title(title)
        axes.set_xlabel(f"Hazard ratio over {table['year'].max():g} years (95 % of draws)")
    panels[0].set_yticks(range(len(regimens)), regimens)
    panels[0].set_ylim(len(regimens) - 0.5, -0.5)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


@styled
def plot_bone_beside_tumour(courses: pd.DataFrame) -> Figure:
    """Draw tumour and bone of several models, without a drug and with it.

    Parameters
    ----------
    courses : DataFrame
        One row a time: `model`, `drug` ("" without), `year`, and `tumour` (% of what fills the
        marrow) and `bone` (% of the start).
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True)
    names = {"tumour": "Tumour (% of the marrow)", "bone": "Bone (% of the start)"}
    colours = dict(zip(dict.fromkeys(courses["model"]), (VERMILLION, BLUE, GREEN), strict=False))
    for axes, (name, title) in zip(panels, names.items(), strict=True):
        for (model, drug), own in courses.groupby(["model", "drug"], sort=False):
            axes.plot(
                own["year"],
                own[name],
                color=colours[model],
                linestyle="--" if drug else "-",
                label=f"{model}, {drug or 'no drug'}",
            )
        axes.set_xlabel("Years")
        axes.set_ylabel(title)
    panels[1].axhline(0, color=GREY, linewidth=0.8)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


@styled
def plot_forest(published: pd.DataFrame, simulated: pd.DataFrame) -> Figure:
    """Draw published hazard ratios against those of virtual trials.

    Parameters
    ----------
    published : DataFrame
        One row a trial, endpoint and window: `design`, `endpoint`, `window`, `log_ratio`, `error`.
    simulated : DataFrame
        As `analysis.trials.run.simulate_trials` returns it.
    """
    figure = Figure(figsize=(7, 1.4 + 0.5 * len(published)), layout="constrained")
    axes = figure.subplots()
    names = []
    for place, row in enumerate(published.to_dict("records")):
        ends = row["log_ratio"] + 1.96 * row["error"] * np.array([-1, 1])
        axes.plot(np.exp(ends), [place - 0.15] * 2, color=INK)
        label = None if place else "published (95 % interval)"
        axes.plot(np.exp(row["log_ratio"]), place - 0.15, "s", color=INK, markersize=5, label=label)
        own = simulated[
            (simulated["design"] == row["design"])
            & (simulated["endpoint"] == row["endpoint"])
            & (simulated["window"] == row["window"])
        ]["log_ratio"].dropna()
        low, middle, high = np.exp(np.quantile(own, [0.025, 0.5, 0.975]))
        axes.plot([low, high], [place + 0.15] * 2, color=BLUE)
        label = None if place else "virtual trials (95 % of them)"
        axes.plot(middle, place + 0.15, "o", color=BLUE, markersize=5, label=label)
        names.append(f"{row['design']}: {row['endpoint'].replace('_', '-')}, {row['window']}")
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.axvline(1, color=GREY, linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xticks([0.125, 0.25, 0.5, 1, 2], ["0.125", "0.25", "0.5", "1", "2"])
    axes.minorticks_off()
    axes.set_xlabel("Hazard ratio, treated against control")
    figure.legend(loc="outside lower center", ncols=2)
    return figure
