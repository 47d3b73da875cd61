"""A limit on how often events fire, so that a user's model cannot run without end.

CVODE limits its steps only between two events, and libroadrunner cannot be interrupted. The limit
stands in the model: the same for any machine.
"""

from __future__ import annotations

import libsbml

MAX_FIRINGS = 100_000
"""Firings in one simulation: five times daily doses for fifty years, about two seconds."""
FIRINGS = "bonecycle_event_firings"
"""Parameter that counts them."""
# Of delayed events all that wait are gone through at every one.
_DELAYED = 25


def with_event_limit(sbml: str) -> str:
    """Return a model whose events stop after `MAX_FIRINGS`; until then it gives the same.

    A firing of a delayed event counts as 25.

    Parameters
    ----------
    sbml : str
        SBML Level 3.
    """
    document = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    events = [e for e in model.getListOfEvents() if e.isSetTrigger() and e.getTrigger().isSetMath()]
    if not events:
        return sbml
    count = model.createParameter()
    count.setId(FIRINGS)
    count.setConstant(False)
    count.setValue(0.0)
    few = libsbml.parseL3Formula(f"{FIRINGS} < {MAX_FIRINGS}")
    for event in events:
        limited = libsbml.ASTNode(libsbml.AST_LOGICAL_AND)
        limited.addChild(event.getTrigger().getMath().deepCopy())
        limited.addChild(few.deepCopy())
        event.getTrigger().setMath(limited)
        if event.isSetDelay():
            # What it does comes later: an event of its own counts it now.
            _count(_beside(model, event), _DELAYED)
        else:
            _count(event, 1)
    return str(libsbml.writeSBMLToString(document))


def _beside(model: libsbml.Model, event: libsbml.Event) -> libsbml.Event:
    other = model.createEvent()
    other.setUseValuesFromTriggerTime(True)
    other.setTrigger(event.getTrigger())
    return other


def _count(event: libsbml.Event, times: int) -> None:
    assignment = event.createEventAssignment()
    assignment.setVariable(FIRINGS)
    assignment.setMath(libsbml.parseL3Formula(f"{FIRINGS} + {times}"))
