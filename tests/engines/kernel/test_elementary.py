"""Exponential and logarithm against numpy, which is right to less than one unit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bonecycle.engines.kernel.elementary import exponential, logarithm
from bonecycle.engines.kernel.emit import Place, function
from bonecycle.engines.kernel.graph import Graph
from bonecycle.engines.kernel.library import Library, assembled

Evaluate = Callable[[str, np.ndarray], np.ndarray]


@pytest.fixture(scope="module", params=[1, 8])
def evaluate(request: pytest.FixtureRequest, call: Callable[..., None]) -> Evaluate:
    width = request.param
    graph = Graph()
    x = graph.symbol("x", static=False)
    bodies = [
        function(
            f"f_{kind}", graph, width, {x: Place(0, 0)}, [(graph.apply(kind, x), Place(1, 0))], 2
        )
        for kind in ("exp", "log")
    ]
    text = [exponential(width), logarithm(width), *bodies, "attributes #0 = { nounwind }"]
    library = Library(assembled("\n".join(text)))

    def evaluated(kind: str, values: np.ndarray) -> np.ndarray:
        result = np.empty(len(values))
        for start in range(0, len(values), width):
            part = np.resize(values[start : start + width], width)
            out = np.empty(width)
            call(library.address(f"f_{kind}"), part, out)
            result[start : start + width] = out[: len(result) - start]
        return result

    return evaluated


def _units(found: np.ndarray, exact: np.ndarray) -> float:
    return float(np.max(np.abs(found - exact) / np.spacing(np.abs(exact))))


def test_exponential_over_its_range(evaluate: Evaluate) -> None:
    random = np.random.default_rng(0)
    small = random.choice([-1, 1], 2000) * 10.0 ** random.uniform(-300, 0, 2000)
    x = np.concatenate([random.uniform(-708, 709.78, 20_000), random.uniform(-2, 2, 5000), small])
    assert _units(evaluate("exp", x), np.exp(x)) <= 2


def test_logarithm_over_its_range(evaluate: Evaluate) -> None:
    random = np.random.default_rng(1)
    near = 1 + random.choice([-1, 1], 4000) * 10.0 ** random.uniform(-15, -0.5, 4000)
    x = np.concatenate([2.0 ** random.uniform(-1022, 1024, 20_000), near, [np.sqrt(2)]])
    # Where the logarithm is zero, it is so exactly.
    x = x[x != 1]
    assert _units(evaluate("log", x), np.log(x)) <= 2
    assert evaluate("log", np.ones(1))[0] == 0


def test_special_values(evaluate: Evaluate) -> None:
    inf, nan, largest = np.inf, np.nan, np.finfo(float).max
    # Below -708 the result is zero, where numpy's falls to 5e-324.
    x = np.array([inf, -inf, nan, 0.0, -0.0, 709.79, 1e308, -709.0, -1e308])
    expected = np.array([inf, 0, nan, 1, 1, inf, inf, 0, 0])
    np.testing.assert_array_equal(evaluate("exp", x), expected)
    assert evaluate("exp", np.array([709.782712893384]))[0] == pytest.approx(largest, rel=1e-9)
    # Numbers below the smallest normal one count as zero.
    x = np.array([inf, -inf, nan, 0.0, -0.0, -1.0, -1e-300, 1e-310])
    expected = np.array([inf, nan, nan, -inf, -inf, nan, nan, -inf])
    np.testing.assert_array_equal(evaluate("log", x), expected)
    assert evaluate("log", np.array([largest]))[0] == pytest.approx(np.log(largest), rel=1e-15)
