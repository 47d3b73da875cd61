"""Regimens as events of the model: fired when due, at time zero too, and all of the dose given."""

from __future__ import annotations

from collections.abc import Callable

import libsbml
import numpy as np
import pytest

from bonecycle.biology.compose import Model, compose
from bonecycle.biology.dosing import is_averaged, with_regimen
from bonecycle.biology.regimens import Regimen, parse_regimen
from bonecycle.biology.sbml import check
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.errors import UsageError

Load = Callable[..., RoadRunnerEngine]
NONE = np.zeros((1, 0))
OUTPUTS = (
    "alendronate_oral_rate",
    "alendronate_given",
    "zoledronate_iv",
    "zoledronate_given",
    "denosumab_given",
)
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
    known = tuple(name for name in OUTPUTS if name.split("_")[0] in regimen)
    batch = load(regimen, (), known).simulate(NONE, times)
    assert batch.messages == ("",)
    return batch.values[0][:, [known.index(name) for name in outputs]]


def test_no_treatment_leaves_the_model_alone(model: Model) -> None:
    assert with_regimen(model, Regimen.untreated()) is model


@pytest.mark.parametrize("text", [ZOLEDRONATE, f"{ALENDRONATE}; {ZOLEDRONATE}", STEPS])
def test_events_pass_the_full_check(full_model: Model, text: str) -> None:
    dosed = with_regimen(full_model, parse_regimen(text))
    assert check(dosed.sbml) == []
    assert dosed.parameters == full_model.parameters
    assert events(full_model) == []


def test_one_event_a_dose(full_model: Model) -> None:
    names = events(with_regimen(full_model, parse_regimen(ZOLEDRONATE)))
    assert names == [f"treatment_1_dose_{i}" for i in (1, 2, 3)]


def test_frequent_doses_become_a_rate(full_model: Model) -> None:
    regimen = parse_regimen(ALENDRONATE)
    assert is_averaged(regimen.treatments[0])
    assert events(with_regimen(full_model, regimen)) == ["treatment_1_start", "treatment_1_stop"]


@pytest.mark.parametrize(("days", "averaged"), [(31.0, True), (31.5, False)])
def test_a_month_is_the_longest_interval_averaged(days: float, averaged: bool) -> None:
    (treatment,) = parse_regimen(f"alendronate 70 mg oral every {days} days for 90 days").treatments
    assert is_averaged(treatment) is averaged


def test_a_drug_the_model_lacks_is_refused() -> None:
    model = compose("cycle", ("denosumab",))
    with pytest.raises(UsageError, match=r"without 'zoledronate'.*'denosumab', 'zoledronate'"):
        with_regimen(model, parse_regimen(ZOLEDRONATE))


def test_a_route_the_drug_lacks_is_refused(full_model: Model) -> None:
    regimen = parse_regimen("denosumab 60 mg iv every 6 months for 1 year")
    with pytest.raises(UsageError, match="'denosumab' has no route 'iv': use sc"):
        with_regimen(full_model, regimen)


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
