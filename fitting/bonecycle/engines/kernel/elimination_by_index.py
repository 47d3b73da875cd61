"""The same sparse factorization by index: for models whose straight-line code would be too long.

The operations of `elimination`, in the same order, stand in a table that a loop walks through.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bonecycle.engines.kernel.elimination import Entry, Pattern
from bonecycle.engines.kernel.emit import Place, Writer

UNROLLED_UP_TO = 150
"""Largest number of states for which straight-line code is written."""

_PIVOT, _SCALE, _UPDATE = range(3)
_COLUMNS = 4


class _TableWriter(Writer):
    """A function that walks through tables of indices."""

    def __init__(self, name: str, arguments: int, width: int) -> None:
        super().__init__(name, arguments, width)
        self._name, self._tables = name, [""]

    def text(self) -> str:
        """Return the tables and the function."""
        return "\n".join([*self._tables, super().text()])

    def loop(self, rows: Sequence[Sequence[int]], body: Callable[[list[str]], None]) -> None:
        """Run a body for every row of a table; it gets the row's indices."""
        table = f"@{self._name}_table{len(self._tables)}"
        cells = [index for row in rows for index in (*row, *[0] * (_COLUMNS - len(row)))]
        kind = f"[{len(cells)} x i64]"
        listed = ", ".join(f"i64 {cell}" for cell in cells)
        self._tables.append(f"{table} = private unnamed_addr constant {kind} [{listed}]")

        def read(number: str) -> None:
            first = self.emit(f"mul i64 {number}, {_COLUMNS}")
            indices = []
            for column in range(_COLUMNS):
                at = self.emit(f"add i64 {first}, {column}")
                address = self.emit(f"getelementptr i64, ptr {table}, i64 {at}")
                indices.append(self.emit(f"load i64, ptr {address}, align 8"))
            body(indices)

        self.repeat(len(rows), read)

    def choose(self, kind: str, bodies: Sequence[Callable[[], None]]) -> None:
        """Run the body whose number a value has."""
        self._count += 1
        label = f"choice{self._count}"
        cases = " ".join(f"i64 {i}, label %{label}_{i}" for i in range(len(bodies)))
        self._lines.append(f"  switch i64 {kind}, label %{label}_end [ {cases} ]")
        for i, body in enumerate(bodies):
            self._lines.append(f"{label}_{i}:")
            body()
            self._lines.append(f"  br label %{label}_end")
        self._lines.append(f"{label}_end:")


def factor_by_index(name: str, pattern: Pattern, jacobian: Sequence[Entry], width: int) -> str:
    """Write ``factor``, see `elimination.factor_function`."""
    w = _TableWriter(name, 4, width)
    zero, shift = w.number(0.0), w.load(Place(1, 0))
    entries = pattern.entries
    w.loop([(k,) for k in entries.values()], lambda row: w.put(zero, 2, row[0]))

    def negate(row: list[str]) -> None:
        w.put(w.emit(f"fneg {w.type} {w.get(0, row[0])}"), 2, row[1])

    w.loop([(k, entries[entry]) for k, entry in enumerate(jacobian)], negate)

    def add_shift(row: list[str]) -> None:
        w.put(w.arithmetic("add", w.get(2, row[0]), shift), 2, row[0])

    w.loop([(entries[i, i],) for i in pattern.order], add_shift)
    w.store(w.number(float("inf")), Place(3, 0))

    def operate(row: list[str]) -> None:
        kind, x, y, z = row

        def pivot() -> None:
            value = w.get(2, x)
            smallest = w.smaller(value, w.load(Place(3, 0)))
            # Not a number as soon as one pivot is not finite.
            finite = w.arithmetic("mul", value, zero)
            w.store(w.arithmetic("add", smallest, finite), Place(3, 0))
            w.put(w.arithmetic("div", w.number(1.0), value), 2, x)

        def scale() -> None:
            w.put(w.arithmetic("mul", w.get(2, x), w.get(2, y)), 2, x)

        def update() -> None:
            product = w.arithmetic("mul", w.get(2, y), w.get(2, z))
            w.put(w.arithmetic("sub", w.get(2, x), product), 2, x)

        w.choose(kind, (pivot, scale, update))

    w.loop(_factor_steps(pattern), operate)
    return w.text()


def _factor_steps(pattern: Pattern) -> list[tuple[int, int, int, int]]:
    entries, steps = pattern.entries, []
    for pivot in pattern.order:
        below, right = pattern.later(pivot)
        steps.append((_PIVOT, entries[pivot, pivot], 0, 0))
        for i in below:
            steps.append((_SCALE, entries[i, pivot], entries[pivot, pivot], 0))
            steps += [(_UPDATE, entries[i, j], entries[i, pivot], entries[pivot, j]) for j in right]
    return steps


def solve_by_index(name: str, pattern: Pattern, width: int, *, shared: bool = False) -> str:
    """Write ``solve``, see `elimination.solve_function`."""
    w = _TableWriter(name, 2, width)

    def operate(row: list[str]) -> None:
        kind, x, y, z = row

        def subtract() -> None:
            product = w.arithmetic("mul", w.get(0, y, shared=shared), w.get(1, z))
            w.put(w.arithmetic("sub", w.get(1, x), product), 1, x)

        def scale() -> None:
            w.put(w.arithmetic("mul", w.get(1, x), w.get(0, y, shared=shared)), 1, x)

        w.choose(kind, (subtract, scale))

    w.loop(_solve_steps(pattern), operate)
    return w.text()


def _solve_steps(pattern: Pattern) -> list[tuple[int, int, int, int]]:
    entries = pattern.entries
    steps = [
        (0, i, entries[i, pivot], pivot) for pivot in pattern.order for i in pattern.later(pivot)[0]
    ]
    for pivot in reversed(pattern.order):
        steps += [(0, pivot, entries[pivot, j], j) for j in pattern.later(pivot)[1]]
        steps.append((1, pivot, entries[pivot, pivot], 0))
    return steps
