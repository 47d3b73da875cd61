"""Panels of parameters: a grid of them, and axes on the scale of a prior with plain numbers."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator
from scipy.special import expit, logit

from bonecycle.engines.interface import Floats
from bonecycle.show.style import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION

ENSEMBLE_COLOURS = (BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY)
"""Of the ensembles in turn."""
_COLUMNS = 5
# Labels nearer to each other than this share of an axis would touch.
_APART = 0.15


def panels(names: Sequence[str], height: float = 1.45) -> tuple[Figure, dict[str, Axes]]:
    """Return a figure with one panel a parameter, five a row, titled with its id in words."""
    rows = -(-len(names) // _COLUMNS)
    figure = Figure(figsize=(10.0, height * rows + 1.0), layout="constrained")
    axes = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
    for unused in axes[len(names) :]:
        unused.remove()
    found = dict(zip(names, axes, strict=False))
    for name, one in found.items():
        one.set_title(wrapped(name), fontsize=7)
        one.tick_params(labelsize=7)
    return figure, found


@dataclass(frozen=True)
class PriorScale:
    """The scale on which a parameter's prior is normal, and its unit."""

    name: str

    def forward(self, values: Floats) -> Floats:
        """From the unit to the scale."""
        return np.asarray(np.log(values) if self.name == "log" else logit(values), dtype=float)

    def back(self, places: Floats) -> Floats:
        """From the scale to the unit."""
        return np.asarray(np.exp(places) if self.name == "log" else expit(places), dtype=float)

    def label(self, axis: Axis, low: float, high: float) -> None:
        """Label an axis that is on the scale, from `low` to `high`, in the unit."""
        wanted = self.back(low + (high - low) * np.array([0.15, 0.5, 0.85]))
        labels = {float(f"{value:.1g}") for value in wanted}
        if len(labels) < len(wanted):
            labels = {float(f"{value:.2g}") for value in wanted}
        ordered = np.array(sorted(value for value in labels if value < 1 or self.name == "log"))
        places = self.forward(ordered)
        apart = np.diff(places, prepend=-np.inf) > _APART * (high - low)
        inside = (places > low) & (places < high) & apart
        axis.set_major_locator(FixedLocator(places[inside].tolist()))
        axis.set_major_formatter(FixedFormatter([f"{value:g}" for value in ordered[inside]]))
        axis.set_minor_locator(NullLocator())


def wrapped(name: str) -> str:
    """The id of a parameter as words on lines that fit a panel."""
    return textwrap.fill(name.replace("_", " "), 26)


def on_scale(variable: xr.DataArray) -> tuple[Floats, PriorScale]:
    """Values of a parameter on the scale of its prior, and that scale."""
    scale = PriorScale(variable.attrs["prior_scale"])
    return scale.forward(variable.to_numpy()), scale


def legend_of_ensembles(figure: Figure, count: int, extra: Sequence[object] = ()) -> None:
    """Name the colours of the ensembles below a figure."""
    handles: list[object] = [
        Line2D([], [], color=ENSEMBLE_COLOURS[i % len(ENSEMBLE_COLOURS)], label=f"ensemble {i + 1}")
        for i in range(count)
    ]
    handles += extra
    figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
