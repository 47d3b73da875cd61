"""A user's table is read, or refused with every fault, its row and its column."""

import csv
import io
import math
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bonecycle_data
from bonecycle.biology.regimens import parse_regimen
from bonecycle.errors import DataError
from bonecycle.studies.reader import COLUMNS, OPTIONAL, load_studies, read_study
from bonecycle.studies.schema import Comparison, Kind, Role, Study

OBSERVABLES = ["ES_BS", "MS_BS", "Ac_f", "E_De", "CTX"]
ROW = {
    "study": "Our clinic",
    "arm": "alendronate",
    "regimen": "alendronate 70 mg oral every 1 week for 24 months",
    "role": "fitted",
    "site": "transiliac cancellous",
    "time_months": "24",
    "variable": "MS_BS",
    "comparison": "equal",
    "value": "-85",
    "unit": "% change",
    "reference": "placebo",
    "source_place": "table 2",
}
ABSOLUTE = ROW | {"value": "3.5", "unit": "%", "reference": "none"}
DIRECTION = ROW | {"comparison": "decreased", "value": "", "unit": ""}


def table(*rows: dict[str, str]) -> str:
    stream = io.StringIO()
    used = [name for name in OPTIONAL if any(name in row for row in rows)]
    writer = csv.DictWriter(stream, [*COLUMNS, *used], restval="")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def read(folder: Path, content: str | bytes) -> Study:
    path = folder / "clinic.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_study(path, OBSERVABLES)


def faults(folder: Path, content: str | bytes) -> list[tuple[int, str]]:
    with pytest.raises(DataError) as caught:
        read(folder, content)
    return [(fault.row, fault.column) for fault in caught.value.faults]


def test_a_row_is_read_with_its_types_and_place(tmp_path: Path) -> None:
    study = read(tmp_path, table(ROW))
    assert (study.name, study.citation) == ("clinic", "Our clinic")
    (row,) = study.observations
    assert (row.file, row.row, row.role) == ("clinic.csv", 2, Role.FITTED)
    assert row.comparison is Comparison.EQUAL
    assert row.regimen == parse_regimen(ROW["regimen"])
    assert row.time_days == 730.5


def test_a_change_becomes_a_ratio_with_its_limits(tmp_path: Path) -> None:
    (row,) = read(tmp_path, table(ROW | {"lower": "-90", "upper": "-80"})).observations
    assert row.kind is Kind.RATIO
    assert row.target == pytest.approx(0.15)
    assert row.target_lower == pytest.approx(0.10)
    assert row.target_upper == pytest.approx(0.20)
    assert row.log_target == pytest.approx(math.log(0.15))


def test_absolute_values_and_directions_keep_their_kind(tmp_path: Path) -> None:
    (absolute,) = read(tmp_path, table(ABSOLUTE)).observations
    assert (absolute.kind, absolute.target) == (Kind.ABSOLUTE, 3.5)
    (direction,) = read(tmp_path, table(DIRECTION)).observations
    assert (direction.kind, direction.target, direction.log_target) == (Kind.RATIO, None, None)


def test_arms_hold_the_rows_of_the_roles_asked_for(tmp_path: Path) -> None:
    kept_back = ROW | {"variable": "Ac_f", "role": "validation"}
    pooled = ROW | {"arm": "all", "regimen": "", "role": "context", "note": "pooled"}
    study = read(tmp_path, table(ROW, kept_back, pooled))
    (arm,) = study.arms()
    assert [row.variable for row in arm.observations] == ["MS_BS"]
    (arm,) = study.arms([Role.VALIDATION])
    assert [row.variable for row in arm.observations] == ["Ac_f"]
    assert [arm.name for arm in study.arms(list(Role))] == ["alendronate"]


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"role": "fited"}, "role"),
        ({"comparison": "equals"}, "comparison"),
        ({"unit": "percent"}, "unit"),
        ({"reference": "control"}, "reference"),
        ({"reference": "none"}, "unit"),
        ({"variable": "MS/BS"}, "variable"),
        ({"variable": ""}, "variable"),
        ({"value": "-85,5"}, "value"),
        ({"value": "nan"}, "value"),
        ({"value": "-8_5"}, "value"),
        ({"value": "-101"}, "value"),
        ({"value": "-100"}, "value"),
        ({"value": ""}, "value"),
        ({"comparison": "unchanged"}, "value"),
        ({"lower": "-80", "upper": "-90"}, "lower"),
        ({"upper": "many"}, "upper"),
        ({"time_months": ""}, "time_months"),
        ({"time_months": "-1"}, "time_months"),
        ({"arm": ""}, "arm"),
        ({"regimen": ""}, "regimen"),
        ({"regimen": "alendronate 70 oral every 1 week for 24 months"}, "regimen"),
        ({"source_place": ""}, "source_place"),
        ({"role": "context"}, "note"),
    ],
)
def test_a_fault_names_its_column(tmp_path: Path, change: dict[str, str], column: str) -> None:
    found = set(faults(tmp_path, table(ROW, ROW | {"arm": "second"} | change)))
    assert (3, column) in found
    assert {row for row, _ in found} == {3}


@pytest.mark.parametrize("change", [{"value": "-0.1"}, {"value": "100.5"}, {"value": "0"}])
def test_surfaces_are_above_zero_and_at_most_all(tmp_path: Path, change: dict[str, str]) -> None:
    assert faults(tmp_path, table(ABSOLUTE | change)) == [(2, "value")]


@pytest.mark.parametrize("change", [{"unit": "%"}, {"reference": "none"}])
def test_a_direction_has_a_reference_and_no_unit(tmp_path: Path, change: dict[str, str]) -> None:
    assert faults(tmp_path, table(DIRECTION | change)) == [(2, next(iter(change)))]


def test_names_are_suggested(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Did you mean 'MS_BS'"):
        read(tmp_path, table(ROW | {"variable": "MSBS"}))
    with pytest.raises(DataError, match="Did you mean 'time_months'"):
        read(tmp_path, table(ROW).replace("time_months", "time_month"))


def test_rows_are_compared_with_each_other(tmp_path: Path) -> None:
    other_unit = ROW | {"value": "0.2", "unit": "fraction", "time_months": "12"}
    other_dose = ROW | {"regimen": "untreated", "variable": "Ac_f"}
    other_study = ROW | {"study": "Another clinic", "variable": "ES_BS"}
    found = faults(tmp_path, table(ROW, ROW, other_unit, other_dose, other_study))
    assert sorted(found) == [(3, "variable"), (4, "unit"), (5, "regimen"), (6, "study")]


def test_two_studies_of_one_trial_share_its_arms(tmp_path: Path) -> None:
    trial = {"trial": "PIVOT", "trial_source": "abstract"}
    marker = ROW | trial | {"study": "Markers", "regimen": "untreated"}
    for name, rows in {"one": table(ROW | trial), "two": table(marker)}.items():
        (tmp_path / f"{name}.csv").write_text(rows, encoding="utf-8")
    assert read_study(tmp_path / "one.csv", OBSERVABLES).trial == "PIVOT"
    assert read(tmp_path, table(ROW)).trial == "clinic"
    with pytest.raises(DataError, match=r"differs from one.csv, row 2, of the same trial"):
        load_studies(OBSERVABLES, [tmp_path / "one.csv", tmp_path / "two.csv"])
    silent = {"trial": "PIVOT", "variable": "ES_BS"}
    assert sorted(faults(tmp_path, table(ROW | trial, ROW | silent))) == [(3, "trial_source")]
    other = ROW | trial | {"trial": "OTHER", "variable": "ES_BS"}
    assert faults(tmp_path, table(ROW | trial, other)) == [(3, "trial")]


def test_columns_are_named_when_missing_unknown_or_repeated(tmp_path: Path) -> None:
    assert faults(tmp_path, table(ROW).replace("doi,", "doj,")) == [(1, "doi"), (1, "doj")]
    assert faults(tmp_path, table(ROW).replace("pmid,", "doi,")) == [(1, "doi"), (1, "pmid")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty"),
        (b"\n , \n", "empty"),
        (table().encode(), "no rows"),
        (table(ROW).replace("Our clinic", "Klinik Gr\u00f6na").encode("latin-1"), "not UTF-8"),
        (table(ROW).replace(",", ";").encode(), "not separated by commas"),
        (table(ROW).encode() + b"a,b\n", "2 cells under 19 columns"),
        (b'"' + table(ROW).encode(), "not a CSV file"),
    ],
)
def test_a_file_that_is_no_table_says_why(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(tmp_path, content)


def test_spreadsheet_rows_count_blank_lines_and_line_breaks(tmp_path: Path) -> None:
    two_lines = ROW | {"note": "first\nsecond"}
    text = table(two_lines) + "\n" + table(ROW | {"value": "x"}).split("\n", 1)[1]
    assert faults(tmp_path, text) == [(4, "value")]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    assert read(tmp_path, b"\xef\xbb\xbf" + table(ROW).encode()).citation == "Our clinic"


def test_faults_of_all_files_come_together(tmp_path: Path) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text(table(ROW | {"role": "x"}), encoding="utf-8")
    two.write_text(table(ROW | {"unit": "x"}), encoding="utf-8")
    with pytest.raises(DataError) as caught:
        load_studies(OBSERVABLES, [one, two, tmp_path / "absent.csv"])
    assert [fault.file for fault in caught.value.faults] == ["one.csv", "two.csv", "absent.csv"]


def test_two_tables_of_one_name_are_refused(tmp_path: Path) -> None:
    read(tmp_path, table(ROW))
    with pytest.raises(DataError, match="two tables have this name"):
        load_studies(OBSERVABLES, [tmp_path / "clinic.csv", tmp_path / "clinic.csv"])


def test_the_example_of_the_guide_is_a_good_table(tmp_path: Path) -> None:
    guide = Path(bonecycle_data.__file__).parent / "README.md"
    match = re.search(r"```csv\n(.*?)```", guide.read_text(encoding="utf-8"), re.DOTALL)
    assert match is not None
    study = read(tmp_path, match[1])
    assert len(study.observations) == 5


# Letters, digits and what tends to break a table.
TEXT = st.text("ab19 .,;:%+-eE_*/\"'\n\r\t\0\u00b5\u2212", max_size=12)
CELLS = st.one_of(st.sampled_from(["", *ROW.values(), "equal", "-5", "%", "context"]), TEXT)


@settings(deadline=None)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(COLUMNS, CELLS)), max_size=4))
def test_random_tables_are_read_or_refused_as_data(rows: list[dict[str, str]]) -> None:
    assert_read_or_refused(table(*rows).encode("utf-8", "surrogatepass"))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(COLUMNS), CELLS), max_size=3))
def test_a_good_row_with_random_cells_is_read_or_refused_as_data(
    changes: list[tuple[str, str]],
) -> None:
    assert_read_or_refused(table(ROW | dict(changes)).encode("utf-8", "surrogatepass"))


@settings(deadline=None)
@given(st.binary())
def test_random_bytes_are_read_or_refused_as_data(content: bytes) -> None:
    assert_read_or_refused(content)
    assert_read_or_refused(table(ROW).encode() + content)


def assert_read_or_refused(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            assert read(Path(folder), content).observations
        except DataError as error:
            assert error.faults
