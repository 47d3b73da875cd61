"""What a problem is made of: targets, free parameters, and arms that are simulated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bonecycle.biology.tables import Parameter
from bonecycle.engines.interface import Batch, Engine, Floats, Gradient
from bonecycle.errors import DataError, Fault
from bonecycle.problem.space import Space
from bonecycle.problem.targets import Target

_NO_RATIO = (
    "an observable is zero at time zero, so it has no ratio to untreated: start elsewhere, or "
    "compare absolute values"
)


@dataclass(frozen=True)
class Arm:
    """Targets that one simulation predicts: its engine, its times, and where each target reads.

    Attributes
    ----------
    engine : Engine
    times : tuple of float
        In the model's own unit of time; the first is zero.
    own : ndarray, shape (n_engine_parameters,)
        Values of the engine's parameters that the problem does not free.
    places, columns : ndarray of int, shape (n_free,)
        Free parameters among the engine's, and the same among the problem's.
    targets, time_index, output_index : ndarray of int, shape (n,)
        Places of the targets in the problem, of their times and of their outputs.
    is_ratio : ndarray of bool, shape (n,)
        Which are divided by their value at time zero.
    """

    engine: Engine
    times: tuple[float, ...]
    own: Floats
    places: NDArray[np.intp]
    columns: NDArray[np.intp]
    targets: NDArray[np.intp]
    time_index: NDArray[np.intp]
    output_index: NDArray[np.intp]
    is_ratio: NDArray[np.bool_]

    @property
    def free(self) -> tuple[str, ...]:
        """Names of the free parameters of this arm, in the order of `places`."""
        return tuple(self.engine.parameters[place] for place in self.places)

    def values(self, natural: Floats) -> Floats:
        """Parameter sets of the engine from those of the problem."""
        sets = np.tile(self.own, (len(natural), 1))
        sets[:, self.places] = natural[:, self.columns]
        return sets

    def predictions(self, batch: Batch) -> Floats:
        """What the targets are compared with, (n_sets, n); infinite or NaN as a ratio to zero."""
        read = batch.values[:, self.time_index, self.output_index]
        start = batch.values[:, 0, self.output_index]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.is_ratio, read / start, read)

    def simulate(self, natural: Floats) -> tuple[Floats, Batch]:
        """Predictions for parameter sets of the problem; a ratio to zero makes a set fail."""
        batch = self.engine.simulate(self.values(natural), self.times)
        predictions = self.predictions(batch)
        lost = batch.ok & ~np.isfinite(predictions).all(axis=1)
        messages = [_NO_RATIO if bad else m for bad, m in zip(lost, batch.messages, strict=True)]
        return predictions, Batch(batch.values, batch.ok & ~lost, tuple(messages))

    def slopes(self, result: Gradient) -> Floats:
        """Derivatives of the predictions at one set, from those by `free`: (n, n_free)."""
        read = result.slopes[0, self.time_index, self.output_index]
        start = result.batch.values[0, 0, self.output_index]
        at_time = result.batch.values[0, self.time_index, self.output_index]
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = result.slopes[0, 0, self.output_index] / start[:, None]
            ratio = read / start[:, None] - (at_time / start)[:, None] * relative
        return np.asarray(np.where(self.is_ratio[:, None], ratio, read))


@dataclass(frozen=True)
class Setting:
    """Everything that a problem needs; see `problem.Problem` for the meaning of its parts."""

    targets: tuple[Target, ...]
    held: tuple[Target, ...]
    space: Space
    parameters: Mapping[str, Parameter]
    error_covariance: Floats
    arms: tuple[Arm, ...]
    hashes: dict[str, str]
    notices: tuple[str, ...]


def make_arm(
    engine: Engine,
    own: Mapping[str, float],
    free: Sequence[str],
    chosen: Sequence[tuple[int, Target]],
    reads: Sequence[str],
    is_ratio: Sequence[bool],
    per_day: float = 1.0,
) -> Arm:
    """Place targets in a simulation.

    Parameters
    ----------
    engine : Engine
    own : mapping of str to float
        Value by parameter of the engine, for those that the problem does not free.
    free : sequence of str
        Free parameters of the problem, in its order; those of other arms are left out.
    chosen : sequence of (int, Target)
        Targets with their places in the problem.
    reads : sequence of str
        Output of the engine that each target reads.
    is_ratio : sequence of bool
        Which targets are divided by their value at time zero.
    per_day : float
        Units of the model's time in a day.
    """
    here = [name for name in free if name in engine.parameters]
    moments = [target.time_days * per_day for _, target in chosen]
    times = sorted({0.0, *moments})
    return Arm(
        engine=engine,
        times=tuple(times),
        own=np.array([own[name] for name in engine.parameters], dtype=float),
        places=np.array([engine.parameters.index(name) for name in here], dtype=np.intp),
        columns=np.array([list(free).index(name) for name in here], dtype=np.intp),
        targets=np.array([place for place, _ in chosen], dtype=np.intp),
        time_index=np.array([times.index(moment) for moment in moments], dtype=np.intp),
        output_index=np.array([engine.outputs.index(name) for name in reads], dtype=np.intp),
        is_ratio=np.array(is_ratio, dtype=np.bool_),
    )


def check_fitted(targets: Sequence[Target], files: Sequence[str]) -> None:
    """Refuse data of which nothing is fitted.

    Raises
    ------
    DataError
        Naming every file.
    """
    if not any(target.fitted for target in targets):
        raise DataError(
            Fault(file, 1, "role", "no row is fitted", "mark rows as fitted") for file in files
        )
