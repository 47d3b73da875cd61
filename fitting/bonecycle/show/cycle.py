"""A simulated run over time: surfaces of the cycle, observables."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from bonecycle.analysis.simulation import relative
from bonecycle.biology.regimens import DAYS_PER_MONTH, parse_regimen
from bonecycle.errors import UsageError, unknown
from bonecycle.show.style import BLACK, DRUGS, GREY, PHASES, label, month_axis, styled

DEFAULT_OBSERVABLES = (
    "CTX",
    "P1NP",
    "BMD_rel",
    "Oc_S_BS",
    "ES_BS",
    "Rv_D",
    "OS_BS",
    "MS_BS",
    "Ac_f",
)
_BAR = 0.025  # height of a bar of treatment, as a share of the axis
_DASHED: dict[str, Any] = {
    "color": GREY,
    "linewidth": 0.8,
    "linestyle": (0, (4, 3)),
    "zorder": 1,
}


@styled
def plot_surfaces(run: xr.Dataset) -> Figure:
    """Stack the eroded and the osteoid surfaces over time.

    Quiescent surface, nine tenths of the bone surface and more, stands in the title.

    Parameters
    ----------
    run
        As `bonecycle.simulate` returns it, with all surfaces.
    """
    need(run, ("Q_S_BS", "Oc_S_BS", "Rv_S_BS", "Ar_S_BS", "OS_BS", "MS_BS"))
    unmineralized = run["OS_BS"] - run["MS_BS"]
    panels = {
        "Eroded surface (ES/BS)": [
            ("Osteoclast", run["Oc_S_BS"], PHASES["Osteoclast surface"]),
            ("Reversal", run["Rv_S_BS"], PHASES["Reversal surface"]),
            ("Arrested", run["Ar_S_BS"], PHASES["Arrested eroded surface"]),
        ],
        "Osteoid surface (OS/BS)": [
            ("Mineralizing", run["MS_BS"], PHASES["Mineralizing surface"]),
            ("Not mineralizing", unmineralized, PHASES["Osteoid surface before mineralization"]),
        ],
    }
    figure = Figure(figsize=(7.5, 4.3), layout="constrained")
    both = figure.subplots(1, 2, sharey=True)
    months = run["months"].to_numpy()
    for axes, (title, layers) in zip(both, panels.items(), strict=True):
        total = [sum(float(layer[i]) for _, layer, _ in layers) for i in (0, -1)]
        axes.stackplot(
            months,
            [layer.to_numpy() for _, layer, _ in layers],
            colors=[colour for _, _, colour in layers],
            labels=[name for name, _, _ in layers],
            edgecolor="white",
            linewidth=0.6,
        )
        ends = f"{total[0]:.2f} % at time zero, {total[1]:.2f} % at the end"
        axes.set_title(f"{title}\n")
        axes.text(0, 1.02, ends, transform=axes.transAxes, fontsize=8, color=GREY)
        axes.legend(
            loc="upper right", bbox_to_anchor=(1, 1 - _BAR * len(_drugs(run))), reverse=True
        )
        axes.set_xlabel("Time (months)")
        month_axis(axes, months[-1])
    top = 1.35 * max(float(run["ES_BS"].max()), float(run["OS_BS"].max()))
    both[0].set_ylim(0, top)
    both[0].set_ylabel("Share of bone surface (%)")
    for axes in both:
        mark_treatment(axes, run)
    quiet = run["Q_S_BS"]
    ends = f"{float(quiet[0]):.1f} % at time zero, {float(quiet[-1]):.1f} % at the end"
    head(figure, run, "Surfaces of the remodeling cycle", f"The rest is quiescent: {ends}")
    return figure


@styled
def plot_time_courses(
    run: xr.Dataset,
    observables: Sequence[str] | None = None,
    *,
    absolute: bool = False,
    untreated: xr.Dataset | None = None,
) -> Figure:
    """Draw one small panel for every observable.

    Panels of relative observables share one vertical axis, so that their falls compare; ratios
    of observables (such as bone mineral density relative to the start) have their own.

    Parameters
    ----------
    run
        As `bonecycle.simulate` returns it.
    observables
        Code names; None draws markers, surfaces, frequencies and density.
    absolute
        Draw units of the observables instead of ratios to time zero.
    untreated
        The same model without a drug, from which dashed lines are drawn: the untreated course
        moves too (bone mineral density falls with age). None draws the value at time zero.
    """
    names = tuple(observables or DEFAULT_OBSERVABLES)
    need(run, names)
    shown = run if absolute else relative(run)
    without = None
    if untreated is not None:
        need(untreated, names)
        without = untreated if absolute else relative(untreated)
    lost = [name for name in names if name not in shown]
    if lost:
        raise UsageError(
            f"{', '.join(lost)} has no ratio to time zero: draw it with absolute=True."
        )
    columns = min(3, len(names))
    rows = math.ceil(len(names) / columns)
    figure = Figure(figsize=(2.6 * columns + 0.4, 1.9 * rows + 0.9), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharex=True)
    months = run["months"].to_numpy()
    alike = [name for name in names if shown[name].attrs["kind"] != "ratio"]
    top = max((float(shown[name].max()) for name in alike), default=1.0)
    for axes, name in zip(grid.flat, names, strict=False):
        curve = shown[name]
        axes.plot(months, curve, color=BLACK)
        if without is None:
            axes.axhline(float(curve[0]), **_DASHED)
        else:
            axes.plot(without["months"], without[name], **_DASHED)
        if not absolute and name in alike:
            axes.set_ylim(0, 1.12 * top)
        else:
            axes.margins(y=0.25)
        axes.set_ylabel(label(curve), fontsize=8)
        month_axis(axes, months[-1])
        mark_treatment(axes, run)
        sign, digits = ("", ".3g") if absolute else ("\u00d7", ".2f" if name in alike else ".3f")
        axes.annotate(
            f"{sign}{float(curve[-1]):{digits}}",
            (months[-1], float(curve[-1])),
            xytext=(3, 0),
            textcoords="offset points",
            va="center",
            fontsize=8,
        )
    for axes in grid.flat[len(names) :]:
        axes.set_visible(False)
    for axes in grid.flat[max(0, len(names) - columns) : len(names)]:
        axes.set_xlabel("Time (months)")
        axes.tick_params(labelbottom=True)
    what = "in their units" if absolute else "relative to time zero"
    dashed = "value at time zero" if without is None else "without a drug"
    note = f"Dashed: {dashed}. The number at the end of a curve is its last value."
    head(figure, run, f"Observables {what}", note)
    return figure


def need(run: xr.Dataset, names: Sequence[str]) -> None:
    """Refuse names that the run does not hold."""
    for name in names:
        if name not in run:
            raise unknown("observable", name, map(str, run.data_vars))


def head(figure: Figure, run: xr.Dataset, title: str, note: str = "", key: bool = True) -> None:
    """Put title, regimen and note over the panels, and a key of the drugs under them."""
    facts = [run.attrs["regimen"]]
    if run.attrs["mechanisms"] != "none":
        facts.append(f"mechanisms {run.attrs['mechanisms']}")
    if run.attrs["parameters_changed"] != "none":
        facts.append(run.attrs["parameters_changed"])
    # About eleven characters of this size take an inch.
    lines = textwrap.wrap("; ".join(facts), int(11 * figure.get_figwidth()))
    figure.suptitle("\n".join([title, *lines, *([note] if note else [])]), fontsize=10)
    drugs = _drugs(run)
    if drugs and key:
        patches = [Patch(color=DRUGS.get(drug, GREY), label=f"{drug} given") for drug in drugs]
        figure.legend(handles=patches, loc="outside lower center", ncols=len(patches))


def mark_treatment(
    axes: Axes, run: xr.Dataset, unit_days: float = DAYS_PER_MONTH, zero_days: float = 0.0
) -> None:
    """Shade the time under treatment, with a row of bars in the drug's colour on top.

    `unit_days` is the length of the axis' unit of time, months or days; `zero_days` is the time
    of the run at the axis' zero.
    """
    begin, end = axes.get_xlim()
    rows = _drugs(run)
    for treatment in parse_regimen(run.attrs["regimen"]).treatments:
        start = max(begin, (treatment.start_days - zero_days) / unit_days)
        stop = min(end, (treatment.stop_days - zero_days) / unit_days)
        if start < end:
            top = 1 - _BAR * rows.index(treatment.drug)
            colour = DRUGS.get(treatment.drug, GREY)
            axes.axvspan(start, stop, color=colour, alpha=0.07, linewidth=0, zorder=0)
            axes.axvspan(start, stop, top - _BAR, top, color=colour, linewidth=0)


def _drugs(run: xr.Dataset) -> list[str]:
    """Drugs of the regimen, in its order."""
    return list(dict.fromkeys(t.drug for t in parse_regimen(run.attrs["regimen"]).treatments))
