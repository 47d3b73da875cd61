"""Figure of profiles: posterior and likelihood of every parameter against its prior."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bonecycle.inference.fitting.profiles import LEVEL
from bonecycle.show.courses import heading
from bonecycle.show.style import BLUE, GREY, INK, PALE, styled

_TOP = 2.2 * LEVEL
_COLUMNS = 4


@styled
def plot_profiles(curves: pd.DataFrame, intervals: pd.DataFrame) -> Figure:
    """Draw one panel a parameter.

    Parameters
    ----------
    curves
        As `bonecycle.inference.fitting.profiles.curve_table` returns it, of one mechanism.
    intervals
        As `bonecycle.inference.fitting.profiles.interval_table` returns it.
    """
    names = [str(name) for name in intervals["parameter"]]
    columns = min(_COLUMNS, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(figsize=(max(2.5 * columns, 5.0), 1.6 + 1.75 * lines), layout="constrained")
    panels = np.atleast_1d(figure.subplots(lines, columns, sharey=True)).ravel()
    words = dict(zip(names, intervals["data_say"], strict=True))
    for axes, name in zip(panels, names, strict=False):
        own = curves[curves["parameter"] == name]
        z = own["prior_sds"].to_numpy()
        wide = np.linspace(min(z.min(), -2.2), max(z.max(), 2.2), 100)
        axes.plot(wide, wide**2, color=GREY, linewidth=1, linestyle=":", label="prior")
        axes.plot(z, own["likelihood_rise"], color=INK, linewidth=1.4, label="likelihood")
        axes.plot(z, own["rise"], color=BLUE, linewidth=1.8, label="posterior")
        axes.axhline(LEVEL, color=PALE, linewidth=1)
        axes.set_ylim(0, _TOP)
        axes.set_xlim(wide[0], wide[-1])
        axes.set_title(f"{name}\n{_SAID[str(words[name])]}", fontsize=7)
        axes.tick_params(labelsize=7)
    for axes in panels[len(names) :]:
        axes.remove()
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    for place, axes in enumerate(panels[: len(names)]):
        if place + columns >= len(names):
            axes.set_xlabel("Prior SDs from centre", fontsize=8)
        if place % columns == 0:
            axes.set_ylabel("Rise of -2 log", fontsize=8)
    heading(
        figure,
        f"{curves['mechanism'].iloc[0]}: how far each parameter can be moved while all others "
        "follow",
        "Pale line: end of a 95 % interval (3.84). Likelihood: without the prior of the parameter "
        "itself, those of the others kept; open where it stays below the line.",
    )
    return figure


_SAID = {
    "interval": "data give an interval",
    "lower limit": "data give a lower limit",
    "upper limit": "data give an upper limit",
    "nothing": "open on both sides",
}
