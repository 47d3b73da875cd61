"""A fitting problem as a PEtab problem, version 1 or 2, with what PEtab cannot say beside it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
import yaml  # type: ignore[import-untyped]

from bonecycle.biology.compose import compose
from bonecycle.biology.tables import Parameter, Scale
from bonecycle.errors import UsageError
from bonecycle.exchange.petab_limits import limits_table
from bonecycle.exchange.petab_model import LOGIT, UNTREATED, arm_switch, petab_model
from bonecycle.manifest import atomic_write, content_hash
from bonecycle.problem.cycle import cycle_drugs
from bonecycle.problem.petab_problem import EXTENSION, FORMAT
from bonecycle.problem.problem import Problem
from bonecycle.problem.targets import Target
from bonecycle.studies.reader import shipped_studies

# Bounds in prior SDs, those of our own fits.
_BOUND_SDS = 5.0
MODEL, PROBLEM = "model.xml", "problem.yaml"


class Version(IntEnum):
    """Versions of PEtab."""

    V1 = 1
    V2 = 2


@dataclass(frozen=True)
class PetabFiles:
    """Files of a PEtab problem by name, and the rows that PEtab holds.

    Attributes
    ----------
    files : dict of str to str
        Content by path in the folder of the problem.
    inside : ndarray of bool, shape (n_targets,)
        Targets of the problem that are measurements.
    limits : list of dict
        Rows of limits.csv.
    """

    files: Mapping[str, str]
    limits: list[dict[str, object]]
    inside: np.ndarray[tuple[int], np.dtype[np.bool_]]


def export_petab(problem: Problem, folder: Path, version: Version = Version.V1) -> PetabFiles:
    """Write a problem with the cycle as a PEtab problem.

    Parameters
    ----------
    problem : Problem
    folder : Path
        Made when missing; gets problem.yaml, model.xml, the tables, `EXTENSION` with the studies
        (from which `bonecycle fit --petab` restores the problem exactly), terms.csv (every target
        and where it went) and limits.csv (what PEtab cannot say, and what was done).
    version : Version

    Raises
    ------
    UsageError
        For a problem with a model of one's own.
    """
    found = petab_files(problem, version)
    for name, content in found.files.items():
        atomic_write(folder / name, content)
    return found


def petab_files(problem: Problem, version: Version = Version.V1) -> PetabFiles:
    """Make the files of `export_petab` without writing them."""
    if problem.spec.model:
        raise UsageError("Only problems with the cycle are exported to PEtab: leave out the model.")
    inside = np.array([t.fitted and t.is_number for t in problem.targets], dtype=np.bool_)
    rows = [target for target, kept in zip(problem.targets, inside, strict=True) if kept]
    regimens = [regimen for regimen in problem.regimens if regimen.treatments]
    ids = _observable_ids(rows)
    sbml = petab_model(
        compose("cycle", cycle_drugs(problem.regimens)),
        regimens,
        problem.spec.dosing,
        [p.id for p in problem.space.parameters if p.scale is Scale.LOGIT],
        {p.id: p.value for p in problem.space.parameters},
        sorted({t.observation.variable for t in rows if t.is_ratio}),
    )
    switches = [arm_switch(place) for place in range(len(regimens))]
    arms = {_arm_id(target): target for target in rows}
    on = {
        arm: [float(regimen == target.regimen) for regimen in regimens]
        for arm, target in arms.items()
    }
    tables = (
        _tables_1(rows, ids, arms, switches, on)
        if version is Version.V1
        else _tables_2(rows, ids, switches, on)
    )
    tables["parameters.tsv"] = _parameters(problem.space.parameters, version)
    files = {name: _text(table, "\t") for name, table in tables.items()}
    files |= {MODEL: sbml, PROBLEM: _config(problem, version)}
    files |= _extension(problem, files)
    files["terms.csv"] = _text(_terms(problem, inside, ids), ",")
    limits = limits_table(problem)
    files["limits.csv"] = _text(limits, ",")
    return PetabFiles(files, limits, inside)


_Table = list[dict[str, object]]


def _arm_id(target: Target) -> str:
    text = f"{target.study}__{target.arm}"
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in text)


def _observable_ids(rows: Sequence[Target]) -> dict[tuple[str, bool, float], str]:
    """Id by variable, ratio or not, and error: PEtab gives an observable one noise formula."""
    found: dict[tuple[str, bool, float], str] = {}
    for target in rows:
        variable = target.observation.variable
        key = (variable, target.is_ratio, target.log_sd)
        same = sum(k[:2] == key[:2] for k in found)
        kind = "ratio" if target.is_ratio else "value"
        found.setdefault(key, f"{variable}_{kind}_{same + 1}")
    return found


def _key(target: Target) -> tuple[str, bool, float]:
    return target.observation.variable, target.is_ratio, target.log_sd


def _formula(variable: str, is_ratio: bool) -> str:
    return f"{variable} / {variable}{UNTREATED}" if is_ratio else variable


def _tables_1(
    rows: Sequence[Target],
    ids: Mapping[tuple[str, bool, float], str],
    arms: Mapping[str, Target],
    switches: Sequence[str],
    on: Mapping[str, Sequence[float]],
) -> dict[str, _Table]:
    return {
        "observables.tsv": [
            {
                "observableId": name,
                "observableFormula": _formula(variable, is_ratio),
                "observableTransformation": "log",
                "noiseFormula": repr(sd),
                "noiseDistribution": "normal",
            }
            for (variable, is_ratio, sd), name in ids.items()
        ],
        "conditions.tsv": [
            {"conditionId": arm, "conditionName": str(arms[arm].regimen)}
            | dict(zip(switches, values, strict=True))
            for arm, values in on.items()
        ],
        "measurements.tsv": [
            {
                "observableId": ids[_key(target)],
                "simulationConditionId": _arm_id(target),
                "time": repr(target.time_days),
                "measurement": repr(target.value),
            }
            for target in rows
        ],
    }


def _tables_2(
    rows: Sequence[Target],
    ids: Mapping[tuple[str, bool, float], str],
    switches: Sequence[str],
    on: Mapping[str, Sequence[float]],
) -> dict[str, _Table]:
    turned = {arm: dict(zip(switches, values, strict=True)) for arm, values in on.items()}
    changes: _Table = [
        {"conditionId": arm, "targetId": switch, "targetValue": value}
        for arm, values in turned.items()
        for switch, value in values.items()
    ]
    return {
        "observables.tsv": [
            {
                "observableId": name,
                "observableFormula": _formula(variable, is_ratio),
                "noiseFormula": repr(sd),
                "noiseDistribution": "log-normal",
            }
            for (variable, is_ratio, sd), name in ids.items()
        ],
        "conditions.tsv": changes,
        "experiments.tsv": [
            {
                "experimentId": f"{arm}_course",
                "time": 0.0,
                "conditionId": arm if switches else "",
            }
            for arm in turned
        ],
        "measurements.tsv": [
            {
                "observableId": ids[_key(target)],
                "experimentId": f"{_arm_id(target)}_course",
                "time": repr(target.time_days),
                "measurement": repr(target.value),
            }
            for target in rows
        ],
    }


def _parameters(parameters: Iterable[Parameter], version: Version) -> _Table:
    table: _Table = []
    for parameter in parameters:
        is_log = parameter.scale is Scale.LOG
        center = np.log(parameter.value)
        if not is_log:
            center -= np.log1p(-parameter.value)
        sd = float(parameter.prior_sd or np.nan)
        low, high = center - _BOUND_SDS * sd, center + _BOUND_SDS * sd
        nominal = parameter.value if is_log else center
        prior = f"{float(center)!r};{sd!r}"
        row: dict[str, object] = {
            "parameterId": parameter.id if is_log else f"{parameter.id}{LOGIT}",
            "lowerBound": repr(float(np.exp(low) if is_log else low)),
            "upperBound": repr(float(np.exp(high) if is_log else high)),
            "nominalValue": repr(float(nominal)),
        }
        if version is Version.V1:
            row |= {
                "parameterScale": "log" if is_log else "lin",
                "estimate": 1,
                "objectivePriorType": "parameterScaleNormal",
                "objectivePriorParameters": prior,
            }
        else:
            row |= {
                "estimate": "true",
                "priorDistribution": "log-normal" if is_log else "normal",
                "priorParameters": prior,
            }
        table.append(row)
    return table


def _config(problem: Problem, version: Version) -> str:
    files = {kind: [f"{kind}s.tsv"] for kind in ("condition", "measurement", "observable")}
    config: dict[str, object]
    if version is Version.V1:
        listed = {f"{kind}_files": names for kind, names in files.items()}
        config = {
            "format_version": 1,
            "parameter_file": "parameters.tsv",
            "problems": [{"sbml_files": [MODEL], **listed}],
        }
    else:
        files |= {"experiment": ["experiments.tsv"], "parameter": ["parameters.tsv"]}
        if not any(regimen.treatments for regimen in problem.regimens):
            del files["condition"]
        config = {
            "format_version": "2.0.0",
            "id": "bonecycle_" + problem.spec.mechanism.replace("+", "_"),
            "model_files": {"cycle": {"location": MODEL, "language": "sbml"}},
            **{f"{kind}_files": names for kind, names in files.items()},
            "extensions": {"bonecycle": {"version": f"{FORMAT}.0", "required": False}},
        }
    return str(yaml.safe_dump(config, sort_keys=False))


def _extension(problem: Problem, files: dict[str, str]) -> dict[str, str]:
    """The studies as they are, and what makes the problem from them."""
    paths = [Path(path) for path in problem.spec.data] or shipped_studies()
    studies = {f"studies/{path.name}": path.read_text(encoding="utf-8") for path in paths}
    spec = problem.spec
    record = {
        "format": FORMAT,
        "mechanism": spec.mechanism,
        "encoding": spec.encoding,
        "error_scale": spec.error_scale,
        "dosing": spec.dosing.value,
        "studies": list(studies),
        "hashes": problem.hashes,
        "files": {name: content_hash(text) for name, text in (files | studies).items()},
    }
    return {**studies, EXTENSION: json.dumps(record, indent=1) + "\n"}


def _terms(
    problem: Problem,
    inside: Iterable[np.bool_],
    ids: Mapping[tuple[str, bool, float], str],
) -> _Table:
    """Every target: its term in our likelihood, and its place in PEtab or none."""
    covariance = problem.error_factor @ problem.error_factor.T
    together = (np.abs(covariance) > 0).sum(axis=1)
    return [
        {
            "study": target.study,
            "arm": target.arm,
            "variable": target.observation.variable,
            "time_days": repr(target.time_days),
            "comparison": target.observation.comparison.value,
            "role": target.observation.role.value,
            "value": "" if target.value is None else repr(target.value),
            "log_sd": repr(target.log_sd),
            "correlated_with": int(count) - 1,
            "fitted": "yes" if target.fitted else "no",
            "observableId": ids[_key(target)] if kept else "",
            "simulationConditionId": _arm_id(target) if kept else "",
        }
        for target, kept, count in zip(problem.targets, inside, together, strict=True)
    ]


def _text(table: _Table, separator: str) -> str:
    stream = io.StringIO()
    if table:
        writer = csv.DictWriter(stream, list(table[0]), delimiter=separator, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    return stream.getvalue()
