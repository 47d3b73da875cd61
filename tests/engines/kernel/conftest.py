"""Small models from Antimony and generated functions to call."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable, Sequence

import antimony
import numpy as np
import pytest

from bonecycle.engines.kernel.engine import KernelEngine
from bonecycle.engines.roadrunner import RoadRunnerEngine

Sbml = Callable[[str], str]
TIGHT = 1e-10


@functools.cache
def _sbml(text: str) -> str:
    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString(f"model m\n{text}\nend") >= 0, antimony.getLastError()
    return str(antimony.getSBMLString(antimony.getMainModuleName()))


@pytest.fixture(scope="session")
def sbml() -> Sbml:
    """SBML of the body of an Antimony model."""
    return _sbml


@pytest.fixture(scope="session")
def compare() -> Callable[..., np.ndarray]:
    """Kernel minus roadrunner at the model's own values; returns the kernel's curves."""

    def compared(
        text: str, outputs: Sequence[str], times: Sequence[float], atol: float = 1e-8
    ) -> np.ndarray:
        engine = KernelEngine(text, (), outputs)
        reference = RoadRunnerEngine(text, (), outputs, relative_tolerance=TIGHT)
        # Both widths.
        for count in (1, 4):
            none = np.zeros((count, 0))
            found = engine.simulate_all(none, times, TIGHT)
            expected = reference.simulate(none, times)
            assert expected.ok.all() and found.ok.all(), found.messages
            found_values = found.values[..., : len(outputs)]
            np.testing.assert_allclose(found_values, expected.values, rtol=1e-7, atol=atol)
        return found_values[0]

    return compared


@pytest.fixture(scope="session")
def call() -> Callable[..., None]:
    """Call a generated function by its address with arrays."""

    def called(address: int, *arrays: np.ndarray) -> None:
        kind = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * len(arrays))
        kind(int(address))(*(array.ctypes.data for array in arrays))

    return called
