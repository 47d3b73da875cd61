"""Simulations of a user's model that begin at its untreated steady state."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import libsbml
import numpy as np

from bonecycle.engines.interface import (
    Batch,
    Engine,
    Floats,
    Gradient,
    gradient_by_differences,
    places,
)
from bonecycle.engines.kernel.engine import KernelEngine
from bonecycle.engines.kernel.rates import steady_state
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.engines.steady_state import solve_steady_state
from bonecycle.errors import SimulationError

_START = "start_of_"


def with_starts(sbml: str) -> tuple[str, tuple[str, ...]]:
    """Return a model whose states start at parameters of their own, and the names of the states.

    A state is a species that reactions move, or a variable with a rate rule; its parameter is an
    amount for a species. Names come in the order of the SBML, species first.
    """
    document = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    rules = {rule.getVariable(): rule for rule in model.getListOfRules()}
    moved = [
        species.getId()
        for species in model.getListOfSpecies()
        if species.getId() not in rules
        and not species.getConstant()
        and not species.getBoundaryCondition()
    ]
    names = (*moved, *(name for name, rule in rules.items() if rule.isRate()))
    for name in names:
        parameter = model.createParameter()
        parameter.setId(f"{_START}{name}")
        parameter.setValue(1.0)
        parameter.setConstant(True)
        if model.getInitialAssignment(name) is not None:
            model.removeInitialAssignment(name)
        species = model.getSpecies(name)
        as_read = f"{_START}{name}"
        if species is not None and not species.getHasOnlySubstanceUnits():
            as_read += f" / {species.getCompartment()}"
        assignment = model.createInitialAssignment()
        assignment.setSymbol(name)
        assignment.setMath(libsbml.parseL3Formula(as_read))
    return str(libsbml.writeSBMLToString(document)), names


class SteadyStart:
    """An engine whose every simulation begins at the steady state of its parameter set.

    Parameters
    ----------
    load : callable
        Loads the treated model of `with_starts` for given parameters into an engine.
    untreated : KernelEngine or RoadRunnerEngine
        The model without treatment and without parameters for its start.
    """

    def __init__(
        self,
        load: Callable[[tuple[str, ...]], Engine],
        untreated: KernelEngine | RoadRunnerEngine,
        states: Sequence[str],
    ) -> None:
        self.parameters = untreated.parameters
        self._states = tuple(states)
        starts = tuple(f"{_START}{name}" for name in states)
        self._inner, self._untreated = load((*self.parameters, *starts)), untreated
        self.name, self.outputs = self._inner.name, self._inner.outputs

    def simulate(self, values: Floats, times: Sequence[float]) -> Batch:
        """Simulate a batch; see `interface.Engine`."""
        found = [self._start(row) for row in np.asarray(values, dtype=float)]
        good = np.array([not message for _, _, message in found], dtype=np.bool_)
        sets = np.array([start for start, _, _ in found])
        result = np.full((len(sets), len(times), len(self.outputs)), np.nan)
        messages = [message for _, _, message in found]
        if good.any():
            batch = self._inner.simulate(np.hstack([values, sets])[good], times)
            result[good] = batch.values
            for place, message in zip(np.flatnonzero(good), batch.messages, strict=True):
                messages[place] = message
        ok = np.array([not message for message in messages], dtype=np.bool_)
        return Batch(result, ok, tuple(messages))

    def gradient(
        self, values: Floats, times: Sequence[float], by: Sequence[str] | None = None
    ) -> Gradient:
        """Simulate a batch with derivatives; see `interface.Engine`.

        Exact where the kernel simulates and solves, else by differences.
        """
        if not isinstance(self._inner, KernelEngine) or not isinstance(
            self._untreated, KernelEngine
        ):
            return gradient_by_differences(self, values, times, by)
        found = [self._start(row) for row in values]
        batch = self.simulate(values, times)
        asked = places(self.parameters, by)
        n = len(asked)
        slopes = np.full((*batch.values.shape, n), np.nan)
        starts = self._inner.parameters[len(self.parameters) :]
        names = (*(self.parameters[place] for place in asked), *starts)
        for i in np.flatnonzero(batch.ok):
            start, by_parameters, _ = found[i]
            whole = np.hstack([values[i], start])[None]
            inner = self._inner.gradient(whole, times, names).slopes[0]
            slopes[i] = inner[..., :n] + inner[..., n:] @ by_parameters[:, asked]
        return Gradient(batch, slopes)

    def _start(self, row: Floats) -> tuple[Floats, Floats, str]:
        """Steady state in the order of `states`, its slopes (n_states, n), and a message."""
        untreated = self._untreated
        empty = np.full(len(self._states), np.nan), np.zeros((len(self._states), len(row)))
        try:
            if isinstance(untreated, KernelEngine):
                state, slopes = steady_state(untreated, row)
            else:
                state = solve_steady_state(untreated, row, untreated.arm)
                slopes = np.zeros((len(state.names), len(row)))
        except SimulationError as error:
            return *empty, str(error)
        order = [state.names.index(name) for name in self._states]
        return np.maximum(state.values[order], 0.0), slopes[order], ""
