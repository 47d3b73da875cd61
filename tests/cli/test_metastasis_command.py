"""`bonecycle metastasis`: what is refused, and the figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from bonecycle.analysis.metastasis import deciding_table, regimen_table
from bonecycle.cli import app
from bonecycle.problem.metastasis import CLODRONATE, trial_space
from bonecycle.show import plot_forest, plot_regimens, save


def test_unknown_mechanism_and_missing_fit(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["metastasis", "fit", "--mechanism", "indirekt"])
    assert answer.exit_code == 2
    assert "Did you mean 'indirect'?" in answer.output
    answer = CliRunner().invoke(app, ["metastasis", "regimens", "--fit", str(tmp_path)])
    assert answer.exit_code == 2
    assert "posterior.nc: no such file" in answer.output


@pytest.mark.slow
def test_regimens_as_table_and_figure(tmp_path: Path) -> None:
    draws = {name: np.tile(trial_space(name).centers, (2, 1)) for name in ("indirect", "direct")}
    plans = {"two years": CLODRONATE, "one year": CLODRONATE.replace("24", "12")}
    table = regimen_table(draws, plans, [1.0, 5.0])
    assert len(table) == 2 * 2 * 4 * 2
    bone = table[(table["endpoint"] == "bone") & (table["mechanism"] == "indirect")]
    by = bone.set_index(["regimen", "year"])["ratio"]
    assert by["two years", 1.0] == by["one year", 1.0] < 1
    assert by["two years", 5.0] < by["one year", 5.0] < 1
    deciding = deciding_table(table)
    assert (deciding["events"] > 0).all() and set(deciding["second"]) == {"direct"}
    save(plot_regimens(table), tmp_path / "regimens.svg")
    assert (tmp_path / "regimens.svg").is_file()


def test_deciding_needs_fewer_events_for_a_larger_difference() -> None:
    head = {"regimen": "r", "year": 5.0}
    rows = [
        head | {"mechanism": m, "endpoint": e, "ratio": r}
        for e, ratios in (
            ("bone", (0.6, 0.65)),
            ("non_skeletal", (1.0, 0.7)),
            ("death", (None,) * 2),
        )
        for m, r in zip(("indirect", "direct"), ratios, strict=True)
    ]
    table = deciding_table(pd.DataFrame(rows)).set_index("endpoint")["events"]
    assert list(table.index) == ["bone", "non_skeletal"]
    assert table["bone"] > 10 * table["non_skeletal"] > 100


def test_forest(tmp_path: Path) -> None:
    head = {"design": "a", "endpoint": "bone", "window": "total"}
    published = pd.DataFrame([head | {"log_ratio": -0.3, "error": 0.2}])
    simulated = pd.DataFrame([head | {"log_ratio": x} for x in (-0.5, -0.2, 0.1)])
    save(plot_forest(published, simulated), tmp_path / "forest.svg")
    assert (tmp_path / "forest.svg").is_file()
