"""The files of a PEtab problem and its tables; those of version 2 are put as version 1 has them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import petab.v1 as petab
from petab.v1.models.sbml_model import SbmlModel

from bonecycle.errors import UsageError
from bonecycle.problem.petab_problem import inside, read_config

_KINDS = ("sbml", "condition", "measurement", "observable", "parameter")
# Version 2 may do without; its model files have names and languages, see `_second_lists`.
_OPTIONAL = ("condition", "experiment")
# petab raises what its tables and libraries raise: anything, for a broken table.
_BROKEN = (ValueError, KeyError, TypeError, AttributeError, AssertionError, OSError)


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


class _Collector(logging.Handler):
    """What petab's checks say."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message."""
        self.messages.append(record.getMessage())


def read_tables(
    path: Path, version: int, files: Mapping[str, Path], own: Mapping[str, float]
) -> petab.Problem:
    """Read and check the tables of a problem.

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
    try:
        # Not from problem.yaml: that may name further files.
        if version == 1:
            problem, said = _read_first(files)
        else:
            # Slow to import, and version 1 does not need it.
            from bonecycle.problem.petab_second import read_second

            problem, said = read_second(files, own)
    except _BROKEN as error:
        text = " ".join(str(error).split())
        raise UsageError(f"{path.name}: petab cannot read it: {text}") from error
    if problem is None:
        shown = [" ".join(text.split()) for text in said[:10]] or ["petab's checks fail"]
        raise UsageError("\n  ".join([f"{path.name}: petab's checks report", *shown]))
    return problem


def _read_first(files: Mapping[str, Path]) -> tuple[petab.Problem | None, list[str]]:
    collector = _Collector()
    logger = logging.getLogger("petab.v1")
    logger.addHandler(collector)
    try:
        problem = petab.Problem(
            model=SbmlModel.from_file(files["sbml"]),
            condition_df=petab.get_condition_df(files["condition"]),
            measurement_df=petab.get_measurement_df(files["measurement"]),
            observable_df=petab.get_observable_df(files["observable"]),
            parameter_df=petab.get_parameter_df(files["parameter"]),
        )
        wrong = petab.lint_problem(problem)
    finally:
        logger.removeHandler(collector)
    return (None if wrong else problem), collector.messages
