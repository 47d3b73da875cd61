"""A user's own table: names and units in any common spelling; faults all at once, with cells."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bonecycle.biology import catalogue
from bonecycle.biology.tables import read_rows
from bonecycle.errors import DataError, UsageError
from bonecycle.studies import own_names
from bonecycle.studies.own_template import write_template
from bonecycle.studies.reader import load_studies
from bonecycle.studies.schema import Comparison, Role, Study

IN_PLACE = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
BIOPSIES = """\
# study: synthetic
# ES includes Oc.S: yes
Patient ID,Group,Treatment,Month,B.Pm (mm),ES/BS (%),Mineralising surface (mm2/mm2),MAR (um/d)
p1,a,untreated,24,50,3.4,0.021,0.55
p2,a,,24,,2.4,0.011,0.51
p3,b,denosumab 60 mg sc every 6 months for 24 months,24,50,1.0,0,
p4,b,,24,,0.5,<0.0005,
p5,b,,24,,0.7,0.001,0.5
"""


def read(path: Path) -> Study:
    return load_studies(catalogue.observables(), [path])[0]


def written(folder: Path, text: str, name: str = "own.csv") -> Path:
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def faults(folder: Path, text: str) -> list[str]:
    with pytest.raises(DataError) as caught:
        read(written(folder, text))
    return [str(fault) for fault in caught.value.faults]


def values(study: Study) -> dict[tuple[str, str], float | None]:
    return {(row.arm, row.variable): row.value for row in study.observations}


def test_biopsies_become_arms_with_zeros_and_gaps(tmp_path):
    study = read(written(tmp_path, BIOPSIES))
    assert study.citation == "synthetic"
    first, second = study.biopsies
    assert first.patients == ("p1", "p2")
    assert second.cells == (("ES_BS", 24.0), ("MS_BS", 24.0), ("MAR", 24.0))
    np.testing.assert_allclose(second.values[:, 1], [0.0, 0.0, 0.1])
    # 0.05 mm over a perimeter of 50 mm; the limit that was written, in %.
    np.testing.assert_allclose(second.limits[:2, 1], [0.1, 0.05])
    assert np.isnan(second.values[:2, 2]).all()
    assert values(study)["a", "MS_BS"] == pytest.approx((2.1 * 1.1) ** 0.5)


@pytest.mark.parametrize(("separator", "comma"), [(",", False), (";", True), ("\t", True)])
def test_separators_and_decimal_commas_say_the_same(tmp_path, separator, comma):
    text = BIOPSIES.replace(",", separator)
    if comma:
        text = text.replace(".", ",").replace("Oc,S", "Oc.S").replace("B,Pm", "B.Pm")
    assert values(read(written(tmp_path, text))) == pytest.approx(
        values(read(written(tmp_path, BIOPSIES, "plain.csv")))
    )


def test_excel_says_the_same_and_names_its_cells(tmp_path):
    rows = [(line.split(",") + [""] * 8)[:8] for line in BIOPSIES.splitlines()]
    pd.DataFrame(rows).to_excel(tmp_path / "own.xlsx", index=False, header=False)
    assert values(read(tmp_path / "own.xlsx")) == values(read(written(tmp_path, BIOPSIES)))
    rows[4][7] = "fast"
    pd.DataFrame(rows).to_excel(tmp_path / "bad.xlsx", index=False, header=False)
    with pytest.raises(DataError, match=r"bad.xlsx \[H5: MAR \(um/d\)\] 'fast' is not a number"):
        read(tmp_path / "bad.xlsx")


def test_every_fault_is_named_at_once_with_its_cell(tmp_path):
    found = faults(
        tmp_path,
        "patient,arm,regimen,month,ES/BSS (%),MAR (kg),W.Th,MS/BS (%),ES/BS (%)\n"
        "p1,a,untreatd,0,3,1,2,-1,3\n"
        "p2,a,untreated,0,3,1,2,xx,3\n"
        "p2,,untreated,-3,3,1,2,130,3\n",
    )
    for start in (
        "own.csv:1 [ES/BSS (%)] 'ES/BSS (%)' is no known name; did you mean 'ES/BS'",
        "own.csv:1 [MAR (kg)] the unit 'kg' is not known",
        "own.csv:1 [W.Th] 'W.Th' has no unit - write the unit into the head: 'W.Th (um)'",
        "own.csv:2 [regimen] 'untreatd'",
        "own.csv:2 [MS/BS (%)] -1 % is outside 0 to 100 %",
        "own.csv:3 [MS/BS (%)] 'xx' is not a number",
        "own.csv:4 [arm] is empty",
        "own.csv:4 [month] is empty or below zero",
        "own.csv:4 [MS/BS (%)] 130 % is outside",
        "own.csv: the file does not say whether ES/BS includes",
    ):
        assert any(fault.startswith(start) for fault in found), (start, found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("p2,a", "p1,a"), "'p1' at month 24 stands in row 4 too"),
        (("p2,a", "p3,a"), "'p3' is in arm 'a' in row 5"),
        (("p2,a,", "p2,a,zoledronate 5 mg iv at 0 days"), "differs from row 4"),
        (("MAR (um/d)", "ES/BS [%]"), "'ES/BS [%]' and 'ES/BS (%)' are one"),
        (("0.51", "0"), "MAR of zero has no detection limit"),
        (("<0.0005", "<x"), "'<x' is no limit"),
        ((": yes", ": perhaps"), "'perhaps' is neither yes nor no"),
        (("p1,a,untreated,24,50", "p1,a,untreated,24,0"), "0 is no perimeter"),
    ],
)
def test_each_kind_of_fault_is_found(tmp_path, change, message):
    assert BIOPSIES.count(change[0]) >= 1
    assert any(message in fault for fault in faults(tmp_path, BIOPSIES.replace(*change)))


def test_numbers_that_could_be_two_are_refused(tmp_path):
    text = BIOPSIES.replace(",", ";").replace("3.4", "3,4")
    assert any("'3,4' is not clear" in fault for fault in faults(tmp_path, text))


def test_eroded_surface_without_osteoclasts_is_added_to_them_or_left_out(tmp_path):
    text = BIOPSIES.replace(": yes", ": no")
    study = read(written(tmp_path, text))
    assert ("a", "ES_BS") not in values(study)
    assert any("left out" in notice for notice in study.notices)
    study = read(written(tmp_path, text.replace("MAR (um/d)", "Oc.S/BS (%)")))
    assert values(study)["a", "ES_BS"] == pytest.approx(((3.4 + 0.55) * (2.4 + 0.51)) ** 0.5)


def test_what_is_computed_from_other_columns_is_not_fitted_twice(tmp_path):
    text = BIOPSIES.replace("B.Pm (mm)", "BFR/BS (mcm3/mcm2/d)").replace(",50,", ",0.01,")
    rows = {row.variable: row for row in read(written(tmp_path, text)).observations}
    assert rows["BFR_BS"].role is Role.VALIDATION
    assert rows["BFR_BS"].value == pytest.approx(3.6525)
    assert rows["MS_BS"].role is Role.FITTED


def test_a_patient_may_have_two_biopsies_in_one_arm(tmp_path):
    text = BIOPSIES + "p5,b,,6,50,0.9,0.004,0.6\n"
    arm = read(written(tmp_path, text)).biopsies[1]
    assert arm.patients == ("p3", "p4", "p5")
    assert [month for name, month in arm.cells if name == "MS_BS"] == [6.0, 24.0]
    place = arm.cells.index(("MS_BS", 6.0))
    np.testing.assert_allclose(arm.values[:, place], [np.nan, np.nan, 0.4])


def test_an_arm_without_any_value_above_zero_is_a_limit(tmp_path):
    text = BIOPSIES.replace("0.001,0.5", "0,")
    rows = {(row.arm, row.variable): row for row in read(written(tmp_path, text)).observations}
    assert rows["b", "MS_BS"].comparison is Comparison.BELOW
    assert rows["b", "MS_BS"].value == pytest.approx(0.1)


SUMMARY = """\
# ES includes Oc.S: yes
arm,regimen,month,variable,unit,n,mean,sd,median,q1,q3
a,untreated,0,{variable},{unit},9,{mean},{sd},{median},{q1},{q3}
"""


def summary(folder: Path, **cells: object) -> Study:
    given = dict.fromkeys(("mean", "sd", "median", "q1", "q3"), "")
    given |= {"variable": "ES/BS", "unit": "%"} | cells
    return read(written(folder, SUMMARY.format(**given)))


def test_a_mean_becomes_the_median_patient_with_its_standard_error(tmp_path):
    row = summary(tmp_path, mean=4, sd=2).observations[0]
    # Log-normal: median = mean / sqrt(1 + CV^2), log SD = sqrt(log(1 + CV^2)).
    assert row.value == pytest.approx(4 / 1.25**0.5)
    assert row.sampling_log_sd == pytest.approx((np.log(1.25) / 9) ** 0.5)


def test_a_median_keeps_its_value_and_takes_its_error_from_the_quartiles(tmp_path):
    row = summary(tmp_path, median=4, q1=2, q3=8).observations[0]
    assert row.value == 4
    assert row.sampling_log_sd == pytest.approx(np.log(4) / 1.34898 / 3 * 1.253314, rel=1e-4)


@given(median=st.floats(0.1, 20), log_sd=st.floats(0.1, 1.2))
@IN_PLACE
def test_a_lognormal_arm_comes_back_from_its_mean_and_sd(tmp_path, median, log_sd):
    mean = median * np.exp(log_sd**2 / 2)
    row = summary(tmp_path, mean=mean, sd=mean * np.expm1(log_sd**2) ** 0.5).observations[0]
    assert row.value == pytest.approx(median, rel=1e-9)
    assert row.sampling_log_sd == pytest.approx(log_sd / 3, rel=1e-9)


ROWS = read_rows(Path(str(own_names.files("bonecycle_data") / "spellings.csv")))
SPELLINGS = [(row["id"], text.strip()) for row in ROWS for text in row["spellings"].split(";")]


def test_no_spelling_stands_for_two_names():
    owners: dict[str, set[str]] = {}
    for own, text in SPELLINGS:
        owners.setdefault(own_names.plain(text), set()).add(own)
    assert {text: ids for text, ids in owners.items() if len(ids) > 1} == {}


def test_every_symbol_of_the_catalogue_is_understood():
    for observable in catalogue.observables().values():
        assert own_names.canonical(observable.symbol) == observable.id


@given(st.sampled_from(SPELLINGS), st.randoms(use_true_random=False))
@IN_PLACE
def test_case_spaces_and_marks_do_not_matter(spelling, chance):
    own, text = spelling
    changed = "".join(
        chance.choice((c.upper(), c.lower())) if c.isalpha() else chance.choice((c, f"{c} "))
        for c in text
    )
    assert own_names.canonical(changed.replace(" ", chance.choice((" ", "_", "-")))) == own


UNITS = {
    "%": {
        "%": 1.0,
        "percent": 1.0,
        "fraction": 100.0,
        "mm2/mm2": 100.0,
        "mm\u00b2/mm\u00b2": 100.0,
    },
    "um/d": {"um/d": 1.0, "\u00b5m/day": 1.0, "mcm/d": 1.0, "um per day": 1.0, "um d-1": 1.0},
    "um/yr": {"um3/um2/yr": 1.0, "mcm3/mcm2/d": 365.25, "mm3/mm2/y": 1000.0, "um/yr": 1.0},
    "1/yr": {"/yr": 1.0, "per year": 1.0, "1/y": 1.0, "/d": 365.25, "yr-1": 1.0},
    "um": {"um": 1.0, "\u03bcm": 1.0, "mm": 1000.0, "microns": 1.0},
    "d": {"days": 1.0, "weeks": 7.0, "months": 30.4375},
    "cells/mm": {"cells/mm": 1.0, "#/mm": 1.0, "/mm": 1.0},
}


@pytest.mark.parametrize(
    ("wanted", "text", "factor"),
    [(wanted, text, f) for wanted, texts in UNITS.items() for text, f in texts.items()],
)
def test_units_are_converted(wanted, text, factor):
    assert own_names.factor(text, wanted) == pytest.approx(factor, rel=1e-12)


@given(st.sampled_from([(w, t) for w, texts in UNITS.items() for t in texts]), st.floats(0.01, 90))
@IN_PLACE
def test_a_number_comes_back_from_any_unit(pair, value):
    wanted, text = pair
    there = value / own_names.factor(text, wanted)
    assert there * own_names.factor(text, wanted) == pytest.approx(value, rel=1e-12)


@given(st.text(alphabet="abdmuyr%/*^0123456789.()- \u00b5", max_size=12))
@IN_PLACE
def test_no_text_of_a_unit_does_more_than_be_refused(text):
    try:
        assert np.isfinite(own_names.factor(text, "um/d"))
    except UsageError as error:
        assert "unit" in str(error)


MEANS = SUMMARY.format(variable="ES/BS", unit="%", mean=4, sd=2, median="", q1="", q3="")


@pytest.mark.parametrize("text", [BIOPSIES, MEANS], ids=["biopsies", "means"])
@given(chance=st.randoms(use_true_random=False), changes=st.integers(1, 12))
@IN_PLACE
def test_a_corrupt_table_ends_in_one_message(tmp_path, text, chance: random.Random, changes):
    data = bytearray(text.encode())
    for _ in range(changes):
        place = chance.randrange(len(data))
        data[place : place + chance.randrange(4)] = chance.choice(
            (b"", b",", b";", b"\n", b'"', b"\x00", b"\xff", b"<", b"nan", b"1e999", b"#", b"\t")
        )
    (tmp_path / "own.csv").write_bytes(bytes(data))
    try:
        assert read(tmp_path / "own.csv").observations
    except DataError as error:
        assert all(fault.message and fault.remedy for fault in error.faults)


@given(st.randoms(use_true_random=False))
@settings(parent=IN_PLACE, max_examples=25)
def test_a_corrupt_workbook_ends_in_one_message(tmp_path, chance: random.Random):
    path = tmp_path / "own.xlsx"
    path.unlink(missing_ok=True)
    write_template(path, per_biopsy=True)
    data = bytearray(path.read_bytes())
    for _ in range(chance.randrange(1, 30)):
        data[chance.randrange(len(data))] = chance.randrange(256)
    path.write_bytes(bytes(data[: chance.choice((len(data), len(data) // 2, 10, 0))]))
    try:
        assert read(path).observations
    except DataError as error:
        assert error.faults


# Encrypted (flag 1), and packed in a way that zipfile lacks (method 97): offsets in the directory.
@pytest.mark.parametrize(("offset", "value"), [(8, 1), (10, 97)])
def test_a_workbook_that_cannot_be_unpacked_is_one_message(tmp_path, offset: int, value: int):
    path = tmp_path / "own.xlsx"
    write_template(path, per_biopsy=True)
    data = bytearray(path.read_bytes())
    for entry in re.finditer(b"PK\x01\x02", bytes(data)):
        data[entry.start() + offset] = value
    path.write_bytes(data)
    with pytest.raises(DataError, match="not an Excel file that can be read"):
        read(path)


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
@pytest.mark.parametrize("per_biopsy", [True, False])
def test_templates_are_read_and_call_themselves_synthetic(tmp_path, ending, per_biopsy):
    path = tmp_path / f"own.{ending}"
    write_template(path, per_biopsy=per_biopsy)
    study = read(path)
    assert "synthetic" in study.citation
    assert any("EXAMPLE" in notice for notice in study.notices)
    if per_biopsy:
        assert sum(len(arm.patients) for arm in study.biopsies) == 10
    with pytest.raises(UsageError, match="exists"):
        write_template(path, per_biopsy=per_biopsy)
