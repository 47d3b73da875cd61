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

# Three a dose: daily doses for 90 years; a circle of events reaches it in seconds.
MAX_CHANGES = 100_000
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
    persistent: bool
    from_trigger: bool

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
            changes += self._moment(now, space, was_true)
            _check_number(changes)
            now = min(
                (m for event in self._events if (m := event.moment(space)) > now),
                default=math.inf,
            )
        return changes

    def _moment(self, now: float, space: dict[str, float], was_true: list[bool]) -> list[Change]:
        """Changes of all events that fire at one time; `space` and `was_true` move along.

        What an event assigns is worked out when its trigger becomes true; it is carried out when
        its turn comes, which may make others fire at the same time.
        """
        changes: list[Change] = []
        waiting: dict[int, tuple[list[float], int]] = {}
        while True:
            for i, event in enumerate(self._events):
                true = event.moment(space) <= now
                if true and not was_true[i]:
                    waiting[i] = ([a.value(space) for a in event.assignments], len(changes))
                elif not true and not event.persistent:
                    waiting.pop(i, None)
                was_true[i] = true
            if not waiting:
                return changes
            first = max(waiting, key=lambda i: self._events[i].priority(space))
            values, seen = waiting.pop(first)
            event = self._events[first]
            if not event.from_trigger:
                values, seen = [a.value(space) for a in event.assignments], len(changes)
            for assignment, value in zip(event.assignments, values, strict=True):
                if assignment.target in self._discrete:
                    space[assignment.target] = value
                elif assignment.add:
                    # Others have changed the state since: the sum is with what it was before.
                    for change in changes[seen:]:
                        if change.target == assignment.target:
                            if not change.add:
                                message = f"two events change {change.target!r} at one time"
                                raise NotSupportedError(message)
                            value -= change.value
                changes.append(Change(now, assignment.target, value, assignment.add))
            _check_number(changes)

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
            persistent=trigger.getPersistent(),
            from_trigger=event.getUseValuesFromTriggerTime(),
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


def _check_number(changes: list[Change]) -> None:
    if len(changes) > MAX_CHANGES:
        raise UsageError(
            f"More than {MAX_CHANGES} doses and switches: look for an event that makes itself or "
            "another fire again and again, or simulate a shorter time."
        )


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
