"""Regimens from a table: read as their text would be, refused with every fault at once."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from bonecycle.biology.regimens import Regimen, parse_regimen
from bonecycle.errors import DataError
from bonecycle.studies.regimen_table import COLUMNS, OPTIONAL, read_regimens

HEADER = "regimen,drug,dose,route,interval,start,stop,dates,infusion,missed,adherence,seed\n"


def read(folder: Path, rows: str, header: str = HEADER) -> dict[str, Regimen]:
    path = folder / "own.csv"
    path.write_text(header + rows, encoding="utf-8")
    return read_regimens(path)


def faults(folder: Path, rows: str, header: str = HEADER) -> list[tuple[int, str]]:
    with pytest.raises(DataError) as caught:
        read(folder, rows, header)
    assert all(fault.file == "own.csv" and fault.remedy for fault in caught.value.faults)
    return [(fault.row, fault.column) for fault in caught.value.faults]


def test_a_table_says_what_its_text_says(tmp_path: Path) -> None:
    table = read(
        tmp_path,
        'switch,alendronate,70 mg,oral,1 week,,12 months,,,"3, 7-10",80 %,4\n'
        "switch,denosumab,60 mg,sc,6 months,12 months,24 months,,,,,\n"
        'iv,zoledronate,5 mg,iv,,,,"0, 6 and 18 months",15 minutes,,,\n',
    )
    assert table == {
        "switch": parse_regimen(
            "alendronate 70 mg oral every 1 week for 12 months missing doses 3, 7-10 "
            "taking 80 % (seed 4); denosumab 60 mg sc every 6 months from 12 months for 12 months"
        ),
        "iv": parse_regimen("zoledronate 5 mg iv over 15 minutes at 0, 6 and 18 months"),
    }


def test_the_table_of_the_schema_can_be_read(tmp_path: Path) -> None:
    schema = (files("bonecycle_data") / "README.md").read_text(encoding="utf-8")
    table = schema.partition("### A table of regimens")[2].split("```csv\n")[1].split("```")[0]
    header, rows = table.split("\n", 1)
    assert list(read(tmp_path, rows, f"{header}\n")) == ["switch", "infusions"]
    assert set(header.split(",")) == {*COLUMNS, *OPTIONAL}


def test_columns_without_use_may_be_left_out(tmp_path: Path) -> None:
    header = "regimen,drug,dose,route,interval,stop\n"
    table = read(tmp_path, "a,denosumab,60 mg,sc,6 months,1 year\n", header)
    assert table == {"a": parse_regimen("denosumab 60 mg sc every 6 months for 1 year")}


def test_case_does_not_matter(tmp_path: Path) -> None:
    header = "Regimen,DRUG,dose,Route,Interval,stop\n"
    table = read(tmp_path, "a,Denosumab,60 mg,SC,6 months,1 year\n", header)
    assert table == {"a": parse_regimen("denosumab 60 mg sc every 6 months for 1 year")}


def test_all_faults_are_reported_with_row_and_column(tmp_path: Path) -> None:
    found = faults(
        tmp_path,
        "a,alendronate,70,oral,1 week,,1 year,,,,,\n"  # no unit
        "b,alendronat,70 mg,oral,1 week,,1 year,,,,,\n"  # unknown drug
        "c,denosumab,60 mg,nasal,6 months,,1 year,,,,,\n"  # unknown route
        "d,denosumab,60 mg,oral,6 months,,1 year,,,,,\n"  # a route that the drug does not have
        "e,alendronate,70 mg,oral,1 week,2 years,1 year,,,,,\n"  # a stop before the start
        "f,alendronate,70 mg,oral,0 weeks,,1 year,,,,,\n"  # no interval
        "g,alendronate,70 mg,oral,1 week,,1 year,,,,,\n"
        "g,alendronate,10 mg,oral,1 day,6 months,2 years,,,,,\n"  # overlaps the row before
        "h,zoledronate,5 mg,iv,1 day,,1 year,,2 days,,,\n"  # a longer infusion
        "i,zoledronate,5 mg,iv,1 year,,3 years,0 days,,4,0 %,x\n"
        ",,-5 mg,iv,,,,0 days,,2,,\n"
        "j,alendronate,70 mg,oral,1 week,,1 year,,,10-7,,\n"  # a range that runs backwards
        "k,foo,5 xx,zz,0 apples,,-3 years,,,,,\n",
    )
    assert found == [
        (2, "dose"),
        (3, "drug"),
        (4, "route"),
        (5, "route"),
        (6, "stop"),
        (7, "interval"),
        (9, "start"),
        (10, "infusion"),
        (11, "interval"),
        (11, "stop"),
        (11, "adherence"),
        (11, "seed"),
        (12, "regimen"),
        (12, "drug"),
        (12, "dose"),
        (12, "missed"),
        (13, "missed"),
        (14, "drug"),
        (14, "dose"),
        (14, "route"),
        (14, "interval"),
        (14, "stop"),
    ]


def test_a_row_needs_a_schedule(tmp_path: Path) -> None:
    assert faults(tmp_path, "a,denosumab,60 mg,sc,,,,,,,,\n") == [(2, "interval"), (2, "stop")]


@pytest.mark.parametrize(
    ("header", "text"),
    [
        ("regimen,drug,route,interval,stop\n", "column 'dose' is missing"),
        (HEADER.replace("missed", "mised"), "Did you mean 'missed'"),
        (HEADER.replace("missed", "seed"), "stands there 2 times"),
        ("", "the file is empty"),
        (HEADER, "no rows"),
    ],
)
def test_a_header_that_is_wrong_is_named(tmp_path: Path, header: str, text: str) -> None:
    with pytest.raises(DataError, match=text):
        read(tmp_path, "", header)


def test_another_encoding_is_named(tmp_path: Path) -> None:
    path = tmp_path / "own.csv"
    path.write_bytes((HEADER + "a,alendronate,70 µg,oral,1 week,,1 year,,,,,\n").encode("latin-1"))
    with pytest.raises(DataError, match="not UTF-8"):
        read_regimens(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^none\.csv: No such file"):
        read_regimens(tmp_path / "none.csv")
    with pytest.raises(DataError, match=r"^\.: Is a directory"):
        read_regimens(Path())
