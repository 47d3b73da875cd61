"""Sparse LU factorization as straight-line code: the pattern is known, so nothing is searched.

The matrix is W = I / (h gamma) - J. Its pivots are taken on the diagonal, in the order that
Markowitz's count gives (Duff, Erisman and Reid, Direct Methods for Sparse Matrices, 2017, ch. 7);
W becomes diagonal and positive for small steps, so a pivot that is small or negative is answered
with a smaller step; the smallest is handed out for that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bonecycle.engines.kernel.emit import Place, Writer

Entry = tuple[int, int]


@dataclass(frozen=True)
class Pattern:
    """Elimination order and the entries of both factors.

    Attributes
    ----------
    order : tuple of int
        Pivots, first to last.
    entries : dict of (row, column) to int
        Where an entry of the factors is stored; the diagonal holds the inverse pivots.
    """

    order: tuple[int, ...]
    entries: dict[Entry, int]

    def later(self, pivot: int) -> tuple[list[int], list[int]]:
        """Rows below and columns right of a pivot that are not zero."""
        rank = {index: position for position, index in enumerate(self.order)}
        below = [i for i, j in self.entries if j == pivot and rank[i] > rank[pivot]]
        right = [j for i, j in self.entries if i == pivot and rank[j] > rank[pivot]]
        return sorted(below, key=rank.__getitem__), sorted(right, key=rank.__getitem__)


def analyse(size: int, jacobian: Sequence[Entry]) -> Pattern:
    """Choose the order and find the fill-in."""
    rows: list[set[int]] = [{i} for i in range(size)]
    columns: list[set[int]] = [{i} for i in range(size)]
    for i, j in jacobian:
        rows[i].add(j)
        columns[j].add(i)
    filled = {(i, j) for i in range(size) for j in rows[i]}
    left = set(range(size))
    order = []
    while left:
        pivot = min(left, key=lambda k: ((len(rows[k]) - 1) * (len(columns[k]) - 1), k))
        order.append(pivot)
        left.remove(pivot)
        for i in columns[pivot] - {pivot}:
            for j in rows[pivot] - {pivot}:
                rows[i].add(j)
                columns[j].add(i)
                filled.add((i, j))
        for i in columns[pivot]:
            rows[i].discard(pivot)
        for j in rows[pivot]:
            columns[j].discard(pivot)
    return Pattern(tuple(order), {entry: k for k, entry in enumerate(sorted(filled))})


def factor_function(name: str, pattern: Pattern, jacobian: Sequence[Entry], width: int) -> str:
    """Write ``factor(jacobian, inverse_step, factors, smallest)``.

    `inverse_step` is 1 / (h gamma) of every lane; `smallest` gets the smallest pivot,
    with its sign.
    """
    w = Writer(name, 4, width)
    shift = w.load(Place(1, 0))
    zero = w.number(0.0)
    given = {entry: w.load(Place(0, k)) for k, entry in enumerate(jacobian)}
    a = {}
    for i, j in pattern.entries:
        value = given.get((i, j))
        if i == j:
            a[i, j] = shift if value is None else w.arithmetic("sub", shift, value)
        else:
            a[i, j] = zero if value is None else w.emit(f"fneg {w.type} {value}")
    smallest, finite = w.number(float("inf")), zero
    for pivot in pattern.order:
        below, right = pattern.later(pivot)
        smallest = w.smaller(a[pivot, pivot], smallest)
        # Not a number as soon as one pivot is not finite: its state would stand still, unnoticed.
        finite = w.arithmetic("add", w.arithmetic("mul", a[pivot, pivot], zero), finite)
        inverse = w.arithmetic("div", w.number(1.0), a[pivot, pivot])
        a[pivot, pivot] = inverse
        for i in below:
            a[i, pivot] = w.arithmetic("mul", a[i, pivot], inverse)
            for j in right:
                product = w.arithmetic("mul", a[i, pivot], a[pivot, j])
                a[i, j] = w.arithmetic("sub", a[i, j], product)
    for entry, k in pattern.entries.items():
        w.store(a[entry], Place(2, k))
    w.store(w.arithmetic("add", smallest, finite), Place(3, 0))
    return w.text()


def solve_function(name: str, pattern: Pattern, width: int, *, shared: bool = False) -> str:
    """Write ``solve(factors, b)``, which replaces b; with `shared`, one matrix for all lanes."""
    w = Writer(name, 2, width)
    b = {i: w.load(Place(1, i)) for i in pattern.order}

    def entry(i: int, j: int) -> str:
        return w.load(Place(0, pattern.entries[i, j], shared))

    for pivot in pattern.order:
        for i in pattern.later(pivot)[0]:
            b[i] = w.arithmetic("sub", b[i], w.arithmetic("mul", entry(i, pivot), b[pivot]))
    for pivot in reversed(pattern.order):
        for j in pattern.later(pivot)[1]:
            b[pivot] = w.arithmetic("sub", b[pivot], w.arithmetic("mul", entry(pivot, j), b[j]))
        b[pivot] = w.arithmetic("mul", b[pivot], entry(pivot, pivot))
        w.store(b[pivot], Place(1, pivot))
    return w.text()
