"""Perturbations of the route: the table, the direction of every row, the shares of draws."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from bonecycle.analysis.perturbations import (
    BY_CONSTRUCTION,
    Outcome,
    perturbation_table,
    prior_values,
    run_perturbations,
)
from bonecycle.biology import perturbations as tables
from bonecycle.biology.perturbations import Direction, perturbations
from bonecycle.biology.tables import read_rows
from bonecycle.engines.choice import EngineName
from bonecycle.errors import DataError

# Rows that the centre of the priors does not obey: predictions, told in docs/model/route.md.
MISSED = {"integrin_number", "long_bp_number"}
ROUTE = tuple(row.id for row in perturbations().values() if row.model == "route")


def outcome(name: str, ratios: list[float], obeyed: list[bool]) -> Outcome:
    return Outcome(perturbations()[name], np.array(ratios), np.array(obeyed))


def test_every_row_of_the_issue_is_there() -> None:
    text = " ".join(f"{row.title} {row.regimen}" for row in perturbations().values())
    for word in (
        *("No M-CSF", "One dose of M-CSF", "No RANKL", "OPG", "Cathepsin K", "One transfer"),
        *("Alpha-v beta-3", "MMPs", "Circulation blocked", "Alendronate three years"),
        *("Zoledronate", "Prednisolone", "Tumour collagen"),
    ):
        assert word in text, word
    for row in perturbations().values():
        assert row.source and (row.place or row.source == "none"), row.id
        assert row.source != "none" or row.status == "assumed", row.id


def test_faults_of_the_table_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    good = next(iter(read_rows(tables.files("bonecycle_data") / "perturbations.csv")))
    bad = [
        good,
        good | {"id": "a", "model": "rote"},
        good | {"id": "b", "observable": "ES_BS", "direction": "up"},
        good | {"id": "c", "against": "nothing", "changes": "mcsf_supply"},
        good,
    ]
    stream = io.StringIO()
    writer = csv.DictWriter(stream, fieldnames=list(good))
    writer.writeheader()
    writer.writerows(bad)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue())))
    monkeypatch.setattr(tables, "read_rows", lambda _path: rows)
    with pytest.raises(DataError) as caught:
        perturbations.__wrapped__()
    found = {(fault.row, fault.column) for fault in caught.value.faults}
    assert found == {
        *((3, column) for column in ("model",)),
        *((4, column) for column in ("observable", "direction")),
        *((5, column) for column in ("against", "changes")),
        (6, "id"),
    }


def test_the_table_tells_predictions_from_construction() -> None:
    values = {"osteoclast_life": np.array([10.0] * 50 + [40.0] * 50) * np.linspace(1, 1.1, 100)}
    split = [False] * 50 + [True] * 50
    rows = [
        outcome("integrin_number", [0.5] * 50 + [2.0] * 50, split),
        outcome("no_rankl", [0.0] * 100, [True] * 100),
        outcome("opg_excess", [np.nan] * 50 + [0.5] * 50, split),
    ]
    table = perturbation_table(rows, rows[:1], values)
    assert table["prior_share"].tolist() == [0.5, 1.0, 1.0]
    assert table["verdict"].tolist() == ["a prediction", BY_CONSTRUCTION, BY_CONSTRUCTION]
    assert table["reversing"].tolist() == ["osteoclast_life low", "", ""]
    assert table["draws"].tolist() == [100, 100, 50]
    assert table["posterior_share"][0] == 0.5 and np.isnan(table["posterior_share"][1])


@pytest.fixture(scope="module")
def centre() -> dict[str, np.ndarray]:
    from bonecycle.biology import catalogue
    from bonecycle.biology.compose import compose

    known = compose("coupled", tuple(catalogue.drugs())).parameters
    return {p.id: np.array([p.value]) for p in known.values() if p.scale}


@pytest.mark.slow
def test_the_centre_of_the_priors_obeys_all_rows_but_those_named(
    centre: dict[str, np.ndarray],
) -> None:
    # CVODE fails where M-CSF comes back after a year at zero: those rows run in the kernel.
    later = [name for name in ROUTE if perturbations()[name].later]
    at_once = [name for name in ROUTE if name not in later]
    found = run_perturbations(centre, rows=at_once, engine=EngineName.ROADRUNNER)
    found += run_perturbations(centre, rows=later, engine=EngineName.KERNEL)
    assert all(one.simulated.all() for one in found)
    assert {one.row.id for one in found if not one.obeyed[0]} == MISSED & set(ROUTE)
    # Random fusion makes osteoclasts in the marrow of everyone; fusion by maturity does not.
    for alike, obeyed in ((0.0, True), (1.0, False)):
        (one,) = run_perturbations(
            centre,
            switches={"fusion_alike": alike},
            rows=["no_marrow_osteoclasts"],
            engine=EngineName.ROADRUNNER,
        )
        assert one.obeyed[0] == obeyed and one.row.direction is Direction.ABSENT


@pytest.mark.slow
def test_laden_osteoclasts_are_more_and_plain_coupling_does_not_make_them(
    centre: dict[str, np.ndarray],
) -> None:
    rows = ("long_bp_giants", "long_bp_number", "laden_giants", "laden_number", "laden_resorption")
    found = run_perturbations(centre, rows=rows, engine=EngineName.ROADRUNNER)
    assert {one.row.id for one in found if not one.obeyed[0]} == MISSED - set(ROUTE)


def test_draws_are_those_of_the_priors_unless_fitted() -> None:
    plain = prior_values(50, 3)
    mixed = prior_values(50, 3, {"fusion_gain": np.ones(50)})
    assert (mixed["fusion_gain"] == 1).all() and plain["fusion_gain"].std() > 0
    np.testing.assert_array_equal(plain["osteoclast_life"], mixed["osteoclast_life"])
