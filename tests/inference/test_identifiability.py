"""What the targets could tell, how a fit stands, and the verdict's table."""

import numpy as np
import pytest
from scipy.stats import chi2

from bonecycle.inference.fitting.goodness import correlation_table, goodness
from bonecycle.inference.fitting.identifiability import (
    fisher_information,
    pair_table,
    prior_points,
    rank_table,
)
from bonecycle.inference.fitting.least_squares import fit, refit
from bonecycle.inference.fitting.summary import mechanism_table
from bonecycle.inference.fitting.verdict import variants, verdict_table
from bonecycle.problem.problem import ProblemSpec, load_problem

SPEC = ProblemSpec("H1")


@pytest.fixture(scope="module")
def fitted():
    return fit(SPEC, starts=1)


def test_information_is_symmetric_and_no_more_than_the_targets(fitted):
    problem = load_problem(SPEC)
    information = fisher_information(problem, fitted.best.theta)
    np.testing.assert_allclose(information, information.T)
    values = np.linalg.eigvalsh(information)
    assert values.min() > -1e-8 * values.max()
    shares = values / (values + 1)
    assert 0 < shares.sum() < min(problem.fitted.sum(), len(values))


def test_the_covariance_of_a_fit_is_that_of_its_information(fitted):
    problem = load_problem(SPEC)
    sds = problem.space.sds
    expected = np.linalg.inv(fisher_information(problem, fitted.best.theta) + np.eye(len(sds)))
    found = fitted.best.covariance / sds[:, None] / sds
    np.testing.assert_allclose(np.diag(found), np.diag(expected), rtol=0.02)


def test_goodness_is_a_chi_square_of_the_numbers(fitted):
    stands = goodness(fitted)
    assert stands.degrees_of_freedom == pytest.approx(stands.numbers - stands.effective_parameters)
    assert stands.predictive_chi_square > stands.chi_square
    assert stands.p == pytest.approx(chi2.sf(stands.predictive_chi_square, stands.numbers))
    assert (stands.flag == "") == (0.05 <= stands.p <= 0.95)
    row = mechanism_table([fitted]).iloc[0]
    assert stands.numbers == row.numbers
    assert row.validation >= 1 and row.validation_farthest > 0
    assert row.effective_parameters == pytest.approx(stands.effective_parameters)
    assert row.chi_square <= row.cost_data


def test_correlations_are_those_of_the_covariance(fitted):
    table = correlation_table(fitted)
    n = len(load_problem(SPEC).space.names)
    assert len(table) == n * (n - 1) // 2
    assert table.correlation.abs().between(0, 1).all()
    assert table.correlation.abs().is_monotonic_decreasing


def test_points_of_the_prior_lie_within_two_sds():
    problem = load_problem(SPEC)
    points = problem.space.standardized(prior_points(problem, 16))
    assert points.shape == (16, len(problem.space.names))
    assert np.abs(points).max() <= 2


def test_structure_is_measured_for_every_pair():
    ranks = rank_table(SPEC, points=2)
    assert (ranks.informed <= ranks["rank"]).all()
    assert (ranks["rank"] <= ranks.parameters).all()
    pairs = pair_table(SPEC, points=2)
    assert len(pairs) == 10
    assert (pairs.lowest <= pairs.highest).all()
    # A prior cannot be widened by data.
    assert pairs.highest.max() <= 1 + 1e-9


def test_a_refit_of_the_same_problem_stays_where_it_was(fitted):
    again = refit(SPEC, [fitted.best.theta])
    assert again.best.cost == pytest.approx(fitted.best.cost, rel=1e-5)


def test_the_verdict_covers_every_encoding_and_error(fitted, monkeypatch):
    asked = [s for s in variants(SPEC) if s.encoding in ("dropped", "hard-0.9")]
    asked += [s for s in variants(SPEC) if s.error_scale != 1]
    assert len(variants(SPEC)) == 15
    monkeypatch.setattr("bonecycle.inference.fitting.verdict.variants", lambda _: asked)
    table = verdict_table([fitted])
    assert len(table) == 4
    assert (table.behind == 0).all()  # a mechanism alone is the best
    by_scale = table.set_index("error_scale").cost
    assert by_scale[0.5] > fitted.best.cost > by_scale[2.0]
    dropped = table[table.encoding == "dropped"].iloc[0]
    assert dropped.cost < fitted.best.cost + 1e-6
    assert dropped.statement_met is None or np.isnan(dropped.statement_met)


def test_the_rank_is_that_of_the_slopes_and_not_of_their_rounding(monkeypatch):
    problem = load_problem(SPEC)
    random = np.random.default_rng(3)
    n = len(problem.space.names)
    slopes = random.standard_normal((len(problem.targets), 5)) @ random.standard_normal((5, n))
    monkeypatch.setattr(problem, "weighted_slopes", lambda _: slopes)
    assert (rank_table(SPEC, points=2)["rank"] == 5).all()
