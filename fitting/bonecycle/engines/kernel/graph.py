"""Expressions as a shared graph: every distinct subexpression exists once.

Nested SBML rules share most of their parts. A tree of them, as a computer-algebra system keeps
it, grows without bound when it is differentiated; in a graph a part is differentiated once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping

_FOLD: Mapping[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a,
    "exp": math.exp,
    "log": math.log,
    "sqrt": math.sqrt,
    "lt": lambda a, b: float(a < b),
    "le": lambda a, b: float(a <= b),
    "and": lambda a, b: float(bool(a) and bool(b)),
    "or": lambda a, b: float(bool(a) or bool(b)),
    "not": lambda a: float(not a),
    "select": lambda c, a, b: a if c else b,
}
_MAX_INTEGER_POWER = 8


class Graph:
    """Numbers, symbols and operations, addressed by their index.

    Operands always come before the operation that uses them. Conditions are numbers, zero for
    false. A node is static when no symbol of changing value stands behind it.
    """

    def __init__(self) -> None:
        self._operations: list[tuple[object, ...]] = []
        self._static: list[bool] = []
        self._index: dict[tuple[object, ...], int] = {}

    def __len__(self) -> int:
        return len(self._operations)

    def number(self, value: float) -> int:
        """Node of a number."""
        return self._node(True, "number", float(value))

    def symbol(self, name: str, *, static: bool) -> int:
        """Node of a named quantity; static when it does not change during a simulation."""
        return self._node(static, "symbol", name)

    def kind(self, node: int) -> str:
        """Name of the operation, ``number`` or ``symbol``."""
        return str(self._operations[node][0])

    def is_static(self, node: int) -> bool:
        """Whether the node keeps its value during a simulation."""
        return self._static[node]

    def chooses(self) -> bool:
        """Whether a choice rests on something that changes: its derivative may jump there."""
        return any(
            operation[0] == "select" and not self._static[int(operation[1])]  # type: ignore[call-overload]
            for operation in self._operations
        )

    def operands(self, node: int) -> tuple[int, ...]:
        """Operands of an operation; none of a number or a symbol."""
        kind, *rest = self._operations[node]
        return () if kind in ("number", "symbol") else tuple(rest)  # type: ignore[arg-type]

    def value(self, node: int) -> float | None:
        """Value of a number, None for anything else."""
        kind, content = self._operations[node][:2]
        return content if kind == "number" else None  # type: ignore[return-value]

    def name(self, node: int) -> str:
        """Name of a symbol."""
        return str(self._operations[node][1])

    def apply(self, kind: str, *operands: int) -> int:
        """Node of an operation, simplified where that costs nothing."""
        values = [self.value(operand) for operand in operands]
        if all(value is not None for value in values):
            try:
                return self.number(float(_FOLD[kind](*values)))
            except (ArithmeticError, ValueError):
                pass  # left to the simulation, which counts what is not finite as failed
        simpler = self._without_neutral(kind, operands, values)
        if simpler is None:
            simpler = self._with_statics_together(kind, operands)
        if simpler is not None:
            return simpler
        if kind in ("add", "mul", "and", "or"):
            operands = tuple(sorted(operands))
        static = all(self._static[operand] for operand in operands)
        return self._node(static, kind, *operands)

    def power(self, base: int, exponent: int) -> int:
        """``base ** exponent``: products for small integers, else through the logarithm."""
        value = self.value(exponent)
        if value is not None and abs(value) <= _MAX_INTEGER_POWER and value == int(value):
            result = self.number(1.0)
            for _ in range(abs(int(value))):
                result = self.apply("mul", result, base)
            return result if value >= 0 else self.apply("div", self.number(1.0), result)
        if value == 0.5:
            return self.apply("sqrt", base)
        return self.apply("exp", self.apply("mul", exponent, self.apply("log", base)))

    def total(self, nodes: Iterable[int]) -> int:
        """Sum of any number of nodes."""
        result = self.number(0.0)
        for node in nodes:
            result = self.apply("add", result, node)
        return result

    def reached(self, roots: Iterable[int], stop: Collection[int] = ()) -> list[int]:
        """All nodes that the roots need, operands first; nothing behind a node of `stop`."""
        found: set[int] = set()
        waiting = list(roots)
        while waiting:
            node = waiting.pop()
            if node not in found:
                found.add(node)
                if node not in stop:
                    waiting += self.operands(node)
        return sorted(found)

    def gradients(self, roots: Iterable[int], variables: Collection[int]) -> list[dict[int, int]]:
        """Partial derivatives of every root: variable to node, without structural zeros.

        The variables count as independent of each other, even where one stands behind another.
        """
        return self._derive(roots, {v: {v: self.number(1.0)} for v in variables})

    def tangents(self, roots: Iterable[int], direction: Mapping[int, int]) -> list[int]:
        """Derivative of every root along a direction: variable to the node of its component."""
        along = self._derive(roots, {v: {0: component} for v, component in direction.items()})
        return [derivative.get(0, self.number(0.0)) for derivative in along]

    def _derive(
        self, roots: Iterable[int], known: dict[int, dict[int, int]]
    ) -> list[dict[int, int]]:
        roots = list(roots)
        for node in self.reached(roots, stop=set(known)):
            if node not in known:
                known[node] = self._chain(node, known)
        return [{v: d for v, d in known[root].items() if self.value(d) != 0.0} for root in roots]

    def _chain(self, node: int, known: Mapping[int, dict[int, int]]) -> dict[int, int]:
        """Chain rule, from the derivatives of the operands."""
        operands = self.operands(node)
        zero = self.number(0.0)
        if self.kind(node) == "select":
            condition, yes, no = operands
            return {
                v: self.apply("select", condition, known[yes].get(v, zero), known[no].get(v, zero))
                for v in known[yes] | known[no]
            }
        result: dict[int, int] = {}
        for position, operand in enumerate(operands):
            if not known[operand]:
                continue
            outer = self._partial(node, position)
            for variable, inner in known[operand].items():
                term = self.apply("mul", outer, inner)
                result[variable] = self.apply("add", result.get(variable, zero), term)
        return result

    def _partial(self, node: int, position: int) -> int:
        """Derivative of an operation by its operand at a position."""
        one = self.number(1.0)
        operands = self.operands(node)
        match self.kind(node), position:
            case ("add", _) | ("sub", 0):
                return one
            case ("sub", 1) | ("neg", _):
                return self.number(-1.0)
            case "mul", place:
                return operands[1 - place]
            case "div", 0:
                return self.apply("div", one, operands[1])
            case "div", _:
                return self.apply("neg", self.apply("div", node, operands[1]))
            case "exp", _:
                return node
            case "log", _:
                return self.apply("div", one, operands[0])
            case "sqrt", _:
                return self.apply("div", self.number(0.5), node)
        return self.number(0.0)  # comparisons and logic are flat

    def _without_neutral(
        self, kind: str, operands: tuple[int, ...], values: list[float | None]
    ) -> int | None:
        """Drop zeros, ones, double signs and choices without a choice."""
        match kind, values:
            case ("mul", [0.0, _] | [_, 0.0]) | ("div", [0.0, None]):
                return self.number(0.0)
            case ("add", [0.0, _]) | ("mul", [1.0, _]):
                return operands[1]
            case ("add" | "sub", [_, 0.0]) | ("mul" | "div", [_, 1.0]):
                return operands[0]
            case ("sub", [0.0, _]) | ("mul", [-1.0, _]):
                return self.apply("neg", operands[1])
            case ("mul", [_, -1.0]):
                return self.apply("neg", operands[0])
        last_is_negative = self.kind(operands[-1]) == "neg"
        match kind:
            case "neg" if last_is_negative:
                return self.operands(operands[0])[0]
            case "add" if last_is_negative:
                return self.apply("sub", operands[0], self.operands(operands[1])[0])
            case "sub" if last_is_negative:
                return self.apply("add", operands[0], self.operands(operands[1])[0])
            case "sub" if operands[0] == operands[1]:
                return self.number(0.0)
            case "select" if operands[1] == operands[2]:
                return operands[1]
        return None

    def _with_statics_together(self, kind: str, operands: tuple[int, ...]) -> int | None:
        """Move what does not change into one factor, worked out once a simulation."""
        if kind == "div" and self._static[operands[1]] and not self._static[operands[0]]:
            inverse = self.apply("div", self.number(1.0), operands[1])
            return self.apply("mul", operands[0], inverse)
        if kind == "mul" and self._static[operands[0]] != self._static[operands[1]]:
            static, other = sorted(operands, key=lambda operand: not self._static[operand])
            if self.kind(other) == "mul":
                inner = sorted(self.operands(other), key=lambda operand: not self._static[operand])
                if self._static[inner[0]]:
                    return self.apply("mul", self.apply("mul", static, inner[0]), inner[1])
        return None

    def _node(self, static: bool, *operation: object) -> int:
        found = self._index.get(operation)
        if found is None:
            found = self._index[operation] = len(self._operations)
            self._operations.append(operation)
            self._static.append(static)
        return found
