"""Parts are kept as they finish, and an interrupted run goes on."""

from dataclasses import dataclass

import pytest

from bonecycle.inference.parts import generator, run_parts

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
