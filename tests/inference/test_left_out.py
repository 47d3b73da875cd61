"""Leaving a study out of a problem whose predictive density is known."""

import numpy as np
import pandas as pd
import pytest

from bonecycle.errors import UsageError
from bonecycle.inference.comparison.left_out import (
    difference_table,
    fitted_trials,
    predict_left_out,
)
from bonecycle.inference.sampling.clouds import Cloud


def predict(known, study):
    mean, covariance = known.posterior(np.arange(len(known.targets)))
    cloud = Cloud(mean, covariance)
    return predict_left_out(known, study, cloud, np.random.default_rng(1), 4000)


@pytest.mark.parametrize("study", ["one", "two", "three"])
def test_the_joint_density_of_a_left_out_study_is_exact(known, study):
    left = np.array([target.study == study for target in known.targets])
    every = np.arange(len(left))
    exact = known.log_evidence(every) - known.log_evidence(np.flatnonzero(~left))
    found = predict(known, study)
    assert found["rows"] == left.sum()
    assert abs(found["elpd"] - exact) < 4 * found["error"] < 0.2
    assert found["effective_draws"] > 400
    assert found["enough"] and found["pareto_k"] < 0.7 and found["draws"] == 4000


def test_too_few_draws_are_followed_by_more_and_named_where_they_stay_too_few(known):
    left = np.array([target.trial == "two" for target in known.targets])
    every = np.arange(len(left))
    exact = known.log_evidence(every) - known.log_evidence(np.flatnonzero(~left))
    mean, covariance = known.posterior(every)
    cloud = Cloud(mean, covariance)
    found = predict_left_out(known, "two", cloud, np.random.default_rng(1), 120)
    assert found["draws"] in (240, 480) and found["enough"]
    assert found["elpd"] == pytest.approx(exact, abs=4 * found["error"])
    few = predict_left_out(known, "two", cloud, np.random.default_rng(1), 8)
    assert few["draws"] == 32 and not few["enough"]


def test_each_row_is_predicted_from_the_other_studies(known):
    left = np.array([target.study == "two" for target in known.targets])
    mean, covariance = known.posterior(np.flatnonzero(~left))
    rows = known.powers[left]
    for found, powers in zip(predict(known, "two")["targets"], rows, strict=True):
        spread = np.sqrt(powers @ covariance @ powers + 0.3**2)
        assert np.log(found["predicted"]) == pytest.approx(powers @ mean, abs=0.1)
        assert found["log_sd"] == pytest.approx(spread, rel=0.1)
        gap = np.log(known.values[found["target"]]) - powers @ mean
        density = -0.5 * (gap / spread) ** 2 - np.log(spread * np.sqrt(2 * np.pi))
        assert found["log_density"] == pytest.approx(density, abs=0.25)


def test_the_problem_itself_is_left_as_it_was(known):
    before = known.values
    predict(known, "one")
    np.testing.assert_array_equal(known.values, before)
    assert fitted_trials(known) == ["one", "two", "three"]


def test_differences_are_to_the_best_with_an_error_over_trials():
    elpd = {"A": [-1.0, -2.0, -3.0, -1.5], "B": [-2.0, -4.0, -2.5, -2.0]}
    table = pd.DataFrame(
        [
            {
                "mechanism": name,
                "trial": str(i),
                "elpd": value,
                "error": 0.1,
                "enough": (name, i) != ("B", 2),
            }
            for name, values in elpd.items()
            for i, value in enumerate(values)
        ]
    )
    best, other = difference_table(table).to_dict("records")
    gaps = np.array(elpd["B"]) - elpd["A"]
    assert best["difference"] == best["standard_error"] == 0
    assert other["best"] == "A"
    assert other["difference"] == pytest.approx(gaps.sum())
    assert other["standard_error"] == pytest.approx(2 * gaps.std(ddof=1))
    assert other["trials_worse"] == 3
    assert (other["lowest"], other["highest"]) == (-3.5, -1.0)
    assert other["largest_trial"] == "1"
    assert other["simulation_error"] == pytest.approx(0.1 * np.sqrt(8))
    assert (best["unsure"], other["unsure"]) == (0, 1)


def test_a_density_that_is_not_known_is_named_and_not_skipped():
    rows = [("A", "x", -1.0), ("A", "y", -2.0), ("B", "x", np.nan), ("B", "y", -2.0)]
    table = pd.DataFrame(rows, columns=["mechanism", "trial", "elpd"])
    table = table.assign(error=0.1, enough=True)
    with pytest.raises(UsageError, match="determined for B without x: use more draws"):
        difference_table(table)
