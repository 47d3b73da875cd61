"""Osteoclasts over time: the places on their way, nuclei, modes, resorption."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import xarray as xr
from matplotlib.figure import Figure

from bonecycle.errors import UsageError
from bonecycle.show.style import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    month_axis,
    styled,
)

_PLACES = {
    "N_Pg": ("marrow", GREY),
    "N_RANK": ("near vessels, RANK+", SKY),
    "N_TRAcP": ("near vessels, TRAcP+", BLUE),
    "N_network": ("collagen network", GREEN),
    "N_blood": ("blood", VERMILLION),
    "N_canopy": ("near canopies", ORANGE),
    "N_beneath": ("beneath the envelope", PURPLE),
}
_PANELS = {
    "Osteoclasts (1/mm2)": {
        "N_Fo": ("founders", GREY),
        "N_Oc": ("two nuclei or more", BLUE),
        "N_Oc_resorbing": ("of them resorbing", VERMILLION),
    },
    "Nuclei per osteoclast": {"Nc_Oc": ("mean", BLUE)},
    "Share (%)": {
        "Oc_trench": ("trenches, of the resorbing", VERMILLION),
        "Oc_giant": ("giant, of all", PURPLE),
        "Oc_sequential": ("sequential, of all", GREEN),
    },
    "Resorption (um/d)": {
        "Oc_S_Rs": ("all", GREY),
        "Rs_pit": ("pits", ORANGE),
        "Rs_trench": ("trenches", VERMILLION),
    },
    "Depth (um)": {"Rs_depth": ("mean of what is resorbed", BLUE)},
}


@styled
def plot_osteoclasts(run: xr.Dataset) -> Figure:
    """Draw where the cells are, and what the osteoclasts on the surface are and do.

    Parameters
    ----------
    run
        As `bonecycle.simulate` returns it, of a model with osteoclasts (route, culture, coupled).

    Raises
    ------
    UsageError
        For a run without osteoclasts.
    """
    if "N_Oc" not in run:
        raise UsageError("The run has no osteoclasts: simulate the model route or coupled.")
    panels = {"Cells on the way (1/mm2)": _PLACES, **_PANELS}
    figure = Figure(figsize=(9, 5.6), layout="constrained")
    months = run["months"].to_numpy()
    for axes, (title, curves) in zip(figure.subplots(2, 3).flat, panels.items(), strict=True):
        for name, (text, colour) in curves.items():
            if name in run:
                axes.plot(months, run[name].to_numpy(), color=colour, label=text)
        axes.set_title(title)
        axes.set_ylim(bottom=0)
        # Room for the legend above the curves.
        axes.set_ylim(top=(1.15 + 0.11 * len(curves)) * axes.get_ylim()[1])
        axes.set_xlabel("Time (months)")
        month_axis(axes, months[-1])
        axes.legend(loc="upper right", fontsize=7, labelspacing=0.2)
    changed = run.attrs["parameters_changed"]
    head = [run.attrs["model"], run.attrs["regimen"], *([changed] if changed != "none" else [])]
    figure.suptitle(": ".join(head), x=0.01, ha="left")
    return figure


@styled
def plot_nuclei(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw osteoclasts by number of nuclei, one panel a condition.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        By title, as `analysis.nuclei.nuclei_distribution` returns them.
    """
    figure = Figure(figsize=(2.6 * len(tables) + 0.6, 2.8), layout="constrained")
    panels = figure.subplots(1, len(tables), sharey=True, squeeze=False)[0]
    for axes, (title, table) in zip(panels, tables.items(), strict=True):
        axes.bar(table["nuclei"], table["settled"], color=SKY, label="settled")
        bottom = table["settled"]
        axes.bar(table["nuclei"], table["resorbing"], bottom=bottom, color=BLUE, label="resorbing")
        last = int(table["nuclei"].iloc[-1])
        axes.set_xticks([1, 5, 9, last], ["1", "5", "9", f"{last}+"])
        axes.set_xlabel("Nuclei")
        axes.set_title(title)
    panels[0].set_ylabel("Osteoclasts (1/mm2)")
    panels[0].legend(loc="upper right")
    return figure
