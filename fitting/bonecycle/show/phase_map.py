"""A map of the surface phases, drawn from the SBML of a model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import libsbml
import numpy as np
import roadrunner
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyArrowPatch

from bonecycle.biology.compose import Model
from bonecycle.engines.initial_values import InitialValues
from bonecycle.show.style import GREY, PHASES, styled

DAYS_PER_YEAR = 365.25
PERCENT = 100.0
Point = tuple[float, float]
_WIDTH, _HEIGHT = 8.0, 7.0  # inches
_SPAN = 4.6  # what the width shows, in the coordinates of the map
_RING = 1.2


@dataclass(frozen=True)
class Phase:
    """A phase of the bone surface when untreated.

    Attributes
    ----------
    share : float
        Percent of the bone surface.
    duration_days : float
        Mean stay of a site in one visit, days.
    stages : int
        Number of states that make it up.
    """

    name: str
    share: float
    duration_days: float
    stages: int


@dataclass(frozen=True)
class Flow:
    """A way from one phase to another; `per_year` is percent of the bone surface per year."""

    source: str
    target: str
    per_year: float


def read_phases(model: Model) -> tuple[tuple[Phase, ...], tuple[Flow, ...]]:
    """Return phases and flows of the untreated baseline, as the SBML has them.

    The phase of a species is its name up to the first comma; reactions between species of
    different phases are flows, also where the rate is zero.

    Parameters
    ----------
    model
        A composed model without doses.
    """
    plain = InitialValues(model.sbml).plain_sbml
    document = libsbml.readSBMLFromString(plain)
    sbml = document.getModel()
    # Phases lie on bone surface; in the coupled model cells are elsewhere.
    phase_of = {
        s.getId(): s.getName().partition(",")[0]
        for s in sbml.getListOfSpecies()
        if s.getCompartment() == "bone_surface"
    }
    # Its model dies with the simulator: both are held.
    simulator = roadrunner.RoadRunner(plain)
    start = simulator.model
    amounts = dict(
        zip(start.getFloatingSpeciesIds(), start.getFloatingSpeciesAmounts(), strict=True)
    )
    rates = dict(zip(start.getReactionIds(), start.getReactionRates(), strict=True))
    flows: dict[tuple[str, str], float] = {}
    for reaction in sbml.getListOfReactions():
        ends = (*reaction.getListOfReactants(), *reaction.getListOfProducts())
        if not all(end.getSpecies() in phase_of for end in ends):
            continue
        source, target = (phase_of[end.getSpecies()] for end in ends)
        if source != target:
            flows.setdefault((source, target), 0.0)
            flows[source, target] += float(rates[reaction.getId()])
    phases = []
    for name in dict.fromkeys(phase_of.values()):
        species = [s for s, phase in phase_of.items() if phase == name]
        share = sum(float(amounts[s]) for s in species)
        leaving = sum(rate for (source, _), rate in flows.items() if source == name)
        phases.append(Phase(name, PERCENT * share, share / leaving, len(species)))
    per_year = PERCENT * DAYS_PER_YEAR
    return tuple(phases), tuple(Flow(*ends, per_year * rate) for ends, rate in flows.items())


@styled
def plot_phase_map(model: Model) -> Figure:
    """Draw the phases as a cycle, with shares and mean stays of the untreated baseline.

    The main loop follows the largest flow out of every phase; what lies off it stands inside.
    The area of a disc grows with the phase's share, except for the quiescent surface, which
    would hide the others; the width of an arrow follows the flow.

    Parameters
    ----------
    model
        A composed model without doses.
    """
    phases, flows = read_phases(model)
    places = _places(phases, flows)
    radii = {phase.name: _radius(phase) for phase in phases}
    figure = Figure(figsize=(_WIDTH, _HEIGHT))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    half = _SPAN * _HEIGHT / _WIDTH / 2
    axes.set_xlim(-_SPAN / 2, _SPAN / 2)
    axes.set_ylim(-half, half)
    largest = max(flow.per_year for flow in flows)
    for flow in flows:
        _draw_flow(axes, flow, places, radii, largest)
    for phase in phases:
        _draw_phase(axes, phase, places[phase.name], radii[phase.name])
    figure.suptitle("Phases of the bone surface and the ways between them", y=0.985)
    figure.text(
        0.5,
        0.015,
        f"Read from the SBML of the model {model.name!r}: untreated baseline, parameters at their "
        "prior centres.\n"
        "Discs: share of the bone surface and mean stay; the area follows the share "
        "(quiescent surface: cut).\n"
        "Arrows: % of the bone surface per year; dashed: possible, zero by default.",
        ha="center",
        fontsize=8,
        color=GREY,
        linespacing=1.4,
    )
    return figure


def _places(phases: tuple[Phase, ...], flows: tuple[Flow, ...]) -> dict[str, Point]:
    """Put the main loop on a circle, clockwise from the top, and the other phases inside."""
    loop = [max(phases, key=lambda phase: phase.share).name]
    while True:
        leaving = [flow for flow in flows if flow.source == loop[-1]]
        following = max(leaving, key=lambda flow: flow.per_year).target
        if following in loop:
            break
        loop.append(following)
    places = {}
    for number, name in enumerate(loop):
        angle = math.pi / 2 - 2 * math.pi * number / len(loop)
        places[name] = (_RING * math.cos(angle), _RING * math.sin(angle))
    inside = [phase.name for phase in phases if phase.name not in loop]
    for y, name in zip(np.linspace(0.5, -0.6, len(inside) + 2)[1:-1], inside, strict=True):
        places[name] = (0.12, float(y))
    return places


def _radius(phase: Phase) -> float:
    return min(0.3, 0.15 * math.sqrt(phase.share))


def _draw_phase(axes: Axes, phase: Phase, place: Point, radius: float) -> None:
    axes.add_patch(Circle(place, radius, color=PHASES.get(phase.name, GREY), linewidth=0))
    x, y = place
    away = math.hypot(x, y)
    # Outwards from the ring; to the right of what stands inside it.
    side, up = (x / away, y / away) if away > _RING / 2 else (1.0, 0.0)
    stay = phase.duration_days
    period = f"{stay / DAYS_PER_YEAR:.1f} years" if stay > 2 * DAYS_PER_YEAR else f"{stay:.0f} days"
    name = phase.name.replace(" before ", "\nbefore ").replace("Arrested ", "Arrested\n")
    # Two texts of as many lines, one over the other: the name in bold, its numbers below.
    lines = name.count("\n") + 1
    texts = {"bold": f"{name}\n ", "normal": "\n" * lines + f"{phase.share:.2f} %, {period}"}
    for weight, text in texts.items():
        axes.text(
            x + side * (radius + 0.06),
            y + up * (radius + 0.06),
            text,
            fontweight=weight,
            ha="center" if abs(side) < 0.5 else ("left" if side > 0 else "right"),
            va="center" if abs(up) < 0.5 else ("bottom" if up > 0 else "top"),
            linespacing=1.25,
        )


def _draw_flow(
    axes: Axes, flow: Flow, places: dict[str, Point], radii: dict[str, float], largest: float
) -> None:
    (x0, y0), (x1, y1) = places[flow.source], places[flow.target]
    active = flow.per_year > 0
    on_ring = min(math.hypot(x0, y0), math.hypot(x1, y1)) > _RING / 2
    bend = -0.2 if on_ring and active else 0.0
    width = 0.8 + 4.0 * flow.per_year / largest
    points = 72 * _WIDTH / _SPAN
    axes.add_patch(
        FancyArrowPatch(
            (x0, y0),
            (x1, y1),
            connectionstyle=f"arc3,rad={bend}",
            arrowstyle="-|>",
            mutation_scale=8 + 2 * width,
            shrinkA=points * (radii[flow.source] + 0.03),
            shrinkB=points * (radii[flow.target] + 0.03),
            linewidth=width if active else 0.9,
            linestyle="-" if active else (0, (4, 3)),
            color="#9A9A9A" if active else "#BDBDBD",
            zorder=0.5,
        )
    )
    if active:
        # On the middle of the bent arrow.
        axes.text(
            (x0 + x1) / 2 + bend / 2 * (y1 - y0),
            (y0 + y1) / 2 - bend / 2 * (x1 - x0),
            f"{flow.per_year:.1f}",
            fontsize=8,
            ha="center",
            va="center",
            bbox={"boxstyle": "round,pad=0.25", "color": "white"},
        )
