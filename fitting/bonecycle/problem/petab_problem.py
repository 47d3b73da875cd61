"""PEtab problems: ours restored exactly, others as far as their noise and priors are ours."""

from __future__ import annotations

import json
from dataclasses import fields as fields_of
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from bonecycle.biology.dosing import Dosing
from bonecycle.biology.safe_xml import MAX_BYTES
from bonecycle.engines.choice import EngineName
from bonecycle.errors import DataError, Fault, UsageError
from bonecycle.manifest import content_hash
from bonecycle.problem.spec import ProblemSpec

EXTENSION = "bonecycle.json"
"""File beside problem.yaml from which our own problems are restored."""
FORMAT = 1
ELSEWHERE = ("data", "engine", "model", "map")
"""Fields of a spec that the extension does not hold as they are."""
_KEYS = ("spec", "studies", "hashes", "files")


def petab_spec(path: Path, engine: EngineName = EngineName.KERNEL) -> ProblemSpec:
    """Return the spec of a PEtab problem.

    Of one that `exchange.petab_export` wrote it is the spec that was exported, limits, directions
    and correlated errors included; of any other, one that `petab_setting` reads.

    Raises
    ------
    UsageError
        When the file is none, or was exported with another model, error model or priors.
    DataError
        When a file was changed since the export.
    """
    if not path.is_file():
        raise UsageError(f"{path} is no file: name the .yaml file of a PEtab problem.")
    extension = path.parent / EXTENSION
    if not extension.is_file():
        return ProblemSpec(path.stem, engine=engine, model=str(path))
    record = _record(extension)
    folder = path.parent
    faults = []
    for name, expected in record["files"].items():
        file = inside(folder, name)
        if not file.is_file() or content_hash(file.read_bytes()) != expected:
            text = "is missing or was changed since the export"
            faults.append(Fault(name, 0, "", text, "export again"))
    if faults:
        raise DataError(faults)
    fields = record["spec"]
    known = {field.name for field in fields_of(ProblemSpec)} - set(ELSEWHERE)
    if set(fields) != known:
        raise UsageError(f"{extension.name} is of another version: export again.")
    fields["dosing"] = Dosing(fields["dosing"])
    data = tuple(str(inside(folder, name)) for name in record["studies"])
    spec = ProblemSpec(**fields, data=data, engine=engine)
    _check_hashes(spec, record["hashes"], extension)
    return spec


def inside(folder: Path, name: str) -> Path:
    """Return a file of a folder, and refuse one that is elsewhere: an address, ``..``, a link out.

    Raises
    ------
    UsageError
        Naming it.
    """
    file = folder / name
    if "://" in name or not file.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{name}: only files in the folder of the problem are read.")
    if file.is_file() and file.stat().st_size > MAX_BYTES:
        raise UsageError(f"{name}: larger than {MAX_BYTES // 1_000_000} MB, not read.")
    return file


def read_config(path: Path) -> dict[str, Any]:
    """Read a PEtab configuration.

    Raises
    ------
    UsageError
        When it is no YAML with a mapping in it.
    """
    text = inside(path.parent, path.name).read_bytes()
    try:
        # Aliases of aliases grow without limit; PEtab has no use for them.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
            raise UsageError(f"{path.name}: YAML aliases are not read; write the values out.")
        config = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"{path.name} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(config, dict) or "format_version" not in config:
        raise UsageError(f"{path.name} is no PEtab problem: it has no format_version.")
    return config


def _record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path.name} is no JSON: {error}; export again.") from error
    missing = [key for key in _KEYS if key not in record] if isinstance(record, dict) else _KEYS
    if missing or record.get("format") != FORMAT:
        raise UsageError(f"{path.name} is of another version or not whole: export again.")
    return dict(record)


def _check_hashes(spec: ProblemSpec, expected: dict[str, str], path: Path) -> None:
    # Loading is not done twice: whoever asks for the spec loads the problem next.
    from bonecycle.problem.problem import load_problem

    found = load_problem(spec).hashes
    if changed := sorted(name for name in found if found[name] != expected.get(name)):
        raise UsageError(
            f"{path.name}: {', '.join(changed)} differ from what was exported: install the version "
            "that exported it, or export again."
        )
