"""Rows of the studies become targets with a time, a scale and an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import block_diag

from bonecycle.biology import catalogue
from bonecycle.biology.regimens import Regimen
from bonecycle.engines.interface import Floats
from bonecycle.errors import DataError, Fault
from bonecycle.studies.error_model import Encoding, ErrorModel
from bonecycle.studies.schema import Comparison, Kind, Observation, Role, Study, Unit

# A visit on the day of a dose comes before it.
_BEFORE_DOSE_DAYS = 1e-3


@dataclass(frozen=True)
class Target:
    """One row that the model predicts.

    Attributes
    ----------
    study, arm : str
        Study name and arm.
    observation : Observation
        The row as published.
    time_days : float
        When the model is read.
    value : float or None
        Number to compare with, as a ratio to untreated or in the observable's unit: the published
        one, one for a direction, the threshold of the encoding. None when dropped.
    log_sd : float
        Error on the log scale.
    fitted : bool
        Whether it enters the likelihood of the fit.
    """

    study: str
    arm: str
    observation: Observation
    time_days: float
    value: float | None
    log_sd: float
    fitted: bool

    @property
    def regimen(self) -> Regimen:
        """Regimen of the arm."""
        assert self.observation.regimen is not None  # a row without one is never predicted
        return self.observation.regimen

    @property
    def is_ratio(self) -> bool:
        """Whether the target is relative to the untreated state."""
        return self.observation.kind is Kind.RATIO

    @property
    def is_number(self) -> bool:
        """Whether it is compared as a number, and not as a limit or a direction."""
        return self.observation.comparison in (Comparison.EQUAL, Comparison.UNCHANGED)

    @property
    def side(self) -> int:
        """+1 when the target asks for more than `value`, -1 for less, 0 for a number."""
        return _SIDES[self.observation.comparison]


_SIDES = {
    Comparison.EQUAL: 0,
    Comparison.UNCHANGED: 0,
    Comparison.BELOW: -1,
    Comparison.DECREASED: -1,
    Comparison.ABOVE: 1,
    Comparison.INCREASED: 1,
    Comparison.NOT_STRONGLY_DECREASED: 1,
}


def make_targets(
    studies: Sequence[Study], errors: ErrorModel, encoding: Encoding
) -> tuple[Target, ...]:
    """Targets of all fitted and validation rows, in the order of the studies.

    Raises
    ------
    DataError
        When an absolute row is in another unit than its observable; all rows at once.
    """
    faults: list[Fault] = []
    targets = [
        _target(study.name, arm.name, row, errors, encoding, faults)
        for study in studies
        for arm in study.arms((Role.FITTED, Role.VALIDATION))
        for row in arm.observations
    ]
    if faults:
        raise DataError(faults)
    return tuple(targets)


def _target(
    study: str,
    arm: str,
    row: Observation,
    errors: ErrorModel,
    encoding: Encoding,
    faults: list[Fault],
) -> Target:
    value: float | None
    log_sd = errors.log_sd(study, row.variable)
    if row.comparison is Comparison.NOT_STRONGLY_DECREASED:
        value, log_sd = encoding.threshold, encoding.log_sd or log_sd
    elif row.target is None:
        value = 1.0
    else:
        value = row.target * _unit_factor(row, faults)
    fitted = row.role is Role.FITTED and value is not None
    return Target(study, arm, row, _visit(row), value, log_sd, fitted)


def _unit_factor(row: Observation, faults: list[Fault]) -> float:
    if row.kind is Kind.RATIO:
        return 1.0
    unit = catalogue.observables()[row.variable].unit
    factors: Mapping[tuple[str, str], float] = {
        (Unit.FRACTION, "%"): 100.0,
        (Unit.PERCENT, "1"): 0.01,
        (Unit.FRACTION, "1"): 1.0,
    }
    if row.unit == unit or (row.unit, unit) in factors:
        return factors.get((row.unit, unit), 1.0)
    message = f"{row.variable} is in {unit!r} and the row in {row.unit.value!r}"
    faults.append(Fault(row.file, row.row, "unit", message, f"convert the value to {unit}"))
    return 1.0


def _visit(row: Observation) -> float:
    time = row.time_days
    treatments = row.regimen.treatments if row.regimen is not None else ()
    for treatment in treatments:
        near = np.abs(treatment.dose_times() - time) < _BEFORE_DOSE_DAYS
        if time > 0 and near.any():
            return time - _BEFORE_DOSE_DAYS
    return time


def whitening(targets: Sequence[Target], errors: ErrorModel) -> Floats:
    """Lower Cholesky factor of the covariance of log errors, shape (n_targets, n_targets).

    Fitted numbers of one arm share an error; limits, directions, validation rows and different
    arms are independent.
    """
    n = len(targets)
    groups: dict[tuple[str, str], list[int]] = {}
    alone: list[int] = []
    for i, target in enumerate(targets):
        if target.fitted and target.observation.comparison is Comparison.EQUAL:
            groups.setdefault((target.study, target.arm), []).append(i)
        else:
            alone.append(i)
    order: list[int] = []
    blocks: list[Floats] = []
    for (study, _), members in groups.items():
        order += members
        variables = [targets[i].observation.variable for i in members]
        blocks.append(
            np.asarray(np.linalg.cholesky(errors.covariance(study, variables)), dtype=float)
        )
    order += alone
    blocks += [np.array([[targets[i].log_sd]]) for i in alone]
    # Members stand in increasing order in each block, so the factor stays lower triangular.
    result = np.zeros((n, n))
    result[np.ix_(order, order)] = block_diag(*blocks)
    return result
