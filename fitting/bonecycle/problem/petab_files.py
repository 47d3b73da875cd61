"""The files of a PEtab problem and its tables; those of version 2 are put as version 1 has them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

import petab.v1 as petab
from petab.v1.models.sbml_model import SbmlModel

from bonecycle.cache import kept_json, program
from bonecycle.errors import UsageError
from bonecycle.manifest import content_hash
from bonecycle.problem.petab_problem import inside, read_config

_KINDS = ("sbml", "condition", "measurement", "observable", "parameter")
# Version 2 may do without; its model files have names and languages, see `_second_lists`.
_OPTIONAL = ("condition", "experiment")
MAX_SECONDS = 60
"""Longest time for petab's own checks."""


def problem_files(path: Path) -> tuple[int, dict[str, Path]]:
    """Version of a PEtab problem and its files by kind, all of them in its folder.

    Raises
    ------
    UsageError
        For what is not one problem with one file of a kind.
    """
    config = read_config(path)
    version = str(config["format_version"]).split(".")[0]
    if version not in ("1", "2"):
        raise UsageError(f"{path.name}: PEtab {config['format_version']} is not supported.")
    lists = _first_lists(path, config) if version == "1" else _second_lists(path, config)
    odd = [
        kind
        for kind, names in lists.items()
        if not (isinstance(names, list) and len(names) == 1 and isinstance(names[0], str))
    ]
    if odd:
        raise UsageError(f"{path.name}: exactly one file is supported of {', '.join(odd)}.")
    files = {kind: inside(path.parent, names[0]) for kind, names in lists.items() if names}
    if lost := [str(file.name) for file in files.values() if not file.is_file()]:
        raise UsageError(f"{path.name}: missing beside it: {', '.join(lost)}.")
    return int(version), files


def _first_lists(path: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    problems = config.get("problems")
    problem = problems[0] if isinstance(problems, list) and len(problems) == 1 else None
    if not isinstance(problem, dict):
        raise UsageError(f"{path.name}: exactly one problem in a file is supported.")
    lists = {kind: problem.get(f"{kind}_files") for kind in _KINDS[:-1]}
    return lists | {"parameter": [config.get("parameter_file")]}


def _second_lists(path: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    faults = []
    if config.get("mapping_files"):
        faults.append("mapping tables are not supported")
    extensions = config.get("extensions") or {}
    for name, extension in extensions.items() if isinstance(extensions, dict) else ():
        # One that says nothing may be needed to understand the problem.
        if not isinstance(extension, dict) or extension.get("required", True):
            faults.append(f"the extension {name} is not supported")
    models = config.get("model_files")
    models = list(models.values()) if isinstance(models, dict) else [None]
    languages = [model.get("language") for model in models if isinstance(model, dict)]
    faults += [f"models in {name} are not supported" for name in languages if name != "sbml"]
    if faults:
        raise UsageError("\n  ".join([f"{path.name} cannot be used:", *faults]))
    lists = {
        kind: config.get(f"{kind}_files")
        for kind in (*_KINDS[1:], "experiment")
        if config.get(f"{kind}_files") or kind not in _OPTIONAL
    }
    # A single file may stand without a list.
    lists = {kind: [names] if isinstance(names, str) else names for kind, names in lists.items()}
    return {"sbml": [m.get("location") if isinstance(m, dict) else None for m in models], **lists}


def read_tables(
    path: Path, version: int, files: Mapping[str, Path], own: Mapping[str, float]
) -> petab.Problem:
    """Check and read the tables of a problem.

    Parameters
    ----------
    path : Path
        Of the problem, for messages.
    version : int
    files : mapping of str to Path
        As `problem_files` gives them.
    own : mapping of str to float
        Values of the constant parameters of the model.

    Returns
    -------
    petab.v1.Problem
        Of version 2, the same in the words of version 1: a condition is an experiment.

    Raises
    ------
    UsageError
        With what petab's own checks report, or what version 1 has no words for.
    """
    content = (files[kind].read_bytes() for kind in sorted(files))
    versions = [metadata.version(name) for name in ("petab", "bonecycle")]
    key = content_hash(program(__file__), *versions, str(version), *sorted(files), *content)
    if said := kept_json("petab", key, lambda: _checked(path, version, files)):
        raise UsageError("\n  ".join([f"{path.name}: petab's checks report", *said]))
    if version == 1:
        return first_tables(files)
    # Slow to import, and version 1 does not need it.
    from bonecycle.problem.petab_second import as_first

    return as_first(files, own)


def _checked(path: Path, version: int, files: Mapping[str, Path]) -> list[str]:
    """What petab's checks report; in a process of its own, since formulas may grow without end."""
    given = json.dumps([version, {kind: str(file) for kind, file in files.items()}])
    try:
        answer = subprocess.run(
            [sys.executable, "-m", "bonecycle.problem.petab_check"],
            input=given,
            capture_output=True,
            encoding="utf-8",
            timeout=MAX_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        reason = f"petab's checks take more than {MAX_SECONDS} s: a formula or a table is too large"
        raise UsageError(f"{path.name}: {reason}.") from error
    if answer.returncode:
        raise UsageError(f"{path.name}: petab's checks break down on it: look for huge formulas.")
    return list(json.loads(answer.stdout.splitlines()[-1]))


def first_tables(files: Mapping[str, Path]) -> petab.Problem:
    """Tables of version 1, read one by one: problem.yaml may name further files."""
    return petab.Problem(
        model=SbmlModel.from_file(files["sbml"]),
        condition_df=petab.get_condition_df(files["condition"]),
        measurement_df=petab.get_measurement_df(files["measurement"]),
        observable_df=petab.get_observable_df(files["observable"]),
        parameter_df=petab.get_parameter_df(files["parameter"]),
    )
