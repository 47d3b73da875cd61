"""Compare the untreated model with what was published about people without the drug."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

from bonecycle.biology.compose import compose
from bonecycle.biology.tables import read_rows
from bonecycle.engines.interface import Floats
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.errors import SimulationError, UsageError, unknown

COLUMNS = (
    "name",
    "unit",
    "model",
    "published",
    "lower",
    "upper",
    "within",
    "reason",
    "source",
    "place",
)
_OBSERVABLES = ("Q_S_BS", "MS_BS", "ES_BS", "E_De", "Rs_P", "Rv_P", "Rs_R", "BFR_BS")


def compare_untreated(parameters: Mapping[str, float] | None = None) -> pd.DataFrame:
    """Compare the untreated baseline with the published numbers of untreated.csv.

    Parameters
    ----------
    parameters : mapping of str to float, optional
        Natural values by name, in the units of the parameter table; the others keep their
        prior centre.

    Returns
    -------
    pandas.DataFrame
        One row per published number. `model`, `published`, `lower` and `upper` are in `unit`,
        NaN where there is none. `within` is True or False, and None where the number does not
        apply to one untreated state. `reason` is written for the prior centres.

    Raises
    ------
    UsageError
        For an unknown parameter or a value that is negative or not finite.
    SimulationError
        When the parameters allow no untreated state.
    """
    quantities = untreated_quantities(parameters)
    rows = []
    for row in read_rows(files("bonecycle_data") / "untreated.csv"):
        model = quantities[row["quantity"]] if row["quantity"] else math.nan
        lower, upper = _number(row["lower"]), _number(row["upper"])
        applies = row["applies"] == "yes"
        rows.append(
            {
                "name": row["name"],
                "unit": row["unit"],
                "model": model,
                "published": float(row["value"]),
                "lower": lower,
                "upper": upper,
                "within": lower <= model <= upper if applies else None,
                "reason": row["reason"],
                "source": row["source"],
                "place": row["place"],
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"within": object})


def untreated_quantities(parameters: Mapping[str, float] | None = None) -> dict[str, float]:
    """Return what the untreated baseline says about published quantities.

    Parameters
    ----------
    parameters : mapping of str to float, optional
        As for `compare_untreated`.

    Returns
    -------
    dict of str to float
        Surfaces in % of the bone surface, depths in um (means over the phase), periods in d,
        rates in um/d, `bone_loss` in % of the bone volume per year (positive for a loss).
    """
    x = _baseline(parameters or {})
    osteoclast_depth = x["erosion_rate"] * x["resorption_period"]
    secondary_depth = x["secondary_erosion_rate"] * x["secondary_period"]
    _, reversal = forming_passage(
        np.array([x[name] for name in _climb_rates()]), x["loss_rate"], x["arrest_rate"]
    )
    return {
        "depth_osteoclasts": osteoclast_depth / 2,
        "depth_mononuclear": osteoclast_depth + secondary_depth / 2,
        "E_De": x["E_De"],
        "total_resorption_period": x["resorption_period"] + reversal,
        "resorption_period": x["resorption_period"],
        "secondary_period": x["secondary_period"],
        "preosteoblast_period": reversal - x["secondary_period"],
        "reversal_period": reversal,
        "eroded_period_surfaces": x["Rs_P"] + x["Rv_P"],
        "erosion_rate": x["erosion_rate"],
        "bone_loss": 100 * x["surface_per_volume"] * (x["Rs_R"] - x["BFR_BS"]),
        "MS_BS": x["MS_BS"],
        "ES_BS": x["ES_BS"],
    }


def forming_passage(
    climb_rates: Floats, loss_rate: float, arrest_rate: float
) -> tuple[float, float]:
    """Chance that a reversal site forms, and its mean time to formation if it does.

    First passage of the chain of density classes from the lowest class. A site of class i
    climbs at ``climb_rates[i - 1]``, falls at ``(i - 1/2) loss_rate`` (not from the lowest) and
    is arrested at `arrest_rate`; it forms when it climbs out of the top class.

    Parameters
    ----------
    climb_rates : ndarray, shape (n_classes,)
        Per day.
    loss_rate, arrest_rate : float
        Per day.

    Returns
    -------
    probability : float
        Of forming.
    period : float
        Mean time to formation of the sites that form, in days; NaN when none does.
    """
    n = len(climb_rates)
    falls = (np.arange(n) + 0.5) * loss_rate
    falls[0] = 0.0
    leaving = np.diag(climb_rates + falls + arrest_rate)
    staying = np.diag(climb_rates[:-1], 1) + np.diag(falls[1:], -1)
    exits = np.zeros(n)
    exits[-1] = climb_rates[-1]
    # Chance by class, then E[time; forms] by class: each solves the backward equation.
    chance = np.linalg.solve(leaving - staying, exits)
    weighted_time = np.linalg.solve(leaving - staying, chance)
    period = weighted_time[0] / chance[0] if chance[0] > 0 else math.nan
    return float(chance[0]), float(period)


def _baseline(changed: Mapping[str, float]) -> dict[str, float]:
    """Parameters, observables and climb rates of the untreated state, each in its unit."""
    table = compose().parameters
    for name, value in changed.items():
        if name not in table:
            raise unknown("parameter", name, table)
        if not (math.isfinite(value) and value >= 0):
            raise UsageError(f"{name} = {value:g}: give a finite number, zero or above.")
    # The strength of a mechanism says nothing about the untreated state.
    centre = {p.id: 0.0 if p.mechanism else p.value for p in table.values()}
    values = centre | {name: float(value) for name, value in changed.items()}
    engine = _engine()
    batch = engine.simulate(np.array([[values[name] for name in engine.parameters]]), [0.0])
    result = dict(zip(engine.outputs, map(float, batch.values[0, 0]), strict=True))
    # A failed set comes back as NaN, which is not above zero either.
    if not result["Q_S_BS"] > 0:
        remedy = batch.messages[0].partition(" - ")[2] or (
            "the phases need more than the whole bone surface: shorten them or lower births"
        )
        raise SimulationError("cycle", "untreated", dict(changed), remedy)
    return values | result


@cache
def _engine() -> RoadRunnerEngine:
    model = compose()
    outputs = (*_OBSERVABLES, *_climb_rates())
    return RoadRunnerEngine(model.sbml, tuple(model.parameters), outputs)


def _climb_rates() -> tuple[str, ...]:
    """SBML names of the climb rates, from the lowest density class up."""
    return tuple(f"reversal_climb_rate_{i + 1}" for i in range(compose().build.reversal))


def _number(text: str) -> float:
    return float(text) if text else math.nan
