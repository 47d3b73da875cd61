"""No kernel is used that disagrees with roadrunner, and whoever asked is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing, with_regimen
from bonecycle.biology.regimens import parse_regimen
from bonecycle.engines.choice import EngineName, make_engine
from bonecycle.engines.kernel import compiled as code_of
from bonecycle.engines.kernel import engine as kernel_engine
from bonecycle.engines.kernel import verification
from bonecycle.engines.kernel.draws import prior_draws
from bonecycle.engines.kernel.engine import KernelEngine, disagreement
from bonecycle.engines.kernel.reading import System
from bonecycle.engines.roadrunner import RoadRunnerEngine

Sbml = Callable[[str], str]
DECAY = "k = 0.1; x = 1; y = 0; x' = -k*x; y' = k*x;"


def _make(text: str, parameters: Sequence[str] = (), outputs: Sequence[str] = ("x",)) -> tuple:
    return make_engine(EngineName.KERNEL, text, parameters, outputs, "small", "an arm")


def _wrong_rates(monkeypatch: pytest.MonkeyPatch, state: str, factor: float, function: str) -> None:
    """Generate the rate of one state too large."""
    right = getattr(code_of, function)

    def wrong(system: System, *arguments: object) -> object:
        graph = system.graph
        larger = graph.apply("mul", system.rates[state], graph.number(factor))
        return right(replace(system, rates={**system.rates, state: larger}), *arguments)

    monkeypatch.setattr(code_of, function, wrong)
    # As a change of the generator's source does.
    monkeypatch.setattr(code_of, "generator", lambda: f"{function} {state} {factor}")
    # Not from the memory of this process, and not into it.
    monkeypatch.setattr(kernel_engine, "compiled", code_of.compiled.__wrapped__)


@pytest.fixture(scope="module")
def cycle() -> str:
    model = compose("cycle", ("zoledronate",))
    return with_regimen(
        model, parse_regimen("zoledronate 5 mg iv every 1 year for 1 year"), Dosing.EVENTS
    ).sbml


FREE = ("untreated_births", "arrest_residence", "zoledronate_desorption_time")


def test_a_right_kernel_is_used(cycle: str, no_records: Path) -> None:
    engine, notice = _make(cycle, FREE, tuple(catalogue.observables()))
    assert engine.name == "kernel" and notice == ""
    (record,) = (no_records / "checked").iterdir()
    assert 0 < verification.verify(engine, cycle) < verification.LIMIT
    assert list((no_records / "checked").iterdir()) == [record]


@pytest.mark.parametrize("state", ["quiescent", "zoledronate_surface"])
def test_a_wrong_rate_in_the_cycle_is_caught(
    state: str, cycle: str, no_records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _wrong_rates(monkeypatch, state, 1.001, "batch_code")
    # Not among the outputs: the states are compared too.
    engine, notice = _make(cycle, FREE, ("BMD_rel",))
    assert isinstance(engine, RoadRunnerEngine)
    assert notice.startswith("small, an arm: roadrunner is used") and "differs from" in notice
    found = engine.simulate(np.array([[2.36e-4, 330.0, 269.0]]), [0, 100])
    assert found.ok.all()


@pytest.mark.parametrize("factor", [0.0, -1.0, 1 + 1e-5])
def test_any_wrong_rate_is_caught(
    factor: float, sbml: Sbml, no_records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = sbml(DECAY)
    assert _make(text)[0].name == "kernel"
    _wrong_rates(monkeypatch, "y", factor, "batch_code")
    engine, notice = _make(text)
    assert engine.name == "roadrunner" and "differs from roadrunner" in notice


def test_a_wrong_rate_in_the_code_for_one_set_is_caught(
    sbml: Sbml, no_records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _wrong_rates(monkeypatch, "y", 1.1, "single_code")
    assert _make(sbml(DECAY))[0].name == "roadrunner"


def test_roadrunner_can_be_asked_for(sbml: Sbml, no_records: Path) -> None:
    engine, notice = make_engine(EngineName.ROADRUNNER, sbml(DECAY), (), ("x",), "m", "a")
    assert isinstance(engine, RoadRunnerEngine) and notice == ""
    assert not list(no_records.iterdir())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{DECAY} e: at x < 0.5: x = 1;", "event 'e': its trigger is not one time"),
        (f"{DECAY} e: at 1 after time > 1: x = 1;", "event 'e': a delay"),
        (f"{DECAY} z := sin(x);", "'sin(x)' in a formula"),
        (f"{DECAY} compartment c=1; species $S in c; S=1;", "no reaction changes (S)"),
        (f"{DECAY} e: at time >= log10(10): x = 1;", "log10"),
        # Not wrong, but not in reach: the slope of a power at zero.
        (f"{DECAY} z = 0; z' = 1 - z^1.5;", "differs from roadrunner by inf"),
        (f"{DECAY} z = 0; z' = 1 - sqrt(z);", "differs from roadrunner by inf"),
    ],
)
def test_what_the_kernel_does_not_take_runs_on_roadrunner(
    text: str, reason: str, sbml: Sbml, no_records: Path
) -> None:
    engine, notice = _make(sbml(text))
    assert isinstance(engine, RoadRunnerEngine) and reason in notice
    assert "small, an arm: roadrunner is used" in notice
    assert engine.simulate(np.zeros((1, 0)), [0, 10]).ok.all()


def test_what_sets_doses_can_be_varied_with_roadrunner(sbml: Sbml, no_records: Path) -> None:
    text = sbml(f"{DECAY} dose = 2; at time >= 3, t0=false: x = x + dose;")
    engine, notice = _make(text, ("dose",))
    assert engine.name == "roadrunner" and "'dose' varies the times or sizes of doses" in notice


def test_a_model_is_checked_once(
    sbml: Sbml, no_records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    right = verification._difference

    def counted(engine: KernelEngine, text: str, draws: np.ndarray) -> float:
        calls.append(text)
        return right(engine, text, draws)

    monkeypatch.setattr(verification, "_difference", counted)
    text = sbml(f"{DECAY} at time >= 3, t0=false: x = x + 1;")
    first = verification.verify(KernelEngine(text, ("k",), ("x",)), text)
    (record,) = (no_records / "checked").iterdir()
    written = record.stat().st_mtime_ns
    assert verification.verify(KernelEngine(text, ("k",), ("x",)), text) == first
    assert len(calls) == 1 and record.stat().st_mtime_ns == written
    # Other doses share the code, but not what was found for it.
    other = sbml(f"{DECAY} at time >= 4, t0=false: x = x + 2;")
    verification.verify(KernelEngine(other, ("k",), ("x",)), other)
    assert len(calls) == 2


def test_a_wrong_schedule_is_caught_after_another_one_was_right(
    sbml: Sbml, no_records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _make(sbml(DECAY))[0].name == "kernel"
    right = kernel_engine.as_arrays

    def late(*arguments: object) -> object:
        changes = right(*arguments)
        return replace(changes, moments=changes.moments + 0.01)

    monkeypatch.setattr(kernel_engine, "as_arrays", late)
    engine, notice = _make(sbml(f"{DECAY} at time >= 3, t0=false: x = x + 1;"))
    assert engine.name == "roadrunner" and "differs from roadrunner" in notice


def test_a_wrong_late_dose_is_caught(
    sbml: Sbml, no_records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = kernel_engine.as_arrays

    def more(*arguments: object) -> object:
        changes = right(*arguments)
        return replace(changes, values=np.where(changes.moments > 100, 9.0, changes.values))

    monkeypatch.setattr(kernel_engine, "as_arrays", more)
    text = f"{DECAY} at time >= 3, t0=false: x = x + 1; at time >= 182, t0=false: x = x + 1;"
    assert _make(sbml(text))[0].name == "roadrunner"


def test_draws_are_of_the_prior(cycle: str) -> None:
    engine = KernelEngine(cycle, FREE, ())
    draws = prior_draws(engine.parameters, engine.own_values, 4)
    assert draws.shape == (4, 3) and (draws > 0).all()
    assert (np.ptp(np.log(draws), axis=0) > 0.1).all()
    np.testing.assert_array_equal(prior_draws(engine.parameters, engine.own_values, 4), draws)


def test_the_measure_of_disagreement() -> None:
    exact = np.array([[[1.0], [100.0]], [[2.0], [2.0]]])
    assert disagreement(exact, exact) == 0
    moved = exact.copy()
    moved[0, 0] += 1e-3
    assert disagreement(moved, exact) == pytest.approx(1e-3)
    # A value near zero counts against 1e-6 of the range of its own set.
    near = np.array([[[0.0], [100.0]]])
    assert disagreement(near + 1e-7, near) == pytest.approx(1e-3)
    failed = exact.copy()
    failed[1] = np.nan
    assert disagreement(failed, failed) == 0
    assert disagreement(failed, exact) == disagreement(exact, failed) == np.inf
    assert disagreement(np.full((2, 2, 1), np.nan), np.full((2, 2, 1), np.nan)) == 0


def test_a_model_that_roadrunner_cannot_simulate_is_not_confirmed(
    sbml: Sbml, no_records: Path
) -> None:
    engine, notice = _make(
        sbml("compartment c=1; species S in c; S=-1; J: S -> ; 0.1*S"), (), ("S",)
    )
    assert engine.name == "roadrunner" and "inf" in notice
