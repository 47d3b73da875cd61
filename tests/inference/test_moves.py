"""The independent proposal leaves a skewed target as it is, and only with its Hastings factor."""

import numpy as np
import pytest
from emcee import EnsembleSampler
from emcee.moves import MHMove
from scipy.stats import binomtest, kstest, multivariate_t

from bonecycle.inference.moves import IndependentT, default_moves

WALKERS = 20_000


class Exponentials:
    """Two exponentials: as skewed as posteriors are."""

    def __call__(self, points):
        return np.where((points > 0).all(axis=1), -points.sum(axis=1), -np.inf)


def moved(moves, steps):
    """First and last positions of walkers that began as exact draws."""
    start = np.random.default_rng(1).exponential(size=(WALKERS, 2))
    np.random.seed(2)  # noqa: NPY002  (emcee draws from the global state)
    sampler = EnsembleSampler(*start.shape, Exponentials(), moves=moves, vectorize=True)
    end = sampler.run_mcmc(start, steps, skip_initial_state_check=True).coords
    return start, end


def proposal():
    # Off the mean, and narrower in one direction than the target.
    return IndependentT(np.array([0.5, 1.5]), np.array([[0.4, 0.1], [0.1, 2.0]]))


def without_factor(points, random):
    proposed, factors = proposal()(points, random)
    return proposed, np.zeros_like(factors)


def test_log_density_is_that_of_a_t():
    t = proposal()
    points = np.random.default_rng(0).normal(size=(5, 2))
    exact = multivariate_t(t.center, t.covariance, df=t.freedom).logpdf(points)
    difference = t.log_density(points) - exact
    assert np.ptp(difference) < 1e-12


def test_draws_have_the_covariance_of_a_t():
    t = proposal()
    draws = t.draw(np.random.default_rng(0), 200_000)
    expected = t.covariance * t.freedom / (t.freedom - 2)
    assert np.allclose(draws.mean(axis=0), t.center, atol=0.02)
    assert np.allclose(np.cov(draws.T), expected, rtol=0.05, atol=0.02)


@pytest.mark.parametrize(
    "moves",
    [MHMove(proposal(), ndim=2), default_moves(proposal())],
    ids=["independent", "default"],
)
def test_exact_draws_stay_exact(moves):
    _, end = moved(moves, 10)
    assert min(kstest(column, "expon").pvalue for column in end.T) > 1e-3


def test_without_the_hastings_factor_they_do_not():
    _, end = moved(MHMove(without_factor, ndim=2), 10)
    assert min(kstest(column, "expon").pvalue for column in end.T) < 1e-10


def test_every_way_is_gone_as_often_as_its_way_back():
    start, end = moved(MHMove(proposal(), ndim=2), 1)
    edges = np.quantile(start, [0.2, 0.5, 0.8])
    places = 4 * np.digitize(start[:, 0], edges) + np.digitize(start[:, 1], edges)
    after = 4 * np.digitize(end[:, 0], edges) + np.digitize(end[:, 1], edges)
    counts = np.zeros((16, 16), dtype=int)
    np.add.at(counts, (places, after), 1)
    pairs = [(counts[i, j], counts[j, i]) for i in range(16) for j in range(i)]
    values = [binomtest(a, a + b).pvalue for a, b in pairs if a + b > 20]
    assert len(values) > 50
    assert min(values) > 1e-3 / len(values)
