"""`bonecycle route`: one clear message for a mistake; help with examples."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from in_process import call
from synthetic import STUDY_HEADER, study_row
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


@pytest.mark.slow
def test_the_coupled_model_is_fitted_as_the_cycle_is(tmp_path: Path) -> None:
    """What docs/model/route.md repeats at full size; its recipe gives the same predictions."""
    from bonecycle.problem.problem import ProblemSpec, load_problem

    regimen = "alendronate 70 mg oral every 1 week for 12 months"
    rows = [study_row("CTX", 12, 0.4, regimen), study_row("P1NP", 12, 0.5, regimen)]
    (tmp_path / "study.csv").write_text(STUDY_HEADER + "".join(rows), encoding="utf-8")
    answer = call(
        tmp_path, "fit", "--model", "coupled", "--mechanism", "H0", "--data", "study.csv",
        "--starts", "1", "--workers", "1", "--out", "out",
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["extra"]["model"] == "coupled"
    data = (str(tmp_path / "study.csv"),)
    plain, coupled = (load_problem(ProblemSpec("H0", data=data, model=m)) for m in ("", "coupled"))
    # The same freedoms, another model.
    assert coupled.space.names == plain.space.names
    assert manifest["hashes"]["model"] == coupled.hashes["model"] != plain.hashes["model"]
    targets = pd.read_csv(tmp_path / "out" / "targets.csv")
    best = manifest["extra"]["best"]["H0"]
    theta = coupled.space.from_natural(np.array([[best[name] for name in coupled.space.names]]))
    expected = coupled.evaluate(theta).predictions[0]
    np.testing.assert_allclose(targets["fitted"], expected, rtol=1e-6)
    assert np.abs(plain.evaluate(theta).predictions[0] / expected - 1).max() > 1e-3
