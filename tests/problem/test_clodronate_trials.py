"""Counts of the clodronate trials as a problem: what is fitted, its errors, its mechanisms."""

from __future__ import annotations

import numpy as np
import pytest

from bonecycle.analysis.metastasis import (
    events_to_tell,
    log_ratios,
    pooled_null,
    published_ratio,
    simulate_arms,
    withheld_row,
)
from bonecycle.biology.regimens import Regimen, parse_regimen
from bonecycle.engines.choice import EngineName
from bonecycle.errors import UsageError
from bonecycle.problem.metastasis import CLODRONATE, MODEL, trial_space
from bonecycle.problem.problem import Problem, ProblemSpec, load_problem


def problem_of(mechanism: str, encoding: str) -> Problem:
    spec = ProblemSpec(mechanism, encoding, model=MODEL, engine=EngineName.ROADRUNNER)
    return load_problem(spec)


def test_the_withheld_row_stays_out_whole() -> None:
    seen = {
        (t.study, t.observation.site, t.observation.time_months)
        for t in problem_of("indirect", "withheld").targets
    }
    every = {
        (t.study, t.observation.site, t.observation.time_months)
        for t in problem_of("indirect", "all").targets
    }
    assert every - seen == {("powles", "bone", 66.0)}
    assert ("powles", "bone", 24.0) in seen


def test_errors_are_binomial_and_a_later_count_holds_the_earlier() -> None:
    problem = problem_of("indirect", "all")
    factor = problem.error_factor
    covariance = factor @ factor.T
    places = {
        t.observation.time_months: i
        for i, t in enumerate(problem.targets)
        if (t.study, t.arm, t.observation.site) == ("powles", "treated", "bone")
    }
    early, late = places[24.0], places[66.0]
    assert covariance[early, early] == pytest.approx((1 - 12 / 534) / 12)
    assert covariance[late, late] == pytest.approx((1 - 63 / 534) / 63)
    assert covariance[early, late] == pytest.approx(covariance[late, late])


def test_a_mechanism_frees_what_it_uses() -> None:
    names = {name: set(trial_space(name).names) for name in ("indirect", "direct", "both")}
    assert names["both"] - names["indirect"] == {"direct_strength", "outside_reach"}
    assert names["both"] - names["direct"] == {"growth_factor_share"}
    assert "bone_hazard" in names["indirect"] and "untreated_births" not in names["both"]


def test_unknown_names_are_refused() -> None:
    with pytest.raises(UsageError, match="both"):
        problem_of("bothh", "all")
    with pytest.raises(UsageError, match="withheld"):
        problem_of("both", "half")


def test_predictions_of_the_problem_are_those_of_the_arms() -> None:
    problem = problem_of("both", "all")
    theta = problem.space.centers[None]
    predicted = problem.evaluate(theta).predictions[0]
    years = [2.0, 3.0, 5.5]
    for trial, positive in (("powles", False), ("diel", True)):
        arms = {
            arm: simulate_arms(theta, "both", regimen, years, marrow_positive=positive)
            for arm, regimen in (
                ("treated", parse_regimen(CLODRONATE)),
                ("control", Regimen.untreated()),
            )
        }
        for target, value in zip(problem.targets, predicted, strict=True):
            if target.study == trial:
                place = years.index(target.observation.time_months / 12)
                own = arms[target.arm][target.observation.variable][0, place]
                assert value == pytest.approx(own, rel=1e-4)
        ratios = log_ratios(arms["treated"], arms["control"])
        assert ratios["bone"][0, 0] < ratios["non_skeletal"][0, 0] < 0


def test_the_null_pools_what_is_fitted_and_not_the_withheld_row() -> None:
    target, error = published_ratio(withheld_row())
    assert np.exp(target) == pytest.approx(0.77)
    assert error == pytest.approx(np.log(1.08 / 0.56) / 3.92, rel=1e-3)
    center, sd = pooled_null()
    # Between the two rows: HR 0.44 of Powles on medication, 21 of 157 against 42 of 145 of Diel.
    low, high = np.log(0.44), np.log(np.log1p(-21 / 157) / np.log1p(-42 / 145))
    assert min(low, high) <= center <= max(low, high)
    assert sd > 0.25


def test_events_to_tell_is_schoenfeld() -> None:
    assert events_to_tell(0.5, 1.0) == pytest.approx(
        4 * (1.959964 + 0.841621) ** 2 / np.log(2) ** 2
    )
    assert events_to_tell(0.7, 0.7) == np.inf
