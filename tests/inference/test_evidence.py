"""Evidence by three methods on targets whose evidence is known."""

import numpy as np
import pytest
from scipy.stats import kstest, multivariate_normal, norm

from bonecycle.inference.comparison.evidence import Base, importance, nested
from bonecycle.inference.comparison.lanes import Lanes, OneByOne
from bonecycle.inference.comparison.laplace import curvature_at, laplace
from bonecycle.inference.sampling.clouds import Cloud, draw, integrate

DIM = 4
MEAN = np.array([0.5, -0.3, 0.2, 1.0])
ROOT = np.tril(0.3 + np.arange(16.0).reshape(DIM, DIM) / 20)
COVARIANCE = ROOT @ ROOT.T
LOG_EVIDENCE = 3.0


class Target:
    """A normal density times exp(3), which counts its batches and can fail."""

    def __init__(self, fail_after=None):
        self.batches = []
        self.fail_after = fail_after

    def __call__(self, theta):
        if self.fail_after is not None and len(self.batches) >= self.fail_after:
            raise RuntimeError("killed")
        self.batches.append(len(theta))
        return LOG_EVIDENCE + multivariate_normal(MEAN, COVARIANCE).logpdf(theta).reshape(-1)


def test_laplace_is_exact_for_a_normal_posterior(known):
    every = np.arange(len(known.targets))
    found = laplace(known, [known.space.centers])
    mean, covariance = known.posterior(every)
    np.testing.assert_allclose(found.theta, mean, atol=1e-5)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-4)
    assert found.log_evidence == pytest.approx(known.log_evidence(every), abs=1e-4)


def test_curvature_is_that_of_the_posterior(known):
    sds = known.space.sds
    inverse = np.linalg.inv(known.posterior(np.arange(len(known.targets)))[1])
    away = known.space.centers + 0.7 * sds
    np.testing.assert_allclose(
        curvature_at(known, away), inverse * sds[:, None] * sds, rtol=1e-3, atol=1e-3
    )


def test_importance_sampling_finds_the_evidence_from_a_wrong_cloud():
    wrong = Cloud(MEAN + 0.2, 0.5 * COVARIANCE)
    found, cloud = importance(Target(), wrong, np.random.default_rng(1), draws=4000)
    assert abs(found.log_value - LOG_EVIDENCE) < 4 * found.error < 0.2
    assert 500 < found.effective_draws <= 2000
    np.testing.assert_allclose(cloud.theta, MEAN, atol=0.1)


def test_two_clouds_cover_what_one_would_miss():
    far = np.full(DIM, 12.0)

    def both(theta):
        parts = [multivariate_normal(m, COVARIANCE).logpdf(theta) for m in (MEAN, MEAN + far)]
        return np.logaddexp(*parts)

    clouds = [Cloud(MEAN, COVARIANCE), Cloud(MEAN + far, COVARIANCE)]
    points = draw(clouds, 2000, np.random.default_rng(2))
    found = integrate(both(points.theta), points)
    assert found.log_value == pytest.approx(np.log(2), abs=4 * found.error)


@pytest.mark.parametrize(
    "base",
    [Base.of_prior(np.zeros(DIM), np.full(DIM, 2.0)), Base.around(Cloud(MEAN, COVARIANCE))],
    ids=["prior", "around"],
)
def test_nested_sampling_finds_the_evidence_in_either_cube(base):
    target = Target()
    found = nested(target, base, rng=np.random.default_rng(3), live_points=100)
    assert abs(found.log_evidence - LOG_EVIDENCE) < 3.5 * found.error < 1.5
    # Walks in step: the likelihood is asked in batches.
    assert np.mean(target.batches) > 8


def test_nested_sampling_gives_the_same_numbers_again():
    base = Base.around(Cloud(MEAN, COVARIANCE))
    first, second = (
        nested(Target(), base, rng=np.random.default_rng(4), live_points=50) for _ in range(2)
    )
    assert first == second


def test_an_interrupted_nested_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("bonecycle.inference.comparison.evidence._CHECKPOINT_SECONDS", 0.0)
    base, path = Base.around(Cloud(MEAN, COVARIANCE)), tmp_path / "state" / "run.dynesty"
    settings = {"live_points": 50, "checkpoint": path}
    with pytest.raises(RuntimeError, match="killed"):
        nested(Target(fail_after=300), base, rng=np.random.default_rng(5), **settings)
    assert path.exists()
    monkeypatch.setattr(Target, "__setstate__", lambda self, _: self.__init__(), raising=False)
    found = nested(Target(), base, rng=np.random.default_rng(6), **settings)
    assert found == nested(Target(), base, rng=np.random.default_rng(5), live_points=50)


def test_a_base_has_the_density_that_its_cube_draws():
    base = Base(MEAN, ROOT, 5.0)
    cube = np.random.default_rng(7).random((4000, DIM))
    theta = np.array([base.from_cube(point) for point in cube])
    back = np.linalg.solve(ROOT, (theta - MEAN).T).T
    assert kstest(back[:, 0], "t", args=(5,)).pvalue > 0.001
    # The mean of (other density / own density) over own draws is one.
    logs = multivariate_normal(MEAN, 0.5 * COVARIANCE).logpdf(theta) - base.log_density(theta)
    ratio = np.exp(logs)
    assert np.mean(ratio) == pytest.approx(1, abs=4 * np.std(ratio) / np.sqrt(len(ratio)))
    prior = Base.of_prior(MEAN, np.full(DIM, 2.0))
    assert prior.log_density(MEAN[None])[0] == pytest.approx(DIM * norm.logpdf(0, 0, 2))


def test_lanes_share_batches_and_keep_the_order():
    target = Target()
    single = OneByOne(target)

    def walk(task):
        return sum(single(np.full(DIM, float(task + step))) for step in range(task % 3 + 1))

    expected = [walk(task) for task in range(10)]
    alone = len(target.batches)
    assert set(target.batches) == {1}
    np.testing.assert_allclose(Lanes(4).map(walk, range(10)), expected)
    assert len(target.batches) - alone < alone / 2


def test_an_error_in_one_batch_ends_all_lanes():
    single = OneByOne(Target(fail_after=2))

    def walk(task):
        return [single(np.full(DIM, float(step))) for step in range(5)]

    with pytest.raises(RuntimeError, match="killed"):
        Lanes(3).map(walk, range(6))
