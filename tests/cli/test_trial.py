"""`bonecycle trial`: results, and one message for all that is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
from typer.testing import CliRunner

from bonecycle.cli import app


def test_results_and_their_files(tmp_path: Path) -> None:
    answer = CliRunner().invoke(
        app,
        "trial diel powles --trials 100 --size 60 --endpoint bone --observed bone=2 --workers 1 "
        f"--differences --out {tmp_path}",
    )
    assert answer.exit_code == 0, answer.output
    q = pd.read_csv(tmp_path / "q.csv")
    assert {"chance alone", "all differences", "follow-up"} <= set(q["differences"])
    assert set(q["threshold"]) == {"chi-square 0.05", "observed"}
    record = json.loads((tmp_path / "trial.json").read_text(encoding="utf-8"))
    assert len(record["characteristics"]) == 6
    for name in ("trials.csv", "characteristics.csv", "manifest.json", "hazard_ratios.svg"):
        assert (tmp_path / name).is_file()


def test_everything_wrong_is_said_at_once(tmp_path: Path) -> None:
    answer = CliRunner().invoke(
        app,
        "trial powles diell --size -3 --follow-up 12 --endpoint bones --after-menopause 1.5 "
        f"--out {tmp_path / 'none'}",
    )
    assert answer.exit_code == 2
    for said in (
        "-3 patients",
        "shorter than accrual",
        "'diell'",
        "Unknown endpoint 'bones'",
        "--cells and --after-menopause",
        "--after-menopause 1.5",
    ):
        assert said in answer.output
    assert not (tmp_path / "none").exists()
