"""Derivatives are those of the solution, through doses, settings and switches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing, with_regimen
from bonecycle.biology.regimens import parse_regimen
from bonecycle.engines.kernel.engine import KernelEngine
from bonecycle.errors import UsageError

Sbml = Callable[[str], str]
TIGHT = 1e-10
K, V = 0.3, 2.5


def test_a_bolus_in_one_compartment(sbml: Sbml) -> None:
    doses = "at time >= 2, t0=false: x = x + 5; at time >= 4, t0=false: x = x + 3;"
    text = sbml(f"k = {K}; V = {V}; F = 0.7; x = 0; x' = -k*x; c := F*x/V; {doses}")
    engine = KernelEngine(text, ("k", "V", "F"), ("x", "c", "V"), tolerance=TIGHT)
    times = np.array([0.0, 1.0, 2.0, 3.0, 4.0, 9.0])
    found = engine.gradient(np.array([[K, V, 0.7], [0.6, V, 0.7]]), times)
    for values, slopes, k in zip(found.batch.values, found.slopes, (K, 0.6), strict=True):
        x, by_k = np.zeros(6), np.zeros(6)
        for dose, start in ((5, 2), (3, 4)):
            after = np.maximum(times - start, 0)
            part = np.where(times >= start, dose * np.exp(-k * after), 0)
            x, by_k = x + part, by_k - after * part
        np.testing.assert_allclose(values, np.stack([x, 0.7 * x / V, V + 0 * x], 1), rtol=1e-8)
        expected = np.zeros((6, 3, 3))
        expected[:, 0, 0], expected[:, 1, 0] = by_k, 0.7 * by_k / V
        expected[:, 1, 1], expected[:, 1, 2] = -0.7 * x / V**2, x / V
        expected[:, 2, 1] = 1
        np.testing.assert_allclose(slopes, expected, rtol=1e-7, atol=1e-12)


def test_a_state_that_is_set_forgets(sbml: Sbml) -> None:
    text = sbml("k = 0.3; start = 2; x = start^2; x' = -k*x; at time >= 3, t0=false: x = 7;")
    engine = KernelEngine(text, ("k", "start"), ("x",), tolerance=TIGHT)
    slopes = engine.gradient(np.array([[0.3, 2.0]]), [0, 1, 3, 5]).slopes[0, :, 0]
    then, later = np.exp(-0.3), 7 * np.exp(-0.6)
    expected = [[0, 4], [-4 * then, 4 * then], [0, 0], [-2 * later, 0]]
    np.testing.assert_allclose(slopes, expected, rtol=1e-7, atol=1e-10)


def test_a_rate_that_is_switched(sbml: Sbml) -> None:
    text = sbml(
        "k = 0.3; s = 2; rate = 1; x = 0; x' = s*rate - k*x; y := s*rate; "
        "at time >= 2, t0=false: rate = 4;"
    )
    engine = KernelEngine(text, ("k", "s"), ("x", "y"), tolerance=TIGHT)
    slopes = engine.gradient(np.array([[0.3, 2.0]]), [1, 2, 5]).slopes[0]

    def x(k: float, s: float) -> float:
        at_two = s / k * (1 - np.exp(-2 * k))
        return 4 * s / k + (at_two - 4 * s / k) * np.exp(-3 * k)

    h = 1e-6
    by_k = (x(0.3 + h, 2) - x(0.3 - h, 2)) / (2 * h)
    np.testing.assert_allclose(slopes[2, 0], [by_k, x(0.3, 1)], rtol=1e-7)
    np.testing.assert_allclose(slopes[:, 1], [[0, 1], [0, 4], [0, 4]], atol=1e-12)


@pytest.mark.parametrize(
    "rate",
    [
        "a*x*y - b*x^2 + exp(-a*y)",
        "piecewise(a*x, x < 1.2, 1.2*a)*y - sqrt(x + b)",
        "a^b*y - ln(x + a)/b",
        "max(a*x, b) - min(x, y)*b",
    ],
)
def test_nonlinear_rates_by_central_differences(rate: str, sbml: Sbml) -> None:
    text = sbml(
        f"a = 0.7; b = 0.4; x = 1 + a*b; y = 2*b; x' = {rate}; y' = a - y*x; z := x*y*a; "
        "at time >= 0.5, t0=false: x = x + 1; "
    )
    engine = KernelEngine(text, ("a", "b"), ("x", "y", "z"), tolerance=1e-11)
    centre, times, h = np.array([0.7, 0.4]), [0.0, 0.4, 0.5, 1.0], 1e-4
    slopes = engine.gradient(centre[None], times).slopes[0]
    moved = np.concatenate([centre + h * np.eye(2), centre - h * np.eye(2)])
    values = engine.simulate(moved, times).values
    expected = np.moveaxis((values[:2] - values[2:]) / (2 * h), 0, -1)
    # At a kink the method, and so its derivative, is of lower order.
    bound = 5e-6 if "piecewise" in rate else 2e-6
    np.testing.assert_allclose(slopes, expected, rtol=bound, atol=1e-7)


def test_a_rate_that_jumps_at_a_state(sbml: Sbml) -> None:
    text = sbml("k = 0.5; x = 2; x' = piecewise(-k, x > 1, -3*k);")
    engine = KernelEngine(text, ("k",), ("x",), tolerance=TIGHT)
    found = engine.gradient(np.array([[0.5]]), [1.0, 2.5])
    # x = 1 - 3 (k t - 1) past the threshold, at t = 1 / k.
    np.testing.assert_allclose(found.batch.values[0, :, 0], [1.5, 0.25], rtol=1e-6)
    np.testing.assert_allclose(found.slopes[0, :, 0, 0], [-1, -7.5], rtol=1e-6)
    assert engine.gradient(np.array([[0.5]]), [1.0, 2.5], ()).slopes.shape == (1, 2, 1, 0)


def test_a_rate_that_jumps_by_a_parameter_of_its_own(sbml: Sbml) -> None:
    text = sbml("edge = 1; x = 2; x' = piecewise(-0.5, x > edge, -1.5);")
    engine = KernelEngine(text, ("edge",), ("x",), tolerance=TIGHT)
    # x = edge - 1.5 (t - 2 (2 - edge)) past the edge.
    slopes = engine.gradient(np.array([[1.0]]), [1.0, 2.5]).slopes[0, :, 0, 0]
    np.testing.assert_allclose(slopes, [0, -2], atol=1e-6)


@pytest.fixture(scope="module")
def engine() -> KernelEngine:
    drug = "zoledronate"
    model = compose("cycle", (drug,))
    sbml = with_regimen(
        model, parse_regimen("zoledronate 5 mg iv every 1 year for 2 years"), Dosing.EVENTS
    ).sbml
    free = tuple(p.id for p in model.parameters.values() if p.prior_sd)
    return KernelEngine(sbml, free, tuple(catalogue.observables()), tolerance=TIGHT)


TIMES = [0.0, 10.0, 200.0, 400.0]


def test_the_cycle_by_central_differences(engine: KernelEngine) -> None:
    # Away from zero, where mechanisms that are off have kinks.
    own = np.where(engine.own_values > 0, engine.own_values, 0.1)
    found = engine.gradient(own[None], TIMES)
    assert found.batch.ok.all()
    h = 3e-5 * own
    up = engine.simulate(own + np.diag(h), TIMES).values
    down = engine.simulate(own - np.diag(h), TIMES).values
    # Per relative change of a parameter, and relative to the range of the output.
    differences = np.moveaxis((up - down) / 6e-5, 0, -1)
    slopes = found.slopes[0] * own
    size = np.abs(found.batch.values[0]).max(axis=0)[None, :, None] + np.abs(differences)
    assert np.abs(differences / size).max() > 0.1
    np.testing.assert_allclose(slopes / size, differences / size, rtol=0, atol=2e-6)


def test_values_are_those_of_a_simulation(engine: KernelEngine) -> None:
    sets = engine.own_values * np.array([[1.0], [1.01]])
    found = engine.gradient(sets, TIMES).batch.values
    np.testing.assert_allclose(found, engine.simulate(sets, TIMES).values, rtol=1e-8, atol=1e-12)


def test_fewer_parameters_have_the_same_slopes(engine: KernelEngine) -> None:
    sets = engine.own_values * np.array([[1.0], [1.01]])
    every = engine.gradient(sets, TIMES)
    for by in ((), engine.parameters[:1], engine.parameters[6:1:-1]):
        some = engine.gradient(sets, TIMES, by)
        places = [engine.parameters.index(name) for name in by]
        np.testing.assert_array_equal(some.slopes, every.slopes[..., places])
        np.testing.assert_array_equal(some.batch.values, every.batch.values)
    with pytest.raises(UsageError, match="Unknown parameter 'arest_rate'"):
        engine.gradient(sets, TIMES, ("arest_rate",))


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf, -1.0, 1e6])
def test_a_set_that_fails_leaves_the_others_alone(engine: KernelEngine, value: float) -> None:
    sets = np.repeat(engine.own_values[None], 3, axis=0)
    alone = engine.gradient(sets[:1], TIMES)
    sets[1, engine.parameters.index("arrest_residence")] = value
    found = engine.gradient(sets, TIMES)
    assert found.batch.ok.tolist() == [True, False, True]
    assert np.isnan(found.batch.values[1]).all() and np.isnan(found.slopes[1]).all()
    assert found.batch.messages[1] and not found.batch.messages[0] + found.batch.messages[2]
    for i in (0, 2):
        np.testing.assert_array_equal(found.slopes[i], alone.slopes[0])


def test_where_there_is_no_derivative_the_set_fails(sbml: Sbml) -> None:
    engine = KernelEngine(sbml("p = 1; x = sqrt(p); x' = -x;"), ("p",), ("x",), tolerance=1e-8)
    assert engine.simulate(np.zeros((1, 1)), [0, 1]).ok.all()
    found = engine.gradient(np.array([[0.0], [4.0]]), [0, 1])
    assert found.batch.ok.tolist() == [False, True] and np.isnan(found.slopes[0]).all()
    assert found.slopes[1, 0, 0, 0] == pytest.approx(0.25)


@pytest.mark.parametrize("count", [0, 1, 4, 5, 9])
def test_any_number_of_parameters(count: int, sbml: Sbml) -> None:
    names = tuple(f"k{i}" for i in range(count))
    given = " ".join(f"{name} = 0.1;" for name in names)
    text = sbml(f"{given} x = 1; x' = -({'+'.join(('0', *names))})*x;")
    found = KernelEngine(text, names, ("x",), tolerance=TIGHT).gradient(
        np.full((1, count), 0.1), [2.0]
    )
    assert found.slopes.shape == (1, 1, 1, count)
    np.testing.assert_allclose(found.slopes, -2 * np.exp(-0.2 * count), rtol=1e-8)
