"""Prior against posterior: what the data taught about each parameter."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.stats import gaussian_kde, norm

from bonecycle.show.parameter_axes import on_scale, panels
from bonecycle.show.style import BLUE, GREY, PALE, styled

_PRIOR_SDS = 3.0


@styled
def plot_learned(tree: xr.DataTree, learned: pd.DataFrame) -> Figure:
    """Draw the density of every parameter before and after the data, on the scale of its prior.

    Parameters
    ----------
    tree
        A posterior, as `bonecycle.inference.posterior.files.read_posterior` gives it.
    learned
        As `bonecycle.inference.posterior.lessons.learned_table` returns it.
    """
    posterior = tree["posterior"].to_dataset()
    rows = learned.set_index("parameter")
    figure, axes = panels(list(rows.index))
    for name, one in axes.items():
        row = rows.loc[name]
        values, scale = on_scale(posterior[name])
        center, sd = scale.forward(np.array(row["prior_median"], dtype=float)), row["prior_sd"]
        low = min(center - _PRIOR_SDS * sd, float(values.min()))
        high = max(center + _PRIOR_SDS * sd, float(values.max()))
        grid = np.linspace(low, high, 300)
        one.fill_between(grid, norm.pdf(grid, center, sd), color=PALE, linewidth=0)
        one.plot(grid, norm.pdf(grid, center, sd), color=GREY, linewidth=0.8)
        one.plot(grid, gaussian_kde(values.ravel())(grid), color=BLUE, linewidth=1.4)
        one.set_xlim(low, high)
        one.set_ylim(0, 1.3 * one.get_ylim()[1])
        one.set_yticks([])
        one.spines["left"].set_visible(False)
        scale.label(one.xaxis, low, high)
        text = f"SD x{row['sd_ratio']:.2f}\n{row['bits']:.1f} bits"
        one.text(0.99, 0.97, text, transform=one.transAxes, ha="right", va="top", fontsize=6.5)
        unit = posterior[name].attrs["units"]
        one.set_xlabel("" if unit == "1" else unit, fontsize=7)
    figure.legend(
        handles=[
            Patch(facecolor=PALE, edgecolor=GREY, label="prior"),
            Line2D([], [], color=BLUE, label="posterior"),
        ],
        loc="outside lower center",
        ncols=2,
    )
    figure.suptitle(
        f"{tree.attrs['mechanism']}: what the data taught. SD: posterior over prior; bits: "
        "divergence of the posterior from the prior",
        fontsize=9,
    )
    return figure
