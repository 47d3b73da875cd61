"""Ranks of truths in their posteriors are uniform, unless the likelihood is wrong."""

from pathlib import Path

import numpy as np
import pytest

from bonecycle.errors import SimulationError
from bonecycle.inference.checks import calibration
from bonecycle.inference.checks.calibration import LOG_LIKELIHOOD, RANKED, Trial, trials
from bonecycle.inference.checks.uniformity import calibration_table, passed, rank_table, verdict
from bonecycle.inference.parts import run_parts
from bonecycle.problem.problem import ProblemSpec

STUDIES = Path(__file__).parents[2] / "data/bonecycle_data/studies"


@pytest.fixture
def spec(known, monkeypatch):
    monkeypatch.setattr("bonecycle.inference.checks.calibration.load_problem", lambda spec: known)
    return known.spec


def ranks_of(spec, count, **options):
    return rank_table([trial.run() for trial in trials(spec, count, seed=1, **options)])


@pytest.mark.slow
def test_the_right_likelihood_passes_and_errors_halved_fail(spec):
    """As few draws as tell them apart; the slow test has more."""
    right = ranks_of(spec, 30, steps=50)
    assert passed(right, calibration_table(right))
    wrong = ranks_of(spec, 30, steps=50, assumed_errors=0.5)
    table = calibration_table(wrong)
    assert not passed(wrong, table)
    assert verdict(wrong, table).startswith("NOT calibrated")


@pytest.mark.slow
def test_the_right_likelihood_passes_with_many_draws(spec):
    ranks = ranks_of(spec, 150, steps=100)
    table = calibration_table(ranks)
    assert table["quantity"].tolist() == ["p0", "p1", "p2", LOG_LIKELIHOOD]
    assert passed(ranks, table)
    assert verdict(ranks, table).startswith("Calibrated: 4 of 4")
    # Ranked draws are ten steps apart: nearly independent.
    assert ranks["tau"].median() < 5


@pytest.mark.slow
def test_errors_that_are_assumed_half_as_large_fail(spec):
    ranks = ranks_of(spec, 100, steps=100, assumed_errors=0.5)
    table = calibration_table(ranks).set_index("quantity")
    # The posterior is too narrow; and the data fit worse than its draws expect.
    assert (table.loc[["p0", "p1", "p2"], "spread"] > 1.1).all()
    assert table.loc[LOG_LIKELIHOOD, "mean_rank"] < 0.3
    assert (~table["inside_joint"]).sum() >= 2
    assert not passed(ranks, table.reset_index())


def test_a_draw_is_the_same_whatever_else_is_asked_for(spec):
    few, many = trials(spec, 2, seed=3, steps=50), trials(spec, 3, seed=3, steps=50)
    assert few == many[:2]
    first, again = few[1].run(), many[1].run()
    assert first == again
    assert first["truth"] != few[0].run()["truth"]
    keys = {
        Trial(spec, 0).key,
        Trial(spec, 1).key,
        Trial(spec, 0, seed=1).key,
        Trial(spec, 0, steps=60).key,
        Trial(spec, 0, assumed_errors=0.5).key,
    }
    assert len(keys) == 5


def test_truths_that_cannot_be_simulated_are_drawn_again_and_counted(spec, monkeypatch):
    made = calibration.synthetic_data
    calls = []

    def sometimes(problem, truth, rng):
        calls.append(truth)
        if len(calls) < 3:
            raise SimulationError("cycle", "a", {}, "no")
        return made(problem, truth, rng)

    monkeypatch.setattr(calibration, "synthetic_data", sometimes)
    record = Trial(spec, 0, steps=50).run()
    assert record["redrawn"] == 2
    assert record["truth"] == calls[2].tolist()

    def never(problem, truth, rng):
        raise SimulationError("cycle", "a", {}, "no")

    monkeypatch.setattr(calibration, "synthetic_data", never)
    with pytest.raises(SimulationError, match="none of 200 draws"):
        Trial(spec, 0).run()


def test_a_data_set_without_a_posterior_is_kept_and_no_pass(spec, monkeypatch):
    good = [trial.run() for trial in trials(spec, 3, seed=1, steps=50)]

    def no_mode(problem, point):
        return type("Start", (), {"cost": 1.0, "covariance": np.full((3, 3), np.nan)})()

    monkeypatch.setattr(calibration, "search", no_mode)
    bad = Trial(spec, 3, seed=1, steps=50).run()
    assert "no mode was found" in bad["failed"]
    ranks = rank_table([*good, bad])
    table = calibration_table(ranks)
    assert (table["draws"] == 3).all()
    assert table["inside_joint"].all()
    assert not passed(ranks, table)
    assert "1 draws have no posterior" in verdict(ranks, table)
    with pytest.raises(ValueError, match="no draw has ranks"):
        calibration_table(rank_table([bad]))


@pytest.mark.slow
def test_the_shipped_problem_runs_and_goes_on(tmp_path):
    tables = ("recker_2008.csv", "chavassieux_1997.csv")
    spec = ProblemSpec("H1", data=tuple(str(STUDIES / name) for name in tables))
    asked = trials(spec, 2, seed=0, steps=50)
    first = run_parts(asked[:1], tmp_path)
    counts = []
    both = run_parts(asked, tmp_path, progress=lambda done, total: counts.append((done, total)))
    assert counts == [(1, 2), (2, 2)]
    assert both[0] == first[0]
    ranks = rank_table(both)
    assert (ranks["failed"] == "").all()
    assert LOG_LIKELIHOOD in ranks
    table = calibration_table(ranks)
    assert len(table) == len(both[0]["truth"]) + 1
    assert ranks[table["quantity"]].to_numpy().max() <= RANKED
