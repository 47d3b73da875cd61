"""Parts are kept as they finish, and an interrupted run goes on."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bonecycle.inference.comparison.left_out import LeftOut
from bonecycle.inference.comparison.run import Evidence, WholePrior
from bonecycle.inference.comparison.surface import Cell
from bonecycle.inference.fitting.profiles import Profile
from bonecycle.inference.parts import generator, run_parts
from bonecycle.problem.problem import ProblemSpec

RAN = []


@dataclass(frozen=True)
class Part:
    name: str
    fails: bool = False

    @property
    def key(self):
        return self.name

    def run(self):
        if self.fails:
            raise KeyboardInterrupt
        RAN.append(self.name)
        return {"name": self.name, "number": generator(1, self.name).random()}


def test_an_interrupted_run_goes_on_with_the_same_numbers(tmp_path):
    RAN.clear()
    whole = run_parts([Part("a"), Part("b"), Part("c")], tmp_path / "whole")
    RAN.clear()
    with pytest.raises(KeyboardInterrupt):
        run_parts([Part("a"), Part("b", fails=True), Part("c")], tmp_path / "cut")
    assert RAN == ["a"]
    steps = []
    again = run_parts(
        [Part("a"), Part("b"), Part("c")],
        tmp_path / "cut",
        progress=lambda done, total: steps.append((done, total)),
    )
    assert RAN == ["a", "b", "c"]
    assert again == whole
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert run_parts([Part("c")], tmp_path / "cut") == [whole[2]]


SPEC, THETA, COVARIANCE = ProblemSpec("H0"), (0.1, 0.2), ((1.0, 0.0), (0.0, 1.0))


@pytest.mark.parametrize(
    ("part", "others"),
    [
        (LeftOut(SPEC, "one", THETA, COVARIANCE), {"theta": (0.1, 0.3), "covariance": ((2.0,),)}),
        (Cell(SPEC, THETA), {"theta": (0.1, 0.3)}),
        (Evidence(SPEC, THETA, Path()), {"theta": (0.1, 0.3)}),
        (WholePrior(SPEC, Path()), {"live_points": 50}),
        (Profile(SPEC, "p0", THETA, 1.0), {"theta": (0.1, 0.3), "sd": 2.0}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_part_made_from_another_fit_is_another_part(part, others, known, monkeypatch):
    for module in (
        "comparison.left_out",
        "comparison.surface",
        "comparison.run",
        "fitting.profiles",
    ):
        monkeypatch.setattr(f"bonecycle.inference.{module}.load_problem", lambda _: known)
    changed = [replace(part, **{name: value}) for name, value in others.items()]
    assert len({one.key for one in (part, *changed)}) == 1 + len(others)
    assert replace(part).key == part.key
