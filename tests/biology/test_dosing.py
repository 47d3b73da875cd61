"""Regimens as events of the model: fired when due, at time zero too, and all of the dose given."""

from __future__ import annotations

from collections.abc import Callable

import libsbml
import numpy as np
import pytest

from bonecycle.biology.compose import Model, compose
from bonecycle.biology.dosing import Dosing, is_averaged, with_regimen
from bonecycle.biology.regimens import Regimen, parse_regimen
from bonecycle.biology.sbml import check
from bonecycle.engines.initial_values import names_in
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.errors import UsageError

Load = Callable[..., RoadRunnerEngine]
NONE = np.zeros((1, 0))
ZOLEDRONATE = "zoledronate 5 mg iv every 1 year for 3 years"
ALENDRONATE = "alendronate 70 mg oral every 1 week for 3 years"
# One treatment starts when another stops, twice: 5 mg/d, 10 mg/d, 5 mg/d.
STEPS = (
    "alendronate 5 mg oral every 1 day for 730 days; "
    "alendronate 10 mg oral every 1 day from 730 days for 1095 days; "
    "alendronate 35 mg oral every 1 week from 1825 days for 365 days"
)


def events(model: Model) -> list[str]:
    document = libsbml.readSBMLFromString(model.sbml)
    return [event.getId() for event in document.getModel().getListOfEvents()]


def course(load: Load, regimen: str, times: list[float], *outputs: str) -> np.ndarray:
    """Doses up to a month apart as their average, the others one by one."""
    batch = load(regimen, (), outputs, Dosing.AVERAGED).simulate(NONE, times)
    assert batch.messages == ("",)
    return batch.values[0]


def test_no_treatment_leaves_the_model_alone(model: Model) -> None:
    assert with_regimen(model, Regimen.untreated(), Dosing.EVENTS) is model


INFUSED = "zoledronate 4 mg iv over 15 minutes every 1 month from 10 days for 6 months"
MISSED = "alendronate 70 mg oral every 1 week for 40 weeks missing doses 1, 4-6, 40"
DATES = "zoledronate 5 mg iv over 1 hour at 0, 6 and 18 months missing doses 2"


@pytest.mark.parametrize("dosing", Dosing)
@pytest.mark.parametrize(
    "text", [ZOLEDRONATE, f"{ALENDRONATE}; {ZOLEDRONATE}", INFUSED, MISSED, DATES]
)
def test_events_pass_the_full_check(full_model: Model, text: str, dosing: Dosing) -> None:
    dosed = with_regimen(full_model, parse_regimen(text), dosing)
    assert check(dosed.sbml) == []
    assert dosed.parameters == full_model.parameters
    assert events(full_model) == []


def test_equal_intervals_are_one_event(full_model: Model) -> None:
    regimen = parse_regimen(ALENDRONATE)
    assert events(with_regimen(full_model, regimen, Dosing.EVENTS)) == ["treatment_1_dose_run_1"]
    explicit = events(with_regimen(full_model, regimen, Dosing.EXPLICIT))
    assert explicit == [f"treatment_1_dose_{i}" for i in range(1, 158)]


def test_a_missed_dose_ends_a_run(full_model: Model) -> None:
    names = events(with_regimen(full_model, parse_regimen(MISSED), Dosing.EVENTS))
    assert names == ["treatment_1_dose_run_1", "treatment_1_dose_run_2"]


def test_events_depend_on_time_and_counts_and_add_numbers(full_model: Model) -> None:
    """What a program needs that works out all events before it simulates."""
    text = f"{MISSED}; {INFUSED}"
    dosed = with_regimen(full_model, parse_regimen(text), Dosing.EVENTS)
    model = libsbml.readSBMLFromString(dosed.sbml).getModel()
    counts = {f"treatment_{name}" for name in ("1_doses", "2_starts", "2_stops")}
    for event in model.getListOfEvents():
        assert set(names_in(event.getTrigger().getMath())) <= {"time", *counts}
        for assignment in event.getListOfEventAssignments():
            assert set(names_in(assignment.getMath())) <= {assignment.getVariable()}
    for count in counts:
        assert model.getRateRule(count) is None
        assert model.getParameter(count).getValue() == 0


def test_frequent_doses_become_a_rate(full_model: Model) -> None:
    regimen = parse_regimen(ALENDRONATE)
    assert is_averaged(regimen.treatments[0], Dosing.AVERAGED)
    names = events(with_regimen(full_model, regimen, Dosing.AVERAGED))
    assert names == ["treatment_1_start_1", "treatment_1_stop_1"]


@pytest.mark.parametrize(("days", "averaged"), [(31.0, True), (31.5, False)])
def test_a_month_is_the_longest_interval_averaged(days: float, averaged: bool) -> None:
    (treatment,) = parse_regimen(f"alendronate 70 mg oral every {days} days for 90 days").treatments
    assert is_averaged(treatment, Dosing.AVERAGED) is averaged
    assert not is_averaged(treatment, Dosing.EVENTS)


def test_a_drug_the_model_lacks_is_refused() -> None:
    model = compose("cycle", ("denosumab",))
    with pytest.raises(UsageError, match=r"without 'zoledronate'.*'denosumab', 'zoledronate'"):
        with_regimen(model, parse_regimen(ZOLEDRONATE), Dosing.EVENTS)


def test_a_route_the_drug_lacks_is_refused(full_model: Model) -> None:
    regimen = parse_regimen("denosumab 60 mg iv every 6 months for 1 year")
    with pytest.raises(UsageError, match="'denosumab' has no route 'iv': use sc"):
        with_regimen(full_model, regimen, Dosing.EVENTS)


def test_a_dose_at_time_zero_fires_and_is_sampled(load: Load) -> None:
    curve = course(load, ZOLEDRONATE, [0, 1], "zoledronate_iv", "zoledronate_given")
    np.testing.assert_array_equal(curve[0], [5, 5])
    # Below 1 % of the peak 24 h after a dose: Chen 2002 J Clin Pharmacol 42:1228, abstract.
    assert curve[1, 0] < 0.01 * curve[0, 0] and curve[1, 1] == 5


def test_a_sample_at_the_time_of_a_dose_is_taken_after_it(load: Load) -> None:
    times = [365.25 - 1e-6, 365.25, 365.25 + 1e-6, 730.5]
    curve = course(load, ZOLEDRONATE, times, "zoledronate_given")
    np.testing.assert_array_equal(curve[:, 0], [5, 10, 10, 15])


def test_a_rate_from_time_zero_fires(load: Load) -> None:
    curve = course(load, ALENDRONATE, [0, 7], "alendronate_oral_rate", "alendronate_given")
    np.testing.assert_allclose(curve, [[10, 0], [10, 70]], rtol=1e-12)


def test_the_averaged_dose_is_all_of_the_dose(load: Load) -> None:
    curve = course(load, ALENDRONATE, [1095.75, 2000], "alendronate_given")
    np.testing.assert_allclose(curve[:, 0], 70 / 7 * 1095.75, rtol=1e-9)


def test_a_treatment_may_start_when_another_of_the_drug_stops(load: Load) -> None:
    times = [0, 729, 730, 1824, 1825, 2189, 2190, 2300]
    curve = course(load, STEPS, times, "alendronate_oral_rate", "alendronate_given")
    np.testing.assert_allclose(curve[:, 0], [5, 5, 10, 10, 5, 5, 0, 0], rtol=1e-12)
    np.testing.assert_allclose(curve[-1, 1], 5 * 730 + 10 * 1095 + 5 * 365, rtol=1e-9)


def test_treatment_two_starts_late_and_doses_are_its_own(load: Load) -> None:
    text = (
        "zoledronate 5 mg iv every 1 year for 1 year; "
        "denosumab 60 mg sc every 6 months from 1 year for 1 year"
    )
    curve = course(load, text, [365, 366, 366 + 183, 900], "zoledronate_given", "denosumab_given")
    np.testing.assert_array_equal(curve, [[5, 0], [5, 60], [5, 120], [5, 120]])


SWITCHED = (
    "alendronate 70 mg oral every 1 week for 12 months; "
    "denosumab 60 mg sc every 6 months from 12 months for 12 months; "
    "zoledronate 5 mg iv over 15 minutes every 12 months from 24 months for 12 months"
)
# What is given, in mg, by drug.
GIVEN = {
    SWITCHED: {"alendronate": 53 * 70, "denosumab": 120, "zoledronate": 5},
    "alendronate 5 mg oral every 1 day for 60 days; "
    "alendronate 70 mg oral every 1 week from 60 days for 30 weeks": {"alendronate": 300 + 2100},
    MISSED: {"alendronate": 35 * 70},
    "alendronate 10 mg oral every 1 day for 60 days taking 70 % (seed 5)": {"alendronate": 410},
    INFUSED: {"zoledronate": 24},
    DATES: {"zoledronate": 10},
    "pamidronate 30 mg iv over 3 days every 3 days from 1 day for 8 days": {"pamidronate": 90},
}


@pytest.mark.parametrize("text", GIVEN)
def test_one_event_that_reschedules_itself_is_as_good_as_one_a_dose(load: Load, text: str) -> None:
    drugs = tuple(GIVEN[text])
    pools = tuple(f"{d}_{'central' if d == 'denosumab' else 'surface'}" for d in drugs)
    outputs = (*(f"{drug}_given" for drug in drugs), *pools, "CTX", "ES_BS", "BMD_rel")
    times = np.linspace(0, 1095.75, 40).tolist()
    events, explicit = (
        load(text, (), outputs, dosing) for dosing in (Dosing.EVENTS, Dosing.EXPLICIT)
    )
    first, again = events.simulate(NONE, times), events.simulate(NONE, times)
    assert first.messages == ("",)
    np.testing.assert_array_equal(first.values, again.values)
    np.testing.assert_allclose(first.values, explicit.simulate(NONE, times).values, rtol=1e-8)
    np.testing.assert_allclose(
        # An infusion is integrated, to the relative tolerance of 1e-8.
        first.values[0, -1, : len(drugs)],
        [*GIVEN[text].values()],
        rtol=1e-8,
    )


@pytest.mark.parametrize("text", GIVEN)
def test_what_is_given_is_the_sum_of_the_doses_taken(text: str) -> None:
    taken: dict[str, float] = {}
    for treatment in parse_regimen(text).treatments:
        dose = treatment.dose_mg * len(treatment.dose_times())
        taken[treatment.drug] = taken.get(treatment.drug, 0.0) + dose
    assert taken == pytest.approx(GIVEN[text])


def test_an_infusion_lasts_as_long_as_it_says(load: Load) -> None:
    text = "zoledronate 4 mg iv over 6 hours every 1 month from 10 days for 2 months"
    second = 10 + 365.25 / 12
    times = [9.9, 10, 10.125, 10.25, 11, second - 0.1, second + 0.125, second + 0.25]
    batch = load(text, (), ("zoledronate_iv_rate", "zoledronate_given"), Dosing.EVENTS)
    rate, given = batch.simulate(NONE, times).values[0].T
    np.testing.assert_allclose(rate, [0, 16, 16, 0, 0, 0, 16, 0])
    np.testing.assert_allclose(given, [0, 0, 2, 4, 4, 4, 6, 8], atol=1e-9)


def test_a_dose_averaged_is_given_in_its_own_interval(load: Load) -> None:
    text = "alendronate 70 mg oral every 1 week for 40 weeks missing doses 2-3"
    times = [3.5, 7.0, 20.9, 21.0, 280.0, 300.0]
    rate, given = course(load, text, times, "alendronate_oral_rate", "alendronate_given").T
    np.testing.assert_allclose(rate, [10, 0, 0, 10, 0, 0])
    np.testing.assert_allclose(given, [35, 70, 70, 70, 38 * 70, 38 * 70], rtol=1e-9)


def test_random_misses_of_ten_years_of_daily_doses_load(full_model: Model) -> None:
    text = "alendronate 10 mg oral every 1 day for 10 years taking 80 % (seed 1)"
    dosed = with_regimen(full_model, parse_regimen(text), Dosing.EVENTS)
    engine = RoadRunnerEngine(dosed.sbml, (), ("alendronate_given",))
    (treatment,) = parse_regimen(text).treatments
    expected = 10.0 * (treatment.dose_times() <= 60).sum()
    assert engine.simulate(NONE, [60.0]).values[0, 0, 0] == expected
