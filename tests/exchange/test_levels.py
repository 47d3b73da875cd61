"""The same model in three levels: clean for libsbml, the same curves, or a clear refusal."""

from __future__ import annotations

import libsbml
import numpy as np
import pytest
from tools.crosscheck import in_copasi

from bonecycle.biology import catalogue
from bonecycle.biology.dosing import Dosing
from bonecycle.biology.regimens import parse_regimen
from bonecycle.biology.sbml import check
from bonecycle.errors import ModelError, UsageError
from bonecycle.exchange.levels import Level, at_level, parse_level
from bonecycle.exchange.sbml_export import export_sbml

OBSERVABLES = tuple(catalogue.observables())
WEEKLY = "alendronate 70 mg oral every 1 week for 26 weeks"
HALF_YEARLY = "denosumab 60 mg sc every 6 months for 2 years missing doses 2"
INFUSED = "zoledronate 5 mg iv over 15 minutes at 0 and 12 months"
LATER = "zoledronate 4 mg iv over 15 minutes every 1 month from 10 days for 6 months"
REGIMENS = ["untreated", WEEKLY, HALF_YEARLY, INFUSED, LATER]


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("regimen", REGIMENS)
def test_the_full_check_reports_nothing(exported, regimen: str, level: Level) -> None:
    text = exported(regimen, level)
    assert check(text) == []
    document = libsbml.readSBMLFromString(text)
    assert (document.getLevel(), document.getVersion()) == level.numbers


@pytest.mark.parametrize("regimen", [WEEKLY, HALF_YEARLY, INFUSED])
def test_the_levels_give_the_same_curves(exported, regimen: str) -> None:
    reference, _ = in_copasi(exported(regimen), OBSERVABLES, 800.0, 79)
    # A dose at time zero moves the markers within the first steps.
    assert np.ptp(reference[:, OBSERVABLES.index("CTX")]) > 0.1
    for level in (Level.L3V1, Level.L2V4):
        curves, _ = in_copasi(exported(regimen, level), OBSERVABLES, 800.0, 79)
        scale = np.maximum(np.abs(reference), 1e-6 * np.ptp(reference, axis=0))
        difference = np.abs(curves - reference) / np.where(scale > 0, scale, 1.0)
        assert difference.max() < 1e-9, (level, OBSERVABLES[int(difference.max(axis=0).argmax())])


@pytest.mark.parametrize(
    ("regimen", "given"),
    [
        (WEEKLY, {"alendronate_oral": 70.0, "alendronate_given": 70.0, "treatment_1_doses": 1.0}),
        (INFUSED, {"zoledronate_iv_rate": 480.0}),
        (LATER, {}),
    ],
)
def test_a_dose_at_time_zero_is_an_initial_value_in_level_2(
    exported, regimen: str, given: dict[str, float]
) -> None:
    model = libsbml.readSBMLFromString(exported(regimen, Level.L2V4)).getModel()
    changed = {
        assignment.getVariable()
        for event in model.getListOfEvents()
        for assignment in event.getListOfEventAssignments()
    }
    found = {}
    for name in changed:
        assignment = model.getInitialAssignmentBySymbol(name)
        if assignment is not None:
            found[name] = model.getParameter(assignment.getMath().getName()).getValue()
    assert found == given


CLASHES = [
    (
        "zoledronate 4 mg iv over 1 day at 0 days; zoledronate 5 mg iv over 2 days at 1 day",
        Dosing.EVENTS,
        "zoledronate at 1 day",
    ),
    (
        "alendronate 5 mg oral every 1 day for 730 days; "
        "alendronate 10 mg oral every 1 day from 730 days for 10 days",
        Dosing.AVERAGED,
        "alendronate at 730 days",
    ),
]


@pytest.mark.parametrize(("regimen", "dosing", "moment"), CLASHES)
def test_what_needs_a_priority_is_refused_in_level_2_by_its_moment(
    regimen: str, dosing: Dosing, moment: str
) -> None:
    assert check(export_sbml(regimen, level=Level.L3V1, dosing=dosing).sbml) == []
    with pytest.raises(UsageError, match=f"no event priorities.*{moment}"):
        export_sbml(regimen, level=Level.L2V4, dosing=dosing)


def test_one_infusion_that_passes_into_the_next_needs_no_priority() -> None:
    regimen = "zoledronate 5 mg iv over 30 days every 30 days for 90 days"
    assert check(export_sbml(regimen, level=Level.L2V4).sbml) == []


def test_what_a_level_cannot_say_stops_the_export(exported) -> None:
    document = libsbml.readSBMLFromString(exported())
    rule = document.getModel().getRule("CTX")
    rule.setMath(libsbml.parseL3Formula("max(serum_ctx, 0 dimensionless)"))
    text = str(libsbml.writeSBMLToString(document))
    untreated = parse_regimen("untreated")
    assert check(text) == []
    for level in (Level.L3V1, Level.L2V4):
        with pytest.raises(ModelError, match="'CTX' uses L3V2 math"):
            at_level(text, level, untreated)


@pytest.mark.parametrize("formula", ["2 * CTX", "no_such", "2 mg / 3 dimensionless"])
def test_what_cannot_be_worked_out_at_time_zero_is_refused_in_level_2(exported, formula) -> None:
    document = libsbml.readSBMLFromString(exported(WEEKLY))
    event = document.getModel().getEvent(0)
    event.getEventAssignment(0).setMath(libsbml.parseL3Formula(formula))
    text = str(libsbml.writeSBMLToString(document))
    with pytest.raises(UsageError, match=f"at Level 2 what '{event.getId()}' does at time zero"):
        at_level(text, Level.L2V4, parse_regimen(WEEKLY, catalogue.routes()))


def test_levels_by_name() -> None:
    assert parse_level("l2v4") is Level.L2V4
    with pytest.raises(UsageError, match="Unknown SBML level 'L9V1'"):
        parse_level("L9V1")
