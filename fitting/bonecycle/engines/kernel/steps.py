"""Whole steps as generated code: the sums over stages stay in registers and vectors.

Written in compiled Python, these sums took more time than all functions of the model together.
What walks through all rows is a loop: unrolled, the code of a step would not stay in the
processor's instruction cache.
"""

from __future__ import annotations

from collections.abc import Sequence

from bonecycle.engines.kernel.emit import Place, Writer
from bonecycle.engines.kernel.tableau import STAGES, A, C

_BYTES = 8


def combine_function(name: str, stage: int, n: int, width: int, *, shared: bool = False) -> str:
    """Write ``combine(y, k, inverse_step, u, total)`` of a stage.

    ``u = y + sum_j A_ij k_j`` and ``total = inverse_step sum_j C_ij k_j``; with `shared`, one step
    size for all lanes. `u` comes with the argument of the stage before.
    """
    w = Writer(name, 5, width)
    inverse = w.load(Place(2, 0, shared))
    # The last stages only add to the argument of the one before.
    added = A[stage] - A[stage - 1] if stage else A[stage]
    follows = stage > 1 and not added[: stage - 1].any()
    weights = added if follows else A[stage]

    def row(i: str) -> None:
        argument, total = w.get(3 if follows else 0, i), w.number(0.0)
        for j in range(stage):
            k = w.get(1, i, j * n)
            if weights[j] != 0.0:
                product = w.arithmetic("mul", w.number(float(weights[j])), k)
                argument = w.arithmetic("add", argument, product)
            product = w.arithmetic("mul", w.number(float(C[stage, j])), k)
            total = w.arithmetic("add", total, product)
        w.put(argument, 3, i)
        w.put(w.arithmetic("mul", total, inverse), 4, i)

    w.repeat(n, row)
    return w.text()


def sum_function(name: str, n: int, width: int) -> str:
    """Write ``sum(a, b, result)`` over rows."""
    w = Writer(name, 3, width)
    w.repeat(n, lambda i: w.put(w.arithmetic("add", w.get(0, i), w.get(1, i)), 2, i))
    return w.text()


def step_functions(n: int, width: int) -> list[str]:
    """Write ``step(y, c, inverse_step, u, k, f, jacobian, factors, shift, smallest)``.

    See `rosenbrock.stages`.
    """
    parts = [
        combine_function(f"combine_{stage}_{width}", stage, n, width) for stage in range(STAGES)
    ]
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
    return [*parts, sum_function(f"sum_{width}", n, width), caller.text()]


def try_function(n: int, n_extended: int) -> str:
    """Write ``try_step(y, c, inverse_step, u, k, f, e, factors, shift, smallest)``.

    See `sensitivities`.
    """
    caller = _Caller("try_step", 10)
    y, c, inverse, u, k, f, e, factors, shift, smallest = caller.arguments
    for stage in range(STAGES):
        own, extended = caller.row(k, stage * n), caller.row(e, stage * n_extended)
        caller.call(f"combine_{stage}_1", y, k, inverse, u, own)
        caller.call("extended", u, c, f, extended)
        if stage == 0:
            caller.call("factor_1", e, shift, factors, smallest)
        caller.call("sum_1", f, own, own)
        caller.call("solve_1", factors, own)
    caller.call("sum_1", u, own, u)
    return caller.text()


def differentiate_functions(n: int, n_extended: int, n_turned: int, width: int) -> list[str]:
    """Write what moves derivatives over a step, see `sensitivities`.

    ``turn(y, c, k, e, d, still)`` for all columns, then ``differentiate(inverse_step, e, d, s, v,
    dk, factors)`` for every block of `width` columns.
    """
    turn = _Caller("turn", 6)
    y, c, k, e, d, still = turn.arguments
    turn.call("still", y, c, still)
    for stage in range(STAGES):
        own = [turn.row(a, stage * rows) for a, rows in ((k, n), (e, n_extended), (d, n_turned))]
        turn.call("curvature", still, *own)
    block = _Caller("differentiate", 7)
    inverse, e, d, s, v, dk, factors = block.arguments
    parts = []
    for stage in range(STAGES):
        name = f"combine_columns_{stage}"
        parts.append(combine_function(name, stage, n, width, shared=True))
        out = block.row(dk, stage * n * width)
        block.call(name, s, dk, inverse, v, out)
        own = [block.row(e, stage * n_extended), block.row(d, stage * n_turned)]
        block.call("multiply_stage", *own, v, s, out)
        block.call("solve_shared", factors, out)
    # The argument of the last stage plus its result is the result of the step.
    block.call("sum_columns", v, out, s)
    return [*parts, sum_function("sum_columns", n, width), turn.text(), block.text()]


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
