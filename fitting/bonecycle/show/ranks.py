"""Ranks: where the draws of each ensemble lie among all draws."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from scipy.stats import binom, rankdata

from bonecycle.show.parameter_axes import ENSEMBLE_COLOURS, legend_of_ensembles, panels
from bonecycle.show.style import PALE, styled

_BINS = 20


@styled
def plot_ranks(tree: xr.DataTree) -> Figure:
    """Draw a histogram of ranks among all draws for every parameter and ensemble.

    Parameters
    ----------
    tree
        A posterior, as `bonecycle.inference.posterior.files.read_posterior` gives it.
    """
    posterior = tree["posterior"].to_dataset()
    chains, draws = posterior.sizes["chain"], posterior.sizes["draw"]
    figure, axes = panels([str(name) for name in posterior.data_vars], height=1.25)
    low, high = binom.interval(0.95, draws, 1 / _BINS)
    edges = np.linspace(0, 1, _BINS + 1)
    for name, one in axes.items():
        values = posterior[name].to_numpy()
        ranks = rankdata(values).reshape(values.shape) / values.size
        one.axhspan(low, high, color=PALE, linewidth=0)
        for chain in range(chains):
            colour = ENSEMBLE_COLOURS[chain % len(ENSEMBLE_COLOURS)]
            counts, _ = np.histogram(ranks[chain], edges)
            one.stairs(counts, edges, baseline=None, color=colour, linewidth=1)
        one.set_xlim(0, 1)
        one.set_ylim(0, 2 * draws / _BINS)
        one.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        one.set_yticks([0, draws / _BINS])
    for one in list(axes.values())[-5:]:
        one.set_xlabel("rank among all draws", fontsize=7)
    band = Patch(color=PALE, label="95 % of bins, were the draws independent")
    legend_of_ensembles(figure, chains, [band])
    figure.suptitle(
        f"{tree.attrs['mechanism']}: draws per bin of rank. Level when the ensembles agree",
        fontsize=9,
    )
    return figure
