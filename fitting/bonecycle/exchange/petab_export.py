"""A fitting problem as a PEtab problem, version 1 or 2, with what PEtab cannot say beside it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import yaml  # type: ignore[import-untyped]

from bonecycle.biology.compose import compose
from bonecycle.biology.tables import Scale
from bonecycle.errors import UsageError
from bonecycle.exchange.annotations import annotate
from bonecycle.exchange.petab_limits import limits_table
from bonecycle.exchange.petab_model import petab_model
from bonecycle.exchange.petab_tables import (
    Names,
    Rows,
    Version,
    measurement_tables,
    parameter_table,
)
from bonecycle.manifest import atomic_write, content_hash
from bonecycle.problem.cycle import cycle_drugs
from bonecycle.problem.petab_problem import ELSEWHERE, EXTENSION, FORMAT
from bonecycle.problem.problem import Problem
from bonecycle.studies.reader import shipped_studies

MODEL, PROBLEM = "model.xml", "problem.yaml"


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
    targets = [target for target, kept in zip(problem.targets, inside, strict=True) if kept]
    if not targets:
        raise UsageError("No fitted target is a number: PEtab has nothing to hold.")
    regimens = [regimen for regimen in problem.regimens if regimen.treatments]
    names = Names.of(targets)
    free = [p for p in problem.space.parameters if p.id in problem.parameters]
    drugs = cycle_drugs(problem.regimens)
    model = compose("cycle", drugs)
    sbml = petab_model(
        model,
        regimens,
        problem.spec.dosing,
        [p.id for p in free if p.scale is Scale.LOGIT],
        {p.id: p.value for p in free},
        sorted({t.observation.variable for t in targets if t.is_ratio}),
    )
    changed = [f"{p.id}={p.value!r}" for p in free if p.value != model.parameters[p.id].value]
    provenance = {
        "model": "cycle",
        "drugs": ", ".join(drugs) or "none",
        "regimen": "; ".join(map(str, regimens)) or "untreated",
        "mechanisms": problem.spec.mechanism,
        "parameters": ", ".join(changed) or "none",
        "dosing": problem.spec.dosing.value,
        "modelHash": model.hash,
    }
    sbml = annotate(sbml, provenance, model.sources)
    tables = measurement_tables(targets, regimens, names, version)
    tables["parameters.tsv"] = parameter_table(free, version)
    files = {name: _text(table, "\t") for name, table in tables.items() if table}
    files |= {MODEL: sbml, PROBLEM: _config(problem, files, version)}
    files |= _extension(problem, files)
    limits = limits_table(problem)
    files["terms.csv"] = _text(_terms(problem, inside, names), ",")
    files["limits.csv"] = _text(limits, ",")
    return PetabFiles(files, limits, inside)


def _config(problem: Problem, files: Mapping[str, str], version: Version) -> str:
    kinds = ("condition", "measurement", "observable", "experiment", "parameter")
    listed = {f"{kind}_files": [f"{kind}s.tsv"] for kind in kinds if f"{kind}s.tsv" in files}
    config: dict[str, object]
    if version is Version.V1:
        [parameters] = listed.pop("parameter_files")
        config = {
            "format_version": 1,
            "parameter_file": parameters,
            "problems": [{"sbml_files": [MODEL], **listed}],
        }
    else:
        config = {
            "format_version": "2.0.0",
            "id": "bonecycle_" + problem.spec.mechanism.replace("+", "_"),
            "model_files": {"cycle": {"location": MODEL, "language": "sbml"}},
            **listed,
            "extensions": {"bonecycle": {"version": f"{FORMAT}.0", "required": False}},
        }
    return str(yaml.safe_dump(config, sort_keys=False))


def _extension(problem: Problem, files: dict[str, str]) -> dict[str, str]:
    """The studies as they are, and what makes the problem from them."""
    paths = [Path(path) for path in problem.spec.data] or shipped_studies()
    studies = {f"studies/{path.name}": path.read_text(encoding="utf-8") for path in paths}
    # Paths are given anew where it is read, and any engine will do.
    spec = {k: v for k, v in asdict(problem.spec).items() if k not in ELSEWHERE}
    record = {
        "format": FORMAT,
        "spec": spec,
        "studies": list(studies),
        "hashes": problem.hashes,
        "files": {name: content_hash(text) for name, text in (files | studies).items()},
    }
    return {**studies, EXTENSION: json.dumps(record, indent=1) + "\n"}


def _terms(
    problem: Problem,
    inside: Iterable[np.bool_],
    names: Names,
) -> Rows:
    """Every target: its term in our likelihood, and its place in PEtab or none."""
    covariance = problem.error_factor @ problem.error_factor.T
    together = (np.abs(covariance) > 0).sum(axis=1)
    rows = [*zip(problem.targets, inside, together, strict=True)]
    rows += [(target, np.False_, 1) for target in problem.held]
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
            "observableId": names.observable(target) if kept else "",
            "simulationConditionId": names.condition(target) if kept else "",
        }
        for target, kept, count in rows
    ]


def _text(table: Rows, separator: str) -> str:
    stream = io.StringIO()
    if table:
        writer = csv.DictWriter(stream, list(table[0]), delimiter=separator, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
    return stream.getvalue()
