"""Where the drug is and what it does, on logarithmic time."""

from __future__ import annotations

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from bonecycle.analysis.simulation import relative
from bonecycle.errors import UsageError
from bonecycle.show.cycle import head, mark_treatment
from bonecycle.show.style import BLACK, DRUGS, GREY, label, styled

# Title and the ends of the variables' names; the panels of a drug that has none stay out.
_POOLS = {
    "Plasma": ("_plasma", "_serum"),
    "Injection site": ("_sc",),
    "Bone surface": ("_surface",),
    "Buried in bone": ("_buried",),
    "Urine, cumulative": ("_urine",),
}
_CYCLE = ("CTX", "P1NP", "ES_BS", "OS_BS")
_COLUMNS = 4
_TICKS = {
    "1 min": 1 / 1440,
    "1 h": 1 / 24,
    "1 d": 1.0,
    "1 mo": 365.25 / 12,
    "1 y": 365.25,
    "10 y": 3652.5,
}
# Between samples further apart than this a dose passes through plasma unseen, days.
_RESOLVED_DAYS = 0.1


@styled
def plot_drug(run: xr.Dataset) -> Figure:
    """Draw plasma, bone surface, buried drug and urine, and below them markers and the cycle.

    Plasma is drawn as points, at the sampled times: between two samples a dose may come and go.

    Parameters
    ----------
    run
        As `bonecycle.simulate` returns it, of a regimen with a drug.
    """
    pools = {title: found for title, ends in _POOLS.items() if (found := _curves(run, ends))}
    if not pools:
        raise UsageError("The run holds no drug: simulate a regimen with one.")
    if len(pools) > _COLUMNS:
        del pools["Injection site"]
    effects = [name for name in _CYCLE if name in run]
    rows = 1 + bool(effects)
    figure = Figure(figsize=(2.75 * _COLUMNS, 2.1 * rows + 1.0), layout="constrained")
    grid = figure.subplots(rows, _COLUMNS, squeeze=False)
    days = run["time"].to_numpy()
    for axes in grid.flat:
        axes.set_visible(False)
    for axes, (title, curves) in zip(grid.flat, pools.items(), strict=False):
        _draw_pool(axes, title, curves)
        _finish(axes, run)
    ratios = relative(run)
    for axes, name in zip(grid[-1], effects, strict=False):
        axes.plot(days[1:], ratios[name][1:], color=BLACK)
        axes.axhline(1.0, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        axes.set_title(run[name].attrs["long_name"])
        axes.set_ylabel("Ratio to untreated")
        axes.set_ylim(0, 1.12 * max(1.0, float(ratios[name].max())))
        _finish(axes, run)
    coarse = float((days[1:] - days[:-1]).max()) > _RESOLVED_DAYS
    note = "; plasma at the sampled times only: peaks between them are not seen" if coarse else ""
    head(figure, run, "Drug and effect on logarithmic time", f"Doses: {run.attrs['dosing']}{note}")
    return figure


def _curves(run: xr.Dataset, ends: tuple[str, ...]) -> list[xr.DataArray]:
    return [
        curve
        for name, curve in run.data_vars.items()
        if curve.attrs["kind"] == "drug"
        and str(name) in {f"{curve.attrs['drug']}{end}" for end in ends}
        and float(curve.max()) > 0
    ]


def _draw_pool(axes: Axes, title: str, curves: list[xr.DataArray]) -> None:
    plasma = title == "Plasma"
    highest = max(float(curve.max()) for curve in curves)
    for curve in curves:
        colour = DRUGS.get(curve.attrs["drug"], BLACK)
        shown = curve[1:]
        line, marker = ("", ".") if plasma else ("-", "")
        axes.plot(
            shown["time"],
            shown.where(shown > 0),
            color=colour,
            linestyle=line,
            marker=marker,
            markersize=3,
        )
    axes.set_title(title)
    quantity = "Concentration" if "/" in curves[0].attrs["units"] else "Amount"
    axes.set_ylabel(label(curves[0], quantity))
    if plasma:
        axes.set_yscale("log")
        lowest = min(float(curve.where(curve > 0)[1:].min()) for curve in curves)
        axes.set_ylim(max(lowest, highest * 1e-8) / 2, 2 * highest)
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(0, 1.12 * highest)


def _finish(axes: Axes, run: xr.Dataset) -> None:
    days = run["time"].to_numpy()
    axes.set_visible(True)
    axes.set_xscale("log")
    axes.set_xlim(days[1], days[-1])
    ticks = {name: day for name, day in _TICKS.items() if days[1] <= day <= days[-1] * 1.001}
    axes.xaxis.set_major_locator(FixedLocator(list(ticks.values())))
    axes.set_xticklabels(list(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="x")
    axes.set_xlabel("Time (log scale)")
    mark_treatment(axes, run, unit_days=1.0)
