"""What data taught is measured against known answers."""

import numpy as np
import pytest
from scipy.stats import norm

from bonecycle.biology.tables import Parameter, Scale
from bonecycle.inference.posterior.lessons import (
    combination_table,
    divergence,
    learned_table,
    unlearned_text,
)
from bonecycle.problem.space import Space


@pytest.mark.parametrize(("mean", "sd"), [(0.0, 1.0), (0.5, 0.4), (-2.0, 0.2), (0.0, 1.3)])
def test_divergence_of_normal_draws(mean, sd):
    draws = np.random.default_rng(1).normal(mean, sd, 20_000)
    exact = (0.5 * (sd**2 + mean**2 - 1) - np.log(sd)) / np.log(2)
    assert divergence(draws) == pytest.approx(exact, abs=0.05)


def test_divergence_of_draws_that_are_not_normal():
    # The upper half of the prior is one bit away from it, whatever its moments are.
    uniform = np.random.default_rng(1).uniform(0.5, 1, 20_000)
    assert divergence(norm.ppf(uniform)) == pytest.approx(1.0, abs=0.05)


def test_divergence_of_a_chain_that_repeats_itself():
    draws = np.repeat(np.random.default_rng(1).normal(0.5, 0.4, 20_000), 6)
    exact = (0.5 * (0.4**2 + 0.5**2 - 1) - np.log(0.4)) / np.log(2)
    assert divergence(draws) == pytest.approx(exact, abs=0.05)


@pytest.fixture(scope="module")
def tables():
    """A sum that is known, a difference that is not, and a parameter between."""
    nothing = {"mechanism": "", "place": "", "status": "assumed", "note": ""}
    space = Space(
        tuple(
            Parameter(name, name.title(), "1", 2.0, Scale.LOG, sd, True, source="book", **nothing)
            for name, sd in (("first", 0.5), ("second", 1.0), ("third", 2.0))
        )
    )
    rng = np.random.default_rng(2)
    known, blind, between = rng.standard_normal((3, 30_000)) * [[0.1], [1.0], [0.8]]
    standard = np.stack([(known + blind), (known - blind), np.sqrt(2) * between], axis=1)
    theta = space.centers + standard / np.sqrt(2) * space.sds
    return learned_table(space, theta), combination_table(space, theta)


def test_combinations_are_told_apart(tables):
    _, combinations = tables
    assert list(combinations["verdict"]) == ["informed", "somewhat", "hardly"]
    assert combinations["sd_ratio"].to_numpy() == pytest.approx([0.1, 0.8, 1.0], rel=0.03)
    assert combinations["combination"][0] in (
        "+0.71 first +0.71 second",
        "+0.71 second +0.71 first",
    )
    assert combinations["combination"][1] == "+1.00 third"
    assert combinations["bits"][0] == pytest.approx(
        (0.5 * (0.01 - 1) - np.log(0.1)) / np.log(2), abs=0.05
    )


def test_a_parameter_hides_what_a_combination_shows(tables):
    learned, _ = tables
    assert learned["sd_ratio"][:2].to_numpy() == pytest.approx(np.sqrt(0.505), rel=0.02)
    assert learned["posterior_median"].to_numpy() == pytest.approx(2.0, rel=0.03)


def test_the_text_names_what_is_not_informed(tables):
    learned, combinations = tables
    text = unlearned_text(learned, combinations)
    assert "inform 1 of 3 combinations" in text
    assert "next to nothing about 1 " in text
    assert "Third (third): posterior SD 0.80" in text
    assert "prior from book" in text
    everything = unlearned_text(learned.assign(verdict="hardly"), combinations)
    assert "what is stated about each is its prior:\n- First (first)" in everything
