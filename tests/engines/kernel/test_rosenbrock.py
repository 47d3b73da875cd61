"""The integrator: its coefficients, its order, and what it does with stiff and hopeless rates."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from bonecycle.engines.kernel import rosenbrock
from bonecycle.engines.kernel.engine import KernelEngine
from bonecycle.engines.kernel.tableau import GAMMA, STAGES, A, C

Sbml = Callable[[str], str]
Advance = Callable[[KernelEngine, np.ndarray, float, int], np.ndarray]


def _conditions(b: np.ndarray, alpha: np.ndarray, beta: np.ndarray) -> dict[int, list[float]]:
    """Residuals of the order conditions, Hairer and Wanner 1996, section IV.7, by order."""
    a, d = alpha.sum(axis=1), beta.sum(axis=1)
    return {
        1: [b.sum() - 1],
        2: [b @ d - 1 / 2],
        3: [b @ a**2 - 1 / 3, b @ beta @ d - 1 / 6],
        4: [
            b @ a**3 - 1 / 4,
            b @ (a * (alpha @ d)) - 1 / 8,
            b @ beta @ a**2 - 1 / 12,
            b @ beta @ beta @ d - 1 / 24,
        ],
        5: [
            b @ a**4 - 1 / 5,
            b @ (a**2 * (alpha @ d)) - 1 / 10,
            b @ (alpha @ d) ** 2 - 1 / 20,
            b @ (a * (alpha @ a**2)) - 1 / 15,
            b @ (a * (alpha @ beta @ d)) - 1 / 30,
            b @ beta @ a**3 - 1 / 20,
            b @ beta @ (a * (alpha @ d)) - 1 / 40,
            b @ beta @ beta @ a**2 - 1 / 60,
            b @ beta @ beta @ beta @ d - 1 / 120,
        ],
    }


# From the transformed form (IV.7.25) back to the original one (IV.7.4).
_GAMMAS = np.linalg.inv(np.eye(STAGES) / GAMMA - C)
_ALPHA = A @ _GAMMAS
_LAST = np.eye(STAGES)[-1]


def test_the_coefficients_are_of_order_five() -> None:
    residuals = _conditions((A[-1] + _LAST) @ _GAMMAS, _ALPHA, _ALPHA + _GAMMAS)
    for order, values in residuals.items():
        np.testing.assert_allclose(values, 0, atol=1e-10, err_msg=f"order {order}")


def test_the_embedded_method_is_of_order_four_and_not_of_five() -> None:
    residuals = _conditions(A[-1] @ _GAMMAS, _ALPHA, _ALPHA + _GAMMAS)
    for order in (1, 2, 3, 4):
        np.testing.assert_allclose(residuals[order], 0, atol=1e-10, err_msg=f"order {order}")
    assert np.abs(residuals[5]).max() > 1e-4


def test_the_method_is_l_stable_and_stiffly_accurate() -> None:
    beta = _ALPHA + _GAMMAS
    b = (A[-1] + _LAST) @ _GAMMAS
    np.testing.assert_allclose(beta[-1], b, atol=1e-10)

    def growth(z: complex) -> float:
        return abs(1 + z * (b @ np.linalg.solve(np.eye(STAGES) - z * beta, np.ones(STAGES))))

    assert growth(-1e9) < 1e-6
    on_the_axis = [growth(1j * y) for y in np.logspace(-2, 4, 400)]
    assert max(on_the_axis) <= 1 + 1e-9
    inside = [growth(-r * np.exp(1j * w)) for r in (0.1, 1, 10, 100) for w in (-1.5, 0, 1.5)]
    assert max(inside) < 1


@pytest.fixture(scope="module")
def advance(call: Callable[..., None]) -> Advance:
    """Take a number of equal steps, with no control of their size."""

    def advanced(engine: KernelEngine, start: np.ndarray, h: float, count: int) -> np.ndarray:
        compiled = engine.single
        code, n = compiled.code, compiled.code.n_states
        y, u = np.empty((n, 1)), np.empty((n, 1))
        c = engine.start_constants(code, 1)
        call(compiled.functions[0], np.zeros((1, 1)), c, y)
        y[:, 0] = start
        k = np.empty((STAGES, n, 1))
        work = (
            np.empty((n, 1)),
            np.empty(1),
            np.empty((code.n_jacobian, 1)),
            np.empty((code.n_factors, 1)),
            np.empty(1),
            np.empty(1),
        )
        for _ in range(count):
            rosenbrock.stages(compiled.functions, y, c, np.array([h]), u, k, work)
            y[:] = u
        return y[:, 0]

    return advanced


# Kaps's problem: y1 = exp(-2t), y2 = exp(-t), whatever the stiffness.
KAPS = "e = {e}; a' = -(1/e + 2)*a + b^2/e; b' = a - b - b^2; a = 1; b = 1;"


def _errors(advance: Advance, engine: KernelEngine, exact: np.ndarray) -> np.ndarray:
    counts = (4, 8, 16, 32)
    start = np.ones(len(exact)) if len(exact) == 2 else np.array([0.1])
    results = [advance(engine, start, 1 / count, count) for count in counts]
    return np.array([np.abs(result - exact).max() for result in results])


def test_the_observed_order_is_five(advance: Advance, sbml: Sbml) -> None:
    logistic = KernelEngine(sbml("r = 3; x' = r*x*(1 - x); x = 0.1;"), (), ("x",))
    kaps = KernelEngine(sbml(KAPS.format(e=1)), (), ("a", "b"))
    for engine, exact in (
        (logistic, np.array([1 / (1 + 9 * np.exp(-3))])),
        (kaps, np.exp([-2.0, -1.0])),
    ):
        errors = _errors(advance, engine, exact)
        orders = np.log2(errors[:-1] / errors[1:])
        assert errors[-1] < 1e-7
        assert 4.6 < orders[-1] < 5.6, (errors, orders)


def test_stiffness_neither_blows_up_nor_costs_accuracy(advance: Advance, sbml: Sbml) -> None:
    engine = KernelEngine(sbml(KAPS.format(e=1e-8)), (), ("a", "b"))
    errors = _errors(advance, engine, np.exp([-2.0, -1.0]))
    # Down to rounding, the order stays.
    assert (errors[:2] / errors[1:3] > 2**4).all() and errors[2:].max() < 1e-11, errors
    decay = KernelEngine(sbml("k = 1e8; x' = -k*x; x = 1;"), (), ("x",))
    assert abs(advance(decay, np.array([1.0]), 1.0, 1)[0]) < 1e-6


@pytest.mark.parametrize("tolerance", [1e-4, 1e-6, 1e-8, 1e-10])
def test_the_error_follows_the_tolerance(tolerance: float, sbml: Sbml) -> None:
    engine = KernelEngine(sbml(KAPS.format(e=1e-3)), (), ("a", "b"))
    times = np.linspace(0, 5, 6)
    found = engine.simulate_all(np.zeros((1, 0)), times, tolerance).values[0]
    exact = np.exp(np.outer(times, [-2.0, -1.0]))
    np.testing.assert_allclose(found, exact, rtol=20 * tolerance)


@pytest.mark.parametrize(
    ("error", "factor"),
    [(0, 6), (1e-30, 6), (1, 0.9), (32, 0.45), (1e30, 0.2), (np.inf, 0.2), (np.nan, 0.2)],
)
def test_the_next_step(error: float, factor: float) -> None:
    assert rosenbrock.next_step(2.0, error) == pytest.approx(2 * factor)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("x' = x^2; x = 1", "too small"),  # infinite at time 1
        ("x' = -1/x; x = 1", "too small"),  # zero at 0.5, and no further
        ("x' = ln(x - 2); x = 1", "too small"),
        ("x' = 1 - sqrt(x); x = 0", "too small"),  # an infinite slope holds nothing still
        ("x' = y/y; y = 0; x = 1", "too small|not finite"),
        ("x' = exp(1000*x); x = 1", "too small"),
        ("x' = -1; x = ln(-y); y = 1", "start is not finite"),
        ("x' = 1/z; z := x - x; x = 1", "too small"),
    ],
)
@pytest.mark.parametrize("count", [1, 5])
def test_what_has_no_solution_fails_with_a_reason(
    body: str, reason: str, count: int, sbml: Sbml
) -> None:
    engine = KernelEngine(sbml(body), (), ("x",), tolerance=1e-6)
    batch = engine.simulate(np.zeros((count, 0)), [0.5, 10.0, 20.0])
    assert not batch.ok.any() and np.isnan(batch.values).all()
    assert all(re.search(reason, message) for message in batch.messages), batch.messages
    gradient = engine.gradient(np.zeros((1, 0)), [0.5, 10.0, 20.0])
    assert not gradient.batch.ok.any() and re.search(reason, gradient.batch.messages[0])


def test_what_takes_too_many_steps_is_given_up(sbml: Sbml, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KernelEngine, "_max_steps", lambda *_: 500)
    body = "w = 1e5; x' = w*y; y' = -w*x; x = 1; y = 0"
    engine = KernelEngine(sbml(body), (), ("x",), tolerance=1e-8)
    batch = engine.simulate(np.zeros((5, 0)), [1000.0])
    assert not batch.ok.any() and all("more steps" in m for m in batch.messages)
    assert "more steps" in engine.gradient(np.zeros((1, 0)), [1000.0]).batch.messages[0]
