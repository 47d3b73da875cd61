"""What made a result: versions, seed, content hashes, command; and safe writing of files."""

import hashlib
import json
import os
import platform
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path


def content_hash(*parts: bytes | str) -> str:
    """Return the SHA-256 (64 hex digits) of the parts; where one part ends matters."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    return digest.hexdigest()


def atomic_write(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; text is UTF-8. Missing folders are made.

    An interrupted or failing write leaves the old file as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the same folder: a rename is atomic only within one file system.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as handle:
            handle.write(content.encode() if isinstance(content, str) else content)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_manifest(
    folder: Path,
    *,
    command: str,
    seed: int,
    hashes: Mapping[str, str],
    extra: Mapping[str, object] | None = None,
) -> Path:
    """Write `manifest.json` into a result folder and return its path.

    Parameters
    ----------
    folder
        The result folder; made when missing.
    command
        The command or call that made the results.
    seed
        Root seed of every random number in them.
    hashes
        Content hashes by name: the model, the data, the error model.
    extra
        Further facts, as JSON values.
    """
    manifest = {
        "command": command,
        "seed": seed,
        "hashes": dict(hashes),
        "versions": _versions(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "time_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "extra": dict(extra or {}),
    }
    path = folder / "manifest.json"
    atomic_write(path, json.dumps(manifest, indent=2) + "\n")
    return path


def _versions() -> dict[str, str]:
    """Return the installed versions of bonecycle and what it requires at run time."""
    required = [line for line in metadata.requires("bonecycle") or [] if "extra ==" not in line]
    names = [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in required]
    return {name: metadata.version(name) for name in ["bonecycle", *sorted(names)]}
