"""The drugs against their published pharmacokinetics, and the table that holds them."""

from __future__ import annotations

import itertools
import math
import re
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from bonecycle.analysis import pharmacokinetics, potency
from bonecycle.analysis.pharmacokinetics import Role
from bonecycle.analysis.quantities import QUANTITIES, Course
from bonecycle.biology import catalogue
from bonecycle.biology.tables import read_rows
from bonecycle.errors import SimulationError

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
    assert set(catalogue.drugs()) <= set(table.drug)
    assert len(table) == len(pharmacokinetics.facts()) >= 169
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


def estimated(drug: str) -> set[str]:
    table = catalogue.drugs()[drug].parameters
    return {p.id.removeprefix(f"{drug}_") for p in table if p.status == "estimated"}


def test_the_role_of_a_fact_is_what_it_does() -> None:
    for fact in pharmacokinetics.facts():
        if not fact.quantity:
            assert fact.role is Role.NOT_SAID
            continue
        simulated = fact.quantity in QUANTITIES
        words = set(re.findall(r"[a-z_]+", fact.quantity))
        of_estimates = bool(estimated(fact.drug) & words or (simulated and estimated(fact.drug)))
        if fact.role is Role.ESTIMATION:
            assert of_estimates, fact
        elif fact.role is Role.TAKEN_OVER:
            assert not simulated and not of_estimates
            assert pharmacokinetics.predict(fact, {}) == pytest.approx(float(fact.value), rel=5e-3)
        else:
            # The one number that nobody measured is left out of the estimation.
            assert not of_estimates or fact.name.startswith("Released from the skeleton")


def test_limits_without_a_published_spread_are_a_quarter_either_way() -> None:
    assumed = [f for f in pharmacokinetics.facts() if f.spread == "assumed"]
    assert len(assumed) > 50
    for fact in assumed:
        assert fact.lower == pytest.approx(0.75 * float(fact.value), rel=1e-3), fact
        assert fact.upper == pytest.approx(1.25 * float(fact.value), rel=1e-3), fact


def test_the_counts_add_up(table: pd.DataFrame) -> None:
    counts = pharmacokinetics.summarize(table)
    assert counts.loc["all", "rows"] == len(table)
    assert (counts.rows == counts.said + counts.not_said).all()
    assert (counts.said == counts.within + counts.outside).all()
    assert (counts.said == counts.estimation + counts.taken_over + counts.checks).all()


def test_an_upper_limit_alone_is_refused() -> None:
    rows = read_rows(files("bonecycle_data") / "pharmacokinetics.csv")
    row = next(row for row in rows if row["quantity"] == "half_life")
    with pytest.raises(ValueError, match="needs a lower limit"):
        pharmacokinetics._fact(row | {"lower": ""})


def test_a_course_is_read_at_its_own_times_only() -> None:
    times = np.array([0.0, 1.0, 2.0])
    course = Course(times, (0.0, 2.0), {"urine": 3 * times}, {})
    assert course.at("urine", 1.0) == 3.0
    for missing in (0.5, 2.5):
        with pytest.raises(AssertionError, match="is no time"):
            course.at("urine", missing)


def test_a_potency_that_does_not_settle_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    uptakes = itertools.count(1)
    monkeypatch.setattr(potency, "_mean_uptake", lambda *_: float(next(uptakes)))
    with pytest.raises(SimulationError, match="did not settle"):
        potency.centre("alendronate", {})


@pytest.mark.parametrize("drug", sorted(potency.REGIMENS))
def test_centres_of_potency_follow_the_rule(drug: str) -> None:
    centre, uptake = potency.centre(drug, {})
    values = {p.id: p.value for p in catalogue.drugs()[drug].parameters}
    # Two digits are written.
    assert values[f"{drug}_half_effect_release"] == pytest.approx(centre, rel=0.05)
    assert uptake > 1


def test_zoledronate_falls_below_a_hundredth_of_its_peak_in_a_day() -> None:
    """Chen 2002 J Clin Pharmacol 42:1228, abstract: below 1 % of the peak 24 h after the dose."""
    (infusion,) = {f.regimen for f in pharmacokinetics.facts() if f.name == "Half-life alpha"
                   and f.drug == "zoledronate"}  # fmt: skip
    times = np.linspace(0, 1, 241)
    plasma = pharmacokinetics.simulate_columns("zoledronate", infusion, times, {})["plasma"]
    assert plasma[-1] < 0.01 * plasma.max()
