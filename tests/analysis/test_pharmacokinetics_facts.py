"""The drugs against their published pharmacokinetics, and the table that holds them."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from bonecycle.analysis import pharmacokinetics
from bonecycle.biology import catalogue

# What the model of each drug stands or falls with.
KEY_FACTS = (
    ("alendronate", "Urine 0-72 h after iv"),
    ("alendronate", "Urine in the first 5 d, 30 mg iv over 4 d"),
    ("alendronate", "Further urine over 6 months, 30 mg iv"),
    ("zoledronate", "Urine 0-24 h after 4 mg"),
    ("zoledronate", "Half-life gamma, days 2-28"),
    ("zoledronate", "Half-life, phase 4 of 4"),
    ("risedronate", "Urine 0-24 h of the iv dose"),
    ("risedronate", "Urine 0-28 d of the iv dose"),
    ("pamidronate", "Body retention 0-24 h"),
    ("clodronate", "Urine 3 d after iv"),
    ("ibandronate", "Fraction to bone"),
)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return pharmacokinetics.validate()


def test_every_drug_is_held_against_its_facts(table: pd.DataFrame) -> None:
    assert list(table.columns) == list(pharmacokinetics.COLUMNS)
    assert set(table.drug) == set(catalogue.drugs())
    assert len(table) == len(pharmacokinetics.facts()) >= 133
    assert not table.duplicated(["drug", "fact"]).any()
    assert (table.source.str.len() > 0).all() and (table.place.str.len() > 0).all()


def test_what_is_outside_or_not_said_has_a_reason(table: pd.DataFrame) -> None:
    explained = table.reason.str.len() > 0
    assert explained[table.within != True].all()  # noqa: E712
    assert not explained[table.within == True].any()  # noqa: E712


def test_what_is_said_has_a_number_and_a_limit(table: pd.DataFrame) -> None:
    said = table.within.notna()
    assert table.model[said].map(math.isfinite).all()
    assert table.lower[said].notna().all()
    assert table.model[~said].isna().all()
    assert said.sum() > 90


@pytest.mark.parametrize(("drug", "fact"), KEY_FACTS)
def test_the_facts_that_matter_are_met(table: pd.DataFrame, drug: str, fact: str) -> None:
    row = table[(table.drug == drug) & (table.fact == fact)]
    assert row.within.tolist() == [True]


def test_parameters_change_what_is_predicted() -> None:
    (fact,) = (f for f in pharmacokinetics.facts() if f.name == "Skeletal retention")
    usual = pharmacokinetics.predict(fact, {})
    less = pharmacokinetics.predict(fact, {"alendronate_uptake_clearance": 20.0})
    assert less < 0.5 * usual


def test_only_said_facts_are_used_for_the_estimates() -> None:
    assert all(f.quantity for f in pharmacokinetics.facts() if f.in_estimation)
