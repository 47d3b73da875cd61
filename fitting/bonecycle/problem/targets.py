"""Rows of the studies become targets with a time, a scale and an error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from bonecycle.biology import catalogue
from bonecycle.biology.regimens import Regimen
from bonecycle.engines.interface import Floats
from bonecycle.errors import DataError, Fault
from bonecycle.problem.patients import ArmMedians, estimate
from bonecycle.studies.error_model import Encoding, ErrorModel
from bonecycle.studies.schema import Comparison, Kind, Observation, Role, Study, Unit

# A visit on the day of a dose comes before it.
_BEFORE_DOSE_DAYS = 1e-3


@dataclass(frozen=True)
class Target:
    """One row that the model predicts.

    Attributes
    ----------
    study, trial, arm : str
        Name of the study, trial that it reports, arm.
    observation : Observation
        The row as published.
    time_days : float
        When the model is read.
    value : float or None
        Number to compare with, as a ratio to untreated or in the observable's unit: the published
        one, one for a direction, the threshold of the encoding. None when dropped.
    log_sd : float
        Error on the log scale: of the error model and, where a table gives patients, of sampling.
    fitted : bool
        Whether it enters the likelihood of the fit.
    sampling : mapping of (str, float) to float
        Covariance of its sampling error with those of the rows of its arm, itself included, by
        variable and month; empty where a table gives none.
    """

    study: str
    trial: str
    arm: str
    observation: Observation
    time_days: float
    value: float | None
    log_sd: float
    fitted: bool
    sampling: Mapping[tuple[str, float], float] = field(default_factory=dict)

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
        _target(study, arm.name, row, errors, encoding, faults)
        for study in studies
        for arm in study.arms((Role.FITTED, Role.VALIDATION))
        for row in arm.observations
    ]
    if faults:
        raise DataError(faults)
    patients = {
        (study.name, arm.arm.name): arm
        for study in studies
        if study.biopsies
        for arm in estimate(study.biopsies).arms
    }
    return tuple(_with_patients(t, patients.get((t.study, t.arm))) for t in targets)


def _with_patients(target: Target, medians: ArmMedians | None) -> Target:
    """A target with its sampling error; of single biopsies, with the estimate of the median."""
    row = target.observation
    cell = (row.variable, row.time_months)
    if medians is not None and cell in medians.arm.cells:
        place = medians.arm.cells.index(cell)
        value = float(np.exp(medians.log_medians[place]))
        sampling = dict(zip(medians.arm.cells, map(float, medians.covariance[place]), strict=True))
    elif row.sampling_log_sd:
        value, sampling = target.value or 0.0, {cell: row.sampling_log_sd**2}
    else:
        return target
    log_sd = float(np.hypot(target.log_sd, np.sqrt(sampling[cell])))
    return replace(target, value=value, log_sd=log_sd, sampling=sampling)


def _target(
    study: Study,
    arm: str,
    row: Observation,
    errors: ErrorModel,
    encoding: Encoding,
    faults: list[Fault],
) -> Target:
    value: float | None
    log_sd = errors.log_sd(study.name, row.variable)
    if row.comparison is Comparison.NOT_STRONGLY_DECREASED:
        value, log_sd = encoding.threshold, encoding.log_sd or log_sd
    elif row.target is None:
        value = 1.0
    else:
        value = row.target * _unit_factor(row, faults)
    fitted = row.role is Role.FITTED and value is not None
    return Target(study.name, study.trial, arm, row, _visit(row), value, log_sd, fitted)


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


def error_covariance(targets: Sequence[Target], errors: ErrorModel) -> Floats:
    """Covariance of the log errors, shape (n_targets, n_targets).

    Numbers of one arm of a trial share an error, whichever study reports them, and those of one
    study the sampling errors of its patients; limits, directions and different arms are
    independent.
    """
    result = np.diag([target.log_sd**2 for target in targets])
    arms: dict[tuple[str, str], list[int]] = {}
    for i, target in enumerate(targets):
        if target.observation.comparison is Comparison.EQUAL:
            arms.setdefault((target.trial, target.arm), []).append(i)
    for members in arms.values():
        rows = [targets[i] for i in members]
        shared = errors.covariance([(row.study, row.observation.variable) for row in rows])
        sampling = [[_sampling(one, other) for other in rows] for one in rows]
        result[np.ix_(members, members)] = shared + sampling
    return np.asarray(result, dtype=float)


def _sampling(one: Target, other: Target) -> float:
    cell = (other.observation.variable, other.observation.time_months)
    return one.sampling.get(cell, 0.0) if one.study == other.study else 0.0


def whitening(covariance: Floats, fitted: NDArray[np.bool_]) -> Floats:
    """Lower Cholesky factor of `error_covariance`, with rows that are not fitted on their own."""
    together = np.outer(fitted, fitted) | np.eye(len(fitted), dtype=bool)
    return np.asarray(np.linalg.cholesky(np.where(together, covariance, 0.0)), dtype=float)
