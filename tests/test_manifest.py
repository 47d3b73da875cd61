"""A result folder says what made it; a file is written whole or not at all."""

import json
import os
from pathlib import Path

import pytest

import bonecycle
from bonecycle.manifest import atomic_write, content_hash, write_manifest


def test_a_write_makes_folders_and_replaces_the_old_content(tmp_path: Path) -> None:
    path = tmp_path / "new" / "table.csv"
    atomic_write(path, "µm\n")
    assert path.read_bytes() == "µm\n".encode()
    atomic_write(path, b"\x00\x01")
    assert path.read_bytes() == b"\x00\x01"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failing_write_leaves_the_old_file(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "table.csv"
    atomic_write(path, "old")

    def full(*_: object) -> None:
        raise OSError("no space left on device")

    monkeypatch.setattr(os if step == "fsync" else Path, step, full)
    with pytest.raises(OSError, match="no space"):
        atomic_write(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_hash_is_sha256_and_tells_parts_apart() -> None:
    assert len(content_hash("a")) == 64
    assert content_hash("a", "b") == content_hash(b"a", b"b")
    assert content_hash("ab", "c") != content_hash("a", "bc")


def test_the_manifest_says_what_made_the_results(tmp_path: Path) -> None:
    path = write_manifest(
        tmp_path / "fit",
        command="bonecycle fit",
        seed=7,
        hashes={"model": content_hash("m"), "data": content_hash("d")},
        extra={"chains": 4},
    )
    assert path == tmp_path / "fit" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    assert manifest["command"] == "bonecycle fit"
    assert manifest["seed"] == 7
    assert manifest["hashes"] == {"model": content_hash("m"), "data": content_hash("d")}
    assert manifest["extra"] == {"chains": 4}
    assert manifest["time_utc"].endswith("+00:00")
    assert manifest["versions"]["bonecycle"] == bonecycle.__version__
    assert {"libroadrunner", "antimony", "python-libsbml", "numpy"} <= manifest["versions"].keys()
    assert "pytest" not in manifest["versions"]
