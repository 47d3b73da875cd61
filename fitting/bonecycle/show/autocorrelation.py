"""Autocorrelation of the walkers: how many steps make an independent draw."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from bonecycle.show.parameter_axes import ENSEMBLE_COLOURS, legend_of_ensembles, panels
from bonecycle.show.style import GREY, styled


@styled
def plot_autocorrelation(table: pd.DataFrame) -> Figure:
    """Draw autocorrelation against lag for every parameter, a colour an ensemble.

    Parameters
    ----------
    table
        As `bonecycle.inference.posterior.tables.autocorrelation_table` returns it.
    """
    figure, axes = panels(list(dict.fromkeys(table["parameter"])), height=1.25)
    for name, rows in table.groupby("parameter", sort=False):
        one = axes[str(name)]
        one.axhline(0, color=GREY, linewidth=0.6)
        for ensemble, own in rows.groupby("ensemble"):
            colour = ENSEMBLE_COLOURS[int(str(ensemble)) % len(ENSEMBLE_COLOURS)]
            one.plot(own["lag"], own["autocorrelation"], color=colour, linewidth=1)
        one.set_xlim(0, table["lag"].max())
        one.set_ylim(-0.2, 1.05)
        one.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    for one in list(axes.values())[-5:]:
        one.set_xlabel("lag (steps)", fontsize=7)
    legend_of_ensembles(figure, table["ensemble"].nunique())
    figure.suptitle(
        f"{table['mechanism'].iloc[0]}: autocorrelation over all walkers of an ensemble", fontsize=9
    )
    return figure
