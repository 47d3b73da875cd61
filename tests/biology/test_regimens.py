"""Regimens read from text, written back, and refused with every fault at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonecycle.biology.regimens import (
    DAYS_PER_MONTH,
    Regimen,
    RegimenError,
    Route,
    Treatment,
    check_drugs,
    parse_dose,
    parse_duration,
    parse_regimen,
)

DENOSUMAB = "denosumab 60 mg sc every 6 months for 24 months"
FIT = (
    "alendronate 5 mg oral every 1 day for 730 days; "
    "alendronate 10 mg oral every 1 day from 730 days for 1095 days"
)


def messages(text: str) -> tuple[str, ...]:
    with pytest.raises(RegimenError) as caught:
        parse_regimen(text)
    return caught.value.messages


def test_the_stop_is_exclusive() -> None:
    (treatment,) = parse_regimen(DENOSUMAB).treatments
    np.testing.assert_allclose(treatment.dose_times() / DAYS_PER_MONTH, [0, 6, 12, 18])


def test_a_later_start_moves_every_dose() -> None:
    first, second = parse_regimen(FIT).treatments
    assert len(first.dose_times()) == 730
    assert second.dose_times()[[0, -1]].tolist() == [730, 1824]


def test_treatment_shorter_than_its_interval_is_one_dose() -> None:
    (treatment,) = parse_regimen("zoledronate 5 mg iv every 1 year for 1 month").treatments
    assert treatment.dose_times().tolist() == [0]


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("5years", 5 * 365.25),
        ("24 months", 730.5),
        ("365days", 365),
        ("12 weeks", 84),
        ("1.5 d", 1.5),
        ("2 Wk", 14),
    ],
)
def test_durations_are_days(text: str, days: float) -> None:
    assert parse_duration(text) == pytest.approx(days)


@pytest.mark.parametrize(
    ("text", "milligrams"), [("70mg", 70), ("5 mg", 5), ("60000 ug", 60), ("1.6 g", 1600)]
)
def test_doses_are_milligrams(text: str, milligrams: float) -> None:
    assert parse_dose(text) == pytest.approx(milligrams)


@pytest.mark.parametrize("text", ["70", "", "mg", "70 iu", "1,5 mg", "nan mg"])
def test_a_dose_needs_a_number_and_a_known_unit(text: str) -> None:
    with pytest.raises(RegimenError):
        parse_dose(text)


@pytest.mark.parametrize("text", ["24", "months", "24 moons", "two years"])
def test_a_duration_needs_a_number_and_a_known_unit(text: str) -> None:
    with pytest.raises(RegimenError):
        parse_duration(text)


def test_no_unit_says_what_to_write() -> None:
    with pytest.raises(RegimenError, match="no unit: write '24 months'"):
        parse_duration("24")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("zoledronate 0 mg iv every 12 months for 36 months", "dose must be above zero"),
        ("zoledronate -5 mg iv every 12 months for 36 months", "dose must be above zero"),
        ("zoledronate 5 mg iv every 0 days for 36 months", "interval must be above zero"),
        ("zoledronate 5 mg iv every 12 months for 0 months", "longer than zero days"),
        ("zoledronate 5 mg nasal every 12 months for 36 months", "Unknown route 'nasal'"),
        ("zoledronate 5 iv every 12 months for 36 months", "has no unit"),
        ("zoledronate 5 mg iv", "not a treatment"),
        ("zoledronate 5 mg iv every 1e-9 days for 36 months", "more than 100000 doses"),
        ("zoledronate 5 mg iv every 1 day for 1e999 days", "finite"),
        (FIT.replace("from 730", "from 729"), "overlap"),
        ("", "not a treatment"),
    ],
)
def test_a_fault_is_named(text: str, part: str) -> None:
    found = messages(text)
    assert len(found) == 1
    assert part in found[0]


def test_all_faults_are_reported_at_once() -> None:
    found = messages(
        "zoledronate 0 mg nasal every 12 moons for 36 months; alendronate 10 oral every 1 day for 1"
    )
    assert len(found) == 5


def test_unknown_drugs_are_named_with_a_suggestion() -> None:
    regimen = parse_regimen(FIT.replace("alendronate", "alendronat"))
    with pytest.raises(RegimenError, match="Did you mean 'alendronate'") as caught:
        check_drugs(regimen, ["alendronate", "denosumab"])
    assert len(caught.value.messages) == 1
    check_drugs(parse_regimen(FIT), ["alendronate"])


def test_untreated_has_no_treatment() -> None:
    assert parse_regimen(" Untreated ") == Regimen.untreated() == Regimen(())
    assert str(Regimen.untreated()) == "untreated"


@pytest.mark.parametrize("text", ["untreated", DENOSUMAB, FIT])
def test_the_text_of_a_table_comes_back_unchanged_in_meaning(text: str) -> None:
    assert parse_regimen(str(parse_regimen(text))) == parse_regimen(text)
    assert str(parse_regimen(DENOSUMAB)) == DENOSUMAB


WORDS = ["untreated", "zoledronate", "5 mg", "-5 ug", "iv", "every", "1 day", "from", "for", ";"]
TEXT = st.lists(st.sampled_from(WORDS) | st.text("am19 .;+-eE\n\u00b5", max_size=5)).map(" ".join)
QUARTER_DAYS = st.integers(1, 4000).map(lambda quarters: quarters / 4)


@st.composite
def regimens(draw: st.DrawFn) -> Regimen:
    treatments, start = [], draw(st.integers(0, 40)) * DAYS_PER_MONTH
    for _ in range(draw(st.integers(0, 3))):
        duration = draw(QUARTER_DAYS)
        treatments.append(
            Treatment(
                drug=draw(st.sampled_from(["alendronate", "zoledronate", "denosumab"])),
                dose_mg=draw(st.floats(1e-6, 1e6)),
                route=draw(st.sampled_from(Route)),
                interval_days=draw(QUARTER_DAYS),
                start_days=start,
                stop_days=start + duration,
            )
        )
        start += duration
    return Regimen(tuple(treatments))


@settings(deadline=None)
@given(regimens())
def test_every_regimen_round_trips_through_its_text(regimen: Regimen) -> None:
    assert parse_regimen(str(regimen)) == regimen


@settings(deadline=None)
@given(regimens())
def test_doses_start_at_the_start_and_end_before_the_stop(regimen: Regimen) -> None:
    for treatment in regimen.treatments:
        times = treatment.dose_times()
        assert times[0] == treatment.start_days
        assert times[-1] < treatment.stop_days <= times[-1] + treatment.interval_days * (1 + 1e-9)


@settings(deadline=None)
@given(TEXT)
def test_any_text_is_a_regimen_or_a_regimen_error(text: str) -> None:
    try:
        assert isinstance(parse_regimen(text), Regimen)
    except RegimenError as error:
        assert error.messages
