"""The experiments behind published pharmacokinetics, as curves to draw the numbers on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bonecycle.analysis.pharmacokinetics import Fact, facts, simulate_columns
from bonecycle.biology.regimens import parse_regimen
from bonecycle.biology.treatments import Route
from bonecycle.engines.interface import Floats

# What has a place on a curve; areas, clearances and volumes have none.
DRAWN = (
    *("half_life", "peak", "peak_time"),
    *("urine_share", "urine_amount", "kept_share", "bone_share"),
)
_POINTS = 300
# An injection is followed from the first hours on, what enters plasma at once from minutes.
_FIRST_DAYS = {True: 0.2, False: 0.004}
_BEYOND = 1.25


@dataclass(frozen=True)
class Experiment:
    """One dose given as in the papers, simulated, and what they report of it.

    Attributes
    ----------
    label : str
        Dose, route and length of an infusion.
    times : array, shape (n_times,)
        Days, from zero, dense at first.
    plasma : array, shape (n_times,)
        mg/L.
    urine, bone : array, shape (n_times,), or None
        Shares of all that is given, % of dose; None for an antibody.
    facts : tuple of Fact
        The published numbers that have a place on the curves.
    """

    drug: str
    label: str
    times: Floats
    plasma: Floats
    urine: Floats | None
    bone: Floats | None
    dose_mg: float
    facts: tuple[Fact, ...]


def experiments(drug: str) -> tuple[Experiment, ...]:
    """All experiments of a drug with something to draw, in the order of the table."""
    found: dict[str, list[Fact]] = {}
    for fact in facts():
        if fact.drug == drug and fact.quantity in DRAWN:
            found.setdefault(fact.regimen, []).append(fact)
    return tuple(_simulate(drug, regimen, tuple(group)) for regimen, group in found.items())


def _simulate(drug: str, regimen: str, group: tuple[Fact, ...]) -> Experiment:
    end = _BEYOND * max(fact.window[1] for fact in group)
    ends = [time for fact in group for time in fact.window]
    first = parse_regimen(regimen).treatments[0]
    early = _FIRST_DAYS[first.route is Route.SC]
    times = np.unique([0.0, *np.geomspace(early, end, _POINTS), *ends])
    columns = simulate_columns(drug, regimen, times, {})
    dose = float(columns["given"][-1])
    return Experiment(
        drug=drug,
        label=f"{dose:g} mg {first.route.value}{_over(first.infusion_days)}",
        times=times,
        plasma=columns["plasma"],
        urine=_share(columns, ("urine",), dose),
        bone=_share(columns, ("surface", "osteoclasts", "buried"), dose),
        dose_mg=dose,
        facts=group,
    )


def _share(columns: Mapping[str, Floats], names: tuple[str, ...], dose: float) -> Floats | None:
    if not all(name in columns for name in names):
        return None
    total: Floats = np.sum([columns[name] for name in names], axis=0)
    return 100.0 * total / dose


def _over(days: float) -> str:
    if days == 0:
        return ", one dose"
    hours = 24 * days
    if hours < 1:
        return f" over {60 * hours:.2g} min"
    return f" over {days:.2g} d" if hours > 47 else f" over {hours:.2g} h"
