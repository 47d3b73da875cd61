"""Messages name everything a reader needs; errors survive the way between processes."""

import pickle

import pytest

from bonecycle.errors import (
    BonecycleError,
    DataError,
    Fault,
    ModelError,
    SimulationError,
    UsageError,
    unknown,
)

FAULTS = (
    Fault("a.csv", 2, "unit", "'m' is not a rate", "write mm/year"),
    Fault("a.csv", 7, "value", "is empty", "fill it or remove the row"),
)
ERRORS = [
    ModelError("cycle/reversal.ant", "unexpected '+'", 12),
    SimulationError("onset", "alendronate", {"k_on": 0.25}, "narrow its prior"),
    DataError(FAULTS),
    UsageError("no such folder"),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_every_error_is_of_the_family_and_survives_pickling(error: BonecycleError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert isinstance(copy, BonecycleError)
    assert type(copy) is type(error)
    assert str(copy) == str(error)


def test_a_model_error_says_where() -> None:
    assert str(ModelError("cycle/reversal.ant", "unexpected '+'", 12)) == (
        "cycle/reversal.ant:12: unexpected '+'"
    )
    assert str(ModelError("onset", "has no states")) == "onset: has no states"


def test_a_simulation_error_names_model_arm_parameters_and_remedy() -> None:
    error = SimulationError("onset", "alendronate", {"k_on": 0.25, "k_off": 1e-9}, "narrow a prior")
    for word in ("onset", "alendronate", "k_on=0.25", "k_off=1e-09", "narrow a prior"):
        assert word in str(error)


def test_a_data_error_shows_every_fault_on_its_line() -> None:
    assert str(DataError(FAULTS)).splitlines() == [
        "a.csv:2 [unit] 'm' is not a rate - write mm/year",
        "a.csv:7 [value] is empty - fill it or remove the row",
    ]


def test_a_fault_of_a_whole_file_or_row_names_no_more() -> None:
    assert (
        str(Fault("a.csv", 0, "", "No such file", "check it")) == "a.csv: No such file - check it"
    )
    assert str(Fault("a.csv", 1, "", "no rows", "add one")) == "a.csv:1: no rows - add one"


def test_an_unknown_name_gets_the_closest_known_one() -> None:
    message = str(unknown("study", "jensn2021", ["reid2010", "jensen2021"]))
    assert message == (
        "Unknown study 'jensn2021'. Did you mean 'jensen2021'? Known: jensen2021, reid2010."
    )
    assert "Did you mean" not in str(unknown("study", "zzz", ["jensen2021"]))
