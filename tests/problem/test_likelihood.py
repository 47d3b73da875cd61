"""Likelihood terms against scipy's multivariate normal and normal distributions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from bonecycle.problem.likelihood import curvature_weights, residual_slopes, terms

positive = st.floats(0.01, 50.0)


@settings(deadline=None, max_examples=50)
@given(
    predictions=st.lists(positive, min_size=3, max_size=3),
    values=st.lists(positive, min_size=3, max_size=3),
    sds=st.lists(st.floats(0.1, 1.0), min_size=3, max_size=3),
    correlation=st.floats(0.0, 0.9),
)
def test_correlated_numbers_are_a_multivariate_normal_on_the_log_scale(
    predictions, values, sds, correlation
):
    shape = np.full((3, 3), correlation) + (1 - correlation) * np.eye(3)
    covariance = np.outer(sds, sds) * shape
    log_likelihood, residuals = terms(
        np.array([predictions]), np.array(values), np.zeros(3), np.linalg.cholesky(covariance)
    )
    expected = stats.multivariate_normal(np.log(values), covariance).logpdf(np.log(predictions))
    assert log_likelihood.sum() == pytest.approx(expected, abs=1e-8)
    constant = -0.5 * np.linalg.slogdet(covariance)[1] - 1.5 * np.log(2 * np.pi)
    assert -0.5 * (residuals**2).sum() + constant == pytest.approx(expected, abs=1e-8)


@settings(deadline=None, max_examples=50)
@given(prediction=positive, value=positive, sd=st.floats(0.05, 1.0), side=st.sampled_from([-1, 1]))
def test_a_limit_is_a_probit_and_its_residual_the_root(prediction, value, sd, side):
    log_likelihood, residuals = terms(
        np.array([[prediction]]), np.array([value]), np.array([side]), np.array([[sd]])
    )
    expected = stats.norm.logcdf(side * np.log(prediction / value) / sd)
    assert log_likelihood[0, 0] == pytest.approx(expected, rel=1e-10)
    assert -0.5 * residuals[0, 0] ** 2 == pytest.approx(expected, rel=1e-10, abs=1e-300)
    assert residuals[0, 0] * side <= 0


def test_a_dropped_target_says_nothing_and_a_failed_set_says_nan():
    predictions = np.array([[0.5, 2.0], [np.nan, np.nan]])
    log_likelihood, residuals = terms(
        predictions, np.array([np.nan, 2.0]), np.array([1, 0]), np.diag([0.25, 0.25])
    )
    assert log_likelihood[0, 0] == residuals[0, 0] == 0
    assert residuals[0, 1] == 0
    assert np.isnan(residuals[1, 1])


def test_an_emptied_surface_has_a_finite_term():
    log_likelihood, _ = terms(np.array([[0.0]]), np.array([0.2]), np.array([-1]), np.array([[0.2]]))
    assert np.isfinite(log_likelihood).all()


@settings(deadline=None, max_examples=60)
@given(
    predictions=st.lists(st.floats(0.05, 5.0), min_size=4, max_size=4),
    values=st.lists(st.floats(0.2, 2.0), min_size=4, max_size=4),
    sds=st.lists(st.floats(0.1, 1.0), min_size=4, max_size=4),
    correlation=st.floats(0.0, 0.8),
)
def test_slopes_of_residuals_are_their_differences(predictions, values, sds, correlation):
    predictions, values = np.array(predictions), np.array(values)
    sides = np.array([0.0, 0.0, 1.0, -1.0])
    shape = np.eye(4)
    shape[0, 1] = shape[1, 0] = correlation
    factor = np.linalg.cholesky(np.outer(sds, sds) * shape)
    slopes = residual_slopes(predictions, np.diag(predictions), values, sides, factor)
    step = 1e-6
    moved = predictions * np.exp(step * np.vstack([np.eye(4), -np.eye(4)]))
    _, residuals = terms(moved, values, sides, factor)
    differences = (residuals[:4] - residuals[4:]).T / (2 * step)
    np.testing.assert_allclose(slopes, differences, rtol=1e-4, atol=1e-5)


def test_a_dropped_target_has_no_slope():
    factor = np.diag([0.2, 0.2])
    slopes = residual_slopes(
        np.array([0.5, 0.5]), np.ones((2, 1)), np.array([np.nan, 0.4]), np.array([1.0, 0.0]), factor
    )
    np.testing.assert_allclose(slopes, [[0.0], [1 / 0.5 / 0.2]])


@pytest.mark.parametrize("z", [-3.0, -1.0, 0.0, 1.0, 2.0])
def test_the_weight_of_a_limit_is_its_curvature(z):
    residual = -np.sqrt(-2 * stats.norm.logcdf(z))
    weight = curvature_weights(np.array([residual, 0.7]), np.array([1.0, 0.0]))
    step = 1e-4
    around = [stats.norm.logcdf(z + s) for s in (-step, 0, step)]
    curvature = -(around[0] - 2 * around[1] + around[2]) / step**2
    slope = (around[2] - around[0]) / (2 * step) / residual
    np.testing.assert_allclose(weight, [curvature / slope**2, 1.0], rtol=1e-4)
