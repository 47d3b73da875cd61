"""The reference engine: libroadrunner with the model's events."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence

import numpy as np
import roadrunner
from scipy.optimize import approx_fprime

from bonecycle.engines.event_limit import FIRINGS, MAX_FIRINGS
from bonecycle.engines.initial_values import InitialValues
from bonecycle.engines.interface import (
    Batch,
    Floats,
    Gradient,
    check_request,
    gradient_by_differences,
)
from bonecycle.errors import ModelError, SimulationError, UsageError, unknown

# What goes wrong is raised with a message: roadrunner, and SUNDIALS below it, print it too.
roadrunner.Logger.setLevel(roadrunner.Logger.LOG_FATAL)
for _kind in ("ERROR", "WARNING"):
    os.environ.setdefault(f"SUNLOGGER_{_kind}_FILENAME", os.devnull)

_REMEDY = (
    "check that the values are physical; in a fit this set counts as failed and the search goes on"
)


class RoadRunnerEngine:
    """A model with its regimen in libroadrunner.

    Parameters
    ----------
    sbml : str
        Flat SBML, with events where doses are given.
    parameters : sequence of str
        Constant parameters that `simulate` sets.
    outputs : sequence of str
        Species, parameters or rule variables to return.
    model, arm : str
        Names for messages.
    relative_tolerance, absolute_tolerance : float
        Of CVODE; the absolute one in the unit of each state.

    Raises
    ------
    ModelError
        When roadrunner cannot load the model.
    UsageError
        For a parameter or an output that the model does not have.
    """

    name = "roadrunner"

    def __init__(
        self,
        sbml: str,
        parameters: Sequence[str],
        outputs: Sequence[str],
        model: str = "cycle",
        arm: str = "untreated",
        relative_tolerance: float = 1e-8,
        absolute_tolerance: float = 1e-14,
    ) -> None:
        self.parameters = tuple(parameters)
        self.outputs = tuple(outputs)
        if twice := [name for name, count in Counter(self.parameters).items() if count > 1]:
            raise UsageError(f"Parameters listed twice: {', '.join(twice)}. Name each once.")
        self.model_name, self.arm = model, arm
        self._initial = InitialValues(sbml)
        try:
            self._rr = roadrunner.RoadRunner(self._initial.plain_sbml)
        except RuntimeError as error:
            raise ModelError(f"{model}.xml", f"roadrunner cannot load it: {error}") from error
        names = list(self._rr.model.getGlobalParameterIds())
        for name in self.parameters:
            if name not in self._initial.settable:
                raise unknown("parameter", name, self._initial.settable)
        known = [*names, *self._rr.model.getFloatingSpeciesIds()]
        for name in self.outputs:
            if name not in known:
                raise unknown("output", name, known)
        species = self._rr.model.getFloatingSpeciesIds()
        worked_out = self._initial.names
        self._species = [(species.index(n), n) for n in worked_out if n in species]
        own = (*self.parameters, *(n for n in worked_out if n not in species))
        self._values = [(names.index(name), name) for name in own]
        self._switches = [names.index(name) for name in self._initial.switches]
        self._counts_firings = FIRINGS in names
        self._rr.integrator.relative_tolerance = relative_tolerance
        self._rr.integrator.absolute_tolerance = absolute_tolerance
        self._rr.integrator.maximum_num_steps = 100_000
        # A first dose makes an empty pool rise: CVODE's own first step after it would be below
        # the spacing of floating-point time.
        self._rr.integrator.initial_time_step = 1e-9
        self._rr.timeCourseSelections = ["time", *self.outputs]

    def start(self, values: Floats) -> None:
        """Go to the baseline of one parameter set, shape (n_parameters,).

        resetToOrigin, because reset keeps what events changed; then reset, because only it
        works out what other initial assignments there are from the parameters just set. Both
        fire the events at time zero, so what the first firing switched is put back in between.
        """
        chosen = self._named(values)
        try:
            with np.errstate(divide="raise", over="raise", invalid="raise"):
                chosen |= self._initial.values(chosen)
        except ArithmeticError as error:
            raise SimulationError(
                self.model_name, self.arm, chosen, f"{_REMEDY} ({error})"
            ) from error
        self._rr.resetToOrigin()
        self._set_values(chosen)
        if self._switches:
            initial = list(self._initial.switches.values())
            self._rr.model.setGlobalParameterValues(self._switches, initial)
        self._rr.reset()
        self._set_values(chosen)
        if self._species:
            indices, names = zip(*self._species, strict=True)
            amounts = [chosen[name] for name in names]
            self._rr.model.setFloatingSpeciesAmounts(list(indices), amounts)

    def _set_values(self, chosen: dict[str, float]) -> None:
        if self._values:
            indices, names = zip(*self._values, strict=True)
            self._rr.model.setGlobalParameterValues(list(indices), [chosen[n] for n in names])

    def simulate(self, values: Floats, times: Sequence[float]) -> Batch:
        """Simulate a batch; see `interface.Engine`."""
        sets, checked = check_request(self.parameters, values, times)
        wanted = checked.tolist()
        result = np.full((len(sets), len(wanted), len(self.outputs)), np.nan)
        messages = [""] * len(sets)
        for i, row in enumerate(sets):
            try:
                result[i] = self._run(row, wanted)
            except SimulationError as error:
                messages[i] = str(error)
        ok = np.array([not message for message in messages], dtype=np.bool_)
        return Batch(result, ok, tuple(messages))

    def gradient(
        self, values: Floats, times: Sequence[float], by: Sequence[str] | None = None
    ) -> Gradient:
        """Simulate with derivatives by central differences; see `interface.Engine`."""
        return gradient_by_differences(self, values, times, by)

    def _run(self, row: Floats, times: list[float]) -> Floats:
        if not np.isfinite(row).all() or (row < 0).any():
            bad = {n: v for n, v in self._named(row).items() if not (np.isfinite(v) and v >= 0)}
            raise SimulationError(
                self.model_name,
                self.arm,
                bad,
                "rates, periods and shares are finite and not negative",
            )
        self.start(row)
        if min(self._rr.model.getFloatingSpeciesAmounts(), default=0.0) < 0:
            remedy = f"a surface starts below zero: the phases do not fit on the bone; {_REMEDY}"
            raise SimulationError(self.model_name, self.arm, self._named(row), remedy)
        # roadrunner puts the initial state at the first time asked for: always ask for zero,
        # and for a second time.
        grid = [0.0, *(time for time in times if time > 0)]
        try:
            asked = grid if len(grid) > 1 else [0.0, 1.0]
            curve = np.array(self._rr.simulate(times=asked))[: len(grid), 1:]
        except RuntimeError as error:
            raise SimulationError(
                self.model_name, self.arm, self._named(row), f"{_REMEDY} ({error})"
            ) from error
        if self._counts_firings and self._rr.getValue(FIRINGS) >= MAX_FIRINGS:
            raise SimulationError(
                self.model_name,
                self.arm,
                self._named(row),
                f"events fire more than {MAX_FIRINGS} times: look for one that makes itself or "
                "another fire again and again",
            )
        curve = curve[len(grid) - len(times) :]
        if not np.isfinite(curve).all():
            raise SimulationError(
                self.model_name, self.arm, self._named(row), f"an output is not finite; {_REMEDY}"
            )
        return curve

    def _named(self, row: Floats) -> dict[str, float]:
        return dict(zip(self.parameters, map(float, row), strict=True))

    def states(self) -> tuple[tuple[str, ...], Floats]:
        """Names and present values of the states: species, then variables with a rate rule."""
        model = self._rr.model
        rules = list(model.getRateRuleSymbols())
        names = (*model.getFloatingSpeciesIds(), *rules)
        index = list(model.getGlobalParameterIds())
        values = model.getGlobalParameterValues([index.index(name) for name in rules])
        return names, np.concatenate([model.getFloatingSpeciesAmounts(), values])

    def rates_at(self, states: Floats) -> Floats:
        """Rates of the states per day, shape (n_states,), with the parameters last set."""
        model = self._rr.model
        n_species = model.getNumFloatingSpecies()
        rules = list(model.getRateRuleSymbols())
        index = list(model.getGlobalParameterIds())
        model.setFloatingSpeciesAmounts(list(map(float, states[:n_species])))
        chosen = [index.index(name) for name in rules]
        model.setGlobalParameterValues(chosen, list(map(float, states[n_species:])))
        flow = self.stoichiometry() @ np.array(model.getReactionRates())
        return np.concatenate([flow, [self._rr.getValue(f"{name}'") for name in rules]])

    def jacobian_at(self, states: Floats) -> Floats:
        """Derivatives of `rates_at` by differences, shape (n_states, n_states)."""
        # The rates are close to linear in the states, so forward differences serve.
        return np.asarray(approx_fprime(states, self.rates_at, 1e-7))

    def stoichiometry(self) -> Floats:
        """Stoichiometry matrix, shape (n_species, n_reactions), in the order of the model."""
        if not self._rr.model.getNumReactions():
            return np.zeros((self._rr.model.getNumFloatingSpecies(), 0))
        matrix = self._rr.getFullStoichiometryMatrix()
        order = [list(matrix.rownames).index(s) for s in self._rr.model.getFloatingSpeciesIds()]
        columns = [list(matrix.colnames).index(r) for r in self._rr.model.getReactionIds()]
        return np.asarray(np.array(matrix)[np.ix_(order, columns)])
