"""The error model: the most specific row wins, and nothing wrong passes in silence."""

from pathlib import Path

import numpy as np
import pytest

from bonecycle.errors import DataError
from bonecycle.studies.error_model import (
    DEFAULT_ENCODING,
    FLOOR_LOG_SD,
    Encoding,
    ErrorModel,
    load_encodings,
)

HEADER = "study,variable,log_sd,arm_correlation,reason\n"
TABLE = (
    HEADER
    + """\
*,*,0.25,0.5,default
*,CTX,0.30,0.4,assay
trial,*,0.35,0.3,small
trial,CTX,0.45,0.2,both
"""
)


def load(folder: Path, text: str) -> ErrorModel:
    path = folder / "errors.csv"
    path.write_text(text, encoding="utf-8")
    return ErrorModel.load(path)


def faults(folder: Path, text: str) -> list[tuple[int, str]]:
    with pytest.raises(DataError) as caught:
        load(folder, text)
    return [(fault.row, fault.column) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("study", "variable", "log_sd", "correlation"),
    [
        ("trial", "CTX", 0.45, 0.2),
        ("trial", "P1NP", 0.35, 0.3),
        ("other", "CTX", 0.30, 0.4),
        ("other", "P1NP", 0.25, 0.5),
    ],
)
def test_the_most_specific_row_wins(
    tmp_path: Path, study: str, variable: str, log_sd: float, correlation: float
) -> None:
    model = load(tmp_path, TABLE)
    assert model.log_sd(study, variable) == log_sd
    assert model.correlation(study, variable) == correlation


def test_covariance_is_that_of_one_shared_arm_effect(tmp_path: Path) -> None:
    rows = [("trial", name) for name in ("CTX", "CTX", "P1NP")]
    covariance = load(tmp_path, TABLE).covariance(rows)
    cross = 0.45 * 0.35 * np.sqrt(0.2 * 0.3)
    expected = [
        [0.45**2, 0.2 * 0.45**2, cross],
        [0.2 * 0.45**2, 0.45**2, cross],
        [cross, cross, 0.35**2],
    ]
    np.testing.assert_allclose(covariance, expected)
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_every_fault_of_a_table_is_reported_at_once(tmp_path: Path) -> None:
    text = HEADER + "*,*,0,0.5,x\na,*,0.3,1,x\nb,*,wide,0.5,x\nc,*,0.3,-0.1,\n"
    assert faults(tmp_path, text) == [
        (2, "log_sd"),
        (3, "arm_correlation"),
        (4, "log_sd"),
        (5, "arm_correlation"),
        (5, "reason"),
    ]


def test_the_floor_holds(tmp_path: Path) -> None:
    assert faults(tmp_path, HEADER + "*,*,0.09,0.5,x\n") == [(2, "log_sd")]
    assert load(tmp_path, HEADER + "*,*,0.10,0.5,x\n").log_sd("a", "b") == FLOOR_LOG_SD


def test_a_default_is_needed_and_no_row_may_be_repeated(tmp_path: Path) -> None:
    assert faults(tmp_path, HEADER + "a,*,0.3,0.5,x\na,*,0.4,0.5,x\n") == [
        (3, "study"),
        (1, "study"),
    ]


def test_unknown_names_do_not_get_the_default_in_silence(tmp_path: Path) -> None:
    model = load(tmp_path, TABLE)
    model.check_names(["trial"], ["CTX"])
    with pytest.raises(DataError, match="Did you mean 'trial_1'") as caught:
        model.check_names(["trial_1"], ["BSALP"])
    rows = [(fault.row, fault.column) for fault in caught.value.faults]
    assert rows == [(3, "variable"), (4, "study"), (5, "study"), (5, "variable")]


def test_the_hash_follows_the_numbers_and_not_the_wording(tmp_path: Path) -> None:
    original = load(tmp_path, TABLE).hash
    first, *rest = TABLE.removeprefix(HEADER).splitlines(keepends=True)
    assert load(tmp_path, HEADER + "".join([*rest, first])).hash == original
    assert load(tmp_path, TABLE.replace("assay", "another assay")).hash == original
    assert load(tmp_path, TABLE.replace("0.30", "0.31")).hash != original


def test_the_shipped_error_model_holds_what_was_decided() -> None:
    model = ErrorModel.load()
    assert model.log_sd("any", "any") == 0.25
    assert model.correlation("any", "any") == 0.5
    for study in ("black_2006", "saag_2017", "bone_2011"):
        assert model.log_sd(study, "P1NP") >= 0.15
    assert model.log_sd("recker_2008", "BFR_BS") == 0.40
    assert model.log_sd("reid_2010", "BFR_BS") == 0.50
    assert model.log_sd("chavassieux_1997", "MAR") == FLOOR_LOG_SD
    assert all(len(entry.reason.split()) > 8 for entry in model.entries)


def test_the_pair_of_one_biopsy_counts_once_and_its_gap_is_not_pulled_shut() -> None:
    rows = [("chavassieux_1997", name) for name in ("MS_BS", "Ac_f")]
    covariance = ErrorModel.load().covariance(rows)
    sd_of_mean = np.sqrt(covariance.mean())
    sd_of_gap = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    assert sd_of_mean > 1.5 * 0.25
    assert np.log(0.13 / 0.08) / sd_of_gap < 1.1


def test_the_shipped_encodings_span_soft_hard_and_dropped() -> None:
    encodings = load_encodings()
    assert len(encodings) == 13
    for tenth in range(4, 10):
        assert encodings[f"soft-0.{tenth}"] == Encoding(f"soft-0.{tenth}", tenth / 10, 0.25)
        assert encodings[f"hard-0.{tenth}"] == Encoding(f"hard-0.{tenth}", tenth / 10, 0.05)
    assert encodings["dropped"] == Encoding("dropped", None, None)
    assert DEFAULT_ENCODING in encodings


def test_faulty_encodings_are_reported_at_once(tmp_path: Path) -> None:
    path = tmp_path / "encodings.csv"
    rows = "a,2,0.2,x\nb,0.5,0,x\nc,0.5,,x\nd,half,0.2,x\nd,0.5,0.2,x\nd,0.5,0.2,x\n,0.5,0.2,x\n"
    path.write_text("name,threshold,log_sd,reason\n" + rows, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_encodings(path)
    assert [fault.row for fault in caught.value.faults] == [2, 3, 4, 5, 7, 8]
