"""`bonecycle metastasis`: what is refused, and the figures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from bonecycle.analysis.metastasis import cell_table, deciding_table, regimen_table
from bonecycle.cli import app
from bonecycle.problem.metastasis import CLODRONATE, trial_space
from bonecycle.show import plot_bone_beside_tumour, plot_forest, plot_regimens, save


def test_unknown_mechanism_and_missing_fit(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["metastasis", "fit", "--mechanism", "indirekt"])
    assert answer.exit_code == 2
    assert "Did you mean 'indirect'?" in answer.output
    for command in ("regimens", "cells"):
        answer = CliRunner().invoke(app, ["metastasis", command, "--fit", str(tmp_path)])
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


@pytest.mark.slow
def test_menopause_acts_through_the_indirect_effect_alone() -> None:
    draws = {name: trial_space(name).centers[None] for name in ("indirect", "direct")}
    table = cell_table(draws)
    assert len(table) == 2 * 3 * 2 * 4
    bone = table[(table["endpoint"] == "bone") & (table["period"] == "medication")]
    keyed = bone.set_index(["mechanism", "turnover", "marrow"])
    order = ["before_menopause", "unselected", "after_menopause"]
    hazards, ratios = (
        {m: [keyed.loc[(m, state, "unselected"), name] for state in order] for m in draws}
        for name in ("hazard", "ratio")
    )
    assert hazards["indirect"] == sorted(hazards["indirect"])
    assert ratios["indirect"] == sorted(ratios["indirect"], reverse=True)
    # Untreated, turnover does nothing to the direct effect; drug on bone follows it a little.
    np.testing.assert_allclose(hazards["direct"], hazards["direct"][0], rtol=1e-6)
    np.testing.assert_allclose(ratios["direct"], ratios["direct"][0], rtol=0.02)
    factor = keyed["hazard"].xs("positive", level="marrow")
    factor = factor / keyed["hazard"].xs("unselected", level="marrow")
    np.testing.assert_allclose(factor, factor.iloc[0], rtol=1e-6)


def test_bone_beside_tumour(tmp_path: Path) -> None:
    head = {"year": [0.0, 1.0], "tumour": [2.0, 5.0], "bone": [100.0, 90.0]}
    courses = [pd.DataFrame(head).assign(model=m, drug=d) for m in "ab" for d in ("", "drug")]
    save(plot_bone_beside_tumour(pd.concat(courses)), tmp_path / "bone.svg")
    assert (tmp_path / "bone.svg").is_file()
