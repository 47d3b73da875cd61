"""A second process generates nothing, and a changed or damaged record is not believed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from bonecycle.engines.kernel import compiled as code_of
from bonecycle.engines.kernel import description
from bonecycle.engines.kernel import engine as kernel_engine
from bonecycle.engines.kernel.engine import KernelEngine
from bonecycle.engines.kernel.verification import verify

Sbml = Callable[[str], str]
TEXT = "k = 0.1; n = 2; x = 1; x' = -k*x; y := n*x; at time >= {day}, t0=false: n = 3;"
TIMES = [0.0, 5.0, 10.0]


@pytest.fixture
def forgetful(no_records: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every engine is the first of its process; returns the folder of what is kept."""
    monkeypatch.setattr(kernel_engine, "compiled", code_of.compiled.__wrapped__)
    monkeypatch.setattr(kernel_engine, "describe", description.describe.__wrapped__)
    monkeypatch.setattr(description, "read", description.read_system)
    monkeypatch.setattr(code_of, "read", description.read_system)
    return no_records


def _run(text: str) -> np.ndarray:
    engine = KernelEngine(text, ("k",), ("x", "y"))
    verify(engine, text)
    sets = np.linspace(0.1, 0.2, 5)[:, None]
    values = engine.simulate(sets, TIMES).values
    np.testing.assert_array_equal(engine.simulate(sets[:1], TIMES).values, values[:1])
    expected = np.exp(-sets * TIMES)
    factor = np.where(np.array(TIMES) >= 4, 3.0, 2.0)
    np.testing.assert_allclose(values, np.stack([expected, factor * expected], axis=2), rtol=1e-5)
    assert engine.gradient(sets[:1], TIMES).batch.ok.all()
    return values


def test_a_warm_start_generates_nothing(
    sbml: Sbml, forgetful: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = sbml(TEXT.format(day=4))
    cold = _run(text)

    def never(*_: object) -> None:
        pytest.fail("it was generated again")

    for module, name in [
        (code_of, "single_code"),
        (code_of, "batch_code"),
        (code_of, "assembled"),
        (code_of, "read"),
        (description, "read"),
        (KernelEngine, "_calibrated"),
    ]:
        monkeypatch.setattr(module, name, never)
    np.testing.assert_array_equal(_run(text), cold)


def test_damaged_files_are_made_again(sbml: Sbml, forgetful: Path) -> None:
    text = sbml(TEXT.format(day=4))
    cold = _run(text)
    files = {path: path.read_bytes() for path in forgetful.rglob("*") if path.is_file()}
    kinds = {path.parent.name for path in files}
    assert kinds == {"descriptions", "layouts", "machine-code", "tolerances", "checked"}
    for path, content in files.items():
        path.write_bytes(content[: len(content) // 2])
    np.testing.assert_array_equal(_run(text), cold)
    assert {path: path.read_bytes() for path in files} == files


def test_the_key_follows_the_model_and_the_generator(
    sbml: Sbml, monkeypatch: pytest.MonkeyPatch
) -> None:
    def key(text: str, parameters: tuple[str, ...] = ("k",)) -> str:
        return KernelEngine(sbml(text), parameters, ("x",)).hash

    first = key(TEXT.format(day=4))
    assert key(TEXT.format(day=5)) == first  # doses do not enter the code
    assert key(TEXT.format(day=4), ()) != first
    assert key(TEXT.format(day=4).replace("k = 0.1", "k = 0.2")) != first
    monkeypatch.setattr(code_of, "generator", lambda: "another")
    assert key(TEXT.format(day=4)) != first
