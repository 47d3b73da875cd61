"""What an engine takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bonecycle.errors import UsageError, unknown

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Batch:
    """Results of a batch of simulations.

    Attributes
    ----------
    values : ndarray, shape (n_sets, n_times, n_outputs)
        Outputs in their own units; NaN in every entry of a set that failed.
    ok : ndarray of bool, shape (n_sets,)
        Whether the set was simulated.
    messages : tuple of str, length n_sets
        Why a set failed, with a remedy; "" where it did not.
    """

    values: Floats
    ok: NDArray[np.bool_]
    messages: tuple[str, ...]


@dataclass(frozen=True)
class Gradient:
    """A batch with derivatives.

    Attributes
    ----------
    batch : Batch
    slopes : ndarray, shape (n_sets, n_times, n_outputs, n_by)
        Derivatives of the outputs by parameters, in their units; NaN for a set that failed.
    """

    batch: Batch
    slopes: Floats


class Engine(Protocol):
    """A model with its regimen, ready to be simulated for many parameter sets."""

    name: str
    parameters: tuple[str, ...]
    outputs: tuple[str, ...]

    def simulate(self, values: Floats, times: Sequence[float]) -> Batch:
        """Simulate from the untreated baseline at time zero.

        Parameters
        ----------
        values : ndarray, shape (n_sets, n_parameters)
            Natural values in the order of `parameters`; what is not listed keeps the model's
            own value.
        times : sequence of float
            Increasing times in days, none negative. A sample at the time of a dose is taken
            after it.

        Returns
        -------
        Batch
        """
        ...

    def gradient(
        self, values: Floats, times: Sequence[float], by: Sequence[str] | None = None
    ) -> Gradient:
        """Simulate with derivatives.

        Parameters
        ----------
        values, times
            As for `simulate`.
        by : sequence of str, optional
            Which of `parameters` to differentiate by, in the order of the slopes; all of them
            unless given. Fewer take less time.
        """
        ...


# Relative step of differences: simulations are good to 1e-8.
_DIFFERENCE = 1e-4


def gradient_by_differences(
    engine: Engine, values: Floats, times: Sequence[float], by: Sequence[str] | None
) -> Gradient:
    """Simulate with derivatives by central differences; see `Engine.gradient`."""
    sets, _ = check_request(engine.parameters, values, times)
    asked = places(engine.parameters, by)
    batch = engine.simulate(sets, times)
    slopes = np.full((*batch.values.shape, len(asked)), np.nan)
    for i, row in enumerate(sets):
        up = np.diag(_DIFFERENCE * np.where(row > 0, row, 1.0))[asked]
        down = np.where(row > 0, up, 0.0)  # nothing can be below zero
        moved = engine.simulate(np.vstack([row + up, row - down]), times).values
        change = moved[: len(asked)] - moved[len(asked) :]
        width = (up + down).sum(axis=1)
        slopes[i] = np.moveaxis(change / width[:, None, None], 0, -1)
    ok = batch.ok & np.isfinite(slopes).all(axis=(1, 2, 3))
    messages = tuple(
        message or ("" if good else "no derivative: a set beside it could not be simulated")
        for message, good in zip(batch.messages, ok, strict=True)
    )
    return Gradient(Batch(batch.values, ok, messages), slopes)


def places(parameters: Sequence[str], by: Sequence[str] | None) -> NDArray[np.intp]:
    """Where the parameters that derivatives are asked by stand among all of them."""
    wanted = parameters if by is None else by
    for name in wanted:
        if name not in parameters:
            raise unknown("parameter", name, parameters)
    return np.array([parameters.index(name) for name in wanted], dtype=np.intp)


def check_request(
    parameters: Sequence[str], values: Floats, times: Sequence[float]
) -> tuple[Floats, Floats]:
    """Return parameter sets and times as arrays.

    Raises
    ------
    UsageError
        For a wrong shape, or times that are not finite, not increasing or negative.
    """
    sets = np.asarray(values, dtype=float)
    if sets.ndim != 2 or sets.shape[1] != len(parameters):
        raise UsageError(
            f"Parameter sets have the shape {sets.shape}; "
            f"(n_sets, {len(parameters)}) is needed for {', '.join(parameters)}."
        )
    wanted = np.array([float(time) for time in times])
    increase = all(later > earlier for earlier, later in pairwise(wanted))
    if not (len(wanted) and increase and np.isfinite(wanted).all()):
        raise UsageError(f"Times must be given, be finite and increase: {wanted.tolist()}.")
    if wanted[0] < 0:
        raise UsageError(f"Times must not be negative: {wanted[0]}.")
    return sets, wanted
