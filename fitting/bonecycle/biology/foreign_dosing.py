"""How treatments act on a user's own model: doses into a variable, or a parameter while treated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import libsbml

from bonecycle.biology.dosing import dose_runs
from bonecycle.biology.foreign import ForeignModel, add_rule
from bonecycle.biology.regimens import Regimen
from bonecycle.biology.treatments import Every, Treatment


class Action(StrEnum):
    """What a treatment does.

    ADD adds effect x dose (mg) to a species or a variable with a rate, at every dose. RATE adds
    effect x dose / interval (mg/d) to a parameter while treated, SET gives a parameter the value
    of the effect while treated; treated is from the first dose of a regular schedule to its stop.
    """

    ADD = "add"
    RATE = "rate"
    SET = "set"


@dataclass(frozen=True)
class Way:
    """How a drug acts: on which id of the model, and how much."""

    drug: str
    target: str
    action: Action
    effect: float

    @property
    def effect_id(self) -> str:
        """Constant parameter with the size of the effect, which a fit may free."""
        return f"{self.drug}_effect"

    @property
    def untreated_id(self) -> str:
        """Constant parameter with the untreated value of a target that is a parameter."""
        return f"{self.target}_untreated"

    @property
    def switch_id(self) -> str:
        """What events change: mg/d while treated (RATE), or one (SET); else zero."""
        return f"{self.drug}_on"

    @property
    def new_ids(self) -> tuple[str, ...]:
        """Ids that `with_ways` adds to the model."""
        if self.action is Action.ADD:
            return (self.effect_id,)
        return self.effect_id, self.untreated_id, self.switch_id


def with_ways(model: ForeignModel, ways: Sequence[Way]) -> ForeignModel:
    """Return the model with effects and switches, all off; events are added by `with_doses`.

    The ids of the ways are taken as checked.
    """
    document = libsbml.readSBMLFromString(model.sbml)
    parsed = document.getModel()
    for way in ways:
        _constant(parsed, way.effect_id, way.effect)
        if way.action is Action.ADD:
            continue
        _constant(parsed, way.untreated_id, parsed.getParameter(way.target).getValue())
        switch = _constant(parsed, way.switch_id, 0.0)
        switch.setConstant(False)
        untreated, on, effect = way.untreated_id, way.switch_id, way.effect_id
        formula = f"{untreated} + {effect} * {on}"
        if way.action is Action.SET:
            formula = f"{untreated} * (1 - {on}) + {effect} * {on}"
        add_rule(parsed, way.target, formula)
    return replace(model, sbml=str(libsbml.writeSBMLToString(document)))


def treatment_faults(regimen: Regimen, ways: Mapping[str, Way]) -> Iterator[str]:
    """Say what in a regimen the ways cannot express."""
    for treatment in regimen.treatments:
        way = ways.get(treatment.drug)
        if way is None:
            known = ", ".join(sorted(ways)) or "no drug"
            yield f"the map has no row of kind dose for {treatment.drug!r} (it has {known})"
        elif treatment.infusion_days:
            yield f"{treatment.drug}: infusions are not supported here; leave out 'over ...'"
        elif way.action is not Action.ADD and not isinstance(treatment.schedule, Every):
            yield (
                f"{treatment.drug}: doses at dates have no end, so {way.action} does not know how "
                "long they act; write 'every ... for ...' or use add"
            )


def with_doses(model: ForeignModel, regimen: Regimen, ways: Mapping[str, Way]) -> ForeignModel:
    """Return the model of `with_ways` with the events of a regimen."""
    document = libsbml.readSBMLFromString(model.sbml)
    parsed = document.getModel()
    for number, treatment in enumerate(regimen.treatments, start=1):
        way, name = ways[treatment.drug], f"treatment_{number}"
        events = _doses if way.action is Action.ADD else _switches
        events(parsed, treatment, way, name, model.per_day)
    return replace(model, sbml=str(libsbml.writeSBMLToString(document)))


def _doses(model: libsbml.Model, treatment: Treatment, way: Way, name: str, per_day: float) -> None:
    """One event a run of equally spaced doses, which counts them; one a dose at given dates."""
    added = {way.target: f"{way.target} + {way.effect_id} * {float(treatment.dose_mg)!r}"}
    taken = treatment.taken()
    times = treatment.schedule.times() * per_day
    if not isinstance(treatment.schedule, Every):
        for number, time in enumerate(times[taken], start=1):
            _event(model, f"{name}_dose_{number}", f"time >= {float(time)!r}", added)
        return
    count = f"{name}_doses"
    _constant(model, count, 0.0).setConstant(False)
    start, interval = float(times[0]), float(treatment.interval_days * per_day)
    for number, run in enumerate(dose_runs(taken), start=1):
        slot = f"({count} + {run.planned - run.taken})"
        due = (
            f"time >= {start!r} + {interval!r} * {slot} && {count} >= {run.taken}"
            f" && {count} < {run.taken + run.length}"
        )
        _event(model, f"{name}_run_{number}", due, added | {count: f"{count} + 1"})


def _switches(
    model: libsbml.Model, treatment: Treatment, way: Way, name: str, per_day: float
) -> None:
    interval = treatment.interval_days
    level = float(treatment.dose_mg / interval) if way.action is Action.RATE else 1.0
    times = treatment.schedule.times()
    for number, run in enumerate(dose_runs(treatment.taken()), start=1):
        first = float(times[run.planned] * per_day)
        last = times[run.planned + run.length - 1] + interval
        end = float(min(last, treatment.stop_days) * per_day)
        on, off = {way.switch_id: repr(level)}, {way.switch_id: "0"}
        _event(model, f"{name}_on_{number}", f"time >= {first!r}", on)
        # First of all that happens then: another treatment may start at that moment.
        _event(model, f"{name}_off_{number}", f"time >= {end!r}", off, priority=1)


def _constant(model: libsbml.Model, name: str, value: float) -> libsbml.Parameter:
    parameter = model.createParameter()
    parameter.setId(name)
    parameter.setValue(value)
    parameter.setConstant(True)
    return parameter


def _event(
    model: libsbml.Model, name: str, due: str, changes: dict[str, str], priority: int = 0
) -> None:
    event = model.createEvent()
    event.setId(name)
    event.setUseValuesFromTriggerTime(True)
    event.createPriority().setMath(libsbml.parseL3Formula(str(priority)))
    trigger = event.createTrigger()
    # false: an event at time zero must fire at the start of the simulation.
    trigger.setInitialValue(False)
    trigger.setPersistent(True)
    trigger.setMath(libsbml.parseL3Formula(due))
    for variable, formula in changes.items():
        assignment = event.createEventAssignment()
        assignment.setVariable(variable)
        assignment.setMath(libsbml.parseL3Formula(formula))
