"""Time courses of a user's own model: a panel a variable."""

from __future__ import annotations

import textwrap

import numpy as np
import xarray as xr
from matplotlib.figure import Figure

from bonecycle.errors import UsageError
from bonecycle.show.style import BLUE, GREY, styled

_COLUMNS = 3
MAX_PANELS = 24
"""More panels than this cannot be read; the others are in the table."""


@styled
def plot_user_model(run: xr.Dataset) -> Figure:
    """Draw every variable of a run of `analysis.user_model.simulate_model`.

    Species come first; of a large model the first `MAX_PANELS` variables are drawn.
    """
    names = sorted(run.data_vars, key=lambda name: run[name].attrs["kind"] != "species")
    if not names:
        raise UsageError(f"{run.attrs['model']}: nothing in the model moves; name outputs to draw.")
    drawn = names[:MAX_PANELS]
    rows = -(-len(drawn) // _COLUMNS)
    figure = Figure(figsize=(8.4, 1.0 + 1.9 * rows), layout="constrained")
    grid = figure.subplots(rows, _COLUMNS, squeeze=False, sharex=True)
    for axes in grid.ravel()[len(drawn) :]:
        axes.set_visible(False)
    for place, (axes, name) in enumerate(zip(grid.ravel(), drawn, strict=False)):
        variable = run[name]
        axes.plot(run.time, variable, color=BLUE, linewidth=1.4)
        title = variable.attrs["long_name"]
        same = title == name
        axes.set_title("\n".join(textwrap.wrap(title, 34)[:2]))
        unit = variable.attrs["units"]
        axes.set_ylabel(unit if same else f"{name} ({unit})", fontsize=7.5)
        low, high = float(variable.min()), float(variable.max())
        if high - low <= 1e-9 * max(abs(high), abs(low), 1e-300):
            # A constant: no axis over the digits of rounding.
            axes.set_ylim(*np.sort([0.0, 2 * high]) if high else (-1, 1))
        axes.margins(x=0)
        if place + _COLUMNS >= len(drawn):
            axes.tick_params(labelbottom=True)
            axes.set_xlabel(f"Time ({run.attrs['time_unit']})")
    rest = f"; {len(names) - len(drawn)} more in the table" if len(names) > len(drawn) else ""
    figure.suptitle(f"{run.attrs['model']}: time courses{rest}", x=0.01, ha="left", color=GREY)
    return figure
