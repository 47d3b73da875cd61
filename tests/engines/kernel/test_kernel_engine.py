"""The kernel against roadrunner's events on the cycle, and whether lanes see each other."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bonecycle.biology import catalogue, dosing
from bonecycle.biology.compose import compose
from bonecycle.biology.regimens import parse_regimen
from bonecycle.engines.kernel.draws import prior_draws
from bonecycle.engines.kernel.engine import ACCURACY, KernelEngine, disagreement
from bonecycle.engines.kernel.model_code import LANES
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.errors import UsageError

Sbml = Callable[[str], str]
REGIMENS = {
    "alendronate": "alendronate 70 mg oral every 1 week for 8 weeks",
    "denosumab": "denosumab 60 mg sc every 6 months for 1 year",
    "zoledronate": "zoledronate 5 mg iv every 1 year for 2 years",
}
TIMES = [0.0, 7.0, 30.0, 56.0, 182.625, 400.0]


@pytest.fixture(scope="module")
def dosed() -> dict[str, str]:
    """SBML of every regimen, each dose an event, also the weekly ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dosing, "AVERAGED_UP_TO_DAYS", 0.0)
        return {
            drug: dosing.with_regimen(
                compose("cycle", (drug,)), parse_regimen(text), dosing.Dosing.EVENTS
            ).sbml
            for drug, text in REGIMENS.items()
        }


def _free(drug: str) -> tuple[str, ...]:
    parameters = compose("cycle", (drug,)).parameters.values()
    return tuple(p.id for p in parameters if p.prior_sd)


@pytest.fixture(scope="module")
def engines(dosed: dict[str, str]) -> dict[str, KernelEngine]:
    outputs = tuple(catalogue.observables())
    return {drug: KernelEngine(text, _free(drug), outputs) for drug, text in dosed.items()}


@pytest.fixture(scope="module")
def engine(engines: dict[str, KernelEngine]) -> KernelEngine:
    return engines["zoledronate"]


@pytest.mark.parametrize("drug", REGIMENS)
def test_states_and_observables_agree_with_roadrunner(
    drug: str, dosed: dict[str, str], engines: dict[str, KernelEngine]
) -> None:
    engine = engines[drug]
    draws = prior_draws(engine.parameters, engine.own_values, 4)
    reference = RoadRunnerEngine(
        dosed[drug], engine.parameters, engine.all_outputs, relative_tolerance=1e-10
    )
    exact = reference.simulate(draws, TIMES)
    assert exact.ok.sum() >= 2
    tight = engine.simulate_all(draws, TIMES, 1e-10)
    assert disagreement(tight.values, exact.values) < 1e-6
    # The doses did something.
    plain = KernelEngine(
        compose("cycle", (drug,)).sbml, engine.parameters, engine.outputs
    ).simulate(draws, TIMES)
    found = engine.simulate(draws, TIMES)
    assert disagreement(plain.values, found.values) > 1e-2
    # And at the tolerance that the engine takes by itself.
    wanted = exact.values[..., : len(engine.outputs)]
    assert disagreement(found.values, wanted) < ACCURACY


@pytest.fixture(scope="module")
def sets(engine: KernelEngine) -> np.ndarray:
    random = np.random.default_rng(5)
    spread = 0.1 * random.standard_normal((2 * LANES + 3, len(engine.parameters)))
    return engine.own_values * np.exp(spread)


def test_one_set_gives_what_it_gives_in_a_batch(engine: KernelEngine, sets: np.ndarray) -> None:
    batch = engine.simulate(sets, TIMES)
    assert batch.ok.all()
    for count in (1, 2, LANES // 2 - 1, LANES // 2, LANES, LANES + 1):
        part = engine.simulate(sets[:count], TIMES)
        np.testing.assert_allclose(part.values, batch.values[:count], rtol=1e-12, atol=1e-15)


# Parameter, factor, and what the message says; "" where a simulation is possible.
BAD = {
    "fast": ("arrest_residence", 1e-6, ""),
    "zero": ("arrest_residence", 0.0, "a rate is not finite"),
    "infinite": ("arrest_residence", np.inf, "finite and not negative"),
    "not a number": ("arrest_residence", np.nan, "finite and not negative"),
    "negative": ("arrest_residence", -1.0, "finite and not negative"),
    "long": ("arrest_residence", 1e6, "start is not finite or below zero"),
    "many": ("untreated_births", 1e6, "start is not finite or below zero"),
    "fast drug": ("zoledronate_desorption_time", 1e-6, ""),
    "no time": ("zoledronate_desorption_time", 0.0, "too small"),
}


@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("position", [0, 5, LANES, 2 * LANES + 2])
def test_a_pathological_lane_is_alone(
    kind: str, position: int, engine: KernelEngine, sets: np.ndarray
) -> None:
    good = engine.simulate(sets, TIMES).values
    name, factor, reason = BAD[kind]
    bad = sets.copy()
    bad[position, engine.parameters.index(name)] *= factor
    batch = engine.simulate(bad, TIMES)
    others = np.delete(np.arange(len(sets)), position)
    assert batch.ok[others].all()
    np.testing.assert_allclose(batch.values[others], good[others], rtol=1e-12, atol=1e-15)
    assert not any(batch.messages[i] for i in others)
    if reason:
        assert not batch.ok[position] and np.isnan(batch.values[position]).all()
        assert reason in batch.messages[position]
    else:
        assert batch.ok[position] and np.isfinite(batch.values[position]).all()


def test_order_and_padding_of_a_batch_leave_no_trace(
    engine: KernelEngine, sets: np.ndarray
) -> None:
    bad = sets.copy()
    bad[3] = 0.0
    bad[10] *= 1e3
    first = engine.simulate(bad, TIMES)
    random = np.random.default_rng(0)
    for _ in range(4):
        order = random.permutation(len(bad))
        again = engine.simulate(bad[order], TIMES)
        np.testing.assert_array_equal(again.ok, first.ok[order])
        np.testing.assert_allclose(again.values, first.values[order], rtol=1e-12, atol=1e-15)
    padded = engine.simulate(np.concatenate([bad[:5], np.tile(bad[3], (7, 1)), bad[5:]]), TIMES)
    kept = np.delete(padded.values, np.arange(5, 12), axis=0)
    np.testing.assert_allclose(kept, first.values, rtol=1e-12, atol=1e-15)


def test_two_evaluations_are_identical(engine: KernelEngine, sets: np.ndarray) -> None:
    first = engine.simulate(sets, TIMES)
    engine.simulate(sets[::-1] * 2, TIMES)
    engine.gradient(sets[:1], TIMES)
    np.testing.assert_array_equal(engine.simulate(sets, TIMES).values, first.values)


def test_times_start_anywhere(engine: KernelEngine, sets: np.ndarray) -> None:
    whole = engine.simulate_all(sets, TIMES, 1e-9).values
    for chosen in (slice(0, 1), slice(3, None), slice(5, None), slice(1, 3)):
        part = engine.simulate_all(sets, TIMES[chosen], 1e-9).values
        np.testing.assert_allclose(part, whole[:, chosen], rtol=1e-6, atol=1e-12)


def test_a_sample_at_a_dose_is_taken_after_it(sbml: Sbml) -> None:
    text = sbml(
        "x' = -0.1*x; x = 0; at time >= 2, t0=false: x = x + 3; at time >= 0, t0=false: x = x + 1;"
    )
    engine = KernelEngine(text, (), ("x",), tolerance=1e-10)
    found = engine.simulate(np.zeros((1, 0)), [0, 2]).values[0, :, 0]
    np.testing.assert_allclose(found, [1, np.exp(-0.2) + 3], rtol=1e-9)
    # Times of samples and doses that differ by rounding only.
    near = [0.1 * 3, 2 - 1e-15, 2, 2 + 4e-16, 2.000000001]
    found = engine.simulate(np.zeros((1, 0)), near).values[0, :, 0]
    after = np.exp(-0.2) + 3
    np.testing.assert_allclose(found[1:], [after - 3, after, after, after], rtol=1e-8)


def test_outputs_may_be_anything_with_a_name(sbml: Sbml) -> None:
    text = sbml(
        "p = 2; q = 3; r = p*q; x' = -p*x; x = q; y := x + r; k = 7; z := k*r; "
        "at time >= 1, t0=false: k = 8;"
    )
    names = ("x", "y", "p", "q", "r", "k", "z")
    engine = KernelEngine(text, ("p",), names, tolerance=1e-10)
    for count in (1, 5):
        found = engine.simulate(np.full((count, 1), 0.5), [0, 2]).values[-1]
        x = 3 * np.exp(-1)
        expected = [[3, 4.5, 0.5, 3, 1.5, 7, 10.5], [x, x + 1.5, 0.5, 3, 1.5, 8, 12]]
        np.testing.assert_allclose(found, expected, rtol=1e-8)
    # One of them twice, and none at all.
    twice = KernelEngine(text, ("p",), ("x", "x"), tolerance=1e-10)
    values = twice.simulate(np.full((1, 1), 0.5), [0, 2]).values
    np.testing.assert_array_equal(values[..., 0], values[..., 1])
    assert KernelEngine(text, ("p",), ()).simulate(np.ones((3, 1)), [0, 2]).values.shape == (
        3,
        2,
        0,
    )


def test_names_are_checked_when_the_engine_is_made(sbml: Sbml) -> None:
    text = sbml("period = 2; twin := period; x' = -x/period; x = 1;")
    with pytest.raises(UsageError, match=r"parameter 'perriod'\. Did you mean 'period'"):
        KernelEngine(text, ("perriod",), ("x",))
    with pytest.raises(UsageError, match="Parameters listed twice: period"):
        KernelEngine(text, ("period", "period"), ("x",))
    for name in ("twin", "x"):
        with pytest.raises(UsageError, match=f"parameter '{name}'"):
            KernelEngine(text, (name,), ("x",))
    with pytest.raises(UsageError, match="output 'y'"):
        KernelEngine(text, (), ("y",))


@pytest.mark.parametrize("times", [[], [0, 2, 1], [1, 1], [-1, 2], [np.nan], [1, np.inf]], ids=str)
def test_times_that_make_no_sense_are_refused(engine: KernelEngine, times: list[float]) -> None:
    with pytest.raises(UsageError, match="Times must"):
        engine.simulate(engine.own_values[None], times)
    with pytest.raises(UsageError, match="Times must"):
        engine.gradient(engine.own_values[None], times)


def test_no_sets_give_no_results(engine: KernelEngine) -> None:
    batch = engine.simulate(np.zeros((0, len(engine.parameters))), TIMES)
    assert batch.values.shape == (0, len(TIMES), len(engine.outputs)) and batch.messages == ()
    gradient = engine.gradient(np.zeros((0, len(engine.parameters))), TIMES)
    assert gradient.slopes.shape == (*batch.values.shape, len(engine.parameters))
    with pytest.raises(UsageError, match="is needed"):
        engine.simulate(np.ones((2, 1)), TIMES)


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1), share=st.sampled_from([0.02, 0.1, 1.0]))
def test_any_draw_ends_in_numbers_or_in_words(
    seed: int, share: float, engine: KernelEngine
) -> None:
    _fuzz(engine, seed, share)


def _fuzz(engine: KernelEngine, seed: int, share: float) -> np.ndarray:
    random = np.random.default_rng(seed)
    shape = (3 * LANES, len(engine.parameters))
    moved = np.where(random.random(shape) < share, 10 ** random.uniform(-8, 8, shape), 1.0)
    special = random.choice([0.0, np.inf, np.nan, -1.0, 1e300, 1e-300], shape)
    factor = np.where(random.random(shape) < 0.002, special, moved)
    with np.errstate(all="ignore"):
        batch = engine.simulate(engine.own_values * factor, TIMES)
    for ok, values, message in zip(batch.ok, batch.values, batch.messages, strict=True):
        assert np.isfinite(values).all() if ok else np.isnan(values).all()
        assert bool(message) is not ok
    return batch.ok


def test_extreme_draws_end_in_numbers_or_in_words(engines: dict[str, KernelEngine]) -> None:
    good = [
        _fuzz(engine, seed, share)
        for engine in engines.values()
        for seed, share in enumerate((0.02, 0.1, 1.0))
    ]
    share = np.mean(good)
    assert 0.1 < share < 0.9  # neither all nor none


@pytest.mark.parametrize(("share", "bound"), [(0.02, 1e-4), (0.1, 1e-4), (1.0, 1e-2)])
def test_extreme_draws_that_succeed_are_right(
    share: float, bound: float, engine: KernelEngine
) -> None:
    # The tolerance is chosen around the model's own values; these lie up to eight decades from
    # them, a few parameters or all: most are as good as asked for, none is a wrong number.
    random = np.random.default_rng(0)
    shape = (3 * LANES, len(engine.parameters))
    factor = np.where(random.random(shape) < share, 10 ** random.uniform(-8, 8, shape), 1.0)
    with np.errstate(all="ignore"):
        found = engine.simulate(engine.own_values * factor, TIMES)
        exact = engine.simulate_all(engine.own_values * factor, TIMES, 1e-9)
    both = np.flatnonzero(found.ok & exact.ok)
    assert len(both) > 1
    values = exact.values[..., : len(engine.outputs)]
    differences = [disagreement(found.values[[i]], values[[i]]) for i in both]
    assert np.median(differences) < ACCURACY and max(differences) < bound


def test_the_tolerance_is_safe_where_the_models_own_values_fail(sbml: Sbml) -> None:
    text = sbml("p = 0; x = 1; y = 0; x' = -x*y/p - x^2/p; y' = x - y^2;")
    engine = KernelEngine(text, ("p",), ("x", "y"))
    found = engine.simulate(np.ones((1, 1)), [0, 1, 3]).values
    exact = engine.simulate_all(np.ones((1, 1)), [0, 1, 3], 1e-11).values
    assert disagreement(found, exact) < ACCURACY
