"""Events of a user's model that fire without end stop with a message; others are left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from synthetic import CYCLE_ANT

from bonecycle.analysis.user_model import simulate_model
from bonecycle.biology.foreign import read_model
from bonecycle.biology.safe_antimony import antimony_to_sbml
from bonecycle.engines import event_limit, roadrunner
from bonecycle.engines.choice import EngineName, make_engine
from bonecycle.engines.event_limit import with_event_limit
from bonecycle.errors import SimulationError

EVENTS = {
    "often": "at sin(1000 * time) > 0: a = a + 1;",
    "delayed": "at 5 after sin(1000 * time) > 0: a = a + 1;",
    "in a circle": "at x > 1 && a < 1: a = 1; at x > 1 && a >= 1: a = 0;",
}


def model(event: str) -> str:
    text = f"model m()\n x = 0; x' = 1; a = 0; {event}\nend\n"
    return antimony_to_sbml("m", text.encode()).decode()


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A limit that is reached soon."""
    for module in (event_limit, roadrunner):
        monkeypatch.setattr(module, "MAX_FIRINGS", 500)


@pytest.mark.parametrize("name", EVENTS)
def test_events_without_end_make_a_set_fail(name: str) -> None:
    engine, notice = make_engine(EngineName.KERNEL, model(EVENTS[name]), (), ("a",), "m", "arm")
    assert "the kernel does not take it" in notice
    # Twice: the count begins anew.
    for _ in range(2):
        batch = engine.simulate(np.empty((1, 0)), [0, 1, 50])
        assert not batch.ok[0]
        assert "fire more than 500 times" in batch.messages[0]
        assert engine.simulate(np.empty((1, 0)), [0, 0.01]).ok[0]


def test_a_simulation_of_a_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "m.xml"
    path.write_text(model(EVENTS["often"]))
    with pytest.raises(SimulationError, match="fire more than 500 times"):
        simulate_model(read_model(path), 1000.0)


@pytest.mark.parametrize(
    "event", ["at time >= 3: a = 7, x = x + 2;", "at 2 after x > 3: a = time; at a > 1: a = 0.5;"]
)
def test_until_then_a_model_gives_the_same(event: str) -> None:
    plain = model(event)
    assert with_event_limit(plain) != plain
    times = [0.0, 2.0, 3.5, 4.9, 6.0]
    found = [
        roadrunner.RoadRunnerEngine(sbml, (), ("x", "a")).simulate(np.empty((1, 0)), times).values
        for sbml in (plain, with_event_limit(plain))
    ]
    np.testing.assert_allclose(*found, rtol=1e-12)
    assert np.ptp(found[0][0, :, 1]) > 0


def test_large_parameters_are_no_firings() -> None:
    plain = antimony_to_sbml("m", b"model m()\n x = 0; x' = rate; rate = 1e9;\nend\n").decode()
    engine = roadrunner.RoadRunnerEngine(with_event_limit(plain), ("rate",), ("x",))
    assert engine.simulate(np.array([[1e9]]), [0, 1]).ok[0]


def test_a_model_without_events_is_left_as_it_is() -> None:
    plain = antimony_to_sbml("m", CYCLE_ANT.encode()).decode()
    assert with_event_limit(plain) == plain
