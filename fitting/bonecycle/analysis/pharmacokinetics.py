"""Hold the drugs against published pharmacokinetics: urine, retention, clearances, half-lives.

Every published number of pharmacokinetics.csv that the model can say is simulated as it was
measured: the same dose, and the same window of time. A half-life is a log-linear regression of
the plasma concentration over the window, as in the papers, and not a root of the equations.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

from bonecycle.analysis.quantities import QUANTITIES, Course
from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing, with_regimen
from bonecycle.biology.regimens import parse_regimen
from bonecycle.biology.tables import read_rows
from bonecycle.engines.interface import Floats
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.errors import DataError, Fault, SimulationError

COLUMNS = (
    "drug",
    "fact",
    "unit",
    "model",
    "published",
    "lower",
    "upper",
    "spread",
    "within",
    "role",
    "reason",
    "source",
    "place",
    "note",
)
_FILE = "pharmacokinetics.csv"
_POINTS = 241
_DAYS = {"h": 1 / 24, "d": 1.0}


class Role(StrEnum):
    """What a published number is to the model."""

    ESTIMATION = "estimation"
    """tools/estimate_pharmacokinetics.py uses it: agreement is goodness of fit."""
    TAKEN_OVER = "taken over"
    """The model takes this very value: agreement says nothing."""
    CHECK = "check"
    """Sets nothing in the model: agreement is a test."""
    NOT_SAID = "not said"
    """The model says nothing of it."""


@dataclass(frozen=True)
class Fact:
    """One published number and how the model says it.

    Attributes
    ----------
    value : str
        As published, in `unit`; a range or a direction stays text.
    lower, upper : float
        Published limits, or assumed ones; NaN where there is none.
    spread : str
        Whether the limits are ``published`` or ``assumed``; empty where the model says nothing.
    quantity : str
        A name of this module, parameters of the drug joined by ``+`` or ``/``, or empty where
        the model says nothing.
    regimen : str
        What was given, as `bonecycle.biology.regimens.parse_regimen` reads it.
    window : tuple of float
        First and last time of the measurement, days; empty for parameters.
    factor : float
        From mg, L and d to `unit`.
    """

    drug: str
    name: str
    value: str
    lower: float
    upper: float
    spread: str
    unit: str
    quantity: str
    regimen: str
    window: tuple[float, ...]
    factor: float
    role: Role
    source: str
    place: str
    note: str
    reason: str


def validate(
    parameters: Mapping[str, float] | None = None, drugs: Collection[str] = ()
) -> pd.DataFrame:
    """Compare the drugs with every published number of pharmacokinetics.csv.

    Parameters
    ----------
    parameters : mapping of str to float, optional
        Natural values by name, such as ``alendronate_desorption_time``, in the units of the
        drug's table; the others keep their prior centre.
    drugs : collection of str, optional
        Only these; all when empty.

    Returns
    -------
    pandas.DataFrame
        One row per published number. `model`, `lower` and `upper` are in `unit`; `published` is
        text. `within` is True or False, and None where the model says nothing. `reason` says why
        a number is outside or not said.
    """
    rows = []
    for fact in facts():
        if drugs and fact.drug not in drugs:
            continue
        model = predict(fact, parameters or {})
        inside = not (model < fact.lower or model > fact.upper)  # an open end is NaN
        rows.append(
            {
                "drug": fact.drug,
                "fact": fact.name,
                "unit": fact.unit,
                "model": model,
                "published": fact.value,
                "lower": fact.lower,
                "upper": fact.upper,
                "spread": fact.spread,
                "within": inside if fact.quantity else None,
                "role": fact.role.value,
                "reason": fact.reason,
                "source": fact.source,
                "place": fact.place,
                "note": fact.note,
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype({"within": object})


def summarize(table: pd.DataFrame) -> pd.DataFrame:
    """Count, for every drug and for all, what `validate` found.

    Returns
    -------
    pandas.DataFrame
        Index `drug`, last row ``all``; columns `rows`, `said`, `within`, `outside`, `not_said`,
        and of those said `estimation`, `taken_over`, `checks`, `checks_within`.
    """
    check = table.role == Role.CHECK
    within = table.within == True  # noqa: E712
    counts = pd.DataFrame(
        {
            "rows": 1,
            "said": table.within.notna(),
            "within": within,
            "outside": table.within == False,  # noqa: E712
            "not_said": table.within.isna(),
            "estimation": table.role == Role.ESTIMATION,
            "taken_over": table.role == Role.TAKEN_OVER,
            "checks": check,
            "checks_within": check & within,
        }
    ).astype(int)
    found = counts.groupby(table.drug, sort=False).sum()
    return pd.concat([found, counts.sum().to_frame("all").T.rename_axis("drug")])


def predict(fact: Fact, parameters: Mapping[str, float]) -> float:
    """What the model says of a published number, in its unit; NaN where it says nothing."""
    if not fact.quantity:
        return math.nan
    if fact.quantity in QUANTITIES:
        course = _simulate(fact, parameters)
        return QUANTITIES[fact.quantity](course) * fact.factor
    return _formula(fact.quantity, _values(fact.drug, parameters)) * fact.factor


@cache
def facts() -> tuple[Fact, ...]:
    """All rows of pharmacokinetics.csv.

    Raises
    ------
    DataError
        With every row that names an unknown drug, quantity or window.
    """
    found, faults = [], []
    for number, row in enumerate(read_rows(files("bonecycle_data") / _FILE), start=2):
        try:
            found.append(_fact(row))
        except (KeyError, ValueError) as error:
            faults.append(Fault(_FILE, number, "-", str(error), "see the README of the data"))
    if faults:
        raise DataError(faults)
    return tuple(found)


def _fact(row: dict[str, str]) -> Fact:
    drug, quantity = row["drug"], row["quantity"]
    if quantity and quantity not in QUANTITIES:
        _formula(quantity, _values(drug, {}))
    if quantity in QUANTITIES and not row["window"]:
        raise ValueError(f"{quantity} needs a window")
    if quantity and not row["lower"]:
        raise ValueError(f"{quantity} needs a lower limit: only the upper end may be open")
    span, _, unit = row["window"].partition(" ")
    window = tuple(float(end) * _DAYS[unit] for end in span.split("-")) if span else ()
    return Fact(
        drug=drug,
        name=row["fact"],
        value=row["value"],
        lower=_number(row["lower"]),
        upper=_number(row["upper"]),
        spread=row["spread"],
        unit=row["unit"],
        quantity=quantity,
        regimen=row["regimen"],
        window=window,
        factor=_number(row["factor"]),
        role=Role(row["role"]),
        source=row["source"],
        place=row["place"],
        note=row["note"],
        reason=row["reason"],
    )


def _values(drug: str, changed: Mapping[str, float]) -> dict[str, float]:
    """Parameters of a drug, without its prefix, and those that all drugs share."""
    table = (*catalogue.parameters().values(), *catalogue.drugs()[drug].parameters)
    return {p.id.removeprefix(f"{drug}_"): changed.get(p.id, p.value) for p in table}


def _formula(text: str, values: Mapping[str, float]) -> float:
    """Value of ``A``, ``A + B`` or ``A / B``, where A may be 1."""
    top, _, bottom = text.partition(" / ")
    total = 1.0 if top == "1" else sum(values[name] for name in top.split(" + "))
    return total / (values[bottom] if bottom else 1.0)


def _simulate(fact: Fact, parameters: Mapping[str, float]) -> Course:
    first, last = fact.window
    times = np.unique([0.0, 1.0, *np.linspace(first, last, _POINTS)])
    times = times[times <= last]
    columns = simulate_columns(fact.drug, fact.regimen, times, parameters)
    return Course(times, fact.window, columns, _values(fact.drug, parameters))


def simulate_columns(
    drug: str, regimen: str, times: Floats, parameters: Mapping[str, float]
) -> dict[str, Floats]:
    """Plasma (mg/L), amounts (mg) and the rest of what `quantities` needs, over times in days.

    Raises
    ------
    SimulationError
        When the parameters allow no simulation.
    """
    engine = _engine(drug, regimen)
    values = _values(drug, parameters)
    row = [[values[name.removeprefix(f"{drug}_")] for name in engine.parameters]]
    batch = engine.simulate(np.array(row), times.tolist())
    if not batch.ok.all():
        raise SimulationError("cycle", regimen, dict(parameters), batch.messages[0])
    return dict(zip(_outputs(drug), batch.values[0].T, strict=True))


@cache
def _engine(drug: str, regimen: str) -> RoadRunnerEngine:
    # Single doses stay events. Averaged are only the ten years of 10 mg daily, which one by one
    # take half a minute and are read at their end.
    dosed = with_regimen(compose("cycle", (drug,)), parse_regimen(regimen), Dosing.AVERAGED)
    names = tuple(p.id for p in catalogue.drugs()[drug].parameters)
    outputs = tuple(_outputs(drug).values())
    return RoadRunnerEngine(dosed.sbml, names, outputs, arm=regimen)


def _outputs(drug: str) -> dict[str, str]:
    """SBML ids by short name."""
    if catalogue.drugs()[drug].module == "rankl_antibody":
        return {"plasma": f"{drug}_serum", "given": f"{drug}_given"}
    names = ("plasma", "surface", "osteoclasts", "buried", "urine", "given", "volume_turnover")
    return {name: f"{drug}_{name}" for name in names}


def _number(text: str) -> float:
    return float(text) if text else math.nan
