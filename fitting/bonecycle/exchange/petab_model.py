"""One SBML model for all arms of a problem, as PEtab asks for it: conditions choose the arm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import libsbml
from scipy.special import logit

from bonecycle.biology.compose import Model
from bonecycle.biology.dosing import Dosing, with_regimen
from bonecycle.biology.regimens import Regimen
from bonecycle.biology.sbml import check
from bonecycle.errors import ModelError
from bonecycle.exchange.portable import portable

UNTREATED = "_untreated"
"""After an observable's id: its value at time zero."""
LOGIT = "_logit"
"""After a parameter's id: its logit, which stands for it."""
_NUMBER = "dimensionless"


def arm_switch(place: int) -> str:
    """Id of the parameter that turns a regimen on (1) or off (0), from its place."""
    return f"regimen_{place + 1}"


def petab_model(
    model: Model,
    regimens: Sequence[Regimen],
    dosing: Dosing,
    logits: Iterable[str],
    values: dict[str, float],
    ratios: Iterable[str],
) -> str:
    """Compose the model of a PEtab problem.

    Parameters
    ----------
    model : Model
        With the drugs of all regimens.
    regimens : sequence of Regimen
        The events of each fire only where its `arm_switch` is on; all are off in the model.
    dosing : Dosing
    logits : iterable of str
        Shares that are replaced by their logit: PEtab has no such scale.
    values : dict of str to float
        Values of constants, where they are not the model's own.
    ratios : iterable of str
        Observables whose value at time zero becomes a variable of its own.

    Returns
    -------
    str
        SBML L3V2, in the form of `portable`.

    Raises
    ------
    ModelError
        When libsbml's full check reports anything.
    """
    document = libsbml.readSBMLFromString(model.sbml)
    target = document.getModel()
    for name, value in values.items():
        target.getParameter(name).setValue(value)
    for name in logits:
        _add_logit(target, name)
    for place, regimen in enumerate(regimens):
        _parameter(target, arm_switch(place), f"Regimen on: {regimen}", 0.0)
        dosed = libsbml.readSBMLFromString(with_regimen(model, regimen, dosing).sbml)
        _copy_events(target, dosed.getModel(), arm_switch(place))
    document = libsbml.readSBMLFromString(portable(str(libsbml.writeSBMLToString(document))))
    for name in ratios:
        _add_baseline(document.getModel(), name)
    text = str(libsbml.writeSBMLToString(document))
    if faults := check(text):
        raise ModelError(f"{model.name} for PEtab", "\n".join(faults))
    return text


def _parameter(model: libsbml.Model, name: str, title: str, value: float) -> libsbml.Parameter:
    parameter = model.createParameter()
    parameter.setId(name)
    parameter.setName(title)
    parameter.setValue(value)
    parameter.setUnits(_NUMBER)
    parameter.setConstant(True)
    return parameter


def _rule(model: libsbml.Model, name: str, math: libsbml.ASTNode) -> None:
    parameter = model.getParameter(name)
    parameter.setConstant(False)
    parameter.unsetValue()
    rule = model.createAssignmentRule()
    rule.setVariable(name)
    rule.setMath(math)


def _add_logit(model: libsbml.Model, name: str) -> None:
    share = model.getParameter(name)
    title = f"Logit of: {share.getName()}"
    _parameter(model, f"{name}{LOGIT}", title, float(logit(share.getValue())))
    one = f"1 {_NUMBER}"
    _rule(model, name, libsbml.parseL3Formula(f"{one} / ({one} + exp(-{name}{LOGIT}))"))


def _add_baseline(model: libsbml.Model, name: str) -> None:
    observable = model.getParameter(name)
    title = f"{observable.getName()} at time zero"
    parameter = _parameter(model, f"{name}{UNTREATED}", title, 0.0)
    parameter.setUnits(observable.getUnits())
    parameter.setConstant(False)
    rule = model.createRateRule()
    rule.setVariable(f"{name}{UNTREATED}")
    rule.setMath(libsbml.parseL3Formula(f"0 per_d * {name}{UNTREATED}"))
    assignment = model.createInitialAssignment()
    assignment.setSymbol(f"{name}{UNTREATED}")
    assignment.setMath(libsbml.parseL3Formula(name))


def _copy_events(target: libsbml.Model, dosed: libsbml.Model, switch: str) -> None:
    """Add the events of a dosed model, renamed, each on condition of the switch."""
    own = [p.getId() for p in dosed.getListOfParameters() if target.getParameter(p.getId()) is None]
    for name in own:
        count = dosed.getParameter(name).clone()
        count.setId(f"{switch}_{name}")
        target.addParameter(count)
    for event in dosed.getListOfEvents():
        copy = event.clone()
        copy.setId(f"{switch}_{event.getId()}")
        for part in (copy.getTrigger(), *copy.getListOfEventAssignments()):
            for name in own:
                part.renameSIdRefs(name, f"{switch}_{name}")
        gate = libsbml.parseL3Formula(f"{switch} >= 0.5 {_NUMBER} && true")
        gate.replaceChild(1, copy.getTrigger().getMath().deepCopy())
        copy.getTrigger().setMath(gate)
        for assignment in copy.getListOfEventAssignments():
            target.getParameter(assignment.getVariable()).setConstant(False)
        target.addEvent(copy)
