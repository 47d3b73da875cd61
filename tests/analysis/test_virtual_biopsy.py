"""The virtual biopsy against closed forms, and the published counts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom, poisson

from bonecycle.analysis.label_counts import (
    compare_counts,
    implied_sites,
    predict_states,
    read_counts,
)
from bonecycle.analysis.label_shares import FINDINGS, label_shares
from bonecycle.analysis.virtual_biopsy import (
    MEASURES,
    central_section,
    drawn_sections,
    finding_probability,
    labeled,
    none_probability,
    summarize,
    virtual_biopsies,
)
from bonecycle.biology.regimens import parse_regimen
from bonecycle.engines.choice import EngineName
from bonecycle.errors import UsageError

# Of one untreated state; only the relations between the numbers matter here.
STATE = {
    "Oc_S_BS": 0.2,
    "ES_BS": 3.4,
    "OS_BS": 2.5,
    "MS_BS": 2.0,
    "MAR": 0.5,
    "O_Th": 10.0,
    "W_Th": 60.0,
    "W_Th_new": 50.0,
}
N = 40_000


@pytest.fixture(scope="module")
def biopsies() -> pd.DataFrame:
    return virtual_biopsies(STATE, N, seed=1)


@given(st.floats(0, 50), st.floats(0.01, 5))
@settings(deadline=None)
def test_no_site_is_the_zero_of_a_negative_binomial(expected, heterogeneity):
    size = 1 / heterogeneity
    exact = nbinom.pmf(0, size, size / (size + expected))
    assert none_probability(expected, heterogeneity) == pytest.approx(exact, rel=1e-9)


@given(st.floats(0, 50))
@settings(deadline=None)
def test_without_heterogeneity_it_is_the_zero_of_a_poisson(expected):
    assert none_probability(expected, 0.0) == pytest.approx(poisson.pmf(0, expected), rel=1e-6)


@given(st.floats(0.01, 30), st.floats(5, 400), st.floats(0.1, 60))
@settings(deadline=None)
def test_double_and_half_of_single_is_the_mineralizing_surface(ms, period, interval):
    double, single = labeled(ms, period, interval)
    assert double + single / 2 == pytest.approx(ms)
    # Sites that begin within the period, seen from both sides of an interval.
    begun = np.linspace(-period, interval, 20_001)
    first, second = (begun <= 0) & (begun > -period), begun + period > interval
    both = np.mean(first & second) * (period + interval) * ms / period
    assert double == pytest.approx(both, abs=1e-3 * ms * (1 + interval / period))


def test_escape_is_the_share_of_the_interval():
    double, single = labeled(2.0, 100.0, 15.0)
    assert (double, single) == (pytest.approx(1.7), pytest.approx(0.6))
    # A site shorter than the interval never takes both.
    assert labeled(2.0, 10.0, 15.0) == (0.0, 4.0)


def test_nothing_escapes_without_an_interval_and_the_mean_is_the_model(biopsies):
    section = replace(central_section(), label_days=1e-9, label_gap=1e-9)
    drawn = virtual_biopsies(STATE, N, seed=2, section=section)
    assert set(drawn["label"]) == {"double", "none"}
    for table in (drawn, biopsies):
        for name in ("MS_BS", "ES_BS", "OS_BS", "Oc_S_BS"):
            error = table[name].std() / N**0.5
            assert abs(table[name].mean() - STATE[name]) < 4 * error


@pytest.mark.parametrize("finding", ["double", "any", "no osteoclasts"])
def test_drawn_shares_are_the_probabilities(biopsies, finding):
    shares = {
        "double": (biopsies["label"] == "double").mean(),
        "any": (biopsies["label"] != "none").mean(),
        "no osteoclasts": (biopsies["Oc_S_BS"] == 0).mean(),
    }
    p = float(finding_probability(finding, STATE, central_section()))
    assert abs(shares[finding] - p) < 4 * (p * (1 - p) / N) ** 0.5


def test_what_needs_a_double_label_is_missing_without(biopsies):
    double = biopsies["label"] == "double"
    assert 0.5 < double.mean() < 0.95
    assert biopsies["MAR"].notna().equals(double)
    assert biopsies["Ac_f"].notna().equals(double)
    assert (biopsies.loc[biopsies["label"] == "none", ["MS_BS", "BFR_BS"]] == 0).all(axis=None)
    assert biopsies.loc[biopsies["label"] == "single", "BFR_BS"].isna().all()
    table = summarize(biopsies).set_index("variable")
    assert list(table.index) == list(MEASURES)
    assert table.loc["MAR", "missing"] == (~double).sum()
    # Ac.f exists only where a label was found, so its mean is above that of the model.
    model = STATE["MS_BS"] / 100 * STATE["MAR"] * 365.25 / STATE["W_Th"]
    assert table.loc["Ac_f", "mean"] > 1.05 * model


def test_one_seed_one_result():
    first, second = (virtual_biopsies(STATE, 20, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(first, second)
    assert not first.equals(virtual_biopsies(STATE, 20, seed=4))


def test_states_and_sections_may_differ_between_biopsies():
    state = STATE | {"MS_BS": np.array([0.0, 20.0]), "OS_BS": np.array([0.0, 20.0])}
    drawn = virtual_biopsies(state, 2, section=drawn_sections(2, seed=5))
    assert drawn["MS_BS"][0] == 0 < drawn["MS_BS"][1]


@pytest.mark.parametrize(
    ("state", "n", "section", "message"),
    [
        (STATE, 0, {}, "one or more"),
        ({"MS_BS": 2.0}, 5, {}, "lacks Oc_S_BS"),
        (STATE, 5, {"section_perimeter": -1.0}, "section_perimeter"),
        (STATE, 5, {"site_trace": 0.01}, "shortest_trace"),
    ],
)
def test_what_cannot_be_drawn_is_refused(state, n, section, message):
    with pytest.raises(UsageError, match=message):
        virtual_biopsies(state, n, section=replace(central_section(), **section))


def test_shares_have_the_interval_of_the_draws_and_a_wider_one_with_the_section():
    surfaces = np.linspace(0.5, 3.0, 41)
    state = {name: np.full(41, value) for name, value in STATE.items()} | {"MS_BS": surfaces}
    table = label_shares(state, seed=1).set_index("finding")
    assert list(table.index) == list(FINDINGS)
    row = table.loc["double"]
    # More mineralizing surface, more labels: quantiles of the surface become those of the share.
    for name, quantile in (("lower", 0.025), ("share", 0.5), ("upper", 0.975)):
        own = STATE | {"MS_BS": float(np.quantile(surfaces, quantile))}
        exact = float(finding_probability("double", own, central_section()))
        assert row[name] == pytest.approx(exact, abs=1e-3)
    assert row["lower_section"] < row["lower"] < row["upper"] < row["upper_section"]
    # Osteoclasts are the same in all draws: only the section makes an interval.
    alone = table.loc["no osteoclasts"]
    assert alone["lower"] == alone["upper"] and alone["lower_section"] < alone["upper_section"]
    assert label_shares(state, seed=1).equals(table.reset_index())


def test_counts_are_those_of_the_evidence():
    counts = {(c.arm, c.finding): (c.count, c.n) for c in read_counts()}
    assert counts["zoledronate", "any"] == (81, 82)
    shares = {key: round(100 * k / n) for key, (k, n) in counts.items()}
    assert shares["continued alendronate (STAND)", "double"] == 90
    assert shares["denosumab after alendronate (STAND)", "double"] == 20
    assert shares["denosumab (FREEDOM)", "double"] == 19
    # 94 % of 45 women is no whole number: the nearest stands.
    assert counts["placebo (FREEDOM)", "double"][0] == round(0.94 * 45)


def test_implied_sites_invert_the_probability_of_none():
    table = implied_sites().set_index(["arm", "patients"])
    row = table.loc["denosumab (FREEDOM)", "gamma"]
    h = float(central_section().site_heterogeneity)
    assert 1 - none_probability(row["sites"], h) == pytest.approx(9 / 47)
    assert row["lower"] < row["sites"] < row["upper"]


@pytest.fixture(scope="module")
def counts() -> pd.DataFrame:
    centre = pd.DataFrame({"untreated_births": [2.36e-4, 2.4e-4, 2.3e-4]})
    freedom = [count for count in read_counts() if "FREEDOM" in count.arm]
    return compare_counts({"H0": centre}, counts=freedom, engine=EngineName.ROADRUNNER)


def test_each_count_is_held_against_the_model(counts):
    assert list(counts["finding"]) == ["double", "double", "no osteoclasts"]
    assert counts["p"].between(0, 1).all()
    assert (counts["lower"] <= counts["upper"]).all()
    placebo = counts.iloc[0]
    state = predict_states(
        pd.DataFrame(index=[0]), parse_regimen("untreated"), 0.0, EngineName.ROADRUNNER
    )
    alone = finding_probability("double", {k: v[0] for k, v in state.items()}, central_section())
    assert placebo["probability"] == pytest.approx(float(alone), rel=1e-6)
    assert pd.isna(placebo["given_placebo"])
    # Placebo asks for more sites than the centre has, so its count raises that of denosumab.
    assert counts["given_placebo"][1] > counts["probability"][1]


def test_of_draws_alone_the_probability_is_their_median():
    births = pd.DataFrame({"untreated_births": [2.0e-4, 2.36e-4, 2.8e-4]})
    placebo = [count for count in read_counts() if count.arm == "placebo (FREEDOM)"]
    settings = {"counts": placebo, "engine": EngineName.ROADRUNNER}
    row = compare_counts({"H0": births}, best=False, **settings).iloc[0]
    # The middle one of three births has the middle probability.
    middle = compare_counts({"H0": births.iloc[1:2]}, **settings).iloc[0]
    assert row["probability"] == pytest.approx(middle["probability"], rel=1e-9)
    assert row["lower"] < row["probability"] < row["upper"]
