"""Doses and switches as the arrays that the integrators read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from bonecycle.engines.interface import Floats
from bonecycle.engines.kernel.events import Change


@dataclass(frozen=True)
class Changes:
    """What happens at which moment, see `rosenbrock.integrate`."""

    moments: Floats
    first: NDArray[np.int64]
    targets: NDArray[np.int64]
    values: Floats

    def __iter__(self) -> Iterator[NDArray[np.float64] | NDArray[np.int64]]:
        """Give the arrays in the order of the integrators' arguments."""
        return iter((self.moments, self.first, self.targets, self.values))


def as_arrays(changes: Sequence[Change], states: Sequence[str], discrete: Sequence[str]) -> Changes:
    """Turn changes in the order of time into arrays.

    Parameters
    ----------
    changes : sequence of Change
    states : sequence of str
        In the order of the integrators.
    discrete : sequence of str
        Parameters that events change, in the order of their rows, the first of the constants.
    """
    n = len(states)
    rows = {name: i for i, name in enumerate(states)}
    moments, first, targets, values = [], [0], [], []
    for moment, group in groupby(changes, lambda change: change.time):
        moments.append(moment)
        for change in group:
            if change.target in rows:
                targets.append(rows[change.target] + (0 if change.add else n))
            else:
                targets.append(2 * n + discrete.index(change.target))
            values.append(change.value)
        first.append(len(targets))
    return Changes(
        np.array(moments, dtype=float),
        np.array(first, dtype=np.int64),
        np.array(targets, dtype=np.int64),
        np.array(values, dtype=float),
    )
