"""Simulate one regimen from the untreated baseline."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import libsbml
import numpy as np
import xarray as xr

from bonecycle.biology import catalogue
from bonecycle.biology.compose import Model, compose
from bonecycle.biology.dosing import is_averaged, with_regimen
from bonecycle.biology.regimens import (
    DAYS_PER_MONTH,
    Regimen,
    check_drugs,
    parse_duration,
    parse_regimen,
)
from bonecycle.biology.tables import Parameter, Scale
from bonecycle.engines.interface import Floats
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.errors import SimulationError, UsageError, unknown

DEFAULT_DURATION = "3 years"
# Times closer than a second, by rounding, are one time.
_SAME_DAYS = 1e-5
_DRUG_UNITS = ("mg", "mg_per_l")


def simulate(
    regimen: str | Regimen = "untreated",
    *,
    duration: str | float | None = None,
    model: str = "cycle",
    parameters: Mapping[str, float] | None = None,
    mechanisms: Sequence[str] = (),
    points: int = 200,
    outputs: Sequence[str] | None = None,
) -> xr.Dataset:
    """Simulate a regimen from the untreated baseline at time zero.

    Parameters
    ----------
    regimen
        ``untreated``, text such as ``alendronate 70 mg oral every 1 week for 24 months``, or a
        `Regimen`.
    duration
        Text such as ``3 years``, or days. None: until the last treatment stops; three years when
        untreated.
    model
        Name of the model.
    parameters
        Natural values by name, in the units of the parameter table; the others keep their
        prior centre.
    mechanisms
        Mechanisms to turn on ("H1" to "H5"): their strengths take the value of the parameter
        table, unless `parameters` gives another.
    points
        Number of equally spaced times, both ends included; the times of single doses are added,
        where amounts jump.
    outputs
        Observables and drug amounts to keep; None keeps all.

    Returns
    -------
    xarray.Dataset
        One variable per observable and drug amount over `time` (days), with the coordinate
        `months`; each with the attributes units, long_name, description and kind.

    Raises
    ------
    UsageError
        For an unknown name or a value that cannot be.
    RegimenError
        For a regimen or duration that cannot be read.
    SimulationError
        When the parameters allow no simulation.
    """
    plan = parse_regimen(regimen) if isinstance(regimen, str) else regimen
    check_drugs(plan, catalogue.drugs())
    times = _times(plan, duration, points)
    drugs = tuple(sorted({treatment.drug for treatment in plan.treatments}))
    composed = compose(model, drugs)
    chosen = _strengths(mechanisms) | _checked(composed, parameters or {})
    variables = _observable_attributes() | _drug_attributes(composed)
    for name in outputs or ():
        if name not in variables:
            raise unknown("observable", name, variables)
    engine = RoadRunnerEngine(
        with_regimen(composed, plan).sbml, tuple(chosen), tuple(variables), model, str(plan)
    )
    batch = engine.simulate(np.array([list(chosen.values())]), times.tolist())
    if not batch.ok[0]:
        # The message carries the names already; its remedy stands behind the dash.
        raise SimulationError(model, str(plan), chosen, batch.messages[0].partition(" - ")[2])
    curves = dict(zip(variables, batch.values[0].T, strict=True))
    if curves["Q_S_BS"][0] <= 0:
        remedy = "the phases need more than the whole bone surface: shorten them or lower births"
        raise SimulationError(model, str(plan), chosen, remedy)
    kept = list(variables) if outputs is None else list(outputs)
    return xr.Dataset(
        {name: ("time", curves[name], variables[name]) for name in kept},
        coords={
            "time": ("time", times, {"units": "d", "long_name": "Time"}),
            "months": ("time", times / DAYS_PER_MONTH, {"units": "months", "long_name": "Time"}),
        },
        attrs={
            "model": composed.name,
            "model_hash": composed.hash,
            "regimen": str(plan),
            "mechanisms": ", ".join(mechanisms) or "none",
            "parameters_changed": ", ".join(f"{n}={v:g}" for n, v in chosen.items()) or "none",
            "dosing": _dosing_note(plan),
        },
    )


def relative(run: xr.Dataset) -> xr.Dataset:
    """Return every observable as a ratio to its untreated value at time zero.

    Left out is what has no such ratio: drug amounts, and observables whose untreated value is
    not above zero (the bone balance).

    Parameters
    ----------
    run
        As `simulate` returns it.

    Returns
    -------
    xarray.Dataset
        Over the same times; dimensionless, units "1".
    """
    kept = [
        name
        for name, variable in run.data_vars.items()
        if variable.attrs["kind"] != "drug" and float(variable[0]) > 0
    ]
    ratios = run[kept] / run[kept].isel(time=0, drop=True)
    for name in kept:
        ratios[name].attrs = run[name].attrs | {"units": "1", "reference": "untreated"}
    return ratios.assign_attrs(run.attrs)


def _times(plan: Regimen, duration: str | float | None, points: int) -> Floats:
    if duration is None:
        duration = max((t.stop_days for t in plan.treatments), default=DEFAULT_DURATION)
    days = parse_duration(duration) if isinstance(duration, str) else float(duration)
    if not (math.isfinite(days) and days > 0):
        raise UsageError(f"The duration must be above zero, not {days:g} days.")
    if points < 2:
        raise UsageError(f"{points} points make no curve: ask for 2 or more.")
    times = np.linspace(0.0, days, points)
    doses = [t.dose_times() for t in plan.treatments if not is_averaged(t)]
    given = np.unique(np.concatenate([*doses, times[:1]]))
    given = given[given <= days]
    apart = np.abs(times[:, None] - given).min(axis=1) > _SAME_DAYS
    return np.union1d(times[apart], given)


def _strengths(mechanisms: Iterable[str]) -> dict[str, float]:
    known = catalogue.mechanisms()
    chosen: dict[str, float] = {}
    for name in mechanisms:
        if name not in known:
            raise unknown("mechanism", name, known)
        chosen |= {strength: catalogue.parameters()[strength].value for strength in known[name]}
    return chosen


def _checked(model: Model, parameters: Mapping[str, float]) -> dict[str, float]:
    for name, value in parameters.items():
        if name not in model.parameters:
            raise unknown("parameter", name, model.parameters)
        _check_value(model.parameters[name], value)
    return {name: float(value) for name, value in parameters.items()}


def _check_value(parameter: Parameter, value: float) -> None:
    unit = "" if parameter.unit == "1" else f" {parameter.unit}"
    if not math.isfinite(value) or value < 0:
        raise UsageError(
            f"{parameter.id} = {value:g}{unit} cannot be: give a finite number, zero or above "
            f"(default {parameter.value:g}{unit})."
        )
    if parameter.unit == "d" and value == 0:
        raise UsageError(
            f"{parameter.id} = 0 d cannot be: a period lasts longer than zero "
            f"(default {parameter.value:g} d)."
        )
    if parameter.scale is Scale.LOGIT and value > 1:
        raise UsageError(
            f"{parameter.id} = {value:g} cannot be: it is a share, between 0 and 1 "
            f"(default {parameter.value:g})."
        )


def _observable_attributes() -> dict[str, dict[str, str]]:
    return {
        o.id: {"units": o.unit, "long_name": o.symbol, "description": o.meaning, "kind": o.kind}
        for o in catalogue.observables().values()
    }


def _drug_attributes(model: Model) -> dict[str, dict[str, str]]:
    """Amounts and concentrations of the model's drugs, found by their units."""
    document = libsbml.readSBMLFromString(model.sbml)
    found = {}
    for parameter in document.getModel().getListOfParameters():
        name, unit = parameter.getId(), parameter.getUnits()
        drug = next((drug for drug in model.drugs if name.startswith(f"{drug}_")), None)
        if drug is None or parameter.getConstant() or unit not in _DRUG_UNITS:
            continue
        plain = parameter.getName() or f"{name.replace('_', ' ')} concentration"
        found[name] = {
            "units": catalogue.units()[unit].display,
            "long_name": plain[:1].upper() + plain[1:],
            "description": plain[:1].upper() + plain[1:],
            "kind": "drug",
            "drug": drug,
        }
    return found


def _dosing_note(plan: Regimen) -> str:
    if not plan.treatments:
        return "no drug"
    ways = {True: "as its average rate", False: "dose by dose"}
    return "; ".join(f"{t.drug} {ways[is_averaged(t)]}" for t in plan.treatments)
