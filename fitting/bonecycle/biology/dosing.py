"""Turn a regimen into SBML events that the model carries wherever it goes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import libsbml
import numpy as np
from numpy.typing import NDArray

from bonecycle.biology.compose import Model
from bonecycle.biology.regimens import Regimen
from bonecycle.biology.sbml import check
from bonecycle.biology.treatments import Every, Treatment
from bonecycle.cache import kept, program
from bonecycle.errors import ModelError, UsageError
from bonecycle.manifest import content_hash

# Doses at most this far apart (a month) may be given as their exact time average: drug leaves bone
# surface, which drives the effect of a bisphosphonate, over months.
AVERAGED_UP_TO_DAYS = 31.0
_ROUNDING = 1e-9
_NUMBER = "dimensionless"


class Dosing(StrEnum):
    """How doses reach the model.

    EVENTS is exact but for the solver: one event for every run of equally spaced doses, which
    reschedules itself. The solver finds when an infusion starts and stops to some 2e-14 of the
    time, so 15 minutes at five years give the dose to within 4e-9 of it (measured: 2e-9).
    EXPLICIT is the same with one event a dose, for programs that cannot reschedule; it loads
    slowly beyond some hundred doses. AVERAGED is an approximation: regular doses at most a month
    apart flow at the constant rate dose / interval until the stop, others are events. So a year of
    weekly doses gives 52.18 of them (365.25 / 7) and not the 53 of the events, at days 0 to 364.
    """

    EVENTS = "events"
    EXPLICIT = "explicit"
    AVERAGED = "averaged"


@dataclass(frozen=True)
class Run:
    """Doses taken one after another: the first counts `taken` before it and `planned` slots."""

    taken: int
    planned: int
    length: int


def is_averaged(treatment: Treatment, dosing: Dosing) -> bool:
    """Whether doses are given as a constant rate (dose / interval) and not one by one."""
    return (
        dosing is Dosing.AVERAGED
        and isinstance(treatment.schedule, Every)
        and treatment.interval_days <= AVERAGED_UP_TO_DAYS
    )


def with_regimen(model: Model, regimen: Regimen, dosing: Dosing) -> Model:
    """Return the model with the events of a regimen.

    Time zero of the model is time zero of the regimen. Triggers hold from their time on and may
    fire at zero; besides time they name only the number of doses given so far, which starts at
    zero and which events alone change: time is never added up, so no rounding adds up either.
    What changes is a bolus (amount + dose), or the rate of an infusion (dose / length, then zero).

    Raises
    ------
    UsageError
        For a drug that the model was not composed with, or a route that it does not have.
    ModelError
        When libsbml's full check of the result reports anything.
    """
    if not regimen.treatments:
        return model
    for treatment in regimen.treatments:
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
    key = content_hash(
        program(__file__),
        f"{libsbml.__version__} {np.__version__}",
        model.sbml,
        repr((model.dosing_ports, regimen, dosing)),
    )
    text = kept("regimens", key, lambda: _dosed(model, regimen, dosing).encode()).decode()
    return replace(model, sbml=text)


def _dosed(model: Model, regimen: Regimen, dosing: Dosing) -> str:
    document = libsbml.readSBMLFromString(model.sbml)
    target = document.getModel()
    for number, treatment in enumerate(regimen.treatments, start=1):
        _Writer(target, model, treatment, f"treatment_{number}").write(dosing)
    text = str(libsbml.writeSBMLToString(document))
    if faults := check(text):
        raise ModelError(f"{model.name}.xml with {regimen}", "\n".join(faults))
    return text


class _Writer:
    """The events of one treatment."""

    def __init__(
        self, target: libsbml.Model, model: Model, treatment: Treatment, name: str
    ) -> None:
        self._target, self._treatment, self._name = target, treatment, name
        self._amount, self._rate = model.dosing_ports[treatment.drug, treatment.route.value]

    def write(self, dosing: Dosing) -> None:
        treatment = self._treatment
        if not len(treatment.taken()):
            return
        interval = treatment.interval_days
        if is_averaged(treatment, dosing):
            self._add_rates(interval, treatment.stop_days)
        elif treatment.infusion_days >= interval * (1 - _ROUNDING):
            # One infusion passes into the next: no moment between them to stop and start at.
            self._add_rates(treatment.infusion_days, np.inf)
        elif not treatment.infusion_days:
            dose, given = f"{float(treatment.dose_mg)!r} mg", f"{treatment.drug}_given"
            gift = {self._amount: f"{self._amount} + {dose}", given: f"{given} + {dose}"}
            self._add_train("dose", dosing, gift, 0.0)
        else:
            rate = treatment.dose_mg / treatment.infusion_days
            self._add_train("start", dosing, {self._rate: f"{float(rate)!r} mg_per_d"}, 0.0)
            stop = {self._rate: "0 mg_per_d"}
            self._add_train("stop", dosing, stop, treatment.infusion_days, priority=1)

    def _add_rates(self, length: float, stop: float) -> None:
        """A constant rate that gives every dose taken over `length` days, up to `stop`."""
        times = self._treatment.schedule.times()
        rate = {self._rate: f"{float(self._treatment.dose_mg / length)!r} mg_per_d"}
        for number, run in enumerate(dose_runs(self._treatment.taken()), start=1):
            first, last = times[run.planned], times[run.planned + run.length - 1]
            self._add_event(f"start_{number}", _at(first), rate)
            # First of all that happens then: another treatment may start at that moment.
            end = min(last + length, stop)
            self._add_event(f"stop_{number}", _at(end), {self._rate: "0 mg_per_d"}, priority=1)

    def _add_train(
        self, kind: str, dosing: Dosing, changes: dict[str, str], delay: float, priority: int = 0
    ) -> None:
        """An event at every dose taken, or `delay` days after it."""
        treatment = self._treatment
        times = treatment.schedule.times() + delay
        runs = list(dose_runs(treatment.taken()))
        regular = dosing is not Dosing.EXPLICIT and isinstance(treatment.schedule, Every)
        if not (regular and any(run.length > 1 for run in runs)):
            for number, time in enumerate(times[treatment.taken()], start=1):
                self._add_event(f"{kind}_{number}", _at(time), changes, priority)
            return
        count = f"{self._name}_{kind}s"
        self._add_count(count)
        changes = changes | {count: f"{count} + 1 {_NUMBER}"}
        start, interval = float(treatment.start_days), float(treatment.interval_days)
        for number, run in enumerate(runs, start=1):
            slot = count
            if missed := run.planned - run.taken:
                slot = f"({count} + {missed} {_NUMBER})"
            due = f"time >= {start!r} d + {interval!r} d * {slot}"
            if delay:
                due += f" + {float(delay)!r} d"
            if run.taken:
                due += f" && {count} >= {run.taken} {_NUMBER}"
            due += f" && {count} < {run.taken + run.length} {_NUMBER}"
            self._add_event(f"{kind}_run_{number}", due, changes, priority)

    def _add_count(self, name: str) -> None:
        parameter = self._target.createParameter()
        parameter.setId(name)
        parameter.setName(name.replace("_", " "))
        parameter.setConstant(False)
        parameter.setValue(0)
        parameter.setUnits(_NUMBER)

    def _add_event(self, name: str, due: str, changes: dict[str, str], priority: int = 0) -> None:
        event = self._target.createEvent()
        event.setId(f"{self._name}_{name}")
        event.setUseValuesFromTriggerTime(True)
        event.createPriority().setMath(libsbml.parseL3Formula(f"{priority} {_NUMBER}"))
        trigger = event.createTrigger()
        # false: an event at time zero must fire at the start of the simulation.
        trigger.setInitialValue(False)
        trigger.setPersistent(True)
        trigger.setMath(libsbml.parseL3Formula(due))
        for variable, formula in changes.items():
            self._target.getParameter(variable).setConstant(False)
            assignment = event.createEventAssignment()
            assignment.setVariable(variable)
            assignment.setMath(libsbml.parseL3Formula(formula))


def _at(time: float) -> str:
    return f"time >= {float(time)!r} d"


def dose_runs(taken: NDArray[np.intp]) -> Iterator[Run]:
    """Split the places of the doses taken where one was missed."""
    before = 0
    for run in np.split(taken, np.flatnonzero(np.diff(taken) != 1) + 1):
        yield Run(before, int(run[0]), len(run))
        before += len(run)
