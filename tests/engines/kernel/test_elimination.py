"""Generated factors solve like numpy, and the smallest pivot is told."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from bonecycle.engines.kernel.elimination import (
    Entry,
    Pattern,
    analyse,
    factor_function,
    solve_function,
)
from bonecycle.engines.kernel.library import Library, assembled

SIZE = 12


def _compiled(pattern: Pattern, entries: list[Entry], width: int) -> Library:
    parts = [
        factor_function("factor", pattern, entries, width),
        solve_function("solve", pattern, width),
    ]
    return Library(assembled("\n".join([*parts, "attributes #0 = { nounwind }"])))


def _factor(
    call: Callable[..., None], library: Library, pattern: Pattern, values: np.ndarray, shift: float
) -> tuple[np.ndarray, np.ndarray]:
    width = values.shape[1]
    factors, smallest = np.empty((len(pattern.entries), width)), np.empty(width)
    call(library.address("factor"), values, np.full(width, shift), factors, smallest)
    return factors, smallest


@pytest.mark.parametrize("width", [1, 8])
@pytest.mark.parametrize("seed", range(4))
def test_factors_solve(width: int, seed: int, call: Callable[..., None]) -> None:
    random = np.random.default_rng(seed)
    filled = random.random((SIZE, SIZE)) < (0.1, 0.25, 0.5, 1.0)[seed]
    entries = [(int(i), int(j)) for i, j in np.argwhere(filled)]
    pattern = analyse(SIZE, entries)
    assert sorted(pattern.order) == list(range(SIZE))
    values = random.normal(size=(len(entries), width))
    # Diagonally dominant: more than the largest sum of a row.
    shift = 2.0 * SIZE
    b = random.normal(size=(SIZE, width))
    x = b.copy()
    library = _compiled(pattern, entries, width)
    factors, smallest = _factor(call, library, pattern, values, shift)
    call(library.address("solve"), factors, x)
    for lane in range(width):
        matrix = shift * np.eye(SIZE)
        for (i, j), value in zip(entries, values[:, lane], strict=True):
            matrix[i, j] -= value
        np.testing.assert_allclose(x[:, lane], np.linalg.solve(matrix, b[:, lane]), rtol=1e-12)
        # The pivots multiply to the determinant, so their smallest is no larger than its root.
        determinant = float(np.linalg.det(matrix))
        assert 0 < smallest[lane] <= determinant ** (1 / SIZE) * (1 + 1e-12)


def test_a_chain_fills_nothing_in() -> None:
    chain = [(i, i) for i in range(SIZE)] + [(i + 1, i) for i in range(SIZE - 1)]
    assert set(analyse(SIZE, chain).entries) == set(chain)
    # An arrow, the hub first: only the right order keeps it sparse.
    arrow = [(0, i) for i in range(SIZE)] + [(i, 0) for i in range(1, SIZE)]
    assert len(analyse(SIZE, arrow).entries) == 3 * SIZE - 2


@pytest.mark.parametrize(
    ("jacobian", "expected"),
    [
        ([0.0, 0.0, 0.0, 0.0], 1.0),
        ([3.0, 0.0, 0.0, 0.0], -2.0),
        ([0.0, 0.0, 0.0, 5.0], -4.0),
        # Singular as a whole, though no diagonal entry is.
        ([0.0, 1.0, 1.0, 0.0], 0.0),
        ([0.0, 2.0, 2.0, 0.0], -3.0),
        ([np.nan, 0.0, 0.0, 0.0], np.nan),
        ([0.0, 0.0, 0.0, np.nan], np.nan),
        # An infinite pivot would hold its state still, with an error of zero.
        ([-np.inf, 0.0, 0.0, 0.0], np.nan),
    ],
    ids=str,
)
def test_the_smallest_pivot_is_told_with_its_sign(
    jacobian: list[float], expected: float, call: Callable[..., None]
) -> None:
    entries = [(0, 0), (0, 1), (1, 0), (1, 1)]
    pattern = analyse(2, entries)
    values = np.zeros((4, 8))
    values[:, 3] = jacobian
    _, smallest = _factor(call, _compiled(pattern, entries, 8), pattern, values, 1.0)
    np.testing.assert_allclose(smallest[3], expected, atol=1e-15)
    np.testing.assert_array_equal(np.delete(smallest, 3), 1.0)
