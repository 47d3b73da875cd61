"""Figure of simulation-based calibration: ranks of the truth against uniform ones."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bonecycle.inference.checks.uniformity import LEVEL, Bands
from bonecycle.show.courses import heading
from bonecycle.show.parameter_axes import panels
from bonecycle.show.style import BLUE, GREY, PALE, VERMILLION, styled


@styled
def plot_calibration(ranks: pd.DataFrame, table: pd.DataFrame, mechanism: str) -> Figure:
    """Draw the cumulative distribution of ranks less the uniform one, one panel a quantity.

    Parameters
    ----------
    ranks, table
        As `bonecycle.inference.checks.uniformity.rank_table` and `calibration_table` return them.
    mechanism
        For the title.
    """
    usable = ranks[ranks["failed"] == ""]
    bands = Bands(len(usable))
    # From 0 to 1, where every curve is nought.
    x = np.concatenate([[0.0], bands.places, [1.0]])
    own, joint = (
        [np.pad(edge / bands.count - bands.places, 1) for edge in bands.band(level)]
        for level in (LEVEL, 1 - (1 - LEVEL) / len(table))
    )
    figure, axes = panels([str(name) for name in table["quantity"]])
    for row in table.itertuples():
        one = axes[str(row.quantity)]
        one.fill_between(x, own[0], own[1], color=PALE, linewidth=0)
        for edge in joint:
            one.plot(x, edge, color=GREY, linewidth=0.7, linestyle=":")
        counts = bands.counts(usable[str(row.quantity)].to_numpy(dtype=float))
        curve = np.pad(counts / bands.count - bands.places, 1)
        one.plot(x, curve, color=BLUE if row.inside_joint else VERMILLION, linewidth=1.2)
        one.axhline(0, color=GREY, linewidth=0.5)
        one.set_xlim(0, 1)
        one.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    for one in list(axes.values())[-5:]:
        one.set_xlabel("share of posterior\ndraws below the truth", fontsize=7)
    heading(
        figure,
        f"{mechanism}: are posteriors of synthetic data calibrated?",
        f"Cumulative distribution of the ranks of {len(usable)} truths, less the uniform one. "
        "Grey: whole curves of uniform ranks lie inside with probability 0.95; dotted: all "
        "quantities together (Bonferroni). Red: outside.",
    )
    return figure
