"""The generated kernel as an engine."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import libsbml
import numpy as np
from numpy.typing import NDArray

from bonecycle.cache import kept_json
from bonecycle.engines.interface import (
    Batch,
    Floats,
    Gradient,
    check_request,
    gradient_by_differences,
    places,
)
from bonecycle.engines.kernel import rosenbrock, sensitivities
from bonecycle.engines.kernel.changes import Changes, as_arrays
from bonecycle.engines.kernel.compiled import Compiled, code_key, compiled
from bonecycle.engines.kernel.description import describe
from bonecycle.engines.kernel.draws import prior_draws
from bonecycle.engines.kernel.events import NotSupportedError, Schedule
from bonecycle.engines.kernel.model_code import LANES, Layout
from bonecycle.errors import ModelError, SimulationError, UsageError, unknown
from bonecycle.manifest import content_hash

ACCURACY = 1e-6
"""Error of outputs that is asked for, relative to max(|x|, 1e-6 of their range)."""
# Tolerances of a step, loosest first. With a dose every few days the loosest is enough, since the
# fast phases of the drug hold the step down; see `KernelEngine._tolerance`.
_TOLERANCES = (3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 3e-7, 1e-7)
_REFERENCE_TOLERANCE = 1e-9
_ABSOLUTE = 1e-12
_DRAWS, _TRAIN = 8, 60
# A dose takes about ten steps at the loosest tolerance, a hundred at the tightest.
_STEPS, _STEPS_PER_STOP = 20_000, 1_000
_REASONS = {
    rosenbrock.START: "its start is not finite or below zero: the phases do not fit on the bone",
    rosenbrock.STEPS: "it takes more steps than a simulation may",
    rosenbrock.STEP_SIZE: "the step became too small: a rate is not finite or far too fast",
}
_REMEDY = (
    "check that the values are physical; in a fit this set counts as failed and the search goes on"
)


class KernelEngine:
    """A model with its regimen as generated machine code.

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
    tolerance : float, optional
        Relative tolerance of a step. None: the loosest that keeps the outputs within `ACCURACY`
        for parameters around the model's own.

    Raises
    ------
    NotSupportedError
        For a model that the generator cannot take, with the reasons.
    UsageError
        For a parameter or an output that the model does not have.
    """

    name = "kernel"

    def __init__(
        self,
        sbml: str,
        parameters: Sequence[str],
        outputs: Sequence[str],
        model: str = "cycle",
        arm: str = "untreated",
        tolerance: float | None = None,
    ) -> None:
        self.parameters, self.outputs = tuple(parameters), tuple(outputs)
        self.model_name, self.arm = model, arm
        if twice := {name for name in parameters if self.parameters.count(name) > 1}:
            raise UsageError(f"Parameters listed twice: {', '.join(sorted(twice))}.")
        self._given_tolerance, self._sbml = tolerance, sbml
        document = libsbml.readSBMLFromString(sbml)
        if document.getModel() is None:
            raise ModelError("SBML", "libsbml finds no model in the text")
        self._schedule = Schedule(document.getModel())
        # Doses do not enter the code: all regimens of a model share it.
        document.getModel().getListOfEvents().clear()
        self._undosed = str(libsbml.writeSBMLToString(document))
        known = self._model = describe(self._undosed, self.parameters)
        for name in self.parameters:
            if name not in known.parameters:
                raise unknown("parameter", name, known.parameters)
            if name in self._schedule.used:
                raise NotSupportedError(f"{name!r} varies the times or sizes of doses")
        for name in self.outputs:
            if name not in known.variables:
                raise unknown("output", name, known.variables)
        # States too, so that the very code that is used can be checked against another simulator.
        others = (name for name in known.states if name not in self.outputs)
        self.all_outputs = (*self.outputs, *others)
        self._physical = np.array([name in known.species for name in known.states])
        self._expanded: dict[float, Changes] = {}
        self._tolerances: dict[bytes, float] = {}

    @cached_property
    def _batch(self) -> Compiled:
        return compiled(self._undosed, self.parameters, self.all_outputs, LANES)

    @cached_property
    def single(self) -> Compiled:
        """Code for one parameter set, with derivatives."""
        return compiled(self._undosed, self.parameters, self.all_outputs, 1)

    @property
    def state_names(self) -> tuple[str, ...]:
        """Species, then variables with a rate rule."""
        return self._model.states

    @property
    def stoichiometry(self) -> Floats:
        """Stoichiometry matrix, shape (n_species, n_reactions)."""
        return self._model.stoichiometry

    @property
    def own_values(self) -> Floats:
        """Values that the model gives to `parameters`."""
        return np.array([self._model.parameters[name] for name in self.parameters])

    def after_late_change(self, time: float) -> tuple[float, ...]:
        """A day after the first dose or switch later than a time, within three years of it."""
        later = [c.time for c in self._schedule.until(time + 3 * 365.25) if c.time > time]
        return (later[0] + 1.0,) if later else ()

    @property
    def hash(self) -> str:
        """Content hash of what the generated code follows from."""
        given = self._undosed, self.parameters, self.all_outputs
        return content_hash(*(code_key(*given, width) for width in (1, LANES)))

    def simulate(self, values: Floats, times: Sequence[float]) -> Batch:
        """Simulate a batch; see `interface.Engine`."""
        sets, wanted = check_request(self.parameters, values, times)
        batch = self._run(sets, wanted, self._tolerance(wanted))
        return Batch(batch.values[:, :, : len(self.outputs)], batch.ok, batch.messages)

    def simulate_all(self, values: Floats, times: Sequence[float], tolerance: float) -> Batch:
        """Simulate a batch with `all_outputs`, at a tolerance of one's own."""
        return self._run(*check_request(self.parameters, values, times), tolerance)

    def gradient(
        self, values: Floats, times: Sequence[float], by: Sequence[str] | None = None
    ) -> Gradient:
        """Simulate a batch with exact derivatives; see `interface.Engine`.

        By differences where a rate chooses by a state: derivatives jump there.
        """
        if self._model.chooses:
            return gradient_by_differences(self, values, times, by)
        sets, wanted = check_request(self.parameters, values, times)
        code, changes = self.single.code, self._changes(wanted[-1])
        result = np.full((len(sets), len(wanted), code.n_outputs), np.nan)
        wanted_places = places(self.parameters, by)
        slopes = np.full((*result.shape, len(wanted_places)), np.nan)
        status = np.full(len(sets), rosenbrock.START)
        start = np.array(code.initial_gradient, dtype=np.int64).reshape(-1, 2)
        columns = np.full(len(self.parameters), -1)
        columns[wanted_places] = np.arange(len(wanted_places))
        start[:, 1] = columns[start[:, 1]]
        lengths = (
            len(code.output_gradient),
            len(code.extended),
            code.n_turned,
            code.n_still,
            code.n_sensitive,
            len(wanted_places),
        )
        for i in np.flatnonzero(_possible(sets)):
            result[i], slopes[i], status[i], _ = sensitivities.integrate(
                self.single.functions,
                np.ascontiguousarray(sets[i][:, None]),
                self.start_constants(code, 1),
                self._physical,
                *changes,
                wanted,
                self.single.sizes,
                start,
                lengths,
                (self._tolerance(wanted), _ABSOLUTE),
                self._max_steps(changes, wanted),
            )
        kept = len(self.outputs)
        result, slopes = result[:, :, :kept], slopes[:, :, :kept]
        wrong = ~np.isfinite(slopes).all(axis=(1, 2, 3)) & (status == rosenbrock.OK)
        status[wrong] = rosenbrock.STEP_SIZE
        batch = self._packed(sets, result, status)
        slopes[~batch.ok] = np.nan
        return Gradient(batch, slopes)

    def _run(self, sets: Floats, wanted: Floats, tolerance: float) -> Batch:
        # Both widths do the same operations in the same order, so the choice leaves no trace.
        few = len(sets) < LANES // 2
        kernel = self.single if few else self._batch
        code, lanes = kernel.code, 1 if few else LANES
        changes = self._changes(wanted[-1])
        good = _possible(sets)
        result = np.full((len(sets), len(wanted), code.n_outputs), np.nan)
        status = np.full(len(sets), rosenbrock.START)
        if good.any():
            result[good], status[good], _ = rosenbrock.integrate(
                kernel.functions,
                np.ascontiguousarray(sets[good]),
                self.start_constants(code, lanes),
                np.empty((code.n_states, lanes)),
                self._physical,
                *changes,
                wanted,
                kernel.sizes,
                (tolerance, _ABSOLUTE),
                self._max_steps(changes, wanted),
            )
        return self._packed(sets, result, status)

    def _tolerance(self, wanted: Floats) -> float:
        """Loosest tolerance that is accurate enough, found once for every set of times."""
        if self._given_tolerance is not None:
            return self._given_tolerance
        times = wanted.tobytes()
        if times not in self._tolerances:
            draws = prior_draws(self.parameters, self.own_values, _DRAWS)
            key = content_hash(self.hash, self._sbml, draws.tobytes(), times)
            self._tolerances[times] = kept_json(
                "tolerances", key, lambda: self._calibrated(wanted, draws)
            )
        return self._tolerances[times]

    def _calibrated(self, wanted: Floats, draws: Floats) -> float:
        moments = self._changes(wanted[-1]).moments
        if len(moments) > _TRAIN:
            # A long train of doses repeats itself: its beginning is enough.
            end = moments[_TRAIN]
            wanted = np.append(wanted[wanted < end], end)
        kept = len(self.outputs)
        exact = self._run(draws, wanted, _REFERENCE_TOLERANCE)
        # Where nothing can be compared, nothing is known: the tightest.
        for tolerance in _TOLERANCES if exact.ok.any() else ():
            found = self._run(draws, wanted, tolerance)
            if disagreement(found.values[..., :kept], exact.values[..., :kept]) < ACCURACY / 4:
                return tolerance
        return _TOLERANCES[-1]

    def _changes(self, end: float) -> Changes:
        if end not in self._expanded:
            changes = self._schedule.until(end)
            self._expanded[end] = as_arrays(
                changes, self._model.states, tuple(self._model.discrete)
            )
        return self._expanded[end]

    def start_constants(self, code: Layout, lanes: int) -> Floats:
        """Space for constants, (n_constants, lanes), with the start values that events change."""
        constants = np.zeros((code.n_constants, lanes))
        discrete = list(self._model.discrete.values())
        constants[: len(discrete)] = np.reshape(discrete, (-1, 1))
        return constants

    def _max_steps(self, changes: Changes, times: Floats) -> int:
        return _STEPS + _STEPS_PER_STOP * (len(changes.moments) + len(times))

    def _packed(self, sets: Floats, result: Floats, status: NDArray[np.int_]) -> Batch:
        finite = np.isfinite(result).all(axis=(1, 2))
        status = np.where((status == rosenbrock.OK) & ~finite, rosenbrock.STEP_SIZE, status)
        ok = status == rosenbrock.OK
        result[~ok] = np.nan
        messages = [
            "" if good else self._message(row, int(reason))
            for row, good, reason in zip(sets, ok, status, strict=True)
        ]
        return Batch(result, ok, tuple(messages))

    def _message(self, row: Floats, reason: int) -> str:
        named = dict(zip(self.parameters, map(float, row), strict=True))
        bad = {n: v for n, v in named.items() if not (np.isfinite(v) and v >= 0)}
        remedy = f"{_REASONS[reason]}; {_REMEDY}"
        if bad:
            remedy = "rates, periods and shares are finite and not negative"
        return str(SimulationError(self.model_name, self.arm, bad or named, remedy))


def disagreement(values: Floats, exact: Floats) -> float:
    """Largest difference relative to max(|x|, 1e-6 of the range over time).

    Both (n_sets, n_times, n_outputs); sets that failed in both are left out, one that failed in
    one of them counts as infinite.
    """
    failed, missing = np.isnan(values).any(axis=(1, 2)), np.isnan(exact).any(axis=(1, 2))
    if (failed != missing).any():
        return float("inf")
    values, exact = values[~failed], exact[~failed]
    if not exact.size:
        return 0.0
    size = np.maximum(np.abs(exact), 1e-6 * np.abs(exact).max(axis=1, keepdims=True))
    size = np.where(size > 0, size, 1.0)
    return float(np.max(np.abs(values - exact) / size))


def _possible(sets: Floats) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(sets).all(axis=1) & (sets >= 0).all(axis=1))
