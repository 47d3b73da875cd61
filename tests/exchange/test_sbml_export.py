"""What an exported file says of itself, and that it is the model that was asked for."""

from __future__ import annotations

import libsbml
import pytest
from tools.crosscheck import check, compared, in_copasi, in_kernel, largest_difference
from tools.crosscheck_cases import ASKED, CASES

from bonecycle import __version__
from bonecycle.analysis.simulation import dosed_model
from bonecycle.biology.compose import compose
from bonecycle.errors import BonecycleError
from bonecycle.exchange.annotations import is_sealed
from bonecycle.exchange.sbml_export import export_sbml

WEEKLY = "alendronate 70 mg oral every 1 week for 26 weeks"


def resources(element: libsbml.SBase) -> set[str]:
    terms = (element.getCVTerm(i) for i in range(element.getNumCVTerms()))
    return {t.getResourceURI(i) for t in terms for i in range(t.getNumResources())}


def test_version_hash_licence_and_treatment_stand_in_the_file() -> None:
    exported = export_sbml(WEEKLY, mechanisms=("H1",), parameters={"site_factor": 0.8})
    model = libsbml.readSBMLFromString(exported.sbml).getModel()
    annotation = model.getAnnotationString()
    for fact in (
        f'version="{__version__}"',
        f'modelHash="{compose("cycle", ("alendronate",)).hash}"',
        'licence="https://spdx.org/licenses/Apache-2.0.html"',
        f'regimen="{exported.regimen}"',
        'mechanisms="H1"',
        'parameters="site_factor=0.8"',
    ):
        assert fact in annotation
    assert "Eriksen 1984" in model.getNotesString()
    assert model.getParameter("site_factor").getValue() == 0.8
    assert model.getParameter("osteogenic_share").getValue() > 0


def test_a_changed_file_is_found_out() -> None:
    text = export_sbml().sbml
    assert is_sealed(text)
    assert not is_sealed(text.replace('id="erosion_rate" name="E', 'id="erosion_rate" name="e'))
    assert not is_sealed("<sbml/>")


def test_model_and_reactions_carry_terms() -> None:
    model = libsbml.readSBMLFromString(export_sbml(drugs=("zoledronate",)).sbml).getModel()
    terms = "https://identifiers.org/"
    expected = {f"{terms}taxonomy:9606", f"{terms}GO:0046849", f"{terms}UBERON:0002483"}
    assert resources(model) == expected
    assert resources(model.getReaction("resorption_advance_1")) == {f"{terms}GO:0045453"}
    assert resources(model.getReaction("activation_birth")) == {f"{terms}GO:0046849"}
    assert resources(model.getParameter("zoledronate_iv")) == {f"{terms}CHEBI:46557"}
    assert resources(model.getSpecies("resorption_entry")) == {f"{terms}CL:0000092"}
    assert model.getSBOTermID() == "SBO:0000293"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"model": "kidney"}, "Unknown model 'kidney'"),
        ({"drugs": ("aspirin",)}, "Unknown drug 'aspirin'"),
        ({"regimen": "aspirin 1 mg oral at 0 days"}, "Unknown drug 'aspirin'"),
        ({"mechanisms": ("H9",)}, "Unknown mechanism 'H9'"),
        ({"parameters": {"births": 1.0}}, "Unknown parameter 'births'"),
    ],
)
def test_what_is_unknown_is_refused(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(BonecycleError, match=message):
        export_sbml(**arguments)


@pytest.mark.parametrize("case", [CASES[0], CASES[8]], ids=lambda case: case.name)
def test_copasi_and_the_kernel_agree_over_two_years(case) -> None:
    source = dosed_model(case.regimen, mechanisms=case.mechanisms)
    names = compared(source)
    ours, _ = in_kernel(source, names, 730.0, 79)
    copasi, _ = in_copasi(export_sbml(case.regimen).sbml, names, 730.0, 79)
    difference, variable = largest_difference(copasi[1:], ours[1:], names)
    assert difference < ASKED, variable


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_three_simulators_agree_over_ten_years(case) -> None:
    record = check(case)
    assert record["copasi"]["difference"] < ASKED, record["copasi"]["variable"]
    assert record["kernel"]["difference"] < ASKED, record["kernel"]["variable"]
