"""Events with known moments become a list; all others are refused by name."""

from __future__ import annotations

from collections.abc import Callable

import libsbml
import numpy as np
import pytest

from bonecycle.engines.kernel import events
from bonecycle.engines.kernel.engine import KernelEngine
from bonecycle.engines.kernel.events import Change, NotSupportedError, Schedule
from bonecycle.errors import UsageError

Sbml = Callable[[str], str]
Compare = Callable[..., np.ndarray]
DECAY = "x' = infused - 0.1*x; x = 0; infused = 0;"


def _changes(text: str, end: float) -> list[Change]:
    document = libsbml.readSBMLFromString(text)
    return Schedule(document.getModel()).until(end)


REPEATED = f"""{DECAY} start = 3; interval = 7; number = 4; count = 0; dose = 2;
    at time >= start + count*interval && count < number, t0=false: x = x + dose, count = count + 1;
"""


def test_a_counted_event_sets_its_own_next_time(sbml: Sbml, compare: Compare) -> None:
    changes = _changes(sbml(REPEATED), 100)
    assert [c.time for c in changes if c.target == "x"] == [3, 10, 17, 24]
    assert all(c.value == 2 and c.add for c in changes if c.target == "x")
    assert [c.value for c in changes if c.target == "count"] == [1, 2, 3, 4]
    assert [c.time for c in _changes(sbml(REPEATED), 10) if c.target == "x"] == [3, 10]
    curve = compare(sbml(REPEATED), ("x", "count"), [0, 3, 9.5, 10, 24, 40])
    np.testing.assert_array_equal(curve[:, 1], [0, 1, 1, 2, 4, 4])


def test_events_in_a_circle_are_refused(sbml: Sbml, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MAX_CHANGES", 100)
    text = sbml(
        f"{DECAY} at time >= 1 && infused < 1: infused = 1;"
        " at time >= 1 && infused >= 1: infused = 0;"
    )
    with pytest.raises(UsageError, match="More than 100 doses"):
        _changes(text, 2)


@pytest.mark.parametrize("start", [0, 2])
def test_an_endless_event_ends_at_the_horizon(start: float, sbml: Sbml, compare: Compare) -> None:
    text = sbml(f"""{DECAY} next = {start};
        at time >= next, t0=false: x = x + 1, next = next + 5;""")
    for end in (2, 6.9, 7, 50):
        times = [c.time for c in _changes(text, end) if c.target == "x"]
        assert times == np.arange(start, end + 1e-9, 5).tolist()
    if start:
        compare(text, ("x",), [0, 5, 7, 30])
    else:
        # Not against the reference: its reset keeps `next`, and so it misses the dose at zero.
        curve = KernelEngine(text, (), ("x",)).simulate_all(np.zeros((1, 0)), [0, 4, 5], 1e-10)
        expected = [1, np.exp(-0.4), 1 + np.exp(-0.5)]
        np.testing.assert_allclose(curve.values[0, :, 0], expected, rtol=1e-8)


def test_infusions_switch_on_and_off(sbml: Sbml, compare: Compare) -> None:
    text = sbml(f"""{DECAY}
        on: at time >= 2, t0=false: infused = 3;
        off: at 6.5 <= time, t0=false: infused = 0;""")
    assert [(c.time, c.target, c.value, c.add) for c in _changes(text, 10)] == [
        (2, "infused", 3, False),
        (6.5, "infused", 0, False),
    ]
    curve = compare(text, ("x", "infused"), [0, 1.9, 2, 6.4, 6.5, 20])
    np.testing.assert_array_equal(curve[:, 1], [0, 0, 3, 3, 0, 0])
    assert curve[3, 0] == pytest.approx(30 * (1 - np.exp(-0.44)), rel=1e-8)


@pytest.mark.parametrize(("first", "last"), [(1, 3.0), (3, 0.0)])
def test_the_priority_orders_what_happens_at_one_time(
    first: int, last: float, sbml: Sbml, compare: Compare
) -> None:
    # Stop of one treatment and start of the next.
    text = sbml(f"""{DECAY}
        start: at time >= 5, t0=false, priority={first}: infused = 3;
        stop: at time >= 5, t0=false, priority=2: infused = 0;""")
    # The highest goes first, so the lowest has the last word.
    values = [change.value for change in _changes(text, 5)]
    assert values == ([0, 3] if first == 1 else [3, 0]) and values[-1] == last
    compare(text, ("x", "infused"), [0, 5, 10])


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ("time >= 0", []),
        ("time >= 0, t0=false", [0]),
        ("time >= 5", [5]),
        ("time >= 5, t0=false", [5]),
        ("time > 5, t0=false", [5]),
        ("time >= -5, t0=false", [0]),
        ("time >= 5 && dose > 1", [5]),
        ("time >= 5 && dose > 2", []),
        ("time >= 5 && 1 < dose && dose <= 2 && 2 >= dose", [5]),
    ],
)
def test_when_a_trigger_fires(
    trigger: str, expected: list[float], sbml: Sbml, compare: Compare
) -> None:
    text = sbml(f"{DECAY} dose = 2; at {trigger}: x = dose + x;")
    assert [change.time for change in _changes(text, 20)] == expected
    # A sample at the moment itself is taken after `time >= 5`; for `time > 5` simulators differ.
    compare(text, ("x",), [0, 4.9, *([] if ">=" not in trigger else [5]), 10])


def test_a_trigger_without_an_initial_value_cannot_fire_at_the_start(
    sbml: Sbml, compare: Compare
) -> None:
    # SBML level 2 does not have the attribute.
    document = libsbml.readSBMLFromString(sbml(f"{DECAY} at time >= 0: x = x + 2;"))
    assert document.setLevelAndVersion(2, 4, False)
    text = libsbml.writeSBMLToString(document)
    assert _changes(text, 20) == []
    compare(text, ("x",), [0, 5])


def test_setting_and_adding(sbml: Sbml, compare: Compare) -> None:
    text = sbml(f"""{DECAY} dose = 2;
        a: at time >= 1, t0=false: x = x + dose;
        b: at time >= 2, t0=false: x = 4;""")
    assert [change.add for change in _changes(text, 5)] == [True, False]
    compare(text, ("x",), [0, 1, 2, 5])


def test_an_event_can_make_another_one_fire_at_once(sbml: Sbml, compare: Compare) -> None:
    text = sbml(f"""{DECAY} open = 0;
        a: at time >= 4, t0=false: open = 1;
        b: at time >= 2 && open > 0, t0=false: x = x + 3;""")
    assert [(change.time, change.target) for change in _changes(text, 9)] == [(4, "open"), (4, "x")]
    compare(text, ("x",), [0, 3, 4, 6])


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("at x > 0.5: infused = 1", "its trigger is not one time"),
        ("at time >= 5 && x > 0.5: infused = 1", "needs x"),
        ("at time >= x: infused = 1", "needs x"),
        ("at time <= 5: infused = 1", "its trigger is not one time"),
        ("at time >= 5 && time < 9: infused = 1", "its trigger is not one time"),
        ("at time >= 5 || infused > 0: infused = 1", "its trigger is not one time"),
        ("at 2*time >= 5: infused = 1", "its trigger is not one time"),
        ("at infused > 0: x = 1", "its trigger is not one time"),
        ("at time >= 5 && (infused > 0 || dose > 0): x = 1", "no comparison"),
        ("at 1 after time >= 5: infused = 1", "a delay"),
        ("at time >= 5: x = 2*x", "needs x"),
        ("at time >= 5: x = x + x", "needs x"),
        ("at time >= 5: infused = x", "needs x"),
        ("at time >= 5: infused = log10(dose)", "not supported"),
        ("at time >= 5: start = 1", "it changes 'start'"),
        ("at time >= 5, priority=x: infused = 1", "needs x"),
    ],
)
def test_other_events_are_refused_by_name(event: str, reason: str, sbml: Sbml) -> None:
    # `start` has an initial assignment, so its value is not known before the parameters are.
    text = sbml(f"{DECAY} dose = 2; var start; start = 2*dose; odd: {event};")
    with pytest.raises(NotSupportedError, match=f"event 'odd': .*{reason}"):
        KernelEngine(text, (), ("x",))


def test_all_faults_are_named_at_once(sbml: Sbml) -> None:
    text = sbml(f"{DECAY} a: at x > 1: infused = 0; b: at 1 after time > 5: infused = 1;")
    with pytest.raises(NotSupportedError, match=r"event 'a': .*; event 'b': a delay"):
        KernelEngine(text, (), ("x",))


def test_what_sets_doses_cannot_be_varied(sbml: Sbml) -> None:
    for name in ("start", "interval", "number", "dose"):
        with pytest.raises(NotSupportedError, match=f"'{name}' varies the times or sizes"):
            KernelEngine(sbml(REPEATED), (name,), ("x",))


@pytest.mark.parametrize("early", [5, 150])
@pytest.mark.parametrize(
    "second", ["x = x + 2", "infused = count"], ids=["doses at once", "what the other one changed"]
)
def test_simultaneous_events_see_what_was_when_they_were_triggered(
    early: float, second: str, sbml: Sbml, compare: Compare
) -> None:
    text = sbml(f"""{DECAY} count = 0;
        a: at time >= {early}, t0=false, priority=2: x = x + 1, count = 1;
        b: at time >= {early}, t0=false, priority=1: {second};""")
    compare(text, ("x",), [0, 3, 160])
