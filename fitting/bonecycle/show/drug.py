"""Where the drug is and what it does, on logarithmic time."""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator

from bonecycle.analysis.simulation import relative
from bonecycle.biology.regimens import parse_regimen
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
# Times closer than a second, by rounding, are one time.
_SAME_DAYS = 1e-5


@styled
def plot_drug(run: xr.Dataset) -> Figure:
    """Draw plasma, bone surface, buried drug and urine, and below them markers and the cycle.

    Time counts from the first dose. Plasma is drawn where the times follow a dose; samples at
    chance places between unresolved doses would show a course that is not there.

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
    ratios = relative(run)
    first = min(t.start_days for t in parse_regimen(run.attrs["regimen"]).treatments)
    run = run.assign_coords(since=("time", run["time"].to_numpy() - first))
    rows = 1 + bool(effects)
    figure = Figure(figsize=(2.75 * _COLUMNS, 2.1 * rows + 1.0), layout="constrained")
    grid = figure.subplots(rows, _COLUMNS, squeeze=False)
    for axes in grid.flat:
        axes.set_visible(False)
    for axes, (title, curves) in zip(grid.flat, pools.items(), strict=False):
        _draw_pool(axes, title, curves, run)
        _finish(axes, run, first)
    for axes, name in zip(grid[-1], effects, strict=False):
        axes.plot(run["since"], ratios[name], color=BLACK)
        axes.axhline(1.0, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        axes.set_title(run[name].attrs["long_name"])
        axes.set_ylabel("Ratio to time zero")
        axes.set_ylim(0, 1.12 * max(1.0, float(ratios[name].max())))
        _finish(axes, run, first)
    followed = all(_followed(run, drug).all() for drug in _given(pools))
    note = "" if followed else "; plasma is drawn only after doses that the time points resolve"
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


def _given(pools: dict[str, list[xr.DataArray]]) -> set[str]:
    return {str(curve.attrs["drug"]) for curves in pools.values() for curve in curves}


def _followed(run: xr.Dataset, drug: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Where the drug's last dose is among the times, or long past; shape (n_times,)."""
    times = run["time"].to_numpy()
    found = np.ones(len(times), dtype=np.bool_)
    if drug in run.attrs["averaged"].split(", "):
        return found
    for treatment in parse_regimen(run.attrs["regimen"]).treatments:
        if treatment.drug == drug:
            doses = treatment.dose_times()
            seen = np.abs(times[:, None] - doses).min(axis=0) < _SAME_DAYS
            last = np.searchsorted(doses, times + _SAME_DAYS, side="right") - 1
            past = times - doses[last] > treatment.interval_days
            found &= (last < 0) | seen[last] | past
    return found


def _draw_pool(axes: Axes, title: str, curves: list[xr.DataArray], run: xr.Dataset) -> None:
    plasma = title == "Plasma"
    highest = max(float(curve.max()) for curve in curves)
    for curve in curves:
        colour = DRUGS.get(curve.attrs["drug"], BLACK)
        shown = curve.where(curve > 0)
        if plasma:
            shown = shown.where(_followed(run, curve.attrs["drug"]))
        axes.plot(run["since"], shown, color=colour)
    axes.set_title(title)
    quantity = "Concentration" if "/" in curves[0].attrs["units"] else "Amount"
    axes.set_ylabel(label(curves[0], quantity))
    if plasma:
        axes.set_yscale("log")
        lowest = min(float(curve.where((curve > 0) & (run["since"] > 0)).min()) for curve in curves)
        axes.set_ylim(max(lowest, highest * 1e-8) / 2, 4 * highest)
        axes.yaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_ylim(0, 1.12 * highest)


def _finish(axes: Axes, run: xr.Dataset, first: float) -> None:
    since = run["since"].to_numpy()
    begin, end = since[since > _SAME_DAYS][0], since[-1]
    axes.set_visible(True)
    axes.set_xscale("log")
    axes.set_xlim(begin, end)
    ticks = {name: day for name, day in _TICKS.items() if begin <= day <= end * 1.001}
    axes.xaxis.set_major_locator(FixedLocator(list(ticks.values())))
    axes.set_xticklabels(list(ticks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.grid(axis="x")
    axes.set_xlabel("Time since the first dose")
    mark_treatment(axes, run, 1.0, first)
