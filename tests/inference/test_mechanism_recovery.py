"""Synthetic data are what the likelihood says, and choices are those of the exact evidence."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

from bonecycle.errors import SimulationError
from bonecycle.inference.checks.recovery import (
    CHECKED_CELLS,
    Candidate,
    checked_cells,
    choice_table,
    confusion_table,
    data_sets,
)
from bonecycle.inference.checks.synthetic import draw_point, synthetic_data
from bonecycle.inference.comparison.laplace import laplace


def test_numbers_scatter_with_the_covariance_of_the_error_model(known):
    rng = np.random.default_rng(1)
    theta = known.space.centers
    drawn = np.array([synthetic_data(known, theta, rng)[0] for _ in range(3000)])
    found = np.cov(np.log(drawn).T)
    np.testing.assert_allclose(found, known.covariance, atol=0.012)
    np.testing.assert_allclose(np.log(drawn).mean(axis=0), known.powers @ theta, atol=0.03)


def test_a_statement_holds_as_often_as_its_probit_says(known):
    rng = np.random.default_rng(2)
    sides = np.zeros(len(known.targets), dtype=int)
    sides[3] = 1
    theta = known.space.centers
    # A threshold half an error below the prediction.
    scale = known.error_factor[3, 3]
    values = np.exp(known.powers @ theta)
    values[3] *= np.exp(-0.5 * scale)
    values[5] = np.nan
    stated = known.with_values(values, sides)
    made = [synthetic_data(stated, theta, rng) for _ in range(2000)]
    assert np.mean([side[3] == 1 for _, side in made]) == pytest.approx(ndtr(0.5), abs=0.04)
    assert {side[3] for _, side in made} == {-1, 1}
    assert all(value[3] == values[3] and np.isnan(value[5]) for value, _ in made)


def test_a_point_that_cannot_be_simulated_is_drawn_again_and_not_forever(known, monkeypatch):
    center = known.space.centers
    assert draw_point(known, center, np.eye(3), np.random.default_rng(1)).shape == (3,)
    monkeypatch.setattr(
        known, "evaluate", lambda theta: type("E", (), {"ok": [False], "messages": ("no",)})()
    )
    with pytest.raises(SimulationError, match="none of"):
        draw_point(known, center, np.eye(3), np.random.default_rng(1))
    with pytest.raises(SimulationError, match="no"):
        synthetic_data(known, center, np.random.default_rng(1))


@pytest.fixture
def candidates(known, monkeypatch):
    """A mechanism and one with nearly no freedom in its last parameter."""
    problems = {"known": known, "poor": type(known)("poor", (0.5, 1.0, 0.02))}
    for module in ("checks.recovery", "comparison.laplace"):
        monkeypatch.setattr(
            f"bonecycle.inference.{module}.load_problem", lambda spec: problems[spec.mechanism]
        )
    found = [(p.spec, laplace(p, [p.space.centers])) for p in problems.values()]
    return problems, [Candidate.of(spec, own) for spec, own in found]


def test_every_candidate_gets_its_exact_evidence_on_the_same_data(candidates):
    problems, made = candidates
    data = data_sets(made, 2, seed=3)[0]
    values, _ = data.observations()
    assert data.observations()[0] == values
    record = data.run()
    every = np.arange(len(values))
    for name, problem in problems.items():
        exact = problem.with_values(np.array(values)).log_evidence(every)
        assert record["log_evidence"][name] == pytest.approx(exact, abs=1e-3)


def test_a_checked_cell_agrees_by_all_three_methods(candidates, tmp_path):
    _, made = candidates
    cell = checked_cells(data_sets(made, 1, seed=3), 50, tmp_path)[0]
    found = cell.run()
    assert found["importance"] == pytest.approx(found["laplace"], abs=0.1)
    assert found["nested"] == pytest.approx(found["laplace"], abs=4 * found["nested_error"])
    assert list(tmp_path.iterdir()) == []  # the state of a finished run is not kept


def test_the_state_of_another_density_is_not_gone_on_from(candidates, tmp_path, monkeypatch):
    _, made = candidates
    cell = checked_cells(data_sets(made, 1, seed=3), 50, tmp_path)[0]

    def interrupted(*_, checkpoint, **__):
        checkpoint.write_text("state")
        raise KeyboardInterrupt

    moved = replace(made[0], theta=tuple(np.add(made[0].theta, 0.01).tolist()))
    others = [
        replace(cell, live_points=60),
        checked_cells(data_sets(made, 1, seed=4), 50, tmp_path)[0],
        checked_cells(data_sets([moved, made[1]], 1, seed=3), 50, tmp_path)[0],
    ]
    with monkeypatch.context() as patched:
        patched.setattr("bonecycle.inference.checks.recovery.nested", interrupted)
        for other in others:
            with pytest.raises(KeyboardInterrupt):
                other.run()
    stale = set(tmp_path.iterdir())
    assert len(stale) == len(others)
    assert np.isfinite(cell.run()["nested"])
    assert set(tmp_path.iterdir()) == stale


def test_another_fit_of_truth_or_candidates_is_another_data_set(candidates):
    _, made = candidates
    data = data_sets(made, 1, seed=3)[0]
    moved = replace(made[0], theta=tuple(np.add(made[0].theta, 0.01).tolist()))
    wider = replace(made[0], covariance=tuple(map(tuple, 2 * np.array(made[0].covariance))))
    others = [replace(data, truth=other) for other in (moved, wider)]
    others += [replace(data, candidates=(other, made[1])) for other in (moved, wider)]
    assert len({one.key for one in (data, *others)}) == 5
    assert replace(data).key == data.key


def test_ten_cells_hold_true_and_other_mechanisms(candidates):
    _, made = candidates
    sets = data_sets(made, 20, seed=0)
    assert [data.truth.name for data in sets[:4]] == ["known", "poor", "known", "poor"]
    cells = checked_cells(sets, 50, Path())
    assert len(cells) == CHECKED_CELLS
    pairs = {(cell.data.truth.name, cell.candidate.name) for cell in cells}
    assert len(pairs) == 4
    assert len({cell.key for cell in cells}) == 10


def test_choices_are_counted_by_truth():
    nan = float("nan")
    records = [
        {"truth": "A", "data_set": 0, "log_evidence": {"A": -1.0, "B": -5.0}},
        {"truth": "A", "data_set": 1, "log_evidence": {"A": -3.0, "B": -2.0}},
        {"truth": "B", "data_set": 0, "log_evidence": {"A": -4.0, "B": -2.0}},
        {"truth": "B", "data_set": 1, "log_evidence": {"A": -4.0, "B": nan}},
    ]
    choices = choice_table(records)
    assert choices["chosen"].tolist() == ["A", "B", "B", "undetermined"]
    assert choices["strong"].tolist() == [True, False, False, False]
    assert choices["behind"].tolist()[:3] == [0.0, 1.0, 0.0]
    assert choices[["lead", "behind"]].iloc[3].isna().all()
    counts = confusion_table(choices, ["A", "B"])
    expected = pd.DataFrame({"truth": ["A", "B"], "A": [1, 0], "B": [1, 1], "undetermined": [0, 1]})
    pd.testing.assert_frame_equal(counts, expected, check_dtype=False)
