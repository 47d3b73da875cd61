"""The remodeling cycle under each drug at the best fit of each mechanism."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from bonecycle.biology.regimens import Regimen
from bonecycle.problem.targets import Target
from bonecycle.show.courses import Curves, courses, dose_of, drug_of, heading
from bonecycle.show.style import GREY, INK, MECHANISMS, PHASES, month_axis, styled

_LAYERS = {
    "Osteoclasts": PHASES["Osteoclast surface"],
    "Reversal": PHASES["Reversal surface"],
    "Arrested": PHASES["Arrested eroded surface"],
    "Osteoid, not mineralizing": PHASES["Osteoid surface before mineralization"],
    "Osteoid, mineralizing": PHASES["Mineralizing surface"],
}


@styled
def plot_drugs_cycle(targets: Sequence[Target], fits: Mapping[str, Curves]) -> Figure:
    """Stack the surfaces of the cycle over time: a column a drug, a row a mechanism.

    Parameters
    ----------
    targets : sequence of Target
        Rows of a problem; of each drug the course of treatment with the most observables is drawn.
    fits : mapping of str to curves
        Curves of every mechanism by its name, from `fitted_curves`.

    Returns
    -------
    Figure
        Eroded surface below the black line, osteoid surface above it; quiescent surface is the
        rest. Shares of bone surface in %.
    """
    shown = _one_a_drug(targets)
    figure = Figure(
        figsize=(max(1.2 + 2.7 * len(shown), 6.0), 1.5 + 1.75 * len(fits)), layout="constrained"
    )
    grid = figure.subplots(len(fits), len(shown), sharey=True, sharex="col", squeeze=False)
    for line, (name, curves) in zip(grid, fits.items(), strict=True):
        for axes, regimen in zip(line, shown, strict=True):
            _draw_surfaces(axes, curves[regimen])
        meaning = MECHANISMS.get(name, ("", ""))[1].replace(" on ", "\non ")
        line[0].set_ylabel("\n".join(filter(None, [name, meaning, "Bone surface (%)"])))
    for axes, regimen in zip(grid[0], shown, strict=True):
        axes.set_title(f"{drug_of(regimen)}\n")
        axes.text(0, 1.03, dose_of(regimen), transform=axes.transAxes, fontsize=8, color=GREY)
    for axes in grid[-1]:
        axes.set_xlabel("Time (months)")
    handles = [Patch(color=color, label=label) for label, color in _LAYERS.items()]
    figure.legend(handles=handles, loc="outside lower center", ncols=3 if len(shown) < 3 else 5)
    heading(
        figure,
        "The remodeling cycle under each drug, at the best fit",
        "Below the black line eroded surface (ES/BS), above it osteoid surface (OS/BS); the rest "
        "is quiescent.",
    )
    return figure


def _one_a_drug(targets: Sequence[Target]) -> list[Regimen]:
    """Of each drug the course of treatment with the most observables."""
    chosen: dict[str, Regimen] = {}
    found = courses(targets)
    for regimen, _ in sorted(
        found.items(), key=lambda item: -len({t.observation.variable for t in item[1]})
    ):
        chosen.setdefault(drug_of(regimen), regimen)
    return [regimen for regimen in found if regimen in chosen.values()]


def _draw_surfaces(axes: Axes, run: xr.Dataset) -> None:
    months = run["months"].to_numpy()
    layers = [
        run["Oc_S_BS"],
        run["Rv_S_BS"],
        run["Ar_S_BS"],
        run["OS_BS"] - run["MS_BS"],
        run["MS_BS"],
    ]
    axes.stackplot(months, layers, colors=list(_LAYERS.values()), edgecolor="white", linewidth=0.4)
    axes.plot(months, run["ES_BS"], color=INK, linewidth=1.4)
    es, os = (float(run[name][-1]) / float(run[name][0]) for name in ("ES_BS", "OS_BS"))
    axes.text(
        0.98,
        0.96,
        f"at the end: ES/BS \u00d7{es:.2f}, OS/BS \u00d7{os:.2f}",
        transform=axes.transAxes,
        ha="right",
        va="top",
        fontsize=7.5,
    )
    month_axis(axes, float(months[-1]))
    axes.set_ylim(0, None)
