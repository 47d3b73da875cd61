"""Regimens read from text, written back, and refused with every fault at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonecycle.biology import catalogue
from bonecycle.biology.amounts import (
    DAYS_PER_MONTH,
    RegimenError,
    parse_dates,
    parse_dose,
    parse_duration,
)
from bonecycle.biology.regimens import Regimen, check_drugs, parse_regimen
from bonecycle.biology.treatments import MAX_DOSE_MG, At, Every, Route, Treatment

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
        ("36 hours", 1.5),
        ("90 min", 1 / 16),
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
        (FIT.replace("from 730", "from 729"), "overlap: one starts at 729 days"),
        ("", "no treatment is written"),
        ("zoledronate 5 mg iv at 6 and 0 months", "dates must increase"),
        ("zoledronate 5 mg iv at 6", "has no unit"),
        ("zoledronate 5 mg iv at 0 days every 1 day for 1 year", "not a treatment"),
        ("zoledronate 5 mg iv over 2 days every 1 day for 1 year", "exceed the interval"),
        ("zoledronate 5 mg iv over -1 days every 1 day for 1 year", "lasts zero days or longer"),
        ("alendronate 5 mg oral over 1 hour every 1 day for 1 year", "only iv doses"),
        ("zoledronate 5 mg iv at 0 days missing doses 2", "numbered from 1 to 1"),
        ("zoledronate 5 mg iv at 0 days missing doses two", "no numbers of doses"),
        ("zoledronate 5 mg iv every 1 day for 1 year missing doses 10-7", "write '7-10'"),
        ("zoledronate 5 mg iv every 1 day for 1 year missing doses 1, 10 - 7", "backwards"),
        ("zoledronate 1e300 mg iv at 0 days", "exceed 100 g a dose"),
        ("zoledronate 5 mg iv at ", "no dates are written"),
        ("zoledronate 5 mg iv at 2024-01-01", "times count from the start of treatment"),
        ("zoledronate 5 mg iv at 0 days and 01/02/2024", "times count from the start"),
        ("zoledronate 5 mg iv every 1 week from 2024-01-01 for 1 year", "times count from"),
        ("zoledronate 5 mg iv at 0 days;", "treatment 2: no treatment is written"),
        ("zoledronate 5 mg iv every  for 1 year", "no duration is written"),
        ("zoledronate 5 mg iv over  every 1 day for 1 year", "no duration is written"),
        ("zoledronate 5 mg iv every 1 apple for 1000 years", "Unknown unit of duration 'apple'"),
        ("zoledronate 5 mg iv at 0 days taking 80 % (seed 1234567890123456789)", "18 digits"),
        ("zoledronate 5 mg iv at 0 days taking 0 %", "above 0 and up to 100 %"),
        ("zoledronate 5 mg iv at 0 days taking 120 %", "above 0 and up to 100 %"),
        ("zoledronate 5 mg iv at 0 days taking some", "not a share of doses"),
        (
            "zoledronate 5 mg iv over 5 days every 6 days for 7 days; "
            "zoledronate 5 mg iv at 10 days",
            "the other ends at 11 days",
        ),
        (
            "zoledronate 5 mg iv at 0 and 6 months; zoledronate 4 mg iv at 6 months",
            "overlap",
        ),
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


def test_unknown_drugs_and_routes_are_named_at_once() -> None:
    regimen = parse_regimen(
        "alendronat 5 mg oral at 0 days; denosumab 60 mg oral at 0 days; "
        "zoledronate 5 mg oral at 0 days"
    )
    with pytest.raises(RegimenError, match="Did you mean 'alendronate'") as caught:
        check_drugs(regimen, catalogue.routes())
    assert caught.value.messages[1:] == (
        "treatment 2: denosumab is not given oral: use sc",
        "treatment 3: zoledronate is not given oral: use iv",
    )
    check_drugs(parse_regimen(FIT), catalogue.routes())


def test_drugs_are_checked_together_with_the_rest() -> None:
    text = "foo 5 xx zz every 0 apples for -3 y; bar 1 mg iv at 0 days"
    with pytest.raises(RegimenError) as caught:
        parse_regimen(text, catalogue.routes())
    starts = [
        *("Unknown drug 'foo'", "Unknown unit of dose 'xx'", "Unknown route 'zz'"),
        *("Unknown unit of duration 'apples'", "treatment must last longer"),
    ]
    expected = [*(f"treatment 1: {start}" for start in starts), "treatment 2: Unknown drug 'bar'"]
    assert len(caught.value.messages) == len(expected)
    for message, start in zip(caught.value.messages, expected, strict=True):
        assert message.startswith(start)


def test_case_does_not_matter() -> None:
    text = "Alendronate 70 MG Oral EVERY 1 Week FOR 12 Months; zoledronate 5 mg IV at 3 years"
    assert parse_regimen(text, catalogue.routes()) == parse_regimen(text.lower())


def test_an_interval_may_be_a_unit_alone() -> None:
    week = "alendronate 70 mg oral every week for 1 year"
    assert parse_regimen(week) == parse_regimen(week.replace("week", "1 week"))


def test_dates_share_the_unit_that_follows() -> None:
    assert parse_dates("0, 6 and 18 months") == (0, 6 * DAYS_PER_MONTH, 18 * DAYS_PER_MONTH)
    assert parse_dates("1 day, 2, 3 weeks") == (1, 14, 21)


def test_missed_doses_are_not_given() -> None:
    text = "alendronate 10 mg oral every 1 day for 12 days missing doses 3, 7-10"
    (treatment,) = parse_regimen(text).treatments
    assert treatment.dose_times().tolist() == [0, 1, 3, 4, 5, 10, 11]
    assert str(treatment) == text


def test_adherence_is_a_share_of_the_doses_and_reproducible() -> None:
    daily = "alendronate 10 mg oral every 1 day for 10 years"
    (one,) = parse_regimen(f"{daily} taking 80 % (seed 1)").treatments
    (same,) = parse_regimen(f"{daily} taking 80 % (seed 1)").treatments
    (other,) = parse_regimen(f"{daily} taking 80 % (seed 2)").treatments
    planned = len(one.schedule.times())
    np.testing.assert_array_equal(one.dose_times(), same.dose_times())
    assert one.dose_times().tolist() != other.dose_times().tolist()
    # Three standard deviations of a binomial share.
    assert abs(len(one.taken()) / planned - 0.8) < 3 * (0.8 * 0.2 / planned) ** 0.5


def test_untreated_has_no_treatment() -> None:
    assert parse_regimen(" Untreated ") == Regimen.untreated() == Regimen(())
    assert str(Regimen.untreated()) == "untreated"


@pytest.mark.parametrize("text", ["untreated", DENOSUMAB, FIT])
def test_the_text_of_a_table_comes_back_unchanged_in_meaning(text: str) -> None:
    assert parse_regimen(str(parse_regimen(text))) == parse_regimen(text)
    assert str(parse_regimen(DENOSUMAB)) == DENOSUMAB


WORDS = [
    *("untreated", "zoledronate", "5 mg", "-5 ug", "iv", "every", "1 day", "from", "for", ";"),
    *("over", "15 minutes", "at", "0, 6 and 18 months", "missing", "doses 3, 7-10"),
    *("taking", "80 %", "(seed 1)"),
]
TEXT = st.lists(st.sampled_from(WORDS) | st.text("am19 .;+-eE%(\n\u00b5", max_size=5)).map(" ".join)
TIMES = st.floats(0.25, 1000) | st.integers(1, 4000).map(lambda quarters: quarters / 4)


@st.composite
def schedules(draw: st.DrawFn, start: float) -> Every | At:
    if draw(st.booleans()):
        return At(tuple(sorted(draw(st.sets(TIMES.map(lambda t: start + t), min_size=1)))))
    return Every(draw(TIMES), start, start + draw(TIMES))


@st.composite
def regimens(draw: st.DrawFn) -> Regimen:
    treatments, start = [], draw(st.integers(0, 40)) * DAYS_PER_MONTH
    for _ in range(draw(st.integers(0, 3))):
        schedule = draw(schedules(start))
        route = draw(st.sampled_from(Route))
        longest = min(schedule.interval_days, 1000.0) if route is Route.IV else 0.0
        numbers = st.integers(1, len(schedule.times()))
        treatment = Treatment(
            drug=draw(st.sampled_from(["alendronate", "zoledronate", "denosumab"])),
            dose_mg=draw(st.floats(1e-6, MAX_DOSE_MG)),
            route=route,
            schedule=schedule,
            infusion_days=draw(st.floats(0, longest)),
            missed=tuple(sorted(draw(st.sets(numbers, max_size=5)))),
            adherence=draw(st.just(1.0) | st.floats(1e-6, 1)),
            seed=draw(st.integers(0, 9)),
        )
        treatments.append(treatment)
        start = treatment.end_days + draw(TIMES)
    return Regimen(tuple(treatments))


@settings(deadline=None)
@given(regimens())
def test_every_regimen_round_trips_through_its_text(regimen: Regimen) -> None:
    assert parse_regimen(str(regimen)) == regimen


@settings(deadline=None)
@given(regimens())
def test_doses_start_at_the_start_and_end_before_the_stop(regimen: Regimen) -> None:
    for treatment in regimen.treatments:
        times = treatment.schedule.times()
        assert times[0] == treatment.start_days
        if isinstance(treatment.schedule, Every):
            last = times[-1] + treatment.interval_days * (1 + 1e-9)
            assert times[-1] < treatment.stop_days <= last
        assert set(treatment.dose_times()) <= set(times)


@settings(deadline=None)
@given(TEXT)
def test_any_text_is_a_regimen_or_a_regimen_error(text: str) -> None:
    try:
        assert isinstance(parse_regimen(text), Regimen)
    except RegimenError as error:
        assert error.messages
