"""The untreated steady state of a kernel and its derivatives, against the closed form."""

import numpy as np
import pytest

from bonecycle.biology.compose import compose
from bonecycle.engines.kernel.draws import prior_draws
from bonecycle.engines.kernel.engine import KernelEngine
from bonecycle.engines.kernel.rates import KernelRates, steady_state
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.engines.steady_state import solve_steady_state
from bonecycle.errors import SimulationError

FREE = ("untreated_births", "recruitment_rate", "arrest_rate", "resorption_period", "young_period")


@pytest.fixture(scope="module")
def engine() -> KernelEngine:
    return KernelEngine(compose("cycle", ()).sbml, FREE, ("ES_BS",))


def test_the_steady_state_and_its_slopes_are_those_of_the_closed_form(
    engine: KernelEngine,
) -> None:
    for values in prior_draws(FREE, engine.own_values, 3):
        state, slopes = steady_state(engine, values)
        source = KernelRates(engine)
        source.start(values)
        np.testing.assert_allclose(state.values, source.states()[1], rtol=1e-9)
        solved = [i for i, name in enumerate(state.names) if name not in state.integrals]
        expected = source.start_slopes()[solved]
        np.testing.assert_allclose(slopes[solved], expected, rtol=1e-7, atol=1e-9)
        assert np.abs(expected).max() > 0.01


def test_rates_are_those_of_roadrunner(engine: KernelEngine) -> None:
    reference = RoadRunnerEngine(compose("cycle", ()).sbml, FREE, ("ES_BS",))
    source = KernelRates(engine)
    values = prior_draws(FREE, engine.own_values, 1)[0]
    source.start(values)
    reference.start(values)
    names, start = source.states()
    other_names, _ = reference.states()
    place = [names.index(name) for name in other_names]
    moved = start * np.exp(0.1 * np.random.default_rng(2).standard_normal(len(start)))
    np.testing.assert_allclose(
        source.rates_at(moved)[place], reference.rates_at(moved[place]), rtol=1e-9, atol=1e-13
    )
    found = solve_steady_state(reference, values, "untreated")
    np.testing.assert_allclose(steady_state(engine, values)[0].values[place], found.values, 1e-8)


def test_a_steady_state_that_does_not_exist_is_a_clear_failure(engine: KernelEngine) -> None:
    values = engine.own_values * np.array([1e5, 1, 1, 1, 1])
    with pytest.raises(SimulationError, match="no steady state"):
        steady_state(engine, values)
