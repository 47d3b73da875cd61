"""A file whose untreated start is in numbers is the same model as the one in formulas."""

from __future__ import annotations

import libsbml
import pytest
from tools.crosscheck import compared, in_copasi, largest_difference

from bonecycle.analysis.simulation import dosed_model
from bonecycle.biology.dosing import Dosing
from bonecycle.exchange.baseline import Baseline
from bonecycle.exchange.levels import Level
from bonecycle.exchange.released import released_models
from bonecycle.exchange.sbml_export import export_sbml

REGIMEN = "zoledronate 5 mg iv every 3 months for 1 year"
CHANGED = {"site_factor": 0.8}


# Level 2 has no event at time zero: what the first dose changes, two variables, is assigned.
@pytest.mark.parametrize(("level", "left"), [("L3V2", 0), ("L3V1", 0), ("L2V4", 2)])
def test_no_initial_assignment_of_the_baseline_is_left(level: str, left: int) -> None:
    exported = export_sbml(
        REGIMEN, dosing=Dosing.EXPLICIT, baseline=Baseline.NUMBERS, level=Level(level)
    )
    model = libsbml.readSBMLFromString(exported.sbml).getModel()
    assert exported.baseline is Baseline.NUMBERS
    assert 'baseline="numbers"' in model.getAnnotationString()
    assert model.getNumInitialAssignments() == left
    assert model.getNumEvents() == 4


def test_curves_are_those_of_the_formulas() -> None:
    names = compared(dosed_model(REGIMEN))
    formulas, numbers = (
        in_copasi(export_sbml(REGIMEN, parameters=CHANGED, baseline=how).sbml, names, 730, 79)
        for how in Baseline
    )
    difference, variable = largest_difference(formulas[0], numbers[0], names)
    assert difference < 1e-6, variable


def test_models_that_cannot_be_written_out_say_so() -> None:
    said = {name for name, text in released_models().items() if 'baseline="numbers"' in text}
    assert said == {"route.xml", "coupled.xml"}
