"""Figure of the verdict: how far behind each mechanism is under every encoding and error."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bonecycle.show.courses import line_style, mark_style
from bonecycle.show.style import PALE, styled
from bonecycle.studies.error_model import DEFAULT_ENCODING

_LINE = {"linestyle": "-", "linewidth": 1.2, "markersize": 5}
_KINDS = {"soft": "Crossed softly", "hard": "Taken almost literally"}


@styled
def plot_verdict(table: pd.DataFrame) -> Figure:
    """Draw the cost of every mechanism above the best one of the same variant.

    Parameters
    ----------
    table
        As `bonecycle.inference.fitting.verdict.verdict_table` returns it.
    """
    figure = Figure(figsize=(9.4, 3.6), layout="constrained")
    soft, hard, others = figure.subplots(1, 3, sharey=True, width_ratios=(3, 3, 2))
    committed = table[table.error_scale == 1]
    for axes, (kind, title) in zip((soft, hard), _KINDS.items(), strict=True):
        _draw_thresholds(axes, committed[committed.encoding.str.startswith(f"{kind}-")])
        axes.set_title(title)
    _draw_others(others, table)
    soft.set_ylabel("Cost above the best mechanism\n(squared errors, priors included)")
    soft.set_ylim(bottom=-1)
    handles, labels = soft.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    figure.suptitle(
        'How the comparison depends on reading ES/BS "not strongly decreased" as a ratio above a '
        "threshold,\nand on the size of the errors. Zero: the best of that variant. No verdict by "
        "itself",
        fontsize=9,
    )
    return figure


def _draw_thresholds(axes: Axes, rows: pd.DataFrame) -> None:
    for name, own in rows.groupby("mechanism", sort=False):
        ordered = own.sort_values("threshold")
        axes.plot(
            ordered["threshold"],
            ordered["behind"],
            label=str(name),
            **(line_style(str(name)) | mark_style(str(name)) | _LINE),
        )
    axes.set_xlabel("Threshold (ratio to untreated)")
    axes.grid(axis="y", color=PALE)


def _draw_others(axes: Axes, table: pd.DataFrame) -> None:
    scaled = table[table.error_scale != 1]
    columns = {"dropped": table[(table.encoding == "dropped") & (table.error_scale == 1)]}
    chosen = scaled["encoding"].iloc[0] if len(scaled) else DEFAULT_ENCODING
    columns[chosen] = table[(table.encoding == chosen) & (table.error_scale == 1)]
    for scale, rows in scaled.groupby("error_scale"):
        columns[f"{chosen},\nerrors x{scale:g}"] = rows
    names = list(dict.fromkeys(table["mechanism"]))
    for place, rows in enumerate(columns.values()):
        for name, behind in zip(rows["mechanism"], rows["behind"], strict=True):
            number = names.index(name)
            axes.plot(
                place + 0.08 * (number - len(names) / 2),
                float(behind),
                **(mark_style(name) | {"markersize": 5}),
            )
    axes.set_xticks(range(len(columns)), list(columns), rotation=30, ha="right")
    axes.set_title("Dropped, and other errors")
    axes.grid(axis="y", color=PALE)
