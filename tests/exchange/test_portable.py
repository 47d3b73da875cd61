"""A changed parameter moves the start with it, and a second run gives its doses again."""

from __future__ import annotations

import basico
import libsbml
import numpy as np
import pytest
import roadrunner

from bonecycle.analysis.simulation import dosed_model
from bonecycle.biology import catalogue
from bonecycle.biology.sbml import check
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.exchange.portable import changed_by_events

OBSERVABLES = list(catalogue.observables())
# Of every part of the cycle: births, periods, reversal, formation, mineral, canopy.
CHANGED = {
    "untreated_births": 1.5,
    "resorption_period": 1.5,
    "recruitment_rate": 1.3,
    "arrest_residence": 0.7,
    "wall_thickness_new": 0.8,
    "mineral_apposition_rate": 1.2,
    "young_period": 2.0,
    "canopy_coverage": 0.9,
    "matrix_front_loading": 1.4,
}
# Pure integrals of the difference of formation and resorption move where the two differ.
INTEGRALS = {"BV_rel", "BMD_rel"}
STEADY = [name for name in OBSERVABLES if name not in INTEGRALS]
INFUSED = "zoledronate 5 mg iv over 15 minutes every 12 months for 3 years"


def drift(curves: np.ndarray) -> float:
    """Largest change from the start, relative to the start or, where that is zero, absolute."""
    start = np.where(curves[0] == 0, 1.0, np.abs(curves[0]))
    return float((np.abs(curves - curves[0]) / start).max())


def test_nothing_is_worked_out_once_and_for_all(exported) -> None:
    model = libsbml.readSBMLFromString(exported(INFUSED)).getModel()
    for assignment in model.getListOfInitialAssignments():
        parameter = model.getParameter(assignment.getSymbol())
        assert parameter is None or not parameter.getConstant(), assignment.getSymbol()
    changed = changed_by_events(model)
    assert "zoledronate_iv_rate" in changed
    assert all(model.getRateRule(name) is not None for name in changed)
    assert check(exported(INFUSED)) == []


def test_copasi_starts_at_the_steady_state_of_changed_parameters(exported, tmp_path) -> None:
    path = tmp_path / "cycle.xml"
    path.write_text(exported(), encoding="utf-8")
    model = basico.load_model(str(path))
    names = basico.get_parameters(model=model).reset_index().set_index("sbml_id")["name"]
    starts = []
    try:
        for factors in ({}, CHANGED):
            for name, factor in factors.items():
                value = basico.get_parameters(names[name], exact=True, model=model).initial_value
                basico.set_parameters(
                    names[name],
                    exact=True,
                    initial_value=float(value.iloc[0]) * factor,
                    model=model,
                )
            frame = basico.run_time_course(
                duration=3650, intervals=10, use_sbml_id=True, r_tol=1e-10, a_tol=1e-14, model=model
            )
            curves = frame[STEADY].to_numpy()
            assert drift(curves) < 1e-9
            starts.append(curves[0])
    finally:
        basico.remove_datamodel(model)
    assert (np.abs(starts[1] / starts[0] - 1) > 0.05).mean() > 0.5


def bare(sbml: str) -> roadrunner.RoadRunner:
    simulator = roadrunner.RoadRunner(sbml)
    simulator.integrator.relative_tolerance = 1e-10
    simulator.integrator.absolute_tolerance = 1e-14
    simulator.integrator.maximum_num_steps = 100_000
    simulator.timeCourseSelections = STEADY
    return simulator


def test_libroadrunner_starts_at_the_steady_state_of_changed_parameters(exported) -> None:
    simulator = bare(exported())
    before = np.array(simulator.simulate(0, 3650, 11))
    assert drift(before) < 1e-9
    for name, factor in CHANGED.items():
        simulator.setValue(name, simulator.getValue(name) * factor)
    simulator.reset()
    after = np.array(simulator.simulate(0, 3650, 11))
    assert drift(after) < 1e-9
    assert (np.abs(after[0] / before[0] - 1) > 0.05).mean() > 0.5


@pytest.mark.slow
def test_our_own_engine_reads_it_back(exported) -> None:
    times = [0.0, 100.0, 400.0, 1100.0]
    curves = []
    for text in (dosed_model(INFUSED), exported(INFUSED)):
        engine = RoadRunnerEngine(text, ("resorption_period",), OBSERVABLES, arm=INFUSED)
        batch = engine.simulate(np.array([[8.0], [12.0], [8.0]]), times)
        assert batch.ok.all(), batch.messages
        curves.append(batch.values)
    np.testing.assert_allclose(curves[1], curves[0], rtol=1e-6, atol=1e-9)


@pytest.mark.slow
def test_libroadrunner_gives_the_doses_again_after_a_reset(exported) -> None:
    simulator = bare(exported(INFUSED))
    simulator.timeCourseSelections = ["zoledronate_given", *STEADY]
    first = np.array(simulator.simulate(0, 1461, 50))
    simulator.reset()
    second = np.array(simulator.simulate(0, 1461, 50))
    np.testing.assert_allclose(second, first, rtol=1e-9)
    assert first[-1, 0] == pytest.approx(15.0, rel=1e-8)
