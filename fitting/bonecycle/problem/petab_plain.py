"""The setting of a PEtab problem of any origin, as far as it is a problem of our kind.

Numbers with errors on the log scale, normal priors on the log scale, conditions that set constants.
All else is refused by name, everything at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import libsbml
import numpy as np
import petab.v1 as petab
from petab.v1 import C

from bonecycle.biology.foreign import ForeignModel, add_rule, free_ids, no_such, read_model
from bonecycle.biology.regimens import DAYS_PER_MONTH, Regimen
from bonecycle.biology.tables import Parameter, Scale
from bonecycle.engines.choice import make_engine
from bonecycle.errors import UsageError
from bonecycle.manifest import content_hash
from bonecycle.problem.arms import Arm, Setting, make_arm
from bonecycle.problem.petab_files import problem_files, read_tables
from bonecycle.problem.space import Space
from bonecycle.problem.spec import ProblemSpec
from bonecycle.problem.targets import Target
from bonecycle.studies.schema import Comparison, Observation, Reference, Role, Unit

if TYPE_CHECKING:
    import pandas as pd

_LOGS = {C.LOG: 1.0, C.LOG10: math.log(10)}
# Before the id of an observable in the names of what is read from the model.
_READ = "petab_"


def petab_setting(spec: ProblemSpec) -> Setting:
    """Set up a PEtab problem.

    Raises
    ------
    UsageError
        With everything in it that is not supported, or that petab's own checks report.
    ModelError
        For a model that cannot be used.
    """
    path = Path(spec.model)
    version, files = problem_files(path)
    model = read_model(files["sbml"])
    free = free_ids(model)
    problem = read_tables(path, version, files, free)
    if faults := [*_parameter_faults(problem.parameter_df, free), *_other_faults(problem, free)]:
        raise UsageError("\n  ".join([f"{path.name} cannot be used:", *faults]))
    space = Space(tuple(_parameters(path.name, problem.parameter_df)))
    targets = tuple(_targets(path, problem, model))
    notices = list(model.notices)
    arms = tuple(
        _arm(spec, str(condition), problem, model, space, targets, notices)
        for condition in dict.fromkeys(target.arm for target in targets)
    )
    content = (file.read_bytes() for file in (path, *files.values()))
    hashes = {
        "model": model.hash,
        "data": content_hash(*content),
        "priors": content_hash(repr(space.parameters)),
    }
    covariance = np.diag([target.log_sd**2 for target in targets])
    known = {parameter.id: parameter for parameter in space.parameters}
    said = tuple(dict.fromkeys(notices))
    return Setting(targets, (), space, known, covariance, arms, hashes, said)


def _parameter_faults(table: pd.DataFrame, free: dict[str, float]) -> Iterator[str]:
    for name, row in table.iterrows():
        if name not in free:
            yield f"parameter table: {no_such('constant parameter', str(name), free)}"
        if not int(row[C.ESTIMATE]):
            continue
        scale = row.get(C.PARAMETER_SCALE, C.LIN)
        prior = row.get(C.OBJECTIVE_PRIOR_TYPE)
        if prior not in (C.PARAMETER_SCALE_NORMAL, C.LOG_NORMAL):
            what = "no prior" if not isinstance(prior, str) else f"the prior {prior}"
            yield f"parameter {name}: {what} is not supported; give {C.LOG_NORMAL}"
        elif prior == C.PARAMETER_SCALE_NORMAL and scale not in _LOGS:
            yield f"parameter {name}: a normal prior on the scale {scale} is not supported"
    if not table[C.ESTIMATE].astype(int).any():
        yield "parameter table: nothing is estimated"


def _other_faults(problem: petab.Problem, free: dict[str, float]) -> Iterator[str]:
    for name, row in problem.observable_df.iterrows():
        if row.get(C.OBSERVABLE_TRANSFORMATION, C.LIN) not in _LOGS:
            yield f"observable {name}: errors on the linear scale are not supported; use log"
        if row.get(C.NOISE_DISTRIBUTION, C.NORMAL) not in (C.NORMAL, np.nan):
            yield f"observable {name}: noise {row[C.NOISE_DISTRIBUTION]} is not supported"
    rows = problem.measurement_df
    for name, values in rows.groupby(C.OBSERVABLE_ID):
        formula = str(problem.observable_df.loc[name, C.NOISE_FORMULA])
        numbers = values.get(C.NOISE_PARAMETERS)
        placed = formula == f"noiseParameter1_{name}" and numbers is not None
        if not _is_number(formula) and not (placed and numbers.map(_is_number).all()):
            yield f"observable {name}: the noise {formula} is not a number"
    if C.OBSERVABLE_PARAMETERS in rows and rows[C.OBSERVABLE_PARAMETERS].notna().any():
        yield "measurement table: observableParameters are not supported"
    if C.PREEQUILIBRATION_CONDITION_ID in rows and (
        rows[C.PREEQUILIBRATION_CONDITION_ID].notna().any()
    ):
        yield "measurement table: preequilibration is not supported; start at the steady state"
    if not np.isfinite(rows[C.TIME].astype(float)).all():
        yield "measurement table: steady states (time inf) are not supported"
    table = problem.condition_df
    for column in table.columns.drop(C.CONDITION_NAME, errors="ignore"):
        if column not in free:
            yield f"condition table: only constant parameters can be set, not {column}"
        elif column in problem.parameter_df.index:
            yield f"condition table: {column} is in the parameter table too"
        elif not table[column].map(_is_number).all():
            yield f"condition table: {column} is not a number in every condition"


def _is_number(value: object) -> bool:
    try:
        return math.isfinite(float(str(value)))
    except ValueError:
        return False


def _parameters(file: str, table: pd.DataFrame) -> Iterator[Parameter]:
    for name, row in table.iterrows():
        if not int(row[C.ESTIMATE]):
            continue
        center, sd = map(float, str(row[C.OBJECTIVE_PRIOR_PARAMETERS]).split(";"))
        if row[C.OBJECTIVE_PRIOR_TYPE] == C.PARAMETER_SCALE_NORMAL:
            center, sd = (x * _LOGS[row[C.PARAMETER_SCALE]] for x in (center, sd))
        title = row.get(C.PARAMETER_NAME)
        yield Parameter(
            id=str(name),
            name=title if isinstance(title, str) else str(name),
            unit="1",
            value=math.exp(center),
            scale=Scale.LOG,
            prior_sd=sd,
            fitted=True,
            mechanism="",
            source=file,
            place="parameter table",
            status="assumed",
            note="",
        )


def _targets(path: Path, problem: petab.Problem, model: ForeignModel) -> Iterator[Target]:
    for number, row in enumerate(problem.measurement_df.to_dict("records"), start=2):
        observable = row[C.OBSERVABLE_ID]
        defined = problem.observable_df.loc[observable]
        noise = str(defined[C.NOISE_FORMULA])
        sd = float(noise) if _is_number(noise) else float(row[C.NOISE_PARAMETERS])
        days = float(row[C.TIME]) / model.per_day
        observation = Observation(
            file=path.name,
            row=number,
            study=path.stem,
            doi="",
            pmid="",
            arm=str(row[C.SIMULATION_CONDITION_ID]),
            regimen=Regimen.untreated(),
            role=Role.FITTED,
            site="",
            time_months=days / DAYS_PER_MONTH,
            variable=observable,
            comparison=Comparison.EQUAL,
            value=float(row[C.MEASUREMENT]),
            unit=Unit.ONE,
            reference=Reference.NONE,
            lower=None,
            upper=None,
            interval="",
            n="",
            source_place="measurement table",
            note="",
        )
        log_sd = sd * _LOGS[defined[C.OBSERVABLE_TRANSFORMATION]]
        study, arm = path.stem, observation.arm
        yield Target(study, study, arm, observation, days, observation.value, log_sd, True)


def _arm(
    spec: ProblemSpec,
    condition: str,
    problem: petab.Problem,
    model: ForeignModel,
    space: Space,
    targets: tuple[Target, ...],
    notices: list[str],
) -> Arm:
    document = libsbml.readSBMLFromString(model.sbml)
    changed = document.getModel()
    fixed = problem.parameter_df[problem.parameter_df[C.ESTIMATE].astype(int) == 0]
    values = {str(name): float(value) for name, value in fixed[C.NOMINAL_VALUE].items()}
    row = problem.condition_df.loc[condition].drop(C.CONDITION_NAME, errors="ignore")
    values |= {str(name): float(value) for name, value in row.items()}
    for name, value in values.items():
        changed.getParameter(name).setValue(value)
    for name, formula in problem.observable_df[C.OBSERVABLE_FORMULA].items():
        # In PEtab log is the natural logarithm.
        add_rule(changed, f"{_READ}{name}", str(formula).replace("log(", "ln("))
    outputs = tuple(f"{_READ}{name}" for name in problem.observable_df.index)
    engine, notice = make_engine(
        spec.engine,
        str(libsbml.writeSBMLToString(document)),
        space.names,
        outputs,
        model.name,
        condition,
    )
    if notice:
        notices.append(notice)
    chosen = [(i, target) for i, target in enumerate(targets) if target.arm == condition]
    return make_arm(
        engine,
        free_ids(model),
        space.names,
        chosen,
        [f"{_READ}{target.observation.variable}" for _, target in chosen],
        [False for _ in chosen],
        model.per_day,
    )
