"""The proposal is fitted to a skewed posterior, and left alone where weights cannot be trusted."""

import sys
from pathlib import Path

import numpy as np

from bonecycle.inference.sampling.clouds import Cloud
from bonecycle.inference.sampling.proposal import fitted_guess

sys.path.append(str(Path(__file__).parent))
from targets import Banana, Normal


def test_mean_and_covariance_are_approached():
    target = Normal()
    sds = np.sqrt(np.diag(target.covariance))
    guess = Cloud(target.mean + 0.5 * sds, 0.5 * target.covariance)
    found = fitted_guess(target, guess, seed=3)
    assert (np.abs(found.center - target.mean) < 0.15 * sds).all()
    assert np.allclose(
        found.covariance / sds[:, None] / sds, target.covariance / sds[:, None] / sds, atol=0.15
    )


def test_a_bent_target_gets_its_covariance_and_not_its_curvature_at_the_mode():
    target = Banana()
    found = fitted_guess(target, Cloud(np.array([0.0, -0.7]), np.eye(2)), seed=3)
    variance = target.covariance[1, 1]
    assert abs(found.covariance[1, 1] - variance) < 0.25 * variance


def test_a_guess_far_away_is_kept():
    guess = Cloud(np.full(4, 1e3), 1e-4 * np.eye(4))
    found = fitted_guess(Normal(), guess, seed=3)
    assert (found.center == guess.theta).all()
    assert (found.covariance == guess.covariance).all()
