"""Whole steps as generated code: the sums over stages stay in registers and vectors.

Written in compiled Python, these sums took more time than all functions of the model together.
"""

from __future__ import annotations

from collections.abc import Sequence

from bonecycle.engines.kernel.emit import Place, Writer
from bonecycle.engines.kernel.tableau import STAGES, A, C

_BYTES = 8


def write_combination(w: Writer, stage: int, n: int, *, shared: bool) -> None:
    """Add ``combine(y, k, inverse_step, u, total)`` of a stage.

    ``u = y + sum_j A_ij k_j`` and ``total = inverse_step sum_j C_ij k_j``; with `shared`, one step
    size for all lanes.
    """
    inverse = w.load(Place(2, 0, shared))
    for i in range(n):
        argument, total = w.load(Place(0, i)), w.number(0.0)
        for j in range(stage):
            k = w.load(Place(1, j * n + i))
            if A[stage, j] != 0.0:
                product = w.arithmetic("mul", w.number(float(A[stage, j])), k)
                argument = w.arithmetic("add", argument, product)
            product = w.arithmetic("mul", w.number(float(C[stage, j])), k)
            total = w.arithmetic("add", total, product)
        w.store(argument, Place(3, i))
        w.store(w.arithmetic("mul", total, inverse), Place(4, i))


def write_sum(w: Writer, n: int) -> None:
    """Add ``sum(a, b, result)`` over rows."""
    for i in range(n):
        total = w.arithmetic("add", w.load(Place(0, i)), w.load(Place(1, i)))
        w.store(total, Place(2, i))


def step_function(n: int, width: int) -> list[str]:
    """Write ``step(y, c, inverse_step, u, k, f, jacobian, factors, shift, smallest)``.

    See `rosenbrock.stages`.
    """
    parts = []
    for stage in range(STAGES):
        w = Writer(f"combine_{stage}_{width}", 5, width)
        write_combination(w, stage, n, shared=False)
        parts.append(w.text())
    w = Writer(f"sum_{width}", 3, width)
    write_sum(w, n)
    caller = _Caller(f"step_{width}", 10)
    y, c, inverse, u, k, f, jacobian, factors, shift, smallest = caller.arguments
    caller.call(f"jacobian_{width}", y, c, k, jacobian)
    caller.call(f"factor_{width}", jacobian, shift, factors, smallest)
    caller.call(f"solve_{width}", factors, k)
    for stage in range(1, STAGES):
        own = caller.row(k, stage * n * width)
        caller.call(f"combine_{stage}_{width}", y, k, inverse, u, own)
        caller.call(f"rates_{width}", u, c, f)
        caller.call(f"sum_{width}", f, own, own)
        caller.call(f"solve_{width}", factors, own)
    caller.call(f"sum_{width}", own, u, u)
    return [*parts, w.text(), caller.text()]


def try_function(n: int, n_extended: int) -> str:
    """Write ``try_step(y, c, inverse_step, u, k, f, e, factors, shift, smallest)``.

    See `sensitivities`.
    """
    caller = _Caller("try_step", 10)
    y, c, inverse, u, k, f, e, factors, shift, smallest = caller.arguments
    for stage in range(STAGES):
        argument, own = caller.row(u, stage * n), caller.row(k, stage * n)
        extended = caller.row(e, stage * n_extended)
        caller.call(f"combine_{stage}_1", y, k, inverse, argument, own)
        caller.call("extended", argument, c, f, extended)
        if stage == 0:
            caller.call("factor_1", e, shift, factors, smallest)
        caller.call("sum_1", f, own, own)
        caller.call("solve_1", factors, own)
    caller.call("sum_1", argument, own, caller.row(u, STAGES * n))
    return caller.text()


def differentiate_function(n: int, n_extended: int, columns: int) -> str:
    """Write ``differentiate(y, c, inverse_step, k, e, d, s, v, dk, factors)``.

    See `sensitivities`.
    """
    caller = _Caller("differentiate", 10)
    y, c, inverse, k, e, d, s, v, dk, factors = caller.arguments
    for stage in range(STAGES):
        out = caller.row(dk, stage * n * columns)
        caller.call(f"combine_columns_{stage}", s, dk, inverse, v, out)
        caller.call("curvature", y, c, caller.row(k, stage * n), d)
        caller.call("multiply_extended", caller.row(e, stage * n_extended), v, out)
        caller.call("multiply_curvature", d, s, out)
        caller.call("solve_shared", factors, out)
    # The argument of the last stage plus its result is the result of the step.
    caller.call("sum_columns", v, out, s)
    return caller.text()


class _Caller:
    """A function that calls others of the module with addresses."""

    def __init__(self, name: str, arguments: int) -> None:
        self.arguments: Sequence[str] = [f"%a{i}" for i in range(arguments)]
        names = ", ".join(f"i64 {argument}" for argument in self.arguments)
        self._lines = [f"define void @{name}({names}) #0 {{"]

    def row(self, address: str, elements: int) -> str:
        """Address of an element of an array."""
        name = f"%r{len(self._lines)}"
        self._lines.append(f"  {name} = add i64 {address}, {_BYTES * elements}")
        return name

    def call(self, function: str, *addresses: str) -> None:
        """Call a function."""
        given = ", ".join(f"i64 {address}" for address in addresses)
        self._lines.append(f"  call void @{function}({given})")

    def text(self) -> str:
        """Return the whole function."""
        return "\n".join([*self._lines, "  ret void", "}", ""])
