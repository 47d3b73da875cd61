"""The setting of a problem with the cycle: shipped or own studies, a mechanism, its priors."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable
from pathlib import Path

from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing, with_regimen
from bonecycle.biology.regimens import Regimen, check_drugs
from bonecycle.engines.choice import EngineName, make_engine
from bonecycle.engines.interface import Engine, Floats
from bonecycle.errors import unknown
from bonecycle.manifest import content_hash
from bonecycle.problem.arms import Arm, Setting, check_fitted, make_arm
from bonecycle.problem.space import Space, fitted_space, parse_mechanism
from bonecycle.problem.spec import ProblemSpec
from bonecycle.problem.targets import Target, error_covariance, make_targets
from bonecycle.studies.error_model import ErrorModel, load_encodings
from bonecycle.studies.reader import load_studies, shipped_studies
from bonecycle.studies.schema import Role


@dataclass(frozen=True)
class StudyTargets:
    """Targets of study tables with their errors; `paths` of the tables, `hashes` of all of it.

    `held`: validation rows under regimens without a fitted row.
    """

    targets: tuple[Target, ...]
    held: tuple[Target, ...]
    error_covariance: Floats
    paths: tuple[Traversable, ...]
    hashes: dict[str, str]

    @property
    def regimens(self) -> tuple[Regimen, ...]:
        """Distinct regimens in the order in which the targets name them."""
        return tuple(dict.fromkeys(target.regimen for target in self.targets))


def study_targets(spec: ProblemSpec, observables: Collection[str]) -> StudyTargets:
    """Read the studies of a problem.

    Raises
    ------
    UsageError
        For an unknown encoding.
    DataError
        With every fault of every table.
    """
    encodings = load_encodings()
    if spec.encoding not in encodings:
        raise unknown("encoding", spec.encoding, encodings)
    paths = [Path(path) for path in spec.data] or shipped_studies()
    studies = load_studies(observables, paths)
    errors = ErrorModel.load()
    if spec.error_scale != 1:
        errors = errors.scaled(spec.error_scale)
    rows = make_targets(studies, errors, encodings[spec.encoding])
    check_fitted(rows, [str(path) for path in paths])
    shared = {row.regimen for row in rows if row.observation.role is Role.FITTED}
    targets = tuple(row for row in rows if row.regimen in shared)
    held = tuple(row for row in rows if row.regimen not in shared)
    hashes = {
        "data": content_hash(*(path.read_bytes() for path in paths)),
        "error_model": errors.hash,
        "encoding": content_hash(repr(encodings[spec.encoding])),
    }
    return StudyTargets(targets, held, error_covariance(targets, errors), tuple(paths), hashes)


def has_cycle(model: str) -> bool:
    """Whether a model has the cycle in it, so that studies can be compared with it."""
    known = catalogue.models()
    return model in known and "cycle" in known[model].folders


def cycle_setting(spec: ProblemSpec) -> Setting:
    """Set up the cycle, alone or coupled, with the drugs of the studies."""
    mechanism = parse_mechanism(spec.mechanism)
    studies = study_targets(spec, catalogue.observables())
    for target in studies.held:
        check_drugs(target.regimen, catalogue.routes())
    drugs = cycle_drugs(studies.regimens)
    model = compose(_name(spec), drugs)
    # The coupled model is fitted with the freedoms of the cycle; the route stays at its centres.
    space = fitted_space(mechanism, drugs).within(model.parameters)
    space = space.with_strengths_scaled(spec.prior_scale)
    notices: list[str] = []
    arms = tuple(
        _arm(spec, regimen, studies.targets, space, notices) for regimen in studies.regimens
    )
    hashes = {
        "model": model.hash,
        **studies.hashes,
        "priors": content_hash(repr(space.parameters)),
        "dosing": content_hash(spec.dosing),
    }
    return Setting(
        studies.targets,
        studies.held,
        space,
        model.parameters,
        studies.error_covariance,
        arms,
        hashes,
        tuple(notices),
    )


def _name(spec: ProblemSpec) -> str:
    return spec.model or "cycle"


def cycle_drugs(regimens: Collection[Regimen]) -> tuple[str, ...]:
    """Drugs that regimens name, in the order of the catalogue and checked against it."""
    names: list[str] = []
    for regimen in regimens:
        check_drugs(regimen, catalogue.routes())
        names += regimen.drugs
    return tuple(name for name in catalogue.drugs() if name in names)


def _arm(
    spec: ProblemSpec,
    regimen: Regimen,
    targets: tuple[Target, ...],
    space: Space,
    notices: list[str],
) -> Arm:
    chosen = [(i, target) for i, target in enumerate(targets) if target.regimen == regimen]
    # The same for all arms, so that they share the generated code.
    outputs = tuple(sorted({target.observation.variable for target in targets}))
    model = compose(_name(spec), regimen.drugs)
    # What any mechanism frees, so that all mechanisms share it too.
    every = fitted_space(tuple(catalogue.mechanisms()), regimen.drugs)
    names = tuple(name for name in every.names if name in model.parameters)
    arm = f"{chosen[0][1].study}: {chosen[0][1].arm}"
    engine, notice = _load_engine(
        spec.engine, _name(spec), regimen, spec.dosing, names, outputs, arm
    )
    if notice:
        notices.append(notice)
    return make_arm(
        engine,
        {p.id: 0.0 if p.mechanism else p.value for p in model.parameters.values()},
        space.names,
        chosen,
        [target.observation.variable for _, target in chosen],
        [target.is_ratio for _, target in chosen],
    )


@cache
def _load_engine(
    name: EngineName,
    model_name: str,
    regimen: Regimen,
    dosing: Dosing,
    parameters: tuple[str, ...],
    outputs: tuple[str, ...],
    arm: str,
) -> tuple[Engine, str]:
    """Load a regimen once per process: mechanisms and encodings share it."""
    model = with_regimen(compose(model_name, regimen.drugs), regimen, dosing)
    return make_engine(name, model.sbml, parameters, outputs, model.name, arm)
