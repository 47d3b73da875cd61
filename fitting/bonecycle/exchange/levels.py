"""SBML levels: the same model in L3V2, L3V1 and L2V4, or a clear word on why not.

What Level 2 cannot say is said another way. Numbers in formulas have no unit there: they become
constants. Events do not fire at time zero there: what they do at zero becomes the initial value.
Events have no priority there: it is left out where no order is asked for, and else the export
stops.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import permutations

import libsbml
import numpy as np
from numpy.typing import NDArray

from bonecycle.biology.amounts import duration_text
from bonecycle.biology.dosing import Dosing, is_averaged
from bonecycle.biology.regimens import Regimen
from bonecycle.biology.sbml import check
from bonecycle.biology.treatments import Treatment
from bonecycle.engines.interface import Floats
from bonecycle.errors import ModelError, UsageError, unknown

# Dose times closer than this share of their size are one time.
_ROUNDING = 1e-9


class Level(StrEnum):
    """SBML level and version."""

    L3V2 = "L3V2"
    L3V1 = "L3V1"
    L2V4 = "L2V4"

    @property
    def numbers(self) -> tuple[int, int]:
        """Level and version."""
        return int(self.value[1]), int(self.value[3])


def parse_level(text: str) -> Level:
    """Return a level by its name.

    Raises
    ------
    UsageError
        For another name.
    """
    if text.upper() not in list(Level):
        raise unknown("SBML level", text, list(Level))
    return Level(text.upper())


def at_level(sbml: str, level: Level, regimen: Regimen, dosing: Dosing = Dosing.EVENTS) -> str:
    """Write an L3V2 model in another level.

    Parameters
    ----------
    sbml : str
        As `portable.portable` gives it.
    level : Level
    regimen : Regimen
        The doses in the model.
    dosing : Dosing
        How they are in it.

    Raises
    ------
    UsageError
        When the level cannot say what the model says.
    ModelError
        When libsbml cannot convert the model strictly, or reports anything on the result.
    """
    document = libsbml.readSBMLFromString(sbml)
    if level is Level.L2V4:
        _prepare_level_2(document.getModel(), regimen, dosing)
    if level is not Level.L3V2 and not document.setLevelAndVersion(*level.numbers, True):
        errors = [document.getError(i) for i in range(document.getNumErrors())]
        raise ModelError(f"{level} of {regimen}", "\n".join(e.getMessage() for e in errors))
    text = str(libsbml.writeSBMLToString(document))
    if faults := check(text):
        raise ModelError(f"{level} of {regimen}", "libsbml reports\n" + "\n".join(faults))
    return text


def _prepare_level_2(model: libsbml.Model, regimen: Regimen, dosing: Dosing) -> None:
    if clashes := list(_clashes(regimen, dosing)):
        raise UsageError(
            "SBML L2V4 has no event priorities, so it cannot say that one treatment stops before "
            f"the next starts: {'; '.join(clashes)}. Use L3V1 or L3V2, or leave a gap between."
        )
    _fire_at_zero(model)
    for event in model.getListOfEvents():
        event.unsetPriority()
        event.getTrigger().setInitialValue(True)
    numbers: dict[tuple[float, str], str] = {}
    for expression in _expressions(model):
        _name_numbers(expression, numbers)
    for (value, unit), name in numbers.items():
        constant = model.createParameter()
        constant.setId(name)
        constant.setName(f"{value:g} {unit}")
        constant.setConstant(True)
        constant.setValue(value)
        constant.setUnits(unit)
    # In Level 2 extent is substance; libsbml 5.21 does not see that both are dimensionless.
    model.unsetExtentUnits()


def _clashes(regimen: Regimen, dosing: Dosing) -> Iterator[str]:
    """Moments at which one treatment sets a rate to zero and another sets it."""
    for first, second in permutations(regimen.treatments, 2):
        if (first.drug, first.route) == (second.drug, second.route):
            starts = _rate_changes(second, dosing)[0]
            for stop in _rate_changes(first, dosing)[1]:
                if _near(starts, stop).any():
                    yield f"{first.drug} at {duration_text(float(stop))}"


def _rate_changes(treatment: Treatment, dosing: Dosing) -> tuple[Floats, Floats]:
    """When a rate is set, and when to zero; one dose that passes into the next is no change."""
    length = treatment.infusion_days
    end = np.inf
    if is_averaged(treatment, dosing):
        length, end = treatment.interval_days, treatment.stop_days
    starts = treatment.dose_times()
    if not length:
        return starts[:0], starts[:0]
    stops = np.minimum(starts + length, end)
    return starts, stops[[not _near(starts, stop).any() for stop in stops]]


def _near(times: Floats, time: float) -> NDArray[np.bool_]:
    return np.asarray(np.abs(times - time) <= _ROUNDING * max(time, 1.0))


def _fire_at_zero(model: libsbml.Model) -> None:
    """Put what events do at time zero into the initial values."""
    values = {p.getId(): p.getValue() for p in model.getListOfParameters() if p.isSetValue()}
    waiting = list(model.getListOfEvents())
    while due := [e for e in waiting if _at_zero(e, e.getTrigger(), values)]:
        for event in due:
            changes = {
                assignment.getVariable(): _at_zero(event, assignment, values)
                for assignment in event.getListOfEventAssignments()
            }
            values |= changes
            for name, value in changes.items():
                _set_initial(model, name, value)
            if _at_zero(event, event.getTrigger(), values):
                waiting.remove(event)  # it stays true, so it does not fire again


def _at_zero(event: libsbml.Event, part: libsbml.SBase, values: dict[str, float]) -> float:
    try:
        return _value(part.getMath(), values)
    except KeyError as error:
        formula = libsbml.formulaToL3String(part.getMath())
        raise UsageError(
            f"bonecycle cannot say at Level 2 what {event.getId()!r} does at time zero: {formula} "
            "is more than parameters with a value, +, *, and, >=, <. Use L3V1 or L3V2."
        ) from error


def _set_initial(model: libsbml.Model, name: str, value: float) -> None:
    parameter = model.getParameter(name)
    number = libsbml.ASTNode(libsbml.AST_REAL)
    number.setValue(value)
    number.setUnits(parameter.getUnits())
    model.removeInitialAssignment(name)
    assignment = model.createInitialAssignment()
    assignment.setSymbol(name)
    assignment.setMath(number)
    parameter.unsetValue()


_OPERATIONS: dict[int, Callable[[list[float]], float]] = {
    libsbml.AST_PLUS: sum,
    libsbml.AST_TIMES: math.prod,
    libsbml.AST_LOGICAL_AND: all,
    libsbml.AST_RELATIONAL_GEQ: lambda pair: pair[0] >= pair[1],
    libsbml.AST_RELATIONAL_LT: lambda pair: pair[0] < pair[1],
}


def _value(node: libsbml.ASTNode, values: dict[str, float]) -> float:
    """Value at time zero of a formula as `biology.dosing` writes them."""
    if node.isNumber():
        return float(node.getValue())
    if node.getType() == libsbml.AST_NAME_TIME:
        return 0.0
    if node.isName():
        return values[node.getName()]
    parts = [_value(node.getChild(i), values) for i in range(node.getNumChildren())]
    return float(_OPERATIONS[node.getType()](parts))


def _expressions(model: libsbml.Model) -> Iterator[libsbml.ASTNode]:
    owners = [*model.getListOfRules(), *model.getListOfInitialAssignments()]
    owners += [reaction.getKineticLaw() for reaction in model.getListOfReactions()]
    for event in model.getListOfEvents():
        owners += [event.getTrigger(), *event.getListOfEventAssignments()]
    for owner in owners:
        # A copy: a number that is all of a formula is replaced with its formula.
        expression = owner.getMath().deepCopy()
        yield expression
        owner.setMath(expression)


def _name_numbers(node: libsbml.ASTNode, numbers: dict[tuple[float, str], str]) -> None:
    """Replace numbers by constants that carry their unit."""
    if node.isNumber():
        key = (float(node.getValue()), node.getUnits() or "dimensionless")
        name = numbers.setdefault(key, f"number_{len(numbers) + 1}")
        node.unsetUnits()
        node.setType(libsbml.AST_NAME)
        node.setName(name)
    for i in range(node.getNumChildren()):
        _name_numbers(node.getChild(i), numbers)
