"""Simulate a user's own model from its own initial state."""

from __future__ import annotations

import math
import multiprocessing
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from typing import Any

import libsbml
import numpy as np
import xarray as xr

from bonecycle.biology.amounts import parse_duration
from bonecycle.biology.foreign import ForeignModel, free_ids, no_such, with_readings
from bonecycle.engines.event_limit import with_event_limit
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.errors import BonecycleError, SimulationError, UsageError

_RELATIVE_TOLERANCE = 1e-9
# Before the id of the model in the names of what is read from it.
_READ = "read_"


def simulate_model(
    model: ForeignModel,
    duration: str | float,
    *,
    outputs: Sequence[str] = (),
    parameters: Mapping[str, float] | None = None,
    points: int = 400,
) -> xr.Dataset:
    """Simulate a user's model with libroadrunner, its own events included.

    Parameters
    ----------
    model : ForeignModel
    duration : str or float
        Text such as ``365days``, or a number in the model's own unit of time.
    outputs : sequence of str
        Ids to keep; none keeps all species and all parameters that move.
    parameters : mapping of str to float, optional
        Values of constant parameters by id; the others keep the model's own.
    points : int
        Number of equally spaced times, both ends included.

    Returns
    -------
    xarray.Dataset
        One variable an id over `time` (the model's unit), with the coordinate `days`; species are
        concentrations unless the model says amounts. Attributes units, long_name and kind
        (species or parameter).

    Raises
    ------
    UsageError
        For an id that the model does not have, or a duration that is not above zero.
    SimulationError
        When libroadrunner cannot simulate it.
    """
    end = parse_duration(duration) * model.per_day if isinstance(duration, str) else duration
    if not (math.isfinite(end) and end > 0):
        raise UsageError(f"The duration must be above zero, not {end:g} {model.time_unit}.")
    chosen = dict(parameters or {})
    known = _variables(model)
    faults = [
        no_such("constant parameter", n, free_ids(model)) for n in chosen.keys() - free_ids(model)
    ]
    faults += [no_such("output", name, known) for name in outputs if name not in known]
    if faults:
        raise UsageError("\n".join(sorted(faults)))
    names = list(outputs) or [name for name, attrs in known.items() if attrs["moves"]]
    read = with_readings(model, {f"{_READ}{name}": (name, 1.0) for name in names})
    engine = RoadRunnerEngine(
        with_event_limit(read.sbml),
        tuple(chosen),
        tuple(f"{_READ}{name}" for name in names),
        model.name,
        "own initial state",
        _RELATIVE_TOLERANCE,
    )
    times = np.linspace(0.0, end, points)
    batch = engine.simulate(np.array([list(chosen.values())]), times.tolist())
    if not batch.ok[0]:
        remedy = batch.messages[0].partition(" - ")[2]
        raise SimulationError(model.name, "own initial state", chosen, remedy)
    kept = ("units", "long_name", "kind")
    return xr.Dataset(
        {
            name: ("time", batch.values[0, :, i], {k: known[name][k] for k in kept})
            for i, name in enumerate(names)
        },
        coords={
            "time": ("time", times, {"units": model.time_unit, "long_name": "Time"}),
            "days": ("time", times / model.per_day, {"units": "d", "long_name": "Time"}),
        },
        attrs={
            "model": model.name,
            "model_hash": model.hash,
            "time_unit": model.time_unit,
            "parameters_changed": ", ".join(f"{n}={v:g}" for n, v in chosen.items()) or "none",
            "notices": "; ".join(model.notices) or "none",
        },
    )


def simulate_model_within(
    max_seconds: float,
    model: ForeignModel,
    duration: str | float,
    *,
    outputs: Sequence[str] = (),
    parameters: Mapping[str, float] | None = None,
    points: int = 400,
) -> xr.Dataset:
    """Run `simulate_model` in a process of its own, and end it after `max_seconds`.

    libroadrunner cannot be interrupted, and an event may fire without end.

    Raises
    ------
    UsageError, SimulationError
        As `simulate_model`; SimulationError too when the time is over or the process breaks down.
    """
    spawn = multiprocessing.get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    options = {"outputs": outputs, "parameters": parameters, "points": points}
    process = spawn.Process(target=_answer, args=(sender, model, duration, options), daemon=True)
    process.start()
    sender.close()
    try:
        remedy = (
            f"no result within {max_seconds:g} s: an event may fire without end, or the model is "
            "stiff; simulate a shorter time, or allow more seconds"
        )
        if receiver.poll(max_seconds):
            remedy = "libroadrunner broke down: check the formulas and start values of the model"
            answer = receiver.recv()
            if isinstance(answer, BonecycleError):
                raise answer
            assert isinstance(answer, xr.Dataset)
            return answer
    except EOFError:
        pass
    finally:
        process.kill()
        process.join()
        receiver.close()
    raise SimulationError(model.name, "own initial state", dict(parameters or {}), remedy)


def _answer(
    sender: Connection, model: ForeignModel, duration: str | float, options: dict[str, Any]
) -> None:
    try:
        sender.send(simulate_model(model, duration, **options))
    except BonecycleError as error:
        sender.send(error)


def _variables(model: ForeignModel) -> dict[str, dict[str, str]]:
    """All that can be read, with unit and name; `moves` is empty where it never changes."""
    parsed = libsbml.readSBMLFromString(model.sbml).getModel()
    moved = {rule.getVariable() for rule in parsed.getListOfRules()}
    moved |= {
        a.getVariable() for e in parsed.getListOfEvents() for a in e.getListOfEventAssignments()
    }
    found = {}
    for species in parsed.getListOfSpecies():
        still = species.getConstant() or species.getBoundaryCondition()
        amount = species.getHasOnlySubstanceUnits()
        found[species.getId()] = {
            "units": "amount" if amount else "concentration",
            "long_name": species.getName() or species.getId(),
            "kind": "species",
            "moves": "" if still and species.getId() not in moved else "yes",
        }
    for parameter in parsed.getListOfParameters():
        found[parameter.getId()] = {
            "units": parameter.getUnits() or "not given",
            "long_name": parameter.getName() or parameter.getId(),
            "kind": "parameter",
            "moves": "yes" if parameter.getId() in moved else "",
        }
    for element in (*parsed.getListOfReactions(), *parsed.getListOfCompartments()):
        found[element.getId()] = {
            "units": "not given",
            "long_name": element.getName() or element.getId(),
            "kind": "reaction or compartment",
            "moves": "",
        }
    return found
