"""Drug courses against the same equations written again here and solved by SciPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from bonecycle.biology import catalogue, dosing
from bonecycle.biology.compose import compose
from bonecycle.biology.regimens import parse_regimen
from bonecycle.engines.roadrunner import RoadRunnerEngine

Load = Callable[..., RoadRunnerEngine]


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


def test_zoledronate_against_the_matrix_exponential(load: Load) -> None:
    p = drug_parameters("zoledronate")
    plasma, skeleton = 1 / p["plasma_time"], 1 / p["residence"]
    matrix = np.array([[-plasma, 0], [p["retained_fraction"] * plasma, -skeleton]])
    times = np.array([0, 0.01, 0.1, 1, 30, 365, 365.25, 365.35, 400, 800, 1500])
    expected = np.zeros((len(times), 2))
    for dose_time in (0, 365.25, 730.5):
        for row, time in zip(expected, times, strict=True):
            if time >= dose_time:
                row += expm(matrix * (time - dose_time)) @ [5.0, 0.0]
    outputs = ("zoledronate_iv", "zoledronate_skeleton")
    found = simulate(load, "zoledronate 5 mg iv every 1 year for 3 years", times, outputs)
    close(found, expected)


def test_averaged_alendronate_against_its_closed_form(load: Load) -> None:
    p = drug_parameters("alendronate")
    chain = 1 / np.array([p["absorption_time"], p["plasma_time"], p["residence"]])
    passed = [p["bioavailability"], p["retained_fraction"]]
    matrix = np.diag(-chain) + np.diag(chain[:-1] * passed, -1)
    source = np.array([10.0, 0, 0])  # 70 mg a week

    def after(time: float, start: np.ndarray, rate: np.ndarray) -> np.ndarray:
        rest = np.linalg.solve(-matrix, rate)
        return rest + expm(matrix * time) @ (start - rest)

    times = np.array([0, 0.1, 1, 30, 400, 1095.75, 1096, 1500, 3000])
    stop = 1095.75
    at_stop = after(stop, np.zeros(3), source)
    expected = np.array(
        [
            after(t, np.zeros(3), source) if t <= stop else after(t - stop, at_stop, 0 * source)
            for t in times
        ]
    )
    outputs = ("alendronate_oral", "alendronate_iv", "alendronate_skeleton")
    found = simulate(load, "alendronate 70 mg oral every 1 week for 3 years", times, outputs)
    close(found, expected)


def test_averaging_changes_little(monkeypatch: pytest.MonkeyPatch, load: Load) -> None:
    """Weekly doses one by one against their average, three years on."""
    text = "alendronate 70 mg oral every 1 week for 3 years"
    outputs = ("ES_BS", "OS_BS", "CTX", "P1NP", "BMD_rel", "alendronate_given")
    times = np.array([90.0, 365, 1092])
    averaged = simulate(load, text, times, outputs)
    monkeypatch.setattr(dosing, "AVERAGED_UP_TO_DAYS", 1.0)
    model = dosing.with_regimen(compose("cycle", ("alendronate",)), parse_regimen(text))
    assert model.sbml.count("<event ") == 157
    singly = RoadRunnerEngine(model.sbml, (), outputs).simulate(np.zeros((1, 0)), times.tolist())
    assert singly.ok.all(), singly.messages
    np.testing.assert_allclose(averaged[:, :-1], singly.values[0, :, :-1], rtol=0.01)
    np.testing.assert_array_equal(singly.values[0, :, -1], 70 * np.array([13, 53, 157]))
