"""What is kept is what was made, or it is made again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bonecycle import cache
from bonecycle.cache import kept, kept_json, program


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(cache, "folder", lambda: tmp_path)
    return tmp_path


def _never() -> bytes:
    pytest.fail("it was made again")


def test_it_is_made_once(folder: Path) -> None:
    assert kept("things", "one", lambda: b"content") == b"content"
    assert kept("things", "one", _never) == b"content"
    assert kept("things", "two", lambda: b"") == b""
    assert kept("things", "two", _never) == b""
    assert sorted(path.name for path in (folder / "things").iterdir()) == ["one", "two"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:10],
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: bytes([data[0] ^ 1]) + data[1:],
    ],
)
def test_a_damaged_file_counts_as_absent(damage: Callable[[bytes], bytes], folder: Path) -> None:
    kept("things", "one", lambda: b"content")
    path = folder / "things" / "one"
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert kept("things", "one", lambda: b"content") == b"content"
    assert path.read_bytes() == whole


def test_a_failure_is_not_kept(folder: Path) -> None:
    def fails() -> bytes:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        kept("things", "one", fails)
    assert not list(folder.iterdir())


def test_json_is_the_same_the_first_time_and_later() -> None:
    value = {"numbers": (0.1, 1e-300, 2.0), "name": "x"}
    first = kept_json("things", "one", lambda: value)
    assert (
        first == kept_json("things", "one", _never) == {"numbers": [0.1, 1e-300, 2.0], "name": "x"}
    )


def test_a_change_of_any_source_beside_it_is_another_program(tmp_path: Path) -> None:
    for name, texts in {"a.py": ("1", "2"), "b.py": ("3", "4")}.items():
        (tmp_path / name).write_text(texts[0])
    before = program.__wrapped__(str(tmp_path / "a.py"))
    assert program.__wrapped__(str(tmp_path / "b.py")) == before
    (tmp_path / "b.py").write_text("4")
    assert program.__wrapped__(str(tmp_path / "a.py")) != before
