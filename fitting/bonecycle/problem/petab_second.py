"""A PEtab problem of version 2 in the words of version 1."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
import petab.v1 as first
import petab.v2 as second
from petab.v1 import C
from petab.v1.models.sbml_model import SbmlModel
from petab.v2.lint import ValidationIssueSeverity

# Of measurements without an experiment: no id of PEtab has spaces.
_AS_IT_IS = "model as it is"
_NOISE = {
    "normal": (C.LIN, C.NORMAL),
    "log-normal": (C.LOG, C.NORMAL),
    "laplace": (C.LIN, C.LAPLACE),
    "log-laplace": (C.LOG, C.LAPLACE),
}


def read_second(files: Mapping[str, Path]) -> second.Problem:
    """Read a problem of version 2 from its files by kind; condition and experiment may lack."""
    conditions = (
        [second.ConditionTable.from_tsv(files["condition"])] if "condition" in files else None
    )
    experiments = (
        [second.ExperimentTable.from_tsv(files["experiment"])] if "experiment" in files else None
    )
    return second.Problem(
        models=[SbmlModel.from_file(files["sbml"])],
        condition_tables=conditions,
        experiment_tables=experiments,
        observable_tables=[second.ObservableTable.from_tsv(files["observable"])],
        measurement_tables=[second.MeasurementTable.from_tsv(files["measurement"])],
        parameter_tables=[second.ParameterTable.from_tsv(files["parameter"])],
    )


def second_faults(files: Mapping[str, Path]) -> list[str]:
    """What petab's checks report of a problem, or else what version 1 has no words for."""
    problem = read_second(files)
    issues = second.lint_problem(problem)
    said = [str(i.message) for i in issues if i.level >= ValidationIssueSeverity.ERROR]
    return said or list(_faults(problem))


def as_first(files: Mapping[str, Path], own: Mapping[str, float]) -> first.Problem:
    """Read a problem without `second_faults` as one of version 1: a condition is an experiment.

    Parameters
    ----------
    files : mapping of str to Path
        By kind.
    own : mapping of str to float
        Values of the constant parameters of the model: a condition of version 1 names what any
        condition sets.
    """
    problem = read_second(files)
    # As they stand in the file: petab writes formulas read by sympy another way.
    formulas = second.get_observable_df(files["observable"])[C.OBSERVABLE_FORMULA]
    return first.Problem(
        model=problem.model,
        condition_df=_conditions(problem, own),
        measurement_df=_measurements(problem),
        observable_df=_observables(problem, formulas.astype(str).to_dict()),
        parameter_df=_parameters(problem),
    )


def _faults(problem: second.Problem) -> Iterator[str]:
    for experiment in problem.experiments:
        times = [period.time for period in experiment.periods]
        if -math.inf in times:
            yield (
                f"experiment {experiment.id}: preequilibration is not supported; "
                "start at the steady state"
            )
        elif len(times) > 1:
            yield (
                f"experiment {experiment.id}: {len(times)} periods are not supported; "
                "make what happens later events of the model"
            )
        elif times and times[0] != 0:
            yield f"experiment {experiment.id}: a start at {times[0]:g} is not supported; use 0"
    # petab does not look for these.
    known = {experiment.id for experiment in problem.experiments}
    for name in dict.fromkeys(row.experiment_id for row in problem.measurements):
        if name and name not in known:
            yield f"measurement table: there is no experiment {name}"


def _conditions(problem: second.Problem, own: Mapping[str, float]) -> pd.DataFrame:
    changes = {condition.id: condition.changes for condition in problem.conditions}
    table: dict[str, dict[str, str]] = {_AS_IT_IS: {}}
    for experiment in problem.experiments:
        named = (name for period in experiment.periods for name in period.condition_ids)
        table[experiment.id] = {
            change.target_id: _plain(change.target_value)
            for name in named
            for change in changes[name]
        }
    frame = pd.DataFrame.from_dict(table, orient="index", dtype=object)
    return frame.fillna(dict(own))


def _measurements(problem: second.Problem) -> pd.DataFrame:
    return pd.DataFrame(
        {
            C.OBSERVABLE_ID: row.observable_id,
            C.SIMULATION_CONDITION_ID: row.experiment_id or _AS_IT_IS,
            C.TIME: row.time,
            C.MEASUREMENT: row.measurement,
            C.OBSERVABLE_PARAMETERS: _joined(row.observable_parameters),
            C.NOISE_PARAMETERS: _joined(row.noise_parameters),
        }
        for row in problem.measurements
    )


def _observables(problem: second.Problem, formulas: Mapping[str, str]) -> pd.DataFrame:
    rows = {}
    for row in problem.observables:
        transformation, distribution = _NOISE[row.noise_distribution.value]
        noise = _plain(row.noise_formula)
        if row.noise_placeholders == [row.noise_formula]:
            noise = f"noiseParameter1_{row.id}"
        rows[row.id] = {
            C.OBSERVABLE_FORMULA: formulas[row.id],
            C.OBSERVABLE_TRANSFORMATION: transformation,
            C.NOISE_FORMULA: noise,
            C.NOISE_DISTRIBUTION: distribution,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _parameters(problem: second.Problem) -> pd.DataFrame:
    rows = {
        row.id: {
            C.PARAMETER_SCALE: C.LIN,
            C.NOMINAL_VALUE: row.nominal_value,
            C.ESTIMATE: int(row.estimate),
            C.OBJECTIVE_PRIOR_TYPE: _prior(row),
            C.OBJECTIVE_PRIOR_PARAMETERS: _joined(row.prior_parameters),
        }
        for row in problem.parameters
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def _prior(row: second.Parameter) -> str | None:
    if row.prior_distribution is None:
        return None
    return C.LOG_NORMAL if row.prior_distribution == "log-normal" else str(row.prior_distribution)


def _plain(value: object) -> str:
    """A number in full, or the formula."""
    try:
        return repr(float(value))  # type: ignore[arg-type]
    except TypeError:  # a sympy formula with names in it
        return str(value)


def _joined(values: list[object]) -> object:
    return ";".join(map(_plain, values)) if values else None
