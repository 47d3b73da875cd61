"""Simulate one regimen from the untreated baseline."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import libsbml
import numpy as np
import xarray as xr

from bonecycle.biology import catalogue
from bonecycle.biology.amounts import DAYS_PER_MONTH, parse_duration
from bonecycle.biology.compose import Model, compose
from bonecycle.biology.dosing import AVERAGED_UP_TO_DAYS, Dosing, is_averaged, with_regimen
from bonecycle.biology.regimens import Regimen, check_drugs, parse_regimen
from bonecycle.biology.tables import Parameter, Scale
from bonecycle.biology.treatments import Treatment
from bonecycle.engines.interface import Floats
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.errors import SimulationError, UsageError, unknown

DEFAULT_DURATION = "3 years"
# Ten times below the engine's own: at 1e-8, events and explicit events differ by 3e-8 of a
# variable's largest value where doses are infused, at 1e-9 by less than 1e-8.
RELATIVE_TOLERANCE = 1e-9
# Times closer than a second, by rounding, are one time.
_SAME_DAYS = 1e-5
_DRUG_UNITS = ("mg", "mg_per_l")
# From a minute to ten days after a dose: the fast phases of the drugs.
_FOLLOWED_DAYS, _FOLLOWED = (1 / 1440, 10.0), 25


def simulate(
    regimen: str | Regimen = "untreated",
    *,
    duration: str | float | None = None,
    model: str = "cycle",
    parameters: Mapping[str, float] | None = None,
    mechanisms: Sequence[str] = (),
    points: int = 200,
    outputs: Sequence[str] | None = None,
    dosing: Dosing = Dosing.EVENTS,
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
        Name of the model: see `bonecycle list models`.
    parameters
        Natural values by name, in the units of the parameter table; the others keep their
        prior centre.
    mechanisms
        Mechanisms to turn on ("H1" to "H5"): their strengths take the value of the parameter
        table, unless `parameters` gives another.
    points
        Number of equally spaced times, both ends included. Added are the first dose of every
        treatment, all doses more than a month apart, and the minutes to days that follow them.
    outputs
        Observables and drug amounts to keep; None keeps all.
    dosing
        How doses reach the model; daily doses one by one take about 3 s a year.

    Returns
    -------
    xarray.Dataset
        One variable per observable and drug amount over `time` (days), with the coordinate
        `months`; each with the attributes units, long_name, description and kind. The dataset's
        own attributes say what was simulated, among them `dosing`.

    Raises
    ------
    UsageError
        For an unknown name or a value that cannot be.
    RegimenError
        For a regimen or duration that cannot be read.
    SimulationError
        When the parameters allow no simulation.
    """
    plan = _plan(regimen)
    dosed, chosen = _dosed(plan, model, parameters, mechanisms, dosing)
    times = _times(plan, duration, points)
    variables = _observable_attributes(model) | _drug_attributes(dosed)
    for name in outputs or ():
        if name not in variables:
            raise unknown("observable", name, variables)
    engine = _engine(dosed.sbml, tuple(chosen), tuple(variables), model, str(plan))
    batch = engine.simulate(np.array([list(chosen.values())]), times.tolist())
    if not batch.ok[0]:
        # The message carries the names already; its remedy stands behind the dash.
        raise SimulationError(model, str(plan), chosen, batch.messages[0].partition(" - ")[2])
    curves = dict(zip(variables, batch.values[0].T, strict=True))
    if "Q_S_BS" in curves and curves["Q_S_BS"][0] <= 0:
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
            "model": dosed.name,
            "model_hash": compose(model, plan.drugs).hash,
            "regimen": str(plan),
            "mechanisms": ", ".join(mechanisms) or "none",
            "parameters_changed": ", ".join(f"{n}={v:g}" for n, v in chosen.items()) or "none",
            "dosing": dosing.value,
            "averaged": ", ".join(_averaged(plan, dosing)) or "none",
        },
    )


def dosed_model(
    regimen: str | Regimen = "untreated",
    *,
    model: str = "cycle",
    parameters: Mapping[str, float] | None = None,
    mechanisms: Sequence[str] = (),
    dosing: Dosing = Dosing.EVENTS,
    drugs: Sequence[str] = (),
) -> str:
    """SBML of what `simulate` simulates with the same arguments: values set, doses as events.

    `drugs` are part of the model though the regimen does not give them.

    Raises
    ------
    UsageError, RegimenError
        As `simulate`.
    """
    plan = _plan(regimen)
    dosed, chosen = _dosed(plan, model, parameters, mechanisms, dosing, drugs)
    document = libsbml.readSBMLFromString(dosed.sbml)
    for name, value in chosen.items():
        document.getModel().getParameter(name).setValue(value)
    return str(libsbml.writeSBMLToString(document))


def averaging_difference(averaged: xr.Dataset, events: xr.Dataset) -> dict[str, float]:
    """Largest difference of every observable between two ways of dosing, at the same times.

    Parameters
    ----------
    averaged, events
        As `simulate` returns them, for one regimen, duration and number of points.

    Returns
    -------
    dict of str to float
        By observable, as a share of its largest absolute value with `events` (so that what
        falls to nothing is not divided by nothing); the largest first.
    """
    found = {}
    for name, variable in events.data_vars.items():
        largest = float(abs(variable).max())
        if variable.attrs["kind"] != "drug" and largest > 0:
            found[str(name)] = float(abs(averaged[name] - variable).max()) / largest
    return dict(sorted(found.items(), key=lambda item: -item[1]))


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


def _plan(regimen: str | Regimen) -> Regimen:
    """Regimen with drugs that are known."""
    if isinstance(regimen, str):
        return parse_regimen(regimen, catalogue.routes())
    if not isinstance(regimen, Regimen):
        raise UsageError(f"{regimen!r} is no regimen: give its text, 'untreated' or a Regimen.")
    check_drugs(regimen, catalogue.routes())
    return regimen


def _dosed(
    plan: Regimen,
    model: str,
    parameters: Mapping[str, float] | None,
    mechanisms: Sequence[str],
    dosing: Dosing,
    drugs: Sequence[str] = (),
) -> tuple[Model, dict[str, float]]:
    """Model with the events of a regimen, and the parameter values to set."""
    composed = compose(model, tuple(sorted({*plan.drugs, *drugs})))
    # Without a drug a model lacks the strengths that only a drug has.
    strengths = {n: v for n, v in _strengths(mechanisms).items() if n in composed.parameters}
    chosen = strengths | _checked(composed, parameters or {})
    return with_regimen(composed, plan, dosing), chosen


@lru_cache(maxsize=16)
def _engine(
    sbml: str, parameters: tuple[str, ...], outputs: tuple[str, ...], model: str, arm: str
) -> RoadRunnerEngine:
    """Load a model once for simulations that differ in values only; loading takes a second."""
    return RoadRunnerEngine(sbml, parameters, outputs, model, arm, RELATIVE_TOLERANCE)


def _times(plan: Regimen, duration: str | float | None, points: int) -> Floats:
    if duration is None:
        # Treatment at time zero alone stops there.
        duration = max((t.end_days for t in plan.treatments), default=0.0) or DEFAULT_DURATION
    days = parse_duration(duration) if isinstance(duration, str) else float(duration)
    if not (math.isfinite(days) and days > 0):
        raise UsageError(f"The duration must be above zero, not {days:g} days.")
    if not isinstance(points, int | np.integer) or points < 2:
        raise UsageError(f"{points} points make no curve: ask for a whole number, 2 or more.")
    times = np.linspace(0.0, days, points)
    given = np.unique(np.concatenate([*map(_after_doses, plan.treatments), times[:1]]))
    given = given[given <= days]
    apart = np.abs(times[:, None] - given).min(axis=1) > _SAME_DAYS
    return np.union1d(times[apart], given)


def _after_doses(treatment: Treatment) -> Floats:
    """Times that resolve what a drug does within hours: of the first dose, and of rare doses."""
    rare = treatment.interval_days > AVERAGED_UP_TO_DAYS
    doses = treatment.dose_times() if rare else treatment.dose_times()[:1]
    ends = doses + treatment.infusion_days
    following = np.geomspace(*_FOLLOWED_DAYS, _FOLLOWED)
    following = following[following < treatment.interval_days]
    return np.concatenate([doses, ends, (ends[:, None] + following).ravel()])


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


def _observable_attributes(model: str) -> dict[str, dict[str, str]]:
    return {
        o.id: {"units": o.unit, "long_name": o.symbol, "description": o.meaning, "kind": o.kind}
        for o in catalogue.observables_of(model).values()
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


def _averaged(plan: Regimen, dosing: Dosing) -> tuple[str, ...]:
    return tuple(dict.fromkeys(t.drug for t in plan.treatments if is_averaged(t, dosing)))
