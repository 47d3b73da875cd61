"""Simultaneous bands hold whole curves of uniform ranks at their level."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonecycle.inference.checks.uniformity import Bands

BANDS = Bands(50, 100)


@pytest.mark.parametrize("level", [0.95, 0.997])
def test_uniform_curves_lie_inside_at_the_stated_rate(level):
    draws = 4000
    ranks = np.random.default_rng(8).integers(100, size=(draws, 50))
    lower, upper = BANDS.band(level)
    counts = np.array([BANDS.counts(one) for one in ranks])
    inside = ((counts >= lower) & (counts <= upper)).all(axis=1).mean()
    error = np.sqrt(level * (1 - level) / draws)
    # Counts are whole numbers: the band holds a little more than asked for.
    assert level - 4 * error < inside < level + 0.01


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(0.5, 2), st.sampled_from([0.95, 0.997]))
def test_a_curve_is_inside_its_band_exactly_when_its_p_is_large(seed, power, level):
    share = np.random.default_rng(seed).uniform(size=50) ** power
    ranks = np.floor(100 * share)
    lower, upper = BANDS.band(level)
    counts = BANDS.counts(ranks)
    inside = bool(((counts >= lower) & (counts <= upper)).all())
    assert inside == (BANDS.p_value(ranks) > 1 - level)


def test_counts_and_ends_of_a_band():
    bands = Bands(3, 4)
    assert bands.counts(np.array([0, 3, 1])).tolist() == [1, 2, 2]
    assert bands.places.tolist() == [0.25, 0.5, 0.75]
    lower, upper = BANDS.band(0.95)
    assert (lower < 50 * BANDS.places).all()
    assert (upper > 50 * BANDS.places).all()
    # By symmetry of ranks counted from above.
    assert (50 - upper[::-1] == lower).all()


@pytest.mark.parametrize("ranks", [np.full(50, 50.0), np.arange(50.0), np.repeat([0.0, 99.0], 25)])
def test_ranks_in_the_middle_shifted_or_at_the_ends_are_not_uniform(ranks):
    assert BANDS.p_value(ranks) < 1e-3
