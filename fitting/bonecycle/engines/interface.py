"""What an engine takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bonecycle.errors import UsageError

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

    def gradient(self, values: Floats, times: Sequence[float]) -> Gradient:
        """Simulate with derivatives by all of `parameters`; arguments as for `simulate`."""
        ...


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
