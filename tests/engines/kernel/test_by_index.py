"""The factorization by index says what the straight-line one says."""

from pathlib import Path

import numpy as np
import pytest

from bonecycle.biology.compose import Build, compose
from bonecycle.engines.kernel import model_code
from bonecycle.engines.kernel.draws import prior_draws
from bonecycle.engines.kernel.engine import KernelEngine
from bonecycle.engines.roadrunner import RoadRunnerEngine

FREE = ("untreated_births", "recruitment_rate", "arrest_rate", "resorption_period", "young_period")
TIMES = [0.0, 10.0, 100.0, 400.0]


def engine(sbml: str) -> KernelEngine:
    # Another list of outputs: what is compiled is remembered by it.
    return KernelEngine(sbml, FREE, ("ES_BS", "Ac_f", "CTX"), tolerance=1e-8)


def test_a_model_by_index_is_the_model_unrolled(
    no_records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sbml = compose("cycle", ()).sbml
    draws = prior_draws(FREE, engine(sbml).own_values, 9)
    unrolled = engine(sbml)
    batch, slopes = unrolled.simulate(draws, TIMES), unrolled.gradient(draws[:2], TIMES)
    monkeypatch.setattr(model_code, "UNROLLED_UP_TO", 0)
    by_index = KernelEngine(sbml, FREE, ("Ac_f", "CTX", "ES_BS"), tolerance=1e-8)
    assert by_index.hash != unrolled.hash
    place = [by_index.outputs.index(name) for name in unrolled.outputs]
    other = by_index.simulate(draws, TIMES)
    np.testing.assert_allclose(other.values[..., place], batch.values, rtol=1e-9)
    found = by_index.gradient(draws[:2], TIMES).slopes[:, :, place]
    np.testing.assert_allclose(found, slopes.slopes, rtol=1e-7, atol=1e-12)


@pytest.mark.slow
def test_a_model_of_many_states_agrees_with_roadrunner() -> None:
    sbml = compose("cycle", (), Build(reversal=60, mineralizing=40)).sbml
    large = engine(sbml)
    assert len(large.state_names) > model_code.UNROLLED_UP_TO
    draws = prior_draws(FREE, large.own_values, 4)
    reference = RoadRunnerEngine(sbml, FREE, large.outputs, relative_tolerance=1e-10)
    np.testing.assert_allclose(
        large.simulate(draws, TIMES).values, reference.simulate(draws, TIMES).values, rtol=1e-6
    )
