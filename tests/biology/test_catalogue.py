"""Tables of parameters, units, observables and drugs, refused with every fault at once."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from bonecycle.biology import catalogue
from bonecycle.biology.tables import COLUMNS, Scale, read_parameters, read_rows
from bonecycle.errors import DataError, UsageError

UNITS = ("1", "d", "1/d")
GOOD = "alpha,Alpha,d,3,log,0.5,yes,,Someone 2001,Table 1,verified,"


def rows(*lines: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO("\n".join([",".join(COLUMNS), *lines]))))


def faults(*lines: str) -> set[tuple[int, str]]:
    with pytest.raises(DataError) as caught:
        read_parameters("table.csv", rows(*lines), UNITS)
    return {(fault.row, fault.column) for fault in caught.value.faults}


def test_a_good_row_is_converted() -> None:
    (parameter,) = read_parameters("table.csv", rows(GOOD), UNITS, prefix="drug_")
    assert parameter.id == "drug_alpha"
    assert (parameter.value, parameter.scale, parameter.prior_sd) == (3.0, Scale.LOG, 0.5)
    assert parameter.fitted


def test_all_faults_of_a_table_are_told_at_once() -> None:
    found = faults(
        "9lives,X,d,3,log,0.5,yes,,none,,assumed,",
        "b,X,fortnight,3,log,0.5,perhaps,,none,,assumed,",
        GOOD,
        "c,X,d,-3,log,0,no,,,,guessed,",
        "alpha,X,d,3,,,yes,,none,,assumed,",
        "e,X,1,1.5,logit,0.5,no,,none,,assumed,",
        "f,X,1,nan,cubic,0.5,no,,none,,assumed,",
        "g,X,1,1,,0.5,no,,none,,assumed,",
    )
    assert found == {
        (2, "id"),
        *((3, column) for column in ("unit", "fit")),
        *((5, column) for column in ("value", "prior_sd", "source", "status")),
        *((6, column) for column in ("id", "fit")),
        (7, "value"),
        *((8, column) for column in ("value", "scale")),
        (9, "prior_sd"),
    }


def test_a_fault_names_file_row_column_and_remedy() -> None:
    with pytest.raises(DataError, match=r"^table\.csv:2 \[unit\] .*'weeks'.* - use a unit of"):
        read_parameters("table.csv", rows(GOOD.replace(",d,", ",weeks,")), UNITS)


@pytest.mark.parametrize("table", [[], [{"id": "a", "unit": "d"}]])
def test_missing_columns_or_rows_are_refused(table: list[dict[str, str]]) -> None:
    with pytest.raises(DataError, match="use the columns id, name, unit"):
        read_parameters("table.csv", table, UNITS)


@pytest.mark.parametrize("heads", [0, 2])
def test_a_drug_file_has_exactly_one_head(tmp_path: Path, heads: int) -> None:
    head = "drug,somate,,,,,,,https://identifiers.org/CHEBI:1,,,"
    path = tmp_path / "somate.csv"
    path.write_text("\n".join([",".join(COLUMNS), *[head] * heads, GOOD]), encoding="utf-8")
    with pytest.raises(DataError, match=f"{heads} rows have the id 'drug'"):
        catalogue._read_drug(path, "bisphosphonate")


def test_a_drug_is_one_data_file(tmp_path: Path) -> None:
    head = "drug,somate,,,,,,,https://identifiers.org/CHEBI:1,,,A note"
    path = tmp_path / "any_name.csv"
    path.write_text("\n".join([",".join(COLUMNS), head, GOOD]), encoding="utf-8")
    drug = catalogue._read_drug(path, "bisphosphonate")
    assert (drug.name, drug.module, drug.note) == ("somate", "bisphosphonate", "A note")
    assert [parameter.id for parameter in drug.parameters] == ["somate_alpha"]


def test_units_are_found_as_people_write_them() -> None:
    assert catalogue.unit_id("um/d") == "um_per_d"
    with pytest.raises(UsageError, match=r"Unknown unit 'um/dd'\. Did you mean 'um/d'"):
        catalogue.unit_id("um/dd")


def test_every_unit_in_the_tables_is_defined() -> None:
    for observable in catalogue.observables().values():
        assert catalogue.unit_id(observable.unit) in catalogue.units()


def test_a_mechanism_frees_its_strengths_only() -> None:
    found = catalogue.mechanisms()
    assert found["H0"] == ()
    strengths = [name for names in found.values() for name in names]
    assert len(strengths) == len(set(strengths))
    marked = {p.id for p in catalogue.parameters().values() if p.mechanism}
    assert set(strengths) == marked
    assert all(catalogue.parameters()[name].fitted for name in strengths)


def test_no_row_of_the_parameter_table_is_dropped() -> None:
    names = {row["id"] for row in read_rows(catalogue._models() / "parameters.csv")}
    assert set(catalogue.parameters()) == names


def test_every_drug_fills_a_module_that_exists() -> None:
    modules = catalogue.module_sources("drugs")
    assert catalogue.drugs()
    for name, drug in catalogue.drugs().items():
        assert drug.module in modules
        assert all(parameter.id.startswith(f"{name}_") for parameter in drug.parameters)
