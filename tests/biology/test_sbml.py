"""What the SBML says of itself: units, notes with sources, terms and identifiers."""

from __future__ import annotations

import libsbml
import pytest

from bonecycle.biology import catalogue
from bonecycle.biology.compose import Model, compose
from bonecycle.biology.sbml import check, finish, with_initial_assignments
from bonecycle.errors import ModelError


@pytest.fixture(scope="module")
def document(full_model: Model) -> libsbml.SBMLDocument:
    return libsbml.readSBMLFromString(full_model.sbml)


@pytest.fixture(scope="module")
def sbml(document: libsbml.SBMLDocument) -> libsbml.Model:
    return document.getModel()


def resources(element: libsbml.SBase) -> set[str]:
    terms = (element.getCVTerm(i) for i in range(element.getNumCVTerms()))
    return {t.getResourceURI(i) for t in terms for i in range(t.getNumResources())}


def test_it_is_level_3_version_2(document: libsbml.SBMLDocument) -> None:
    assert (document.getLevel(), document.getVersion()) == (3, 2)


def test_every_parameter_carries_its_row(full_model: Model, sbml: libsbml.Model) -> None:
    assert len(full_model.parameters) > 40
    for parameter in full_model.parameters.values():
        element = sbml.getParameter(parameter.id)
        assert element.getUnits() == catalogue.unit_id(parameter.unit), parameter.id
        assert element.getValue() == (0 if parameter.mechanism else parameter.value), parameter.id
        assert element.getName() == parameter.name
        note = libsbml.SyntaxChecker.hasExpectedXHTMLSyntax(element.getNotes())
        assert note, parameter.id
        text = element.getNotes().getChild(0).getChild(0).getCharacters()
        assert f"Status: {parameter.status}. Source: {parameter.source}" in text, parameter.id
        assert parameter.place in text and parameter.note in text


def test_every_parameter_of_the_tables_is_used(full_model: Model) -> None:
    of_drugs = {p.id for drug in full_model.drugs for p in catalogue.drugs()[drug].parameters}
    assert of_drugs <= set(full_model.parameters)
    used = set(full_model.parameters)
    for name in set(catalogue.models()) - {"cycle"}:
        used |= set(compose(name).parameters)
    assert used == of_drugs | set(catalogue.parameters())


def test_every_observable_is_a_rule_in_its_unit(sbml: libsbml.Model) -> None:
    for observable in catalogue.observables().values():
        rule = sbml.getRule(observable.id)
        assert rule is not None and rule.isAssignment(), observable.id
        element = sbml.getParameter(observable.id)
        assert element.getUnits() == catalogue.unit_id(observable.unit), observable.id
        assert element.getName() == observable.symbol
        assert observable.meaning in element.getNotesString().replace("&gt;", ">")


def test_units_have_the_size_of_the_table(sbml: libsbml.Model) -> None:
    for unit in catalogue.units().values():
        if unit.id in ("dimensionless", "litre"):
            continue  # SBML predefines them
        definition = sbml.getUnitDefinition(unit.id)
        factors = [definition.getUnit(i) for i in range(definition.getNumUnits())]
        found = [
            (libsbml.UnitKind_toString(f.getKind()), f.getExponent(), f.getMultiplier())
            for f in factors
        ]
        assert found == list(unit.factors)
    assert sbml.getTimeUnits() == "d"


def test_elements_have_sbo_terms(sbml: libsbml.Model) -> None:
    assert {s.getSBOTerm() for s in sbml.getListOfSpecies()} == {240}
    assert {r.getSBOTerm() for r in sbml.getListOfReactions()} == {375}
    assert {c.getSBOTerm() for c in sbml.getListOfCompartments()} == {290}
    assert sbml.getParameter("erosion_rate").getSBOTerm() == 9
    assert sbml.getParameter("onset_density").getSBOTerm() == 2


@pytest.mark.parametrize(
    ("element", "resource"),
    [
        ("bone_surface", "UBERON:0002483"),  # trabecular bone tissue
        ("resorption_entry", "CL:0000092"),  # osteoclast
        ("formation_entry", "CL:0000062"),  # osteoblast
        ("reversal_entry", "CL:0007010"),  # preosteoblast
        ("reversal_arrested_3", "CL:0007010"),
        ("serum_ctx", "uniprot:P02452"),  # collagen I, alpha 1
        ("serum_p1np", "uniprot:P02452"),
        ("serum_bsalp", "uniprot:P05186"),  # tissue-nonspecific alkaline phosphatase
    ],
)
def test_identifiers_survive_composition(sbml: libsbml.Model, element: str, resource: str) -> None:
    found = resources(sbml.getElementBySId(element))
    assert found == {f"https://identifiers.org/{resource}"}


def test_species_are_amounts_on_the_surface(sbml: libsbml.Model) -> None:
    for species in sbml.getListOfSpecies():
        assert species.getHasOnlySubstanceUnits()
        assert species.getSubstanceUnits() == "dimensionless"
        assert species.getCompartment() == "bone_surface"


def test_rates_name_every_species_they_use(sbml: libsbml.Model) -> None:
    # libsbml's check would find an undeclared one; a species listed twice it would not.
    for reaction in sbml.getListOfReactions():
        lists = (
            reaction.getListOfReactants(),
            reaction.getListOfProducts(),
            reaction.getListOfModifiers(),
        )
        names = [reference.getSpecies() for group in lists for reference in group]
        assert len(names) == len(set(names)), reaction.getId()


def test_the_check_finds_a_wrong_unit(full_model: Model) -> None:
    document = libsbml.readSBMLFromString(full_model.sbml)
    document.getModel().getParameter("erosion_rate").setUnits("per_d")
    assert check(str(libsbml.writeSBMLToString(document)))


def test_an_element_without_a_unit_is_refused(full_model: Model) -> None:
    with pytest.raises(ModelError, match=r"has no unit: add '.* has UNIT;'"):
        finish(full_model.sbml, "cycle", {}, full_model.parameters, {})


def test_a_formula_that_cannot_be_read_is_refused(full_model: Model) -> None:
    with pytest.raises(ModelError) as caught:
        with_initial_assignments(full_model.sbml, {"formation_period": "2 * (3"})
    assert caught.value.module == "formation_period"
