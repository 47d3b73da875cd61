"""Virtual trials: hazard ratios by endpoint and period."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bonecycle.show.style import BLUE, GREEN, GREY, INK, VERMILLION, styled

_COLOURS = {"total": INK, "medication": BLUE, "after": VERMILLION}
_OTHER = GREEN


@styled
def plot_trials(table: pd.DataFrame) -> Figure:
    """Draw median and 95 % of simulated hazard ratios, one panel a design.

    Parameters
    ----------
    table : DataFrame
        As `analysis.trials.run.simulate_trials` returns it.
    """
    designs = list(dict.fromkeys(table["design"]))
    endpoints = list(dict.fromkeys(table["endpoint"]))
    figure = Figure(figsize=(3.2 * len(designs) + 1, 1.6 + 0.6 * len(endpoints)))
    figure.set_layout_engine("constrained")
    panels = np.atleast_1d(figure.subplots(1, len(designs), sharex=True, sharey=True))
    for axes, design in zip(panels, designs, strict=True):
        own = table[table["design"] == design]
        for (endpoint, window), part in own.groupby(["endpoint", "window"], sort=False):
            windows = list(dict.fromkeys(own["window"]))
            row = endpoints.index(str(endpoint))
            place = 0.25 * (1 - windows.index(str(window))) - row
            ratios = np.exp(part["log_ratio"].dropna().to_numpy(float))
            if len(ratios) == 0:
                continue
            low, middle, high = np.quantile(ratios, [0.025, 0.5, 0.975])
            colour = _COLOURS.get(str(window), _OTHER)
            axes.plot([low, high], [place, place], color=colour, linewidth=2)
            named = str(window) if endpoint == endpoints[0] else None
            axes.plot(middle, place, "o", color=colour, markersize=5, label=named)
        axes.axvline(1, color=GREY, linewidth=0.8)
        axes.set_xscale("log")
        axes.set_xticks([0.25, 0.5, 1, 2], ["0.25", "0.5", "1", "2"])
        axes.minorticks_off()
        axes.set_yticks(
            [-i for i in range(len(endpoints))], [e.replace("_", "-") for e in endpoints]
        )
        axes.set_title(design.replace("_", " "))
        axes.set_xlabel("Hazard ratio (95 % of trials)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


@styled
def plot_kaplan_meier(curves: pd.DataFrame, published: pd.DataFrame, endpoint: str) -> Figure:
    """Draw virtual arms with their band over trials, and published shares of patients.

    Parameters
    ----------
    curves : DataFrame
        As `analysis.trials.curves.kaplan_meier` returns it.
    published : DataFrame
        One row a number: `arm`, `year`, `events`, `patients`.
    endpoint : str
        For the axis.
    """
    figure = Figure(figsize=(5.5, 3.8), layout="constrained")
    axes = figure.subplots()
    for arm, colour in (("control", INK), ("treated", BLUE)):
        own = curves[curves["arm"] == arm]
        years = own["year"].to_numpy(float)
        low, high = (100 * own[name].to_numpy(float) for name in ("low", "high"))
        axes.fill_between(years, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(years, 100 * own["share"].to_numpy(float), color=colour, label=arm)
        seen = published[published["arm"] == arm]
        if len(seen):
            share = 100 * seen["events"] / seen["patients"]
            error = 1.96 * share * np.sqrt((1 - share / 100) / seen["events"])
            axes.errorbar(seen["year"], share, error, fmt="D", color=colour, markersize=5)
    axes.set_xlabel("Years from entry")
    axes.set_ylabel(f"Patients with {endpoint} (%)")
    axes.set_ylim(bottom=0)
    axes.legend(title="virtual (band: 95 % of trials);\ndiamonds: published counts")
    return figure
