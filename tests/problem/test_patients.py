"""Patients' effects are integrated out: exactly, with zeros, and with the coverage they claim."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import multivariate_normal, norm

from bonecycle.errors import DataError
from bonecycle.problem.likelihood import patient_terms
from bonecycle.problem.patients import estimate, log_likelihood
from bonecycle.studies.biopsies import BiopsyArm

SHARED, OWN = np.array([0.4, 0.4, 0.0]), np.array([0.3, 0.35, 0.1])
MEDIANS = np.array([1.0, 0.5, -1.0])
COVARIANCE = np.outer(SHARED, SHARED) + np.diag(OWN**2)
EMPTY = np.full((4, 3), np.nan)

# Synthetic arms, in the units of the observables.
CELLS = tuple((name, 24.0) for name in ("ES_BS", "OS_BS", "MS_BS", "MAR"))
TRUTH = np.log([[3.4, 6.0, 2.0, 0.55], [3.0, 2.0, 0.15, 0.55]])
SDS = np.array([0.5, 0.4, 0.15])
LIMIT = 0.1


def synthetic(rng: np.random.Generator, n: int) -> list[BiopsyArm]:
    """Two arms of n patients; surfaces below LIMIT are zero, and MAR is missing without MS/BS."""
    turnover = np.array([1.0, 1.0, 1.0, 0.0])
    own = np.array([SDS[1]] * 3 + [SDS[2]])
    arms = []
    for k, medians in enumerate(TRUTH):
        effects = SDS[0] * rng.normal(size=(n, 1)) * turnover
        values = np.exp(medians + effects + own * rng.normal(size=(n, 4)))
        below = (values < LIMIT) & (turnover > 0)
        values[below] = 0.0
        values[values[:, 2] == 0, 3] = np.nan
        limits = np.where(below, LIMIT, np.nan)
        arms.append(BiopsyArm(f"arm {k}", tuple(map(str, range(n))), CELLS, values, limits))
    found = all((arm.values > 0).any(axis=0).all() for arm in arms)
    return arms if found else synthetic(rng, n)


@given(st.integers(0, 10**6))
@settings(deadline=None)
def test_without_zeros_it_is_the_multivariate_normal(seed):
    values = np.random.default_rng(seed).normal(size=(4, 3))
    terms, slopes, curvature = patient_terms(MEDIANS, values, EMPTY, SHARED, OWN)
    exact = multivariate_normal(MEDIANS, COVARIANCE)
    np.testing.assert_allclose(terms, exact.logpdf(values), rtol=1e-10)
    precision = np.linalg.inv(COVARIANCE)
    np.testing.assert_allclose(curvature, 4 * precision, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(slopes, (values - MEDIANS).sum(axis=0) @ precision, atol=1e-8)


@given(st.integers(0, 10**6))
@settings(deadline=None)
def test_a_missing_value_is_left_out_of_the_normal(seed):
    values = np.random.default_rng(seed).normal(size=(4, 3))
    values[:, 1] = np.nan
    terms, _, _ = patient_terms(MEDIANS, values, EMPTY, SHARED, OWN)
    exact = multivariate_normal(MEDIANS[[0, 2]], COVARIANCE[np.ix_([0, 2], [0, 2])])
    np.testing.assert_allclose(terms, exact.logpdf(values[:, [0, 2]]), rtol=1e-10)


def with_zeros() -> tuple[np.ndarray, np.ndarray]:
    values = MEDIANS + np.random.default_rng(0).normal(size=(4, 3)) @ np.linalg.cholesky(COVARIANCE)
    limits = EMPTY.copy()
    for patient, cell, limit in ((0, 0, 0.6), (1, 0, 0.2), (1, 1, -1.0), (3, 1, 0.7)):
        values[patient, cell], limits[patient, cell] = np.nan, limit
    return values, limits


def test_zeros_are_integrated_as_quadrature_does():
    values, limits = with_zeros()
    terms, _, _ = patient_terms(MEDIANS, values, limits, SHARED, OWN)

    def integrand(effect: float, patient: int) -> float:
        at = MEDIANS + SHARED * effect
        seen = norm.pdf(values[patient], at, OWN)
        below = norm.cdf(limits[patient], at, OWN)
        factors = np.where(np.isnan(values[patient]), 1.0, seen)
        factors = factors * np.where(np.isnan(limits[patient]), 1.0, below)
        return float(norm.pdf(effect) * np.prod(factors))

    for patient in range(4):
        exact = quad(integrand, -12, 12, (patient,), epsabs=0, epsrel=1e-10, limit=300)[0]
        assert terms[patient] == pytest.approx(np.log(exact), abs=1e-5)


def test_slopes_and_curvature_are_the_derivatives():
    values, limits = with_zeros()
    _, slopes, curvature = patient_terms(MEDIANS, values, limits, SHARED, OWN)
    for cell, step in enumerate(1e-5 * np.eye(3)):
        up, down = (
            patient_terms(MEDIANS + sign * step, values, limits, SHARED, OWN) for sign in (1, -1)
        )
        assert (up[0].sum() - down[0].sum()) / 2e-5 == pytest.approx(slopes[cell], abs=1e-6)
        np.testing.assert_allclose((down[1] - up[1]) / 2e-5, curvature[cell], atol=1e-5)
    assert np.linalg.eigvalsh(curvature).min() > 0


def test_a_balanced_arm_has_its_mean_logs_and_their_standard_error():
    rng = np.random.default_rng(3)
    values = np.exp(rng.normal(size=(6, 2)))
    cells = (("ES_BS", 0.0), ("MAR", 0.0))
    arm = BiopsyArm("a", tuple("abcdef"), cells, values, np.full((6, 2), np.nan))
    found = estimate([arm]).arms[0]
    np.testing.assert_allclose(found.log_medians, np.log(values).mean(axis=0), rtol=1e-6)
    # The SDs shrink towards their prior (0.57 and 0.15), so they lie between it and the sample's.
    errors = np.sqrt(np.diag(found.covariance)) * 6**0.5
    low = np.minimum([0.57, 0.15], np.log(values).std(axis=0, ddof=1))
    high = np.maximum([0.57, 0.15], np.log(values).std(axis=0, ddof=1))
    assert (errors > 0.9 * low).all()
    assert (errors < 1.3 * high).all()


def test_medians_and_spread_of_a_synthetic_table_come_back():
    arms = synthetic(np.random.default_rng(1), 30)
    assert (arms[1].values == 0).any()
    found = estimate(arms)
    for medians, truth in zip(found.arms, TRUTH, strict=True):
        errors = np.sqrt(np.diag(medians.covariance))
        assert (np.abs(medians.log_medians - truth) < 3 * errors).all()
        assert (errors < 0.25).all()
    assert (np.abs(found.log_sds - np.log(SDS)) < 3 * found.log_sd_errors).all()


def test_zeros_count_as_low_and_not_as_missing():
    arms = synthetic(np.random.default_rng(1), 30)
    seen = arms[1].values[:, 2]
    naive = np.log(seen[seen > 0]).mean()
    assert estimate(arms).arms[1].log_medians[2] < naive - 0.1


def test_the_likelihood_of_an_arm_is_highest_at_its_medians():
    arm = synthetic(np.random.default_rng(2), 8)[1]
    found = estimate([arm])
    best = log_likelihood(arm, found.arms[0].log_medians, found.log_sds)
    for step in 0.3 * np.eye(4):
        for sign in (1, -1):
            moved = found.arms[0].log_medians + sign * step
            assert log_likelihood(arm, moved, found.log_sds) < best


def test_medians_that_are_not_found_are_an_error(monkeypatch):
    monkeypatch.setattr("bonecycle.problem.patients._NEWTON", 1)
    with pytest.raises(DataError, match=r"arm \d: its medians were not found"):
        estimate(synthetic(np.random.default_rng(4), 5))


@given(seed=st.integers(0, 10**6), n=st.integers(1, 4), zeros=st.floats(0, 1), wide=st.floats(0, 3))
@settings(deadline=None, max_examples=12)
def test_small_and_odd_tables_have_finite_medians(seed, n, zeros, wide):
    rng = np.random.default_rng(seed)
    values = np.exp(wide * rng.normal(size=(n, 4)))
    values[rng.uniform(size=values.shape) < zeros] = 0.0
    values[:, 3] = np.where(values[:, 3] > 0, values[:, 3], np.nan)
    values[0] = np.exp(rng.normal(size=4))  # every cell has a value
    limits = np.where(values == 0, 0.1, np.nan)
    arm = BiopsyArm("a", tuple(map(str, range(n))), CELLS, values, limits)
    try:
        found = estimate([arm]).arms[0]
    except DataError as error:  # e.g. one of two patients has nothing but zeros: said, not guessed
        assert "medians were not found" in str(error)
        return
    assert np.isfinite(found.log_medians).all()
    assert np.linalg.eigvalsh(found.covariance).min() > 0


@pytest.mark.slow
def test_intervals_of_synthetic_tables_cover_what_they_claim():
    """About 0.5 s a table: eighty tables of two arms of eight patients."""
    rng = np.random.default_rng(0)
    inside, squares, spreads = [], [], []
    for _ in range(80):
        found = estimate(synthetic(rng, 8))
        for medians, truth in zip(found.arms, TRUTH, strict=True):
            gap = medians.log_medians - truth
            inside += list(np.abs(gap) < 1.96 * np.sqrt(np.diag(medians.covariance)))
            squares.append(gap @ np.linalg.solve(medians.covariance, gap))
        spreads += list(np.abs(found.log_sds - np.log(SDS)) < 1.96 * found.log_sd_errors)
    # Three standard errors of a share of 640 (fewer in effect: the cells of an arm go together).
    assert np.mean(inside) == pytest.approx(0.95, abs=0.035)
    assert np.mean(spreads) == pytest.approx(0.95, abs=0.045)
    # Chi-square with four degrees of freedom: mean 4, three standard errors of 160 draws.
    assert np.mean(squares) == pytest.approx(4.0, abs=3 * (8 / 160) ** 0.5)
