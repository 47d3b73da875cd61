"""A model that gives the same numbers in any simulator, whatever parameter is changed.

A composed model says once, by initial assignment, what follows from its parameters. Simulators
read that differently. libroadrunner (2.10) works out constants when it loads a model and not when
a parameter is changed later, keeps after `reset` what events have changed unless it has a rate,
and writes out every formula in full wherever it is used. Here, therefore:

- a constant that follows from others becomes a rule, so that it follows them in every simulator;
- where it is long and used while time runs, it is worked out at the start and held: a rate of zero;
- what events change is held too, so that a second run gives its doses again.

COPASI (4.48) looks for the moment at which two sides of a comparison become equal. A count that has
reached a whole number stays equal to it, and doses are missed or the run never ends. So counts are
compared with numbers half a step below.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import libsbml

from bonecycle.biology.sbml import check
from bonecycle.engines.initial_values import names_in
from bonecycle.errors import ModelError

# Operations in a formula, those of the constants in it written out, from which on it is held.
_LONG = 100


def portable(sbml: str) -> str:
    """Return the same model for other simulators, L3V2.

    Parameters
    ----------
    sbml : str
        A composed model, with or without doses.

    Raises
    ------
    ModelError
        When libsbml's full check of the result reports anything.
    """
    document = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    formulas = {
        assignment.getSymbol(): assignment.getMath().deepCopy()
        for assignment in model.getListOfInitialAssignments()
        if (element := model.getParameter(assignment.getSymbol())) is not None
        and element.getConstant()
    }
    used = {name for math in _running(model) for name in names_in(math)}
    sizes: dict[str, int] = {}
    for name, math in formulas.items():
        model.getParameter(name).setConstant(False)
        if name in used and _size(math, formulas, sizes) > _LONG:
            _hold(model, name)
        else:
            rule = model.createAssignmentRule()
            rule.setVariable(name)
            rule.setMath(math)
            model.removeInitialAssignment(name)
    counted = changed_by_events(model)
    for name in counted:
        if model.getRateRule(name) is None:
            _hold(model, name)
    for event in model.getListOfEvents():
        trigger = event.getTrigger().getMath().deepCopy()
        _compare_between(trigger, counted)
        event.getTrigger().setMath(trigger)
    text = str(libsbml.writeSBMLToString(document))
    if faults := check(text):
        raise ModelError(f"{model.getId()}.xml", "\n".join(faults))
    return text


def changed_by_events(model: libsbml.Model) -> list[str]:
    """Names of what events change, sorted."""
    return sorted(
        {
            assignment.getVariable()
            for event in model.getListOfEvents()
            for assignment in event.getListOfEventAssignments()
        }
    )


def _running(model: libsbml.Model) -> Iterator[libsbml.ASTNode]:
    """Formulas of what changes in time."""
    for rule in model.getListOfRules():
        yield rule.getMath()
    for reaction in model.getListOfReactions():
        yield reaction.getKineticLaw().getMath()


def _size(
    math: libsbml.ASTNode, formulas: dict[str, libsbml.ASTNode], known: dict[str, int]
) -> int:
    if math.isName():
        name = math.getName()
        if name in formulas and name not in known:
            known[name] = _size(formulas[name], formulas, known)
        return known.get(name, 0)
    return 1 + sum(_size(math.getChild(i), formulas, known) for i in range(math.getNumChildren()))


def _compare_between(node: libsbml.ASTNode, counted: Collection[str]) -> None:
    """Compare counts (`count >= 3`, `count < 5`) with the middle between two whole numbers."""
    if node.isRelational() and node.getChild(0).getName() in counted:
        unit = node.getChild(1).getUnits()
        node.getChild(1).setValue(node.getChild(1).getValue() - 0.5)
        node.getChild(1).setUnits(unit)
    for i in range(node.getNumChildren()):
        _compare_between(node.getChild(i), counted)


def _hold(model: libsbml.Model, name: str) -> None:
    """Give a parameter the rate zero, in its unit per day."""
    rule = model.createRateRule()
    rule.setVariable(name)
    rule.setMath(libsbml.parseL3Formula(f"0 per_d * {name}"))
