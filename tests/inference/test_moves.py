"""The independent proposal leaves a skewed target as it is, and only with its Hastings factor."""

import numpy as np
import pytest
from emcee import EnsembleSampler
from emcee.moves import MHMove
from scipy.stats import binomtest, kstest, multivariate_t

from bonecycle.inference.sampling.convergence import autocorrelation_times
from bonecycle.inference.sampling.moves import IndependentProposal, StudentT, default_moves

WALKERS = 20_000


class Exponentials:
    """Two exponentials: as skewed as posteriors are."""

    def __call__(self, points):
        return np.where((points > 0).all(axis=1), -points.sum(axis=1), -np.inf)


def moved(moves, steps, walkers=WALKERS):
    """First and last positions of walkers that began as exact draws."""
    start = np.random.default_rng(1).exponential(size=(walkers, 2))
    np.random.seed(2)  # noqa: NPY002  (emcee draws from the global state)
    sampler = EnsembleSampler(*start.shape, Exponentials(), moves=moves, vectorize=True)
    end = sampler.run_mcmc(start, steps, skip_initial_state_check=True).coords
    return start, end


def guess():
    # Off the mean, and narrower in one direction than the target.
    return StudentT(np.array([0.5, 1.5]), np.array([[0.4, 0.1], [0.1, 2.0]]), freedom=8)


def proposal():
    return IndependentProposal(guess(), StudentT(np.zeros(2), 4 * np.eye(2)))


def without_factor(points, random):
    proposed, factors = proposal()(points, random)
    return proposed, np.zeros_like(factors)


def test_draws_have_the_density_and_the_covariance_of_a_t():
    t = guess()
    points = np.random.default_rng(0).normal(size=(5, 2))
    exact = multivariate_t(t.center, t.covariance, df=t.freedom).logpdf(points)
    assert np.allclose(t.log_density(points), exact)
    draws = t.draw(np.random.default_rng(0), 200_000)
    expected = t.covariance * t.freedom / (t.freedom - 2)
    assert np.allclose(draws.mean(axis=0), t.center, atol=0.02)
    assert np.allclose(np.cov(draws.T), expected, rtol=0.05, atol=0.02)


def test_density_of_the_mixture_integrates_to_one():
    axis = np.linspace(-40, 40, 801)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    total = np.exp(proposal().log_density(grid)).sum() * (axis[1] - axis[0]) ** 2
    assert total == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    "moves",
    [MHMove(proposal(), ndim=2), default_moves(proposal())],
    ids=["independent", "default"],
)
def test_exact_draws_stay_exact(moves):
    # Differential evolution lists all pairs of walkers.
    _, end = moved(moves, 20, walkers=3000)
    assert min(kstest(column, "expon").pvalue for column in end.T) > 1e-3


def test_without_the_hastings_factor_they_do_not():
    _, end = moved(MHMove(without_factor, ndim=2), 20, walkers=3000)
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


class TwoModes:
    """A standard normal, and far from it a second one of next to no mass."""

    def __call__(self, points):
        main = -0.5 * np.sum(points**2, axis=1)
        return np.logaddexp(main, -20 - 0.5 * np.sum((points - 10) ** 2, axis=1))


@pytest.mark.parametrize(("defended", "stay"), [(True, 0), (False, 1)])
def test_only_the_share_of_the_prior_frees_a_walker_from_a_small_mode(defended, stay):
    near = StudentT(np.zeros(4), np.eye(4))
    prior = StudentT(np.zeros(4), 25 * np.eye(4)) if defended else near
    start = np.random.default_rng(1).standard_normal((16, 4))
    start[3] += 10
    np.random.seed(2)  # noqa: NPY002  (emcee draws from the global state)
    moves = default_moves(IndependentProposal(near, prior))
    sampler = EnsembleSampler(16, 4, TwoModes(), moves=moves, vectorize=True)
    sampler.run_mcmc(start, 300)
    chain = sampler.get_chain(discard=100)
    assert np.sum(chain[-1].mean(axis=1) > 5) == stay
    # The walker that stays is seen, though each walker by itself mixes well.
    longest = autocorrelation_times(chain).max()
    assert (longest > 30) == bool(stay)
