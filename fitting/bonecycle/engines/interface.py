"""What an engine takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

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


class Engine(Protocol):
    """A model with its regimen, ready to be simulated for many parameter sets."""

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
