"""`bonecycle route`: one clear message for a mistake; help with examples."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bonecycle.cli import app


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fit", "--rule", "maturty"], "Did you mean 'maturity'"),
        (["fit", "--out", "taken"], "--out taken is a file: name a folder."),
        (["perturbations", "--rule", "chance"], "Unknown rule of fusion 'chance'"),
        (["perturbations", "--row", "no_rank"], "Did you mean 'no_rankl'"),
        (["perturbations", "--out", "taken"], "--out taken is a file: name a folder."),
    ],
)
def test_a_mistake_is_one_clear_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").write_text("")
    answer = CliRunner().invoke(app, ["route", *arguments])
    assert answer.exit_code == 2
    assert message in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("command", ["fit", "perturbations"])
def test_help_comes_with_examples(command: str) -> None:
    answer = CliRunner().invoke(app, ["route", command, "--help"])
    assert answer.exit_code == 0
    assert f"bonecycle route {command}" in answer.output
