"""Antimony modules wired by the names of their ports into one model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import libsbml
import pytest

from bonecycle.biology import catalogue
from bonecycle.biology.compose import Build, Model, compose
from bonecycle.biology.sbml import check
from bonecycle.errors import ModelError, UsageError

Add = Callable[[str, str], None]


@pytest.fixture
def add(monkeypatch: pytest.MonkeyPatch) -> Add:
    """Put one more text into the folder of mechanisms, for one test."""
    sources = catalogue.module_sources

    def put(name: str, text: str) -> None:
        def extended(folder: str) -> dict[str, str]:
            more = {name: text} if folder == "mechanisms" else {}
            return sources(folder) | more

        monkeypatch.setattr(catalogue, "module_sources", extended)

    return put


def fresh(drugs: tuple[str, ...] = ()) -> Model:
    """Compose as a new process does."""
    return compose.__wrapped__("cycle", drugs)


def rules(model: Model) -> dict[str, str]:
    document = libsbml.readSBMLFromString(model.sbml)
    found = document.getModel().getListOfRules()
    return {r.getVariable(): str(libsbml.formulaToL3String(r.getMath())) for r in found}


def test_libsbml_has_nothing_to_report(model: Model, full_model: Model) -> None:
    assert check(model.sbml) == []
    assert check(full_model.sbml) == []
    for drug in catalogue.drugs():
        assert check(compose("cycle", (drug,)).sbml) == []


@pytest.mark.parametrize(
    ("build", "species"),
    [
        (Build(activation=1, resorption=1, reversal=4, lag=1, mineralizing=1, terminal=1), 14),
        (Build(activation=3, resorption=2, reversal=5, lag=2, mineralizing=3, terminal=4), 25),
    ],
)
def test_other_chain_lengths_compose(build: Build, species: int) -> None:
    model = compose("cycle", (), build)
    assert check(model.sbml) == []
    # One species for every stage, two for every density class, one for quiescent surface.
    document = libsbml.readSBMLFromString(model.sbml)
    assert document.getModel().getNumSpecies() == species
    assert model.build == build


@pytest.mark.parametrize("short", [{"reversal": 3}, {"resorption": 0}, {"terminal": 0}])
def test_chains_too_short_are_refused(short: dict[str, int]) -> None:
    with pytest.raises(UsageError, match="Chain lengths"):
        Build(**short)


def test_composition_is_repeatable(model: Model, no_records: Path) -> None:
    assert fresh() == model
    (kept,) = (no_records / "models").iterdir()
    assert fresh() == model and list((no_records / "models").iterdir()) == [kept]
    assert compose("cycle", (), Build(reversal=4)).hash != model.hash


def test_an_unknown_drug_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"Unknown drug 'zoledronat'\. Did you mean 'zoledronate'"):
        compose("cycle", ("zoledronat",))


def test_an_unknown_model_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match=r"Unknown model 'cycel'\. Did you mean 'cycle'"):
        compose("cycel")


@pytest.mark.parametrize(
    ("text", "place", "reason"),
    [
        ("model novel(nowhere)\n x := nowhere;\n x has per_d;\nend", "ports", "nowhere.*novel"),
        (
            "model novel(osteoid_surface)\n osteoid_surface := 1;\nend",
            "ports",
            r"more than one.*osteoid_surface \(formation, novel\)",
        ),
        ("model novel(loss_rate)\n loss_rate = 2;\nend", "parameters.csv", r"loss_rate \(novel"),
        ("model novel(loss_rate)\n x := 1;\n x has furlong;\nend", "novel.ant", "lacks: furlong"),
        ("x := 1;", "novel.ant", "no line 'model"),
        ("model novel(loss_rate)\n x := {{ wrong }};\nend", "novel.ant", "wrong"),
        ("model novel(loss_rate)\n x := 2 * loss_rate;\nend", "cycle.xml", "novel_x has no unit"),
        (
            "model novel(loss_rate, onset_density)\n x := loss_rate + onset_density;\n"
            " x has per_d;\nend",
            "cycle.xml",
            "novel_x",
        ),
    ],
    ids=["undefined", "twice", "table", "unit", "header", "template", "no unit", "mixed units"],
)
def test_modules_that_do_not_fit_are_refused(add: Add, text: str, place: str, reason: str) -> None:
    add("novel", text)
    with pytest.raises(ModelError, match=f"(?s){reason}") as caught:
        fresh()
    assert caught.value.module == place


@pytest.mark.parametrize(
    "text",
    [
        "model novel(loss_rate)\n x := 2 * (loss_rate;\n x has per_d;\nend",
        "model novel(loss_rate)\n x = 2 * (loss_rate;\n x has per_d;\nend",
    ],
    ids=["rule", "initial value"],
)
def test_antimony_that_does_not_compile_names_the_module(add: Add, text: str) -> None:
    add("novel", text)
    with pytest.raises(ModelError, match="novel"):
        fresh()


def test_a_template_fault_gives_the_line(add: Add) -> None:
    add("novel", "model novel(loss_rate)\n\n//% for i in\nend")
    with pytest.raises(ModelError) as caught:
        fresh()
    assert (caught.value.module, caught.value.line) == ("novel.ant", 3)


def test_a_mechanism_joins_by_its_text_alone(model: Model, add: Add) -> None:
    before = rules(model)
    assert before["arrest_residence_drive"] == "arrest_residence_drive__drug"
    add(
        "novel",
        "model novel(resorption_relative, arrest_residence_drive__novel)\n"
        "  arrest_residence_drive__novel := 2 - resorption_relative;\nend",
    )
    longer = fresh()
    assert check(longer.sbml) == []
    after = rules(longer)
    product = after.pop("arrest_residence_drive").split(" * ")
    assert sorted(product) == ["arrest_residence_drive__drug", "arrest_residence_drive__novel"]
    assert after.pop("arrest_residence_drive__novel") == "2 dimensionless - resorption_relative"
    del before["arrest_residence_drive"]
    assert after == before
    assert dict(longer.parameters) == dict(model.parameters)


def test_private_names_of_two_modules_do_not_meet(add: Add) -> None:
    add(
        "novel",
        "model novel(loss_rate, formation_period)\n"
        "  matrix_period := 2 / loss_rate;\n  matrix_period has d;\nend",
    )
    document = libsbml.readSBMLFromString(fresh().sbml)
    assert document.getModel().getParameter("novel_matrix_period") is not None
    assert document.getModel().getParameter("formation_matrix_period") is not None


def test_drugs_of_one_class_multiply_their_escapes(full_model: Model, model: Model) -> None:
    parts = rules(full_model)["bisphosphonate_escape"].split(" * ")
    assert sorted(parts) == [
        "bisphosphonate_escape__alendronate",
        "bisphosphonate_escape__zoledronate",
    ]
    # Without a drug of the class nothing is inhibited.
    document = libsbml.readSBMLFromString(model.sbml)
    assert document.getModel().getRule("bisphosphonate_escape") is None
    assert document.getModel().getParameter("bisphosphonate_escape").getValue() == 1


def test_dosing_ports_follow_the_drug_module(full_model: Model) -> None:
    assert set(full_model.dosing_ports) == {
        ("alendronate", "oral"),
        ("alendronate", "iv"),
        ("zoledronate", "oral"),
        ("zoledronate", "iv"),
        ("denosumab", "sc"),
    }
