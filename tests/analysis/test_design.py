"""The gain of a measurement against two normal mechanisms, where it is known."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from bonecycle.analysis.design import Candidates, Measurement, expected_gain
from bonecycle.analysis.design_tables import (
    deciding_tables,
    pairs_table,
    ranking_table,
    smallest_deciding,
    studies,
)

WITHIN, ERROR, APART = 0.2, 0.3, 1.0


def normal_bits(distance):
    """Mutual information of two equally likely normals, SDs of one, so far apart."""

    def term(y):
        one, other = norm.pdf(y), norm.pdf(y, distance)
        return one * np.log2(one / (0.5 * one + 0.5 * other))

    return quad(term, -9, 9 + distance)[0]


def test_two_normal_mechanisms():
    random = np.random.default_rng(3)
    means = [random.normal(d, WITHIN, (1500, 1)) for d in (0.0, APART)]
    gain = expected_gain(means, np.array([[ERROR**2]]))
    d = APART / np.hypot(WITHIN, ERROR)
    # Four Monte Carlo errors; of shares, binomial ones.
    assert abs(gain.bits - normal_bits(d)) < 4 * gain.error < 0.08
    for odds, found in ((9, gain.decided[0]), (10, gain.pairs[0, 1]), (10, gain.pairs[1, 0])):
        expected = norm.cdf(d / 2 - np.log(odds) / d)
        assert abs(found - expected) < 4 * np.sqrt(expected * (1 - expected) / 1500)


def test_equal_mechanisms_tell_nothing_and_distant_ones_everything():
    means = np.random.default_rng(0).normal(size=(3, 200, 2))
    same = expected_gain([means[0], means[1], means[2]], np.eye(2))
    assert abs(same.bits) < 4 * same.error + 0.01
    assert same.decided.max() == 0
    far = expected_gain([means[0], means[1] + 50, means[2] + 100], np.eye(2))
    assert far.bits == pytest.approx(np.log2(3)) and far.decided.min() == 1


@settings(max_examples=20, deadline=None)
@given(st.floats(0.2, 5.0), st.integers(0, 100))
def test_units_of_a_measurement_do_not_matter(scale, seed):
    means = [m[:, None] for m in np.random.default_rng(seed).normal([0, 1], 0.3, (60, 2)).T]
    one = expected_gain(means, np.array([[0.04]]), seed)
    other = expected_gain([scale * m for m in means], np.array([[0.04 * scale**2]]), seed)
    assert other.bits == pytest.approx(one.bits, abs=1e-9)


@pytest.fixture(scope="module")
def found():
    """Month 3 tells H0 from H1, month 24 does not; the marker tells nothing."""
    random = np.random.default_rng(5)
    shift = {("ES_BS", 3.0): 1.0, ("ES_BS", 24.0): 0.1}
    measurements = tuple(Measurement(q, m) for m in (3.0, 24.0) for q in ("ES_BS", "CTX"))
    far = np.array([shift.get((m.quantity, m.month), 0.0) for m in measurements])
    means = tuple(random.normal(0, 0.05, (300, 4)) + place * far for place in (0, 1))
    return Candidates(("H0", "H1"), measurements, means, np.eye(4), 0.01 * np.eye(4), 0)


def test_what_separates_is_ranked_first_and_more_patients_tell_more(found):
    ranking = ranking_table(found, 10)
    assert ranking["measurement"][0] == "ES/BS at month 3"
    # What tells nothing has a gain of zero up to a thousandth: densities are means over 300 draws.
    assert (ranking["limit"] + 3 * ranking["error"] + 1e-3 >= ranking["bits"]).all()
    pairs = pairs_table(found, ranking, best=3)
    assert len(pairs) == 3 and "ES/BS at month 3" in (pairs["first"][0], pairs["second"][0])


def test_the_smallest_deciding_study_is_the_analytic_one(found):
    assert "biopsies, month 3" in studies(found)
    table, pairs = deciding_tables(found)
    (best,) = smallest_deciding(table).to_dict("records")
    assert best["study"] == "biopsies, month 3"
    # Distance of two normals with n patients, and the chance of odds above nine.
    sizes = sorted(set(table["patients_a_month"]))
    distances = [1 / np.sqrt(0.05**2 + 0.01 + 1 / n) for n in sizes]
    chances = [norm.cdf(d / 2 - np.log(9) / d) for d in distances]
    enough = [n for n, chance in zip(sizes, chances, strict=True) if chance > 0.9]
    assert best["patients_a_month"] == enough[0] and best["patients_total"] == 2 * enough[0]
    (pair,) = pairs.to_dict("records")
    assert pair["decides"] and pair["chance"] >= 0.9
    assert isinstance(table, pd.DataFrame) and table["decided_least"].between(0, 1).all()


def test_a_second_month_takes_patients_of_its_own():
    """Two months that tell the same, each apart by four SDs at 20 patients: no more together."""
    random = np.random.default_rng(7)
    measurements = (Measurement("ES_BS", 3.0), Measurement("ES_BS", 24.0), Measurement("CTX", 3.0))
    far = np.array([4 / np.sqrt(20), 4 / np.sqrt(20), 0.0])
    means = tuple(random.normal(0, 0.01, (300, 3)) + place * far for place in (0, 1))
    found = Candidates(("H0", "H1"), measurements, means, np.eye(3), 1e-6 * np.eye(3), 0)
    table, mechanisms = deciding_tables(found)
    assert (table["patients_total"] == 2 * table["months"] * table["patients_a_month"]).all()
    assert table["patients_total"].is_monotonic_increasing
    rows = table.set_index(["study", "patients_a_month"])
    one = rows.loc[("biopsies, month 3", 20)]
    both = rows.loc[("biopsies and markers, months 3 and 24", 10)]
    assert one["patients_total"] == both["patients_total"] == 40
    assert one["decided_least"] >= 0.9 and both["decided_least"] >= 0.9
    (best,) = smallest_deciding(table).to_dict("records")
    assert best["study"] == "biopsies, month 3" and best["patients_total"] == 40
    assert mechanisms["patients_total"][0] == 40
    # At equal totals a second month tells what a second half of the patients would.
    ranking = ranking_table(found, 20)
    pairs = pairs_table(found, ranking).set_index(["first", "second"])
    pair = pairs.loc[("ES/BS at month 3", "ES/BS at month 24")]
    assert pair["patients_a_month"] == 10 and pair["patients_total"] == 40
    assert pair["bits"] == pytest.approx(ranking["bits"][0], abs=4 * pair["error"] + 0.01)
