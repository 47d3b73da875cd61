"""The cycle driven by the route: untouched at rest, moved by what moves the osteoclasts."""

from __future__ import annotations

import time
from collections.abc import Callable

import libsbml
import numpy as np
import pytest

from bonecycle.biology import catalogue
from bonecycle.biology.compose import Build, compose
from bonecycle.biology.dosing import Dosing, with_regimen
from bonecycle.biology.regimens import parse_regimen
from bonecycle.engines.roadrunner import RoadRunnerEngine

Draw = Callable[..., np.ndarray]
SHORT = Build(nuclei=5)
SEEN = tuple(catalogue.observables())
CELLS = ("N_Oc", "Nc_Oc", "Oc_giant", "Oc_trench", "Fo_R")


def engine_of(
    model: str, names: tuple[str, ...], regimen: str = "", drug: str = ""
) -> RoadRunnerEngine:
    composed = compose(model, (drug,) if drug else (), SHORT)
    if regimen:
        composed = with_regimen(composed, parse_regimen(regimen), Dosing.AVERAGED)
    more = CELLS if model == "coupled" else ()
    drugs = (f"{drug}_osteoclasts",) if drug and drug != "denosumab" else ()
    return RoadRunnerEngine(composed.sbml, names, (*SEEN, *more, *drugs), model)


def test_at_rest_the_cycle_is_untouched(draw: Draw) -> None:
    """Ten years without a drug: the baseline of the cycle, relative to its untreated values."""
    parameters = {
        name: p
        for name, p in compose("coupled", (), SHORT).parameters.items()
        if name in compose("cycle").parameters
    }
    # Some draws leave no quiescent surface; those that do are the cycle's own matter.
    rows = draw(parameters, 4, 5, False)
    rows[0] = [0.0 if p.mechanism else p.value for p in parameters.values() if p.scale]
    names = tuple(name for name, p in parameters.items() if p.scale)
    times = [0.0, 10.0, 365.25, 3652.5]
    plain = engine_of("cycle", names).simulate(rows, times)
    coupled = engine_of("coupled", names).simulate(rows, times)
    np.testing.assert_array_equal(plain.ok, coupled.ok)
    assert plain.ok[0] and plain.ok.sum() > 1
    for place, name in enumerate(SEEN):
        # Bone volume is no rest of the cycle: its course is compared.
        before = plain.values[plain.ok, :, place]
        after = coupled.values[plain.ok, :, place]
        assert (np.abs(after - before) <= 1e-6 * np.abs(before[:, :1])).all(), name


def test_the_coupled_model_is_one_flat_file() -> None:
    model = libsbml.readSBMLFromString(compose("coupled").sbml).getModel()
    assert model.getPlugin("comp") is None
    for name in (*SEEN, *CELLS):
        assert model.getElementBySId(name) is not None, name


def courses(regimen: str, drug: str, changed: dict[str, float]) -> dict[str, np.ndarray]:
    engine = engine_of("coupled", tuple(changed), regimen, drug)
    batch = engine.simulate(np.array([list(changed.values())]), [0.0, 30.0, 365.25, 1095.0])
    assert batch.ok.all(), batch.messages
    return dict(zip(engine.outputs, batch.values[0].T, strict=True))


def test_fewer_founders_give_birth_to_fewer_sites() -> None:
    run = courses("", "", {"rankl_supply": 0.2})
    assert run["Fo_R"][-1] < 0.7 * run["Fo_R"][0]
    np.testing.assert_allclose(
        run["birth_rate"][-1] / run["birth_rate"][0] * run["Q_S_BS"][0] / run["Q_S_BS"][-1],
        run["Fo_R"][-1] / run["Fo_R"][0],
        rtol=1e-3,
    )
    assert run["CTX"][-1] < 0.8


def test_modes_set_erosion_and_not_births() -> None:
    run = courses("", "", {"cathepsin_k_activity": 0.0})
    assert run["Oc_trench"][-1] < 0.1
    assert run["E_De"][-1] < 0.9 * run["E_De"][0]
    np.testing.assert_allclose(run["Fo_R"], run["Fo_R"][0], rtol=1e-6)


@pytest.mark.slow
def test_bisphosphonate_makes_giants_and_laden_ones_more() -> None:
    regimen = "alendronate 70 mg oral every 1 week for 3 years"
    plain = courses(regimen, "alendronate", {"osteoclast_prolongation": 0.0})
    laden = courses(regimen, "alendronate", {"osteoclast_prolongation": 3.0})
    assert plain["Nc_Oc"][-1] > 1.02 * plain["Nc_Oc"][0]
    assert laden["N_Oc"][-1] > laden["N_Oc"][0] > plain["N_Oc"][-1]
    assert laden["Nc_Oc"][-1] > 1.1 * plain["Nc_Oc"][-1]
    assert laden["Rs_P"][-1] > 1.5 * plain["Rs_P"][-1]
    # Slow osteoclasts take up less of the drug.
    assert laden["alendronate_osteoclasts"][-1] != plain["alendronate_osteoclasts"][-1]


@pytest.mark.slow
def test_denosumab_reaches_the_route_through_rankl() -> None:
    run = courses("denosumab 60 mg sc every 6 months for 3 years", "denosumab", {"rankl_half": 5e3})
    assert run["Fo_R"][1] < 0.5 * run["Fo_R"][0]
    assert run["N_Oc"][1] < 0.3 * run["N_Oc"][0]
    assert run["Nc_Oc"][1] < run["Nc_Oc"][0]


@pytest.mark.slow
def test_ten_years_in_the_kernel_take_less_than_half_a_second() -> None:
    from bonecycle.engines.kernel.engine import KernelEngine

    model = compose("coupled", ("alendronate",))
    plan = parse_regimen("alendronate 70 mg oral every 1 week for 10 years")
    dosed = with_regimen(model, plan, Dosing.EVENTS)
    engine = KernelEngine(dosed.sbml, ("rankl_half",), (*SEEN, *CELLS), "coupled", "alendronate")
    row = np.array([[model.parameters["rankl_half"].value]])
    spent = []
    for _ in range(5):
        start = time.process_time()
        assert engine.simulate(row, [0.0, 3652.5]).ok.all()
        spent.append(time.process_time() - start)
    # The first one compiles.
    assert min(spent) < 0.5
