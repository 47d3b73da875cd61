"""The untreated model against published numbers about people without the drug."""

from __future__ import annotations

import math
from collections import Counter
from importlib.resources import files

import numpy as np
import pytest

from bonecycle.analysis.untreated import (
    COLUMNS,
    compare_untreated,
    forming_passage,
    untreated_quantities,
)
from bonecycle.biology.compose import compose
from bonecycle.biology.tables import read_rows
from bonecycle.engines.initial_values import InitialValues
from bonecycle.errors import SimulationError, UsageError

ROWS = read_rows(files("bonecycle_data") / "untreated.csv")
# Numbers printed per source, and two readings of our own of Eriksen 1984.
SOURCES = {
    "Eriksen 1984": 8 + 2,
    "Eriksen 1990": 5 + 2,
    "Kimmel/Recker": 4,
    "Han 1997": 1,
    "Recker 2018": 1,
    "Chavassieux 2019": 4,
}
# As printed, in the order of the table; 43 = 34 + 9.
PUBLISHED = [19.0, 49.1, 62.6, 48, 8, 34, 9, 3.8, 43, 48, 39, 67, 0, -14, 45, 5.8, 0.1]
PUBLISHED += [-35, -12, -11, -36, 33, 2, 1.60, 2.31, 3.4, 6.3]
OUTSIDE = {
    "Total resorption period, against the eroded period read off the surfaces (Rs.P + Rv.P)",
    "Cancellous bone loss, postmenopausal osteoporosis",
    "Cancellous bone loss, normal postmenopausal controls",
}


def chain(arrest_rate: float) -> tuple[np.ndarray, float, float]:
    """Climb rates, loss rate and arrest rate (per day) at the prior centres."""
    p = {name: parameter.value for name, parameter in compose().parameters.items()}
    n = compose().build.reversal
    steps = np.arange(n) + 0.5
    climb = p["recruitment_rate"] * n / p["onset_density"] + steps * p["proliferation_rate"]
    return climb, p["loss_rate"], arrest_rate


def test_the_table_holds_every_source() -> None:
    found = Counter(" ".join(row["source"].split()[:2]) for row in ROWS)
    found["Kimmel/Recker"] = found.pop("Kimmel/Recker (wbldb")
    assert found == SOURCES
    assert [float(row["value"]) for row in ROWS] == PUBLISHED
    for row in ROWS:
        assert row["unit"] and row["place"] and row["spread"], row["name"]
        assert (row["applies"] == "yes") == bool(row["quantity"]), row["name"]
        assert row["applies"] == "yes" or row["reason"], row["name"]


def test_every_quantity_of_the_model_is_compared() -> None:
    assert {row["quantity"] for row in ROWS} - {""} == untreated_quantities().keys()


def test_limits_follow_from_the_stated_spread() -> None:
    for row in ROWS:
        if row["applies"] == "no":
            assert row["lower"] == row["upper"] == ""
            continue
        value, lower, upper = (float(row[column]) for column in ("value", "lower", "upper"))
        assert lower < value < upper
        if "log SD" in row["spread"]:
            factor = math.exp(0.40 if "Chavassieux" in row["source"] else 0.25)
            assert (lower, upper) == pytest.approx((value / factor, value * factor), rel=1e-3)
        elif "1 SD" in row["spread"]:
            assert value - lower == pytest.approx(upper - value)


def test_every_number_that_applies_is_met_or_explained() -> None:
    table = compare_untreated()
    assert tuple(table.columns) == COLUMNS
    assert len(table) == len(ROWS)
    for applies, within, reason in zip(ROWS, table["within"], table["reason"], strict=True):
        assert (within is None) == (applies["applies"] == "no")
        assert within is True or reason
    assert set(table["name"][[within is False for within in table["within"]]]) == OUTSIDE


def test_first_passage_agrees_with_simulated_sites() -> None:
    climb, loss, arrest = chain(0.0075)
    rng = np.random.default_rng(1)
    state, time = np.zeros(40_000, dtype=int), np.zeros(40_000)
    falls = (np.arange(len(climb)) + 0.5) * loss * (np.arange(len(climb)) > 0)
    arrested = -1
    while (moving := np.flatnonzero((state != arrested) & (state < len(climb)))).size:
        now = state[moving]
        total = climb[now] + falls[now] + arrest
        time[moving] += rng.exponential(1 / total)
        draw = rng.random(moving.size) * total
        step = np.where(draw < climb[now], now + 1, now - 1)
        state[moving] = np.where(draw < climb[now] + falls[now], step, arrested)
    formed = time[state == len(climb)]
    probability, period = forming_passage(climb, loss, arrest)
    assert len(formed) / len(state) == pytest.approx(probability, abs=0.01)
    assert formed.mean() == pytest.approx(period, rel=0.015)
    assert untreated_quantities()["reversal_period"] == pytest.approx(period)


def test_first_passage_agrees_with_the_closed_form_of_the_model() -> None:
    constants = InitialValues(compose().sbml).values({"arrest_rate": 0.0})
    climb, loss, arrest = chain(0.0)
    # Without arrest every site forms, and the reversal of those that form is everyone's.
    assert forming_passage(climb, loss, arrest) == pytest.approx((1.0, constants["reversal_time"]))
    probability, _ = forming_passage(climb, loss, 0.0075)
    constants = InitialValues(compose().sbml).values({"arrest_rate": 0.0075})
    assert probability == pytest.approx(constants["forming_probability"])


def test_one_class_without_loss_has_an_exponential_passage() -> None:
    assert forming_passage(np.array([0.3]), 0.0, 0.1) == pytest.approx((0.75, 2.5))
    probability, period = forming_passage(np.array([0.3, 0.0]), 0.0, 0.1)
    assert probability == 0.0 and math.isnan(period)


def test_a_changed_parameter_changes_the_comparison() -> None:
    centre = compare_untreated().set_index("name")
    changed = compare_untreated({"erosion_rate": 9.0}).set_index("name")
    row = "Initial osteoclastic resorption rate"
    assert (centre["within"][row], changed["within"][row]) == (True, False)
    assert changed["model"]["Resorption depth below osteoclasts"] == pytest.approx(36.0)
    assert untreated_quantities({"arrest_rate": 0.0})["bone_loss"] == pytest.approx(0.09, abs=0.005)


def test_the_strength_of_a_mechanism_changes_nothing() -> None:
    assert untreated_quantities({"osteogenic_share": 0.5}) == pytest.approx(untreated_quantities())


def test_parameters_that_cannot_be_are_refused() -> None:
    with pytest.raises(UsageError, match="Unknown parameter 'erosion_rat'"):
        compare_untreated({"erosion_rat": 1.0})
    with pytest.raises(UsageError, match="zero or above"):
        compare_untreated({"erosion_rate": -1.0})
    with pytest.raises(SimulationError, match=r"at untreated_births=0\.1 - "):
        compare_untreated({"untreated_births": 0.1})
