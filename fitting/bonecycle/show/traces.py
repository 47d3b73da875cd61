"""Traces: the draws of every ensemble in the order in which they were drawn."""

from __future__ import annotations

from typing import Any

import xarray as xr
from matplotlib.figure import Figure

from bonecycle.show.parameter_axes import (
    ENSEMBLE_COLOURS,
    legend_of_ensembles,
    on_scale,
    panels,
)
from bonecycle.show.style import styled


@styled
def plot_traces(tree: xr.DataTree) -> Figure:
    """Draw the kept draws of every parameter against steps, a colour an ensemble.

    Parameters
    ----------
    tree
        A posterior, as `bonecycle.inference.posterior.files.read_posterior` gives it.
    """
    posterior = tree["posterior"].to_dataset()
    steps = tree["sample_stats/step"].to_numpy()
    figure, axes = panels([str(name) for name in posterior.data_vars])
    for name, one in axes.items():
        values, scale = on_scale(posterior[name])
        for chain, colour in zip(range(len(values)), ENSEMBLE_COLOURS * len(values), strict=False):
            # Thousands of dots: drawn as an image, or a file of vectors would have ten megabytes.
            dots: dict[str, Any] = {
                "color": colour,
                "markersize": 1.5,
                "alpha": 0.5,
                "rasterized": True,
            }
            one.plot(steps[chain], values[chain], ".", **dots)
        one.set_xlim(steps.min(), steps.max())
        one.locator_params(axis="x", nbins=3)
        scale.label(one.yaxis, *one.get_ylim())
    for one in list(axes.values())[-5:]:
        one.set_xlabel("step", fontsize=7)
    legend_of_ensembles(figure, len(steps))
    figure.suptitle(
        f"{tree.attrs['mechanism']}: draws of the independent ensembles after the burn-in. "
        "They agree when the colours cannot be told apart",
        fontsize=9,
    )
    return figure
