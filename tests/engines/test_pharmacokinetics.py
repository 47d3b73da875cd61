"""Drug courses against the same equations written again here and solved by SciPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing, with_regimen
from bonecycle.biology.regimens import parse_regimen
from bonecycle.engines.roadrunner import RoadRunnerEngine

Load = Callable[..., RoadRunnerEngine]
BISPHOSPHONATES = tuple(n for n, d in catalogue.drugs().items() if d.module == "bisphosphonate")


def drug_parameters(name: str) -> dict[str, float]:
    drug = catalogue.drugs()[name]
    return {p.id.removeprefix(f"{name}_"): p.value for p in drug.parameters}


def simulate(load: Load, regimen: str, times: np.ndarray, outputs: tuple[str, ...]) -> np.ndarray:
    batch = load(regimen, (), outputs).simulate(np.zeros((1, 0)), times.tolist())
    assert batch.ok.all(), batch.messages
    return batch.values[0]


def close(found: np.ndarray, expected: np.ndarray) -> None:
    """Within 1e-6, of the value where it matters and of its largest where it has vanished."""
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9 * np.abs(expected).max())


def test_denosumab_against_lsoda(load: Load) -> None:
    p = drug_parameters("denosumab")
    absorption = 1 / p["absorption_time"]

    def rates(_: float, y: np.ndarray) -> list[float]:
        depot, central, peripheral = y
        serum = central / p["central_volume"]
        linear = p["clearance"] * serum
        saturable = p["max_elimination"] * serum / (p["michaelis_concentration"] + serum)
        exchange = p["intercompartmental_clearance"] * (serum - peripheral / p["peripheral_volume"])
        into = p["bioavailability"] * absorption * depot
        return [-absorption * depot, into - linear - saturable - exchange, exchange]

    interval = 6 * 365.25 / 12
    within = np.array([0.0, 0.5, 3, 10, 28, 60, 100, 150, 182])
    state = np.zeros(3)
    expected = []
    for _ in range(3):
        state = state + np.array([60.0, 0, 0])
        run = solve_ivp(
            rates, (0, interval), state, "LSODA", t_eval=[*within, interval], rtol=1e-11, atol=1e-13
        )
        expected.append(run.y[:, :-1].T)
        state = run.y[:, -1]
    times = np.concatenate([within + i * interval for i in range(3)])
    outputs = ("denosumab_sc", "denosumab_central", "denosumab_peripheral", "denosumab_serum")
    found = simulate(load, "denosumab 60 mg sc every 6 months for 18 months", times, outputs)
    reference = np.vstack(expected)
    close(found[:, :3], reference)
    close(found[:, 3], reference[:, 1] / p["central_volume"])


POOLS = ("oral", "iv", "tissue", "deep", "surface", "osteoclasts", "buried", "urine", "unabsorbed")


def skeleton_matrix(drug: str) -> np.ndarray:
    """Rates between POOLS per day while the cycle stands at its untreated rate."""
    p = drug_parameters(drug)
    shared = catalogue.parameters()
    osteoclasts = 1 / shared["bisphosphonate_osteoclast_time"].value
    share = shared["bisphosphonate_plasma_share"].value
    cycle = RoadRunnerEngine(compose("cycle", (drug,)).sbml, (), (f"{drug}_volume_turnover",))
    turnover = float(cycle.simulate(np.zeros((1, 0)), [0.0]).values[0, 0, 0])
    plasma = p["plasma_volume"]
    flows = [
        ("oral", "iv", p["bioavailability"] / p["absorption_time"]),
        ("oral", "unabsorbed", (1 - p["bioavailability"]) / p["absorption_time"]),
        ("iv", "urine", p["renal_clearance"] / plasma),
        ("iv", "tissue", p["tissue_clearance"] / plasma),
        ("tissue", "iv", p["tissue_clearance"] / p["tissue_volume"]),
        ("iv", "deep", p["deep_clearance"] / plasma),
        ("deep", "iv", p["deep_clearance"] / p["deep_volume"]),
        ("iv", "surface", p["uptake_clearance"] / plasma),
        ("surface", "iv", 1 / p["desorption_time"]),
        ("surface", "osteoclasts", 1 / shared["bisphosphonate_resorption_time"].value),
        ("surface", "buried", 1 / shared["bisphosphonate_burial_time"].value),
        ("buried", "osteoclasts", turnover),
        ("osteoclasts", "iv", share * osteoclasts),
        ("osteoclasts", "surface", (1 - share) * osteoclasts),
    ]
    matrix = np.zeros((len(POOLS), len(POOLS)))
    for source, target, rate in flows:
        matrix[POOLS.index(target), POOLS.index(source)] += rate
        matrix[POOLS.index(source), POOLS.index(source)] -= rate
    return matrix


def without_effect(load: Load, drug: str, regimen: str, times: np.ndarray) -> np.ndarray:
    """The pools of a drug that does nothing, so that the cycle stays untreated."""
    outputs = tuple(f"{drug}_{pool}" for pool in POOLS)
    engine = load(regimen, ("bisphosphonate_max_inhibition",), outputs)
    batch = engine.simulate(np.zeros((1, 1)), times.tolist())
    assert batch.ok.all(), batch.messages
    return batch.values[0]


def test_zoledronate_against_the_matrix_exponential(load: Load) -> None:
    matrix = skeleton_matrix("zoledronate")
    times = np.array([0, 0.01, 0.1, 1, 30, 365, 365.25, 365.35, 400, 800, 1500])
    expected = np.zeros((len(times), len(POOLS)))
    for dose_time in (0, 365.25, 730.5):
        for row, time in zip(expected, times, strict=True):
            if time >= dose_time:
                row += expm(matrix * (time - dose_time))[:, POOLS.index("iv")] * 5.0
    regimen = "zoledronate 5 mg iv every 1 year for 3 years"
    close(without_effect(load, "zoledronate", regimen, times), expected)


def test_averaged_alendronate_against_its_closed_form(load: Load) -> None:
    # The last column is a constant source into the gut: 70 mg a week.
    size = len(POOLS)
    dosed = np.zeros((size + 1, size + 1))
    dosed[:size, :size] = skeleton_matrix("alendronate")
    free = dosed.copy()
    dosed[POOLS.index("oral"), size] = 10.0
    start = np.eye(size + 1)[:, size]
    times = np.array([0, 0.1, 1, 30, 400, 1095.75, 1096, 1500, 3000])
    stop = 1095.75
    at_stop = expm(dosed * stop) @ start
    expected = np.array(
        [expm(dosed * t) @ start if t <= stop else expm(free * (t - stop)) @ at_stop for t in times]
    )[:, :size]
    regimen = "alendronate 70 mg oral every 1 week for 3 years"
    found = without_effect(load, "alendronate", regimen, times)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("drug", BISPHOSPHONATES)
def test_a_higher_turnover_keeps_more(drug: str) -> None:
    """One dose leaves more urine where a year of denosumab has emptied the remodeled surface."""
    model = compose("cycle", (drug,))
    once = parse_regimen(f"{drug} 5 mg iv at 0 days")
    dosed = with_regimen(model, once, Dosing.EVENTS)
    outputs = (f"{drug}_urine",)
    engine = RoadRunnerEngine(dosed.sbml, ("bisphosphonate_max_inhibition",), outputs)
    usual = engine.simulate(np.zeros((1, 1)), [3.0]).values[0, 0, 0]
    both = compose("cycle", (drug, "denosumab"))
    text = (
        "denosumab 60 mg sc every 6 months for 18 months; "
        f"{drug} 5 mg iv every 1 year from 12 months for 1 month"
    )
    low = RoadRunnerEngine(
        with_regimen(both, parse_regimen(text), Dosing.EVENTS).sbml,
        ("bisphosphonate_max_inhibition",),
        outputs,
    ).simulate(np.zeros((1, 1)), [365.25 + 3.0])
    assert low.ok.all(), low.messages
    assert low.values[0, 0, 0] > 1.02 * usual


@pytest.mark.parametrize("dosing", [Dosing.EVENTS, Dosing.AVERAGED])
def test_daily_and_weekly_alendronate_do_the_same(load: Load, dosing: Dosing) -> None:
    """10 mg a day and 70 mg a week: ratios to untreated at months 12 and 24."""

    def course(text: str) -> np.ndarray:
        engine = load(text, (), ("CTX", "Ac_f", "ES_BS"), dosing)
        batch = engine.simulate(np.zeros((1, 0)), [0.0, 365.25, 730.5])
        assert batch.ok.all(), batch.messages
        return batch.values[0, 1:] / batch.values[0, 0]

    daily = course("alendronate 10 mg oral every 1 day for 2 years")
    weekly = course("alendronate 70 mg oral every 1 week for 2 years")
    np.testing.assert_allclose(weekly, daily, rtol=0.05)
    assert daily[:, 0].max() < 0.8  # CTX: the drug acts


def test_averaging_changes_little(load: Load) -> None:
    """Weekly doses one by one against their average, three years on."""
    text = "alendronate 70 mg oral every 1 week for 3 years"
    outputs = ("ES_BS", "OS_BS", "CTX", "P1NP", "BMD_rel", "alendronate_given")
    times = [90.0, 365.0, 1092.0]
    averaged, singly = (
        load(text, (), outputs, dosing).simulate(np.zeros((1, 0)), times)
        for dosing in (Dosing.AVERAGED, Dosing.EVENTS)
    )
    assert averaged.ok.all() and singly.ok.all()
    np.testing.assert_allclose(averaged.values[0, :, :-1], singly.values[0, :, :-1], rtol=0.01)
    np.testing.assert_array_equal(singly.values[0, :, -1], 70 * np.array([13, 53, 157]))
