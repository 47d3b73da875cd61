"""Pairs of parameters that the posterior ties together."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bonecycle.engines.interface import Floats
from bonecycle.show.parameter_axes import on_scale
from bonecycle.show.style import BLUE, GREY, PALE, styled

_SHOWN = 7


@styled
def plot_pairs(tree: xr.DataTree, names: list[str] | None = None) -> Figure:
    """Draw joint draws of pairs of parameters, and each one alone on the diagonal.

    Parameters
    ----------
    tree
        A posterior, as `bonecycle.inference.posterior.files.read_posterior` gives it.
    names
        Parameters; by default the seven that stand in the strongest correlations.
    """
    posterior = tree["posterior"].to_dataset()
    every = [str(name) for name in posterior.data_vars]
    scaled = {name: on_scale(posterior[name]) for name in every}
    shown = names or _most_correlated(every, np.array([scaled[n][0].ravel() for n in every]))
    prior = tree["prior"].to_dataset()
    size = len(shown)
    figure = Figure(figsize=(1.35 * size + 0.6, 1.3 * size + 0.6), layout="constrained")
    grid = figure.subplots(size, size, squeeze=False)
    limits = {name: np.quantile(scaled[name][0], [0.001, 0.999]) for name in shown}
    for row, below in enumerate(shown):
        for column, left in enumerate(shown):
            axes = grid[row, column]
            if column > row:
                axes.remove()
                continue
            axes.set_xlim(*limits[left])
            if row == column:
                _alone(axes, scaled[left][0].ravel(), on_scale(prior[left])[0].ravel())
            else:
                _joint(axes, scaled[left][0].ravel(), scaled[below][0].ravel())
                axes.set_ylim(*limits[below])
                scaled[below][1].label(axes.yaxis, *limits[below])
            scaled[left][1].label(axes.xaxis, *limits[left])
            axes.tick_params(
                labelsize=6, labelleft=column == 0 and row > 0, labelbottom=row == size - 1
            )
            axes.tick_params(axis="x", rotation=45)
            if row == size - 1:
                axes.set_xlabel(left.replace("_", "\n"), fontsize=6.5)
            if column == 0 and row > 0:
                axes.set_ylabel(below.replace("_", "\n"), fontsize=6.5)
    figure.suptitle(
        f"{tree.attrs['mechanism']}: parameters that the posterior ties together. Numbers: "
        "correlation on the\nscales of the priors. Diagonal: posterior, and prior in grey",
        fontsize=9,
    )
    return figure


def _most_correlated(names: list[str], values: Floats) -> list[str]:
    """Names from the strongest correlations on, in the order of the parameters."""
    matrix = np.abs(np.corrcoef(values))
    first, second = np.triu_indices(len(names), k=1)
    chosen: list[int] = []
    for pair in np.argsort(-matrix[first, second]):
        for place in (first[pair], second[pair]):
            if place not in chosen and len(chosen) < _SHOWN:
                chosen.append(int(place))
    return [names[i] for i in sorted(chosen)]


def _alone(axes: Axes, values: Floats, prior: Floats) -> None:
    edges = np.linspace(*axes.get_xlim(), 31)
    # Shares of all draws: most of a wide prior lies outside the panel.
    before, after = (np.histogram(draws, edges)[0] / len(draws) for draws in (prior, values))
    axes.stairs(before, edges, fill=True, color=PALE)
    axes.stairs(after, edges, color=BLUE, linewidth=1.2)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)


def _joint(axes: Axes, x: Floats, y: Floats) -> None:
    axes.plot(x, y, ".", color=BLUE, markersize=1.2, alpha=0.25, rasterized=True)
    correlation = np.corrcoef(x, y)[0, 1]
    weight = "bold" if abs(correlation) > 0.5 else "normal"
    axes.text(
        0.97,
        0.97,
        f"{correlation:.2f}",
        transform=axes.transAxes,
        ha="right",
        va="top",
        fontsize=6.5,
        fontweight=weight,
        color=GREY,
    )
