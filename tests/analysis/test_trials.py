"""Virtual trials: hazard ratios as a survival library's, power as Schoenfeld's, Q as chi-square."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import CensoredData, chi2, kstest, logrank, norm

from bonecycle.analysis.trials.cox import cox
from bonecycle.analysis.trials.curves import kaplan_meier
from bonecycle.analysis.trials.design import Design, Endpoint, Event, Stratum, Window
from bonecycle.analysis.trials.effects import (
    read_cells,
    read_effects,
    with_effect,
    with_menopause,
)
from bonecycle.analysis.trials.heterogeneity import (
    by_difference,
    chance_of_q,
    cochran_q,
    q_table,
)
from bonecycle.analysis.trials.patients import (
    Observed,
    draw_patients,
    observe,
    piecewise_times,
)
from bonecycle.analysis.trials.run import operating_characteristics, simulate_trials
from bonecycle.analysis.trials.tables import read_designs, shipped_designs
from bonecycle.errors import DataError, UsageError

RATIO = 0.7
EXPONENTIAL = Design(
    name="exponential",
    control=300,
    treated=300,
    accrual_months=24,
    follow_up_months=72,
    medication_months=72,
    hazards={Event.BONE: 0.12, Event.NON_SKELETAL: 0.0, Event.DEATH: 0.0},
    ratio_on={Event.BONE: RATIO},
)
# lifelines 0.30.3, CoxPHFitter on cox_trials.csv, precision 1e-12.
LIFELINES = {
    0: (-1.4665243567200172, 0.5326536775947821),
    1: (0.2644452647795398, 0.32087352923757184),
    2: (0.6718689958307436, 0.24646694764193255),
    3: (-1.7521816272784647, 0.7981608250009726),
}


@pytest.fixture(scope="module")
def simulated() -> pd.DataFrame:
    return simulate_trials(
        [EXPONENTIAL], 2000, seed=3, endpoints=[Endpoint.BONE], windows=[Window.TOTAL]
    )


@pytest.mark.parametrize("number", LIFELINES)
def test_hazard_ratio_is_that_of_a_survival_library(number: int) -> None:
    table = pd.read_csv(Path(__file__).with_name("cox_trials.csv")).query("trial == @number")
    time, event = table["time"].to_numpy()[None], table["event"].to_numpy(bool)[None]
    treated = table["treated"].to_numpy(bool)
    found = cox(Observed(time, event, np.ones_like(event)), treated)
    expected = LIFELINES[number]
    assert (found.log_ratio[0], found.error[0]) == pytest.approx(expected, abs=1e-6)
    arms = [
        CensoredData.right_censored(time[0][treated == arm], ~event[0][treated == arm])
        for arm in (True, False)
    ]
    assert abs(found.score[0]) == pytest.approx(abs(logrank(*arms).statistic), abs=1e-9)
    assert np.sign(found.score[0]) == np.sign(expected[0])


def test_an_arm_without_events_has_no_hazard_ratio() -> None:
    time = np.array([[1.0, 2.0, 3.0, 4.0]])
    event = np.array([[True, True, False, False]])
    treated = np.array([False, False, True, True])
    found = cox(Observed(time, event, np.ones_like(event)), treated)
    assert np.isnan(found.log_ratio[0])
    assert found.score[0] < 0
    assert (found.events_control[0], found.events_treated[0]) == (2, 0)


def event_chance(hazard: float, accrual: float, close: float) -> float:
    """Chance of an event under even accrual and administrative censoring, years."""
    ends = np.exp(-hazard * (close - accrual)) - np.exp(-hazard * close)
    return float(1 - ends / (hazard * accrual))


def test_power_is_that_of_schoenfeld(simulated: pd.DataFrame) -> None:
    hazard = EXPONENTIAL.hazards[Event.BONE]
    events = [300 * event_chance(rate, 2, 6) for rate in (hazard, RATIO * hazard)]
    found = operating_characteristics(simulated).iloc[0]
    assert found["events_control"] == pytest.approx(events[0], abs=4 * np.sqrt(300 / 4 / 2000))
    assert found["events_treated"] == pytest.approx(events[1], abs=4 * np.sqrt(300 / 4 / 2000))
    power = norm.cdf(abs(np.log(RATIO)) * np.sqrt(sum(events) / 4) - norm.isf(0.025))
    # Schoenfeld takes the arms at risk as equal throughout: worth less than 0.01 here.
    assert found["power"] == pytest.approx(power, abs=3 * found["power_error"] + 0.01)
    assert found["log_ratio_mean"] == pytest.approx(np.log(RATIO), abs=0.015)
    assert found["log_ratio_sd"] == pytest.approx(found["error_mean"], rel=0.06)


def test_without_an_effect_the_size_is_five_per_cent_and_q_is_chi_square() -> None:
    same = [replace(EXPONENTIAL, name=name, ratio_on={}) for name in "abc"]
    table = simulate_trials(same, 1500, seed=5, endpoints=[Endpoint.BONE], windows=[Window.TOTAL])
    found = operating_characteristics(table)
    assert (found["power"] - 0.05).abs().max() < 4 * np.sqrt(0.05 * 0.95 / 1500)
    wide = table.pivot(index="trial", columns="design", values=["log_ratio", "error"])
    q = cochran_q(wide["log_ratio"].to_numpy(), wide["error"].to_numpy())
    assert kstest(q, chi2(2).cdf).pvalue > 0.001
    row = q_table(table).iloc[0]
    assert row["share"] == pytest.approx(row["analytic"], abs=4 * row["share_error"])


def test_q_of_different_trials_follows_the_analytic_law_far_out() -> None:
    centers, errors = np.log([0.5, 0.8, 1.3]), np.array([0.3, 0.17, 0.25])
    draws = np.random.default_rng(0).normal(centers, errors, (200_000, 3))
    for threshold in (4.0, 12.0, 25.0):
        share = float((cochran_q(draws, errors) >= threshold).mean())
        chance = chance_of_q(threshold, list(centers), list(errors))
        assert share == pytest.approx(chance, abs=4 * np.sqrt(chance / 200_000))
    assert chance_of_q(80, [0, 0, 0], [1, 1, 1]) == pytest.approx(np.exp(-40))


def test_the_same_seed_gives_the_same_numbers_on_any_executor() -> None:
    small = replace(EXPONENTIAL, control=40, treated=40)
    alone = simulate_trials([small], 250, seed=1)
    with ThreadPoolExecutor(3) as pool:
        pd.testing.assert_frame_equal(alone, simulate_trials([small], 250, seed=1, executor=pool))
    assert not alone.equals(simulate_trials([small], 250, seed=2))


@given(st.floats(0.01, 3), st.floats(0.01, 3), st.floats(0.1, 5), st.floats(1e-3, 20))
def test_times_reach_the_cumulated_hazard(
    on: float, after: float, change: float, unit: float
) -> None:
    time = piecewise_times(np.array([unit]), np.array([on]), np.array([after]), change)[0]
    assert on * min(time, change) + after * max(time - change, 0) == pytest.approx(unit)


def test_a_drug_that_no_one_takes_does_nothing_and_death_stops_the_rest() -> None:
    deadly = replace(
        EXPONENTIAL,
        hazards={Event.BONE: 0.2, Event.NON_SKELETAL: 0.2, Event.DEATH: 0.1},
        death_after_metastasis=0.5,
        ratio_on={Event.BONE: 0.05},
        adherence=0.0,
    )
    patients = draw_patients(deadly, 200, np.random.default_rng(0))
    seen = observe(patients, Endpoint.BONE, Window.TOTAL)
    assert not (seen.event & (patients.bone > patients.death)).any()
    found = cox(seen, patients.treated)
    assert abs(found.log_ratio.mean()) < 4 * found.log_ratio.std() / np.sqrt(200)


def test_periods_share_the_events_between_them() -> None:
    design = shipped_designs()["powles"]
    patients = draw_patients(design, 20, np.random.default_rng(0))
    for endpoint in Endpoint:
        counts = {w: observe(patients, endpoint, w) for w in Window}
        total = (counts[Window.TOTAL].event & counts[Window.TOTAL].entered).sum()
        parts = [
            (counts[w].event & counts[w].entered).sum() for w in (Window.MEDICATION, Window.AFTER)
        ]
        assert sum(parts) == total


def test_an_imbalance_moves_the_hazard_ratio() -> None:
    uneven = replace(
        EXPONENTIAL,
        ratio_on={},
        strata=(Stratum("low", 0.7, 0.3), Stratum("high", 0.3, 0.7, hazard_factor=3.0)),
    )
    table = simulate_trials(
        [uneven], 100, seed=0, endpoints=[Endpoint.BONE], windows=[Window.TOTAL]
    )
    assert table["log_ratio"].mean() > 0.3


def test_one_difference_at_a_time() -> None:
    designs = tuple(shipped_designs().values())
    sets = dict(by_difference(designs))
    first, *_, last = sets
    assert (first, last) == ("chance alone", "all differences")
    assert {d.medication_months for d in sets["chance alone"]} == {designs[0].medication_months}
    assert [d.control for d in sets["chance alone"]] == [d.control for d in designs]
    assert len({d.medication_months for d in sets["medication"]}) == 2
    assert "effect" not in sets


def test_all_faults_of_a_design_at_once() -> None:
    with pytest.raises(UsageError) as error:
        replace(EXPONENTIAL, control=-5, treated=-1, follow_up_months=12, adherence=2)
    for said in ("-5 patients", "-1 patients", "shorter than accrual", "adherence of 2"):
        assert said in str(error.value)


def test_all_faults_of_a_table_at_once(tmp_path: Path) -> None:
    rows = [
        "design,quantity,group,value,unit,status,source,place,note",
        "a,patients,control,ten,patients,assumed,none,,",
        "a,patience,treated,10,patients,assumed,none,,",
        "a,hazard,bones,0.1,per year,assumed,none,,",
        "a,accrual,,12,years,assumed,,,",
    ]
    path = tmp_path / "designs.csv"
    path.write_text("\n".join(rows), encoding="utf-8")
    with pytest.raises(DataError) as error:
        read_designs(path)
    for said in ("'ten' is no number", "'patience'", "'bones'", "in months", "[source] empty"):
        assert said in str(error.value)


def test_kaplan_meier_of_exponential_arms_is_exponential() -> None:
    curves = kaplan_meier(EXPONENTIAL, Endpoint.BONE, [1.0, 3.0], trials=60)
    for arm, rate in (("control", 0.12), ("treated", RATIO * 0.12)):
        own = curves[curves["arm"] == arm]
        expected = 1 - np.exp(-rate * own["year"].to_numpy())
        np.testing.assert_allclose(own["share"], expected, atol=0.01)
        assert (own["low"] < expected).all() and (own["high"] > expected).all()


def test_the_effect_of_the_model_enters_a_design(tmp_path: Path) -> None:
    path = tmp_path / "periods.csv"
    rows = ["mechanism,endpoint,period,ratio,low,high,encoding"]
    rows += ["both,bone,medication,0.5,0,1,all", "both,bone,after,0.9,0,1,all"]
    rows += ["both,bone,after,0.1,0,1,withheld"]
    path.write_text("\n".join(rows), encoding="utf-8")
    design = with_effect(shipped_designs()["diel"], read_effects(path, "both"))
    assert design.ratio_on == {Event.BONE: 0.5} and design.ratio_after == {Event.BONE: 0.9}
    with pytest.raises(UsageError, match="bothh"):
        read_effects(path, "bothh")


CELLS = """mechanism,turnover,marrow,endpoint,period,hazard,ratio
both,before_menopause,unselected,bone,medication,0.02,0.8
both,before_menopause,unselected,bone,after,0.02,0.9
both,after_menopause,unselected,bone,medication,0.06,0.3
both,after_menopause,unselected,bone,after,0.06,0.7
both,after_menopause,positive,bone,after,0.1,0.7
"""


def test_menopause_enters_as_strata_that_keep_the_hazard_of_the_design(tmp_path: Path) -> None:
    path = tmp_path / "cells.csv"
    path.write_text(CELLS, encoding="utf-8")
    cells = read_cells(path, "both")
    design = replace(EXPONENTIAL, ratio_on={}, control=4000, treated=4000)
    mixed = with_menopause(design, cells, 0.25)
    before, after = mixed.strata
    factors = before.event_factor[Event.BONE], after.event_factor[Event.BONE]
    assert factors[1] / factors[0] == pytest.approx(3)
    assert 0.75 * factors[0] + 0.25 * factors[1] == pytest.approx(1)
    assert (before.ratio_on[Event.BONE], after.ratio_after[Event.BONE]) == (0.8, 0.7)
    # All of one kind: the hazard of the design, and the effect of the kind.
    for share, ratio in ((0.0, 0.8), (1.0, 0.3)):
        table = simulate_trials(
            [with_menopause(design, cells, share)], 4, seed=0, endpoints=[Endpoint.BONE]
        ).query("window == 'total'")
        assert table["log_ratio"].mean() == pytest.approx(np.log(ratio), abs=0.06)
        expected = 4000 * event_chance(0.12, 2, 6)
        assert table["events_control"].mean() == pytest.approx(expected, rel=0.04)
    for wrong in (
        lambda: with_menopause(mixed, cells, 0.5),
        lambda: with_menopause(design, cells, 2),
    ):
        with pytest.raises(UsageError, match=r"strata|share_control of -1"):
            wrong()
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UsageError, match="no table of cells"):
        read_cells(path, "both")
