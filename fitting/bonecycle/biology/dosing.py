"""Turn a regimen into SBML events that the model carries wherever it goes."""

from __future__ import annotations

from dataclasses import replace

import libsbml

from bonecycle.biology.compose import Model
from bonecycle.biology.regimens import Regimen, Treatment
from bonecycle.biology.sbml import check
from bonecycle.errors import ModelError, UsageError

# Doses at most this far apart (a month) are given as their exact time average: drug leaves bone
# surface, which drives the effect of a bisphosphonate, over months.
AVERAGED_UP_TO_DAYS = 31.0


def is_averaged(treatment: Treatment) -> bool:
    """Whether doses are given as a constant rate (dose / interval) and not one by one."""
    return treatment.interval_days <= AVERAGED_UP_TO_DAYS


def with_regimen(model: Model, regimen: Regimen) -> Model:
    """Return the model with one event for every dose, or for start and stop of averaged doses.

    Time zero of the model is time zero of the regimen. Triggers are ``time >= t`` and may fire
    at zero.

    Raises
    ------
    UsageError
        For a drug that the model was not composed with, or a route that it does not have.
    ModelError
        When libsbml's full check of the result reports anything.
    """
    if not regimen.treatments:
        return model
    document = libsbml.readSBMLFromString(model.sbml)
    target = document.getModel()
    for number, treatment in enumerate(regimen.treatments, start=1):
        route = treatment.route.value
        if treatment.drug not in model.drugs:
            raise UsageError(
                f"The model {model.name!r} was composed without {treatment.drug!r}: "
                f"compose it with drugs={(*model.drugs, treatment.drug)}."
            )
        if (treatment.drug, route) not in model.dosing_ports:
            routes = [r for drug, r in model.dosing_ports if drug == treatment.drug]
            raise UsageError(
                f"{treatment.drug!r} has no route {route!r}: use {', '.join(sorted(routes))}."
            )
        _add_treatment(target, model, treatment, number)
    text = str(libsbml.writeSBMLToString(document))
    if faults := check(text):
        raise ModelError(f"{model.name}.xml with {regimen}", "\n".join(faults))
    return replace(model, sbml=text)


def _add_treatment(target: libsbml.Model, model: Model, treatment: Treatment, number: int) -> None:
    amount, rate = model.dosing_ports[treatment.drug, treatment.route.value]
    given = f"{treatment.drug}_given"
    if is_averaged(treatment):
        daily = treatment.dose_mg / treatment.interval_days
        start = {rate: f"{daily!r} mg_per_d"}
        _add_event(target, f"treatment_{number}_start", treatment.start_days, start)
        stop = {rate: "0 mg_per_d"}
        # First of all that happens then: another treatment may start at that moment.
        _add_event(target, f"treatment_{number}_stop", treatment.stop_days, stop, priority=1)
        return
    dose = f"{treatment.dose_mg!r} mg"
    gifts = {amount: f"{amount} + {dose}", given: f"{given} + {dose}"}
    for index, time in enumerate(treatment.dose_times(), start=1):
        _add_event(target, f"treatment_{number}_dose_{index}", float(time), gifts)


def _add_event(
    target: libsbml.Model, name: str, time: float, changes: dict[str, str], priority: int = 0
) -> None:
    event = target.createEvent()
    event.setId(name)
    event.setUseValuesFromTriggerTime(True)
    event.createPriority().setMath(libsbml.parseL3Formula(f"{priority} dimensionless"))
    trigger = event.createTrigger()
    # false: an event at time zero must fire at the start of the simulation.
    trigger.setInitialValue(False)
    trigger.setPersistent(True)
    trigger.setMath(libsbml.parseL3Formula(f"time >= {time!r} d"))
    for variable, formula in changes.items():
        target.getParameter(variable).setConstant(False)
        assignment = event.createEventAssignment()
        assignment.setVariable(variable)
        assignment.setMath(libsbml.parseL3Formula(formula))
