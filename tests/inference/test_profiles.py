"""Profiles of a normal posterior are parabolas with known ends."""

import numpy as np
import pandas as pd
import pytest

from bonecycle.inference.fitting.least_squares import search
from bonecycle.inference.fitting.profiles import LEVEL, REACH, crossings, curve_table, profile


@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_profile_of_a_normal_posterior_is_its_marginal(known, place):
    mean, covariance = known.posterior(np.arange(len(known.targets)))
    sd, prior_sd = np.sqrt(covariance[place, place]), known.space.sds[place]
    name = known.space.names[place]
    points = pd.DataFrame(profile(known, name, mean, sd))
    gap = known.space.centers[place] + points["prior_sds"] * prior_sd - mean[place]
    rise = points["cost"] - points["cost"].min()
    np.testing.assert_allclose(rise, (gap / sd) ** 2, atol=1e-2)
    table = curve_table(
        [{"mechanism": "known", "parameter": name, "points": points.to_dict("records")}]
    )
    low, high = crossings(table["prior_sds"].to_numpy(), table["rise"].to_numpy())
    center = (mean[place] - known.space.centers[place]) / prior_sd
    half = np.sqrt(LEVEL) * sd / prior_sd
    assert low == pytest.approx(center - half, abs=0.01)
    assert high == pytest.approx(center + half, abs=0.01)


def test_without_its_own_prior_the_curve_is_flatter(known):
    mean, covariance = known.posterior(np.arange(len(known.targets)))
    name = known.space.names[0]
    points = pd.DataFrame(profile(known, name, mean, np.sqrt(covariance[0, 0])))
    np.testing.assert_allclose(
        points["cost"] - points["likelihood_cost"], points["prior_sds"] ** 2, atol=1e-8
    )
    assert points["prior_sds"].is_monotonic_increasing


def test_a_held_parameter_stays_and_the_others_follow(known):
    start = np.array([0.8, 0.0, 0.0])
    found = search(known, start, held=["p0"])
    z = known.space.standardized(found.theta[None])[0]
    assert z[0] == pytest.approx(0.8)
    assert np.abs(z[1:]).min() > 1e-4
    assert found.cost >= search(known, start).cost


def test_a_curve_that_stays_low_is_open():
    z = np.linspace(-REACH, REACH, 17)
    assert crossings(z, 0.01 * z**2) == (None, None)
    low, high = crossings(z, np.where(z > 0, z**2, 0.0))
    assert low is None
    assert high == pytest.approx(np.sqrt(LEVEL))
