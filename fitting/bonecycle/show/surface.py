"""Figure of the comparison as a surface over encodings, errors and priors."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import CenteredNorm
from matplotlib.figure import Figure

from bonecycle.inference.checks.recovery import DECISIVE
from bonecycle.show.courses import heading
from bonecycle.show.style import INK, styled

_LIMIT = 12.0
_COLUMNS = 4


@styled
def plot_surface(table: pd.DataFrame) -> Figure:
    """Draw a heat map a mechanism: its log evidence against one reference, over all variants.

    Parameters
    ----------
    table
        As `bonecycle.inference.comparison.surface.surface_table` returns it. The reference is the
        mechanism that is near the best in most variants.
    """
    variant = ["encoding", "error_scale", "prior_scale"]
    wide = table.pivot(index=variant, columns="mechanism", values="log_evidence")
    known = wide.dropna()
    reference = str((known.sub(known.max(axis=1), axis=0) > -DECISIVE).sum().idxmax())
    names = [name for name in dict.fromkeys(map(str, table["mechanism"])) if name != reference]
    encodings = list(dict.fromkeys(map(str, table["encoding"])))
    scales = sorted(set(table["error_scale"]))
    widths = sorted(set(table["prior_scale"]))
    columns = min(_COLUMNS, len(names))
    lines = -(-len(names) // columns)
    figure = Figure(
        # Wide and high enough for the heading and the label of the bar, however few the cells.
        figsize=(
            max(1.6 + 2.35 * columns, 6.2),
            max(1.2 + (0.8 + 0.16 * len(encodings)) * lines, 3.4),
        ),
        layout="constrained",
    )
    panels = np.atleast_1d(figure.subplots(lines, columns, sharex=True, sharey=True)).ravel()
    for number, (axes, name) in enumerate(zip(panels, names, strict=False)):
        gaps = (wide[name] - wide[reference]).to_dict()
        pairs = [(scale, width) for scale in scales for width in widths]
        values = np.array([[gaps[encoding, *pair] for pair in pairs] for encoding in encodings])
        image = axes.imshow(
            values, cmap="PuOr_r", norm=CenteredNorm(0, _LIMIT), aspect="auto", rasterized=True
        )
        undecided = np.argwhere(np.abs(values) < DECISIVE)
        axes.plot(undecided[:, 1], undecided[:, 0], ".", color=INK, markersize=2.5)
        for edge in range(1, len(scales)):
            axes.axvline(edge * len(widths) - 0.5, color="white", linewidth=1.5)
        axes.set_title(f"{name} against {reference}")
        axes.set_yticks(range(len(encodings)), encodings, fontsize=7)
        axes.set_xticks(
            range(len(pairs)), [f"{width:g}" for _, width in pairs], fontsize=6, rotation=90
        )
        axes.tick_params(length=0, labelbottom=number + columns >= len(names))
        for place, scale in enumerate(scales):
            axes.annotate(
                f"errors x{scale:g}",
                ((place + 0.5) / len(scales), 0),
                (0, -19),
                xycoords="axes fraction",
                textcoords="offset points",
                ha="center",
                va="top",
                fontsize=7,
            )
    for axes in panels[len(names) :]:
        axes.remove()
    bar = figure.colorbar(image, ax=panels[: len(names)].tolist(), extend="both", shrink=0.9)
    bar.set_label(f"Log Bayes factor against {reference}", fontsize=8)
    heading(
        figure,
        "How the evidence hangs on what was chosen: reading, errors, priors",
        "Rows: how ES/BS 'not strongly decreased' is read (above which ratio, softly or hard, or "
        "dropped). Columns: width of the strengths' priors within each size of the errors. Dots: "
        "a log Bayes factor below 3. Laplace approximation after a refit in every cell.",
    )
    return figure
