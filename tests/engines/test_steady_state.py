"""The untreated steady state: solved, checked, equal to the closed form, and at rest."""

from __future__ import annotations

from collections.abc import Callable

import libsbml
import numpy as np
import pytest

from bonecycle.biology.compose import Model
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.engines.steady_state import SteadyState, solve_steady_state
from bonecycle.errors import SimulationError

Load = Callable[..., RoadRunnerEngine]
Draw = Callable[..., np.ndarray]
TEN_YEARS = 3652.5
# Bone volume, alone or in a product, drifts by design: each cycle has a balance.
INTEGRALS = {"BV_rel", "BMD_rel"}


@pytest.fixture(scope="module")
def draws(model: Model, draw: Draw) -> np.ndarray:
    """Ten sets of parameters; every mechanism has a strength."""
    return draw(model.parameters, 10, 20260101, True)


@pytest.fixture(scope="module")
def solved(untreated: RoadRunnerEngine, draws: np.ndarray) -> list[tuple[np.ndarray, SteadyState]]:
    """(closed-form start, steady state) of every draw."""
    pairs = []
    for values in draws:
        untreated.start(values)
        start = untreated.states()[1].copy()
        pairs.append((start, solve_steady_state(untreated, values, "untreated")))
    return pairs


def moved(sbml: str) -> str:
    """The model started elsewhere: five hundredths of the surface are under osteoclasts."""
    document = libsbml.readSBMLFromString(sbml)
    for name, shift in (("quiescent", -0.05), ("resorption_entry", 0.05)):
        assignment = document.getModel().getInitialAssignmentBySymbol(name)
        formula = libsbml.formulaToL3String(assignment.getMath())
        assignment.setMath(libsbml.parseL3Formula(f"{formula} + {shift} dimensionless"))
    return str(libsbml.writeSBMLToString(document))


def test_it_is_a_steady_state(solved: list[tuple[np.ndarray, SteadyState]]) -> None:
    for _, state in solved:
        assert state.residual < 1e-10
        assert state.conserved_error < 1e-9
        surfaces = [v for n, v in zip(state.names, state.values, strict=True) if surface(n)]
        assert abs(sum(surfaces) - 1) < 1e-9
        assert min(surfaces) > 0


def surface(name: str) -> bool:
    return (
        name == "quiescent"
        or name.endswith("_entry")
        or "_stage_" in name
        or (name.startswith(("reversal_class_", "reversal_arrested_")))
    )


def test_it_equals_the_closed_form(solved: list[tuple[np.ndarray, SteadyState]]) -> None:
    for start, state in solved:
        np.testing.assert_allclose(state.values, start, rtol=1e-8)


def test_it_is_found_from_another_start(
    untreated: RoadRunnerEngine, model: Model, draws: np.ndarray
) -> None:
    names = untreated.parameters
    elsewhere = RoadRunnerEngine(moved(model.sbml), names, ())
    for values in draws[:3]:
        untreated.start(values)
        expected = untreated.states()[1].copy()
        elsewhere.start(values)
        species, start = elsewhere.states()
        assert np.abs(start - expected).max() > 0.049
        state = solve_steady_state(elsewhere, values, "moved")
        assert state.residual < 1e-10 and state.conserved_error < 1e-9
        kept = [i for i, name in enumerate(species) if name not in state.integrals]
        np.testing.assert_allclose(state.values[kept], expected[kept], rtol=1e-8)


def test_only_bone_volume_is_left_out(solved: list[tuple[np.ndarray, SteadyState]]) -> None:
    for _, state in solved:
        assert state.integrals == ("mineral_log_bone_volume",)


def test_drug_bookkeeping_is_left_out(full_model: Model) -> None:
    engine = RoadRunnerEngine(full_model.sbml, (), ())
    state = solve_steady_state(engine, np.zeros(0), "all drugs, none given")
    assert set(state.integrals) == {
        "mineral_log_bone_volume",
        *(f"{drug}_given" for drug in full_model.drugs),
        *(f"{d}_{end}" for d in ("alendronate", "zoledronate") for end in ("urine", "unabsorbed")),
        "denosumab_eliminated",
    }
    assert state.residual < 1e-10 and state.conserved_error < 1e-9


def test_nothing_moves_in_ten_untreated_years(
    untreated: RoadRunnerEngine, draws: np.ndarray
) -> None:
    batch = untreated.simulate(draws, [0, 1, 400, TEN_YEARS])
    assert batch.ok.all()
    still = [i for i, name in enumerate(untreated.outputs) if name not in INTEGRALS]
    assert len(still) == len(untreated.outputs) - 2
    for later in (1, 2, 3):
        np.testing.assert_allclose(
            batch.values[:, later, still], batch.values[:, 0, still], rtol=1e-8
        )


def test_bone_volume_follows_the_balance(untreated: RoadRunnerEngine, draws: np.ndarray) -> None:
    # At rest it grows or falls as exp((formation - resorption) * surface per volume * time).
    batch = untreated.simulate(draws, [0, TEN_YEARS])
    column = {name: batch.values[:, 0, i] for i, name in enumerate(untreated.outputs)}
    per_volume = draws[:, untreated.parameters.index("surface_per_volume")]
    expected = np.exp((column["BFR_BS"] - column["Rs_R"]) * per_volume * 10)
    for name in INTEGRALS:
        found = batch.values[:, 1, untreated.outputs.index(name)]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("arrest_residence", 1e5, "a state is negative"),
        ("arrest_residence", 0.0, "division by zero"),
        ("resorption_period", 0.0, "not finite"),
        ("canopy_coverage", 0.0, "not finite"),
    ],
)
def test_a_failure_says_where_and_what_to_do(
    load: Load, name: str, value: float, reason: str
) -> None:
    engine = load("untreated", (name, "untreated_births"))
    with pytest.raises(SimulationError, match=reason) as caught:
        solve_steady_state(engine, np.array([value, 2e-4]), "placebo of a trial")
    error = caught.value
    assert error.model == "cycle"
    assert error.parameters == {name: value, "untreated_births": 2e-4}
    assert "check that" in error.remedy
    assert f"{name}={value:.6g}" in str(error)


def test_the_arm_stands_in_the_message(load: Load) -> None:
    engine = load("untreated", ("arrest_residence", "untreated_births"))
    with pytest.raises(SimulationError, match="arm 'placebo of a trial'"):
        solve_steady_state(engine, np.array([1e5, 2e-4]), "placebo of a trial")
