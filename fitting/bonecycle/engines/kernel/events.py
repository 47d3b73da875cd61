"""Doses and switches of an SBML model as a list, worked out before the simulation.

An event is supported when its trigger asks for a time, ``time >= t``, where t and every other
condition rest on numbers and on parameters that only events change: then its moments are known.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import libsbml

from bonecycle.engines.initial_values import compiled, names_in
from bonecycle.errors import BonecycleError, ModelError, UsageError

MAX_CHANGES = 1_000_000
_Value = Callable[[dict[str, float]], float]
_LATER = (libsbml.AST_RELATIONAL_GEQ, libsbml.AST_RELATIONAL_GT)
_EARLIER = (libsbml.AST_RELATIONAL_LEQ, libsbml.AST_RELATIONAL_LT)


class NotSupportedError(BonecycleError):
    """A model that the generator cannot take; roadrunner simulates it."""


@dataclass(frozen=True)
class Change:
    """What happens at one time: `value` is given to a target, or added to it."""

    time: float
    target: str
    value: float
    add: bool


@dataclass(frozen=True)
class _Assignment:
    target: str
    value: _Value
    add: bool


@dataclass(frozen=True)
class _Event:
    time: _Value
    conditions: tuple[_Value, ...]
    assignments: tuple[_Assignment, ...]
    priority: _Value
    starts_true: bool

    def moment(self, space: dict[str, float]) -> float:
        """Time from which the trigger is true; infinity when a condition is not met."""
        return self.time(space) if all(met(space) for met in self.conditions) else math.inf


class Schedule:
    """Events of a model; see `until`.

    Parameters
    ----------
    model : libsbml.Model

    Attributes
    ----------
    used : frozenset of str
        Constant parameters on which times or doses rest.

    Raises
    ------
    NotSupportedError
        For events whose moments are not known in advance, by name.
    """

    def __init__(self, model: libsbml.Model) -> None:
        ruled = {rule.getVariable(): rule for rule in model.getListOfRules()}
        parameters = [p for p in model.getListOfParameters() if p.getId() not in ruled]
        self._states = {s.getId() for s in model.getListOfSpecies() if s.getId() not in ruled}
        self._states |= {name for name, rule in ruled.items() if rule.isRate()}
        self._space = {
            p.getId(): p.getValue()
            for p in parameters
            if model.getInitialAssignmentBySymbol(p.getId()) is None
        }
        self._discrete = {p.getId() for p in parameters if not p.getConstant()} & self._space.keys()
        self.used: frozenset[str] = frozenset()
        faults = []
        self._events = []
        for event in model.getListOfEvents():
            try:
                self._events.append(self._read(event))
            except NotSupportedError as error:
                faults.append(f"event {event.getId()!r}: {error}")
        if faults:
            raise NotSupportedError("; ".join(faults))

    def until(self, end: float) -> list[Change]:
        """All changes from time zero to `end` (days, included), in the order of time."""
        space = dict(self._space)
        changes: list[Change] = []
        now = 0.0
        was_true = [event.starts_true and event.moment(space) <= now for event in self._events]
        while now <= end:
            # What fires now; an assignment may make another event fire at the same time.
            while ready := [
                i
                for i, event in enumerate(self._events)
                if not was_true[i] and event.moment(space) <= now
            ]:
                first = max(ready, key=lambda i: self._events[i].priority(space))
                changes += self._fire(self._events[first], now, space)
                was_true = [
                    (was or i == first) and event.moment(space) <= now
                    for i, (was, event) in enumerate(zip(was_true, self._events, strict=True))
                ]
                if len(changes) > MAX_CHANGES:
                    raise UsageError(f"More than {MAX_CHANGES} doses and switches.")
            now = min(
                (m for event in self._events if (m := event.moment(space)) > now),
                default=math.inf,
            )
        return changes

    def _fire(self, event: _Event, now: float, space: dict[str, float]) -> list[Change]:
        values = [assignment.value(space) for assignment in event.assignments]
        found = []
        for assignment, value in zip(event.assignments, values, strict=True):
            if assignment.target in self._discrete:
                space[assignment.target] = value
            found.append(Change(now, assignment.target, value, assignment.add))
        return found

    def _read(self, event: libsbml.Event) -> _Event:
        if event.isSetDelay():
            raise NotSupportedError("a delay")
        trigger = event.getTrigger()
        parts = _conjuncts(trigger.getMath())
        timed = [part for part in parts if _asks_time(part)]
        if len(timed) != 1:
            raise NotSupportedError("its trigger is not one time")
        later = timed[0].getType() in _LATER
        if not later and timed[0].getType() not in _EARLIER:
            raise NotSupportedError("its trigger is not one time")
        clock, moment = (0, 1) if later else (1, 0)
        if timed[0].getChild(clock).getType() != libsbml.AST_NAME_TIME:
            raise NotSupportedError("its trigger is not one time")
        priority = event.getPriority()
        return _Event(
            time=self._formula(timed[0].getChild(moment)),
            conditions=tuple(self._condition(part) for part in parts if part is not timed[0]),
            assignments=tuple(map(self._assignment, event.getListOfEventAssignments())),
            priority=self._formula(priority.getMath()) if priority else lambda _: 0.0,
            starts_true=trigger.getInitialValue(),  # true where it is not given
        )

    def _condition(self, part: libsbml.ASTNode) -> _Value:
        kind = part.getType()
        if kind not in (*_LATER, *_EARLIER) or part.getNumChildren() != 2:
            raise NotSupportedError("a condition that is no comparison")
        first, second = self._formula(part.getChild(0)), self._formula(part.getChild(1))
        compare: dict[int, Callable[[float, float], bool]] = {
            libsbml.AST_RELATIONAL_GEQ: lambda a, b: a >= b,
            libsbml.AST_RELATIONAL_GT: lambda a, b: a > b,
            libsbml.AST_RELATIONAL_LEQ: lambda a, b: a <= b,
            libsbml.AST_RELATIONAL_LT: lambda a, b: a < b,
        }
        return lambda space: float(compare[kind](first(space), second(space)))

    def _assignment(self, assignment: libsbml.EventAssignment) -> _Assignment:
        target, math = assignment.getVariable(), assignment.getMath()
        size = size_of(assignment.getModel(), target)
        if target not in self._states and target not in self._discrete:
            raise NotSupportedError(f"it changes {target!r}")
        add = math.getType() == libsbml.AST_PLUS and math.getNumChildren() == 2
        own = [i for i in range(2) if math.getChild(i).getName() == target] if add else []
        adds = target in self._states and bool(own)
        value = self._formula(math.getChild(1 - own[0]) if adds else math)
        return _Assignment(target, lambda space: size * value(space), adds)

    def _formula(self, math: libsbml.ASTNode) -> _Value:
        names = set(names_in(math))
        if lost := names - self._space.keys():
            raise NotSupportedError(f"a formula needs {', '.join(sorted(lost))}")
        self.used |= names - self._discrete
        try:
            return compiled(math)
        except ModelError as error:
            raise NotSupportedError(str(error)) from error


def size_of(model: libsbml.Model, name: str) -> float:
    """Size of the compartment of a species that formulas read as a concentration, else 1."""
    species = model.getSpecies(name)
    if species is None or species.getHasOnlySubstanceUnits():
        return 1.0
    return float(model.getCompartment(species.getCompartment()).getSize())


def _conjuncts(math: libsbml.ASTNode) -> list[libsbml.ASTNode]:
    if math.getType() != libsbml.AST_LOGICAL_AND:
        return [math]
    return [p for i in range(math.getNumChildren()) for p in _conjuncts(math.getChild(i))]


def _asks_time(math: libsbml.ASTNode) -> bool:
    inner = (_asks_time(math.getChild(i)) for i in range(math.getNumChildren()))
    return math.getType() == libsbml.AST_NAME_TIME or any(inner)
