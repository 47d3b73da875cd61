"""Figure of the recovery study: which mechanism is chosen when each is true."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from bonecycle.inference.checks.recovery import DECISIVE
from bonecycle.show.courses import heading
from bonecycle.show.style import styled


@styled
def plot_recovery(confusion: pd.DataFrame, strong: pd.DataFrame) -> Figure:
    """Draw two confusion matrices: all choices, and those with a strong lead.

    Parameters
    ----------
    confusion, strong
        As `bonecycle.inference.checks.recovery.confusion_table` returns them, of all choices and
        of the strong ones.
    """
    names = [str(name) for name in confusion["truth"]]
    outcomes = [str(name) for name in confusion.columns if name != "truth"]
    counts = confusion[outcomes].to_numpy(dtype=float)
    totals = counts.sum(axis=1)
    size = 1.6 + 0.5 * len(names)
    figure = Figure(figsize=(2 * size, 1.8 + size), layout="constrained")
    parts = {"Every choice": counts, f"Lead of {DECISIVE:g} or more": strong[outcomes].to_numpy()}
    for axes, (title, values) in zip(
        figure.subplots(1, 2, sharey=True), parts.items(), strict=True
    ):
        shares = values / np.maximum(totals, 1)[:, None]
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (line, column), share in np.ndenumerate(shares):
            color = "white" if share > 0.55 else "black"
            text = f"{values[line, column]:.0f}"
            axes.text(column, line, text, ha="center", va="center", color=color, fontsize=8)
        axes.set_xticks(range(len(outcomes)), outcomes, rotation=45, ha="right")
        axes.set_yticks(range(len(names)), names)
        axes.tick_params(length=0)
        axes.set_xlabel("Chosen")
        axes.set_title(title)
    figure.axes[0].set_ylabel("True")
    sizes = [str(int(size)) for size in sorted({totals.min(), totals.max()})]
    heading(
        figure,
        "Which mechanism is chosen when each is true",
        f"Counts of {' to '.join(sizes)} synthetic data sets a mechanism, "
        "parameters from its posterior; the highest Laplace evidence is chosen.",
    )
    return figure
