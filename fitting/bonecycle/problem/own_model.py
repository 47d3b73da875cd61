"""The setting of a problem with a user's own model."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from bonecycle.biology import catalogue
from bonecycle.biology.foreign import ForeignModel, free_ids, with_readings
from bonecycle.biology.foreign_dosing import treatment_faults, with_doses
from bonecycle.biology.tables import Parameter
from bonecycle.engines.choice import make_engine
from bonecycle.engines.interface import Engine
from bonecycle.errors import DataError, Fault, unknown
from bonecycle.manifest import content_hash
from bonecycle.problem.arms import Arm, Setting, make_arm
from bonecycle.problem.cycle import StudyTargets, study_targets
from bonecycle.problem.model_map import ModelMap, StartAt, read_map
from bonecycle.problem.space import Space
from bonecycle.problem.spec import ProblemSpec

READ = "observed_"
"""Before the name of our observable in the names of what is read from the model."""


def own_setting(spec: ProblemSpec) -> Setting:
    """Set up a user's model with its table and studies.

    Raises
    ------
    DataError
        With every fault of the table, or every row of the data that the table cannot predict.
    ModelError
        For a model that cannot be used.
    """
    own = read_map(Path(spec.map), Path(spec.model))
    studies = study_targets(spec, catalogue.observables())
    _check_rows(studies, own)
    space = Space(own.parameters)
    notices = list(own.model.notices)
    arms = tuple(_arm(spec, place, studies, own, notices) for place in range(len(studies.regimens)))
    hashes = {
        "model": own.model.hash,
        **studies.hashes,
        "priors": content_hash(repr(space.parameters)),
        "map": content_hash(Path(spec.map).read_bytes()),
    }
    return Setting(
        studies.targets,
        studies.held,
        space,
        _parameters(own),
        studies.error_covariance,
        arms,
        hashes,
        tuple(dict.fromkeys(notices)),
    )


def _check_rows(studies: StudyTargets, own: ModelMap) -> None:
    faults = []
    said: set[tuple[str, str]] = set()
    for target in studies.targets:
        row = target.observation
        if row.variable not in own.observables:
            text = str(unknown("observable of the map", row.variable, own.observables))
            remedy = "add a row of kind observable to the map, or give this row the role context"
            faults.append(Fault(row.file, row.row, "variable", text, remedy))
        for message in treatment_faults(target.regimen, own.ways):
            if (row.file, message) not in said:
                said.add((row.file, message))
                remedy = "change the map or the regimen"
                faults.append(Fault(row.file, row.row, "regimen", message, remedy))
    if faults:
        raise DataError(faults)


def _arm(
    spec: ProblemSpec, place: int, studies: StudyTargets, own: ModelMap, notices: list[str]
) -> Arm:
    regimen = studies.regimens[place]
    chosen = [(i, t) for i, t in enumerate(studies.targets) if t.regimen == regimen]
    name = f"{chosen[0][1].study}: {chosen[0][1].arm}"
    readings = {f"{READ}{n}": reading for n, reading in own.observables.items()}
    untreated = with_readings(own.model, readings)
    treated = with_doses(untreated, regimen, own.ways)
    free = tuple(parameter.id for parameter in own.parameters)

    def load(sbml: str, parameters: tuple[str, ...]) -> Engine:
        engine, notice = make_engine(
            spec.engine, sbml, parameters, tuple(readings), own.model.name, name
        )
        if notice:
            notices.append(notice)
        return engine

    if own.start is StartAt.STEADY:
        engine = _steady_start(untreated, treated, free, load)
    else:
        engine = load(treated.sbml, free)
    return make_arm(
        engine,
        free_ids(own.model),
        free,
        chosen,
        [f"{READ}{target.observation.variable}" for _, target in chosen],
        [target.is_ratio for _, target in chosen],
        own.model.per_day,
    )


def _steady_start(
    untreated: ForeignModel,
    treated: ForeignModel,
    free: tuple[str, ...],
    load: Callable[[str, tuple[str, ...]], Engine],
) -> Engine:
    # numba is slow to import: only where it is used.
    from bonecycle.engines.kernel.engine import KernelEngine
    from bonecycle.engines.roadrunner import RoadRunnerEngine
    from bonecycle.engines.steady_start import SteadyStart, with_starts

    sbml, states = with_starts(treated.sbml)
    solved = load(untreated.sbml, free)
    assert isinstance(solved, KernelEngine | RoadRunnerEngine)  # there are no others
    return SteadyStart(lambda names: load(sbml, names), solved, states)


def _parameters(own: ModelMap) -> dict[str, Parameter]:
    """All constants of the model; those that are not free have no prior."""
    free = {parameter.id: parameter for parameter in own.parameters}
    fixed = {
        name: Parameter(
            id=name,
            name=name,
            unit="1",
            value=value,
            scale=None,
            prior_sd=None,
            fitted=False,
            mechanism="",
            source=own.model.name,
            place="",
            status="assumed",
            note="",
        )
        for name, value in free_ids(own.model).items()
        if name not in free and math.isfinite(value)
    }
    return free | fixed
