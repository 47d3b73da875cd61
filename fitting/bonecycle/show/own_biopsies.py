"""Figure of one's own biopsies: every patient, the median patient, and what the fits say."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator

from bonecycle.biology import catalogue
from bonecycle.problem.patients import ArmMedians, Patients
from bonecycle.show.courses import mark_style
from bonecycle.show.style import GREY, INK, PALE, SKY, styled
from bonecycle.studies.biopsies import follows_turnover

_Z95 = 1.959964
_COLUMNS = 4


@styled
def plot_own_biopsies(patients: Patients, targets: pd.DataFrame) -> Figure:
    """Draw each variable: biopsies, medians with intervals, fitted values.

    Surfaces and rates stand on a log axis.

    Parameters
    ----------
    patients
        As `bonecycle.problem.patients.estimate` returns it.
    targets
        Target tables of the fits, from `bonecycle.inference.fitting.summary.target_table`.
    """
    variables = list(dict.fromkeys(name for arm in patients.arms for name, _ in arm.arm.cells))
    groups = [(arm, month) for arm in patients.arms for month in _months(arm)]
    columns = min(_COLUMNS, len(variables))
    rows = -(-len(variables) // columns)
    width = max(2.3, 0.8 * len(groups) + 1.2)
    figure = Figure(figsize=(width * columns + 0.4, 2.7 * rows + 0.9), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, variable in zip(panels, variables, strict=False):
        _panel(axes, variable, groups, targets)
    for axes in panels[len(variables) :]:
        axes.set_visible(False)
    handles = {
        label: handle
        for axes in panels[: len(variables)]
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(), handles.keys(), loc="outside lower center", ncols=min(6, len(handles))
    )
    return figure


def _months(arm: ArmMedians) -> list[float]:
    return sorted({month for _, month in arm.arm.cells})


def _panel(
    axes: Axes, variable: str, groups: list[tuple[ArmMedians, float]], targets: pd.DataFrame
) -> None:
    observable = catalogue.observables()[variable]
    for place, (found, month) in enumerate(groups):
        if (variable, month) not in found.arm.cells:
            continue
        cell = found.arm.cells.index((variable, month))
        values, limits = found.arm.values[:, cell], found.arm.limits[:, cell]
        # Side by side in the order of the table: a jitter that is the same in every drawing.
        spots = place - 0.18 + 0.28 * np.arange(len(values)) / max(len(values) - 1, 1) - 0.1
        seen, below = values > 0, values == 0
        axes.plot(spots[seen], values[seen], "o", ms=4, color=SKY, label="one biopsy")
        axes.plot(
            spots[below], limits[below], "v", ms=5, mfc="none", color=SKY,
            label="none found (at its detection limit)",
        )  # fmt: skip
        middle = found.log_medians[cell]
        error = _Z95 * np.sqrt(found.covariance[cell, cell])
        low, centre, high = np.exp([middle - error, middle, middle + error])
        axes.errorbar(
            place + 0.12, centre, [[centre - low], [high - centre]], fmt="_", color=INK, ms=10,
            lw=1.4, label="median patient, 95 %",
        )  # fmt: skip
        own = targets[
            (targets["arm"] == found.arm.name)
            & (targets["variable"] == variable)
            & (targets["time_months"] == month)
        ]
        for number, row in enumerate(own.to_dict("records")):
            name = str(row["mechanism"])
            spot = place + 0.24 + 0.18 * number / max(len(own) - 1, 1)
            style = mark_style(name) | {
                "markersize": 6,
                "linestyle": "none",
                "markeredgecolor": INK,
            }
            axes.plot(spot, row["fitted"], label=f"{name} fitted", **style)
    if follows_turnover(variable):
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("")
    else:
        axes.set_ylim(0, 1.05 * axes.get_ylim()[1])
    axes.set_xlim(-0.5, len(groups) - 0.3)
    names = [f"{found.arm.name}\nmonth {month:g}" for found, month in groups]
    axes.set_xticks(range(len(groups)), names)
    axes.tick_params(axis="x", length=0, labelcolor=GREY)
    axes.grid(axis="y", color=PALE)
    unit = "" if observable.unit == "1" else f" ({observable.unit})"
    axes.set_title(f"{observable.symbol}{unit}")
