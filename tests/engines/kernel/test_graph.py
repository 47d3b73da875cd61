"""Simplified graphs and their derivatives keep the value of what was written."""

from __future__ import annotations

import cmath
from collections.abc import Callable

import llvmlite.binding as llvm
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bonecycle.engines.kernel.elementary import exponential, logarithm
from bonecycle.engines.kernel.emit import Place, function
from bonecycle.engines.kernel.graph import Graph
from bonecycle.engines.kernel.library import Library, assembled

NAMES = ("x", "y", "p")  # p is static
OPERATIONS = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a,
    "exp": cmath.exp,
    "log": cmath.log,
    "sqrt": cmath.sqrt,
    "lt": lambda a, b: complex(a.real < b.real),
    "le": lambda a, b: complex(a.real <= b.real),
    "and": lambda a, b: complex(bool(a) and bool(b)),
    "or": lambda a, b: complex(bool(a) or bool(b)),
    "not": lambda a: complex(not a),
    "select": lambda c, a, b: a if c else b,
}

leaf = st.sampled_from(NAMES) | st.sampled_from([0.0, 1.0, -1.0, 0.5, 2.0, -3.0])
Tree = object


def _grow(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
    compare = st.tuples(st.sampled_from(["lt", "le"]), inner, inner)
    logic = st.tuples(st.sampled_from(["and", "or"]), compare, compare)
    condition = compare | logic | st.tuples(st.just("not"), compare)
    return (
        st.tuples(st.sampled_from(["add", "sub", "mul", "div"]), inner, inner)
        | st.tuples(st.sampled_from(["neg", "exp", "log", "sqrt"]), inner)
        | st.tuples(st.just("power"), inner, st.sampled_from([-3.0, -1.0, 0.0, 0.5, 1.7, 2.0, 8.0]))
        | st.tuples(st.just("select"), condition, inner, inner)
    )


trees = st.recursive(leaf, _grow, max_leaves=12)
points = st.tuples(*[st.floats(0.3, 2.0)] * 3)


class _Outside(Exception):
    """Where rounding is amplified, or roots and logarithms are not real."""


def _plain(tree: Tree, space: dict[str, complex]) -> complex:
    """Value of an expression as it was written."""
    if isinstance(tree, float):
        return complex(tree)
    if isinstance(tree, str):
        return space[tree]
    kind, *rest = tree  # type: ignore[misc]
    if kind == "power":
        base = _plain(rest[0], space)
        if not 1e-3 < base.real < 1e3:
            raise _Outside
        return base ** rest[1]
    values = [_plain(part, space) for part in rest]
    if kind in ("log", "sqrt") and values[0].real < 1e-3:
        raise _Outside
    if kind == "div" and abs(values[1]) < 1e-3:
        raise _Outside
    if kind in ("lt", "le") and abs(values[0] - values[1]) < 1e-6:
        raise _Outside
    if kind == "exp" and values[0].real > 7:
        raise _Outside
    result = OPERATIONS[kind](*values)
    if abs(result) > 1e4:
        raise _Outside
    return result


def _build(graph: Graph, tree: Tree) -> int:
    if isinstance(tree, float):
        return graph.number(tree)
    if isinstance(tree, str):
        return graph.symbol(tree, static=tree == "p")
    kind, *rest = tree  # type: ignore[misc]
    if kind == "power":
        return graph.power(_build(graph, rest[0]), graph.number(rest[1]))
    return graph.apply(kind, *(_build(graph, part) for part in rest))


def _evaluate(graph: Graph, root: int, space: dict[str, complex]) -> complex:
    values: dict[int, complex] = {}
    for node in graph.reached([root]):
        number = graph.value(node)
        if number is not None:
            values[node] = complex(number)
        elif graph.kind(node) == "symbol":
            values[node] = space[graph.name(node)]
        else:
            operands = [values[operand] for operand in graph.operands(node)]
            try:
                values[node] = OPERATIONS[graph.kind(node)](*operands)
            except (ArithmeticError, ValueError):
                values[node] = complex("nan")  # may stand in the branch that is not taken
    return values[root]


def _at(tree: Tree, space: dict[str, complex]) -> complex:
    try:
        return _plain(tree, space)
    except _Outside:
        assume(False)
        raise


@given(trees, points)
def test_simplification_keeps_the_value(tree: Tree, point: tuple[float, ...]) -> None:
    space = dict(zip(NAMES, map(complex, point), strict=True))
    expected = _at(tree, space)
    graph = Graph()
    found = _evaluate(graph, _build(graph, tree), space)
    assert found == pytest.approx(expected, rel=1e-8, abs=1e-8)


# The complex step: the imaginary part of f(x + ih) / h is the derivative to rounding.
STEP = 1e-30


@given(trees, points)
def test_gradients_are_derivatives(tree: Tree, point: tuple[float, ...]) -> None:
    space = dict(zip(NAMES, map(complex, point), strict=True))
    graph = Graph()
    variables = [graph.symbol(name, static=name == "p") for name in NAMES]
    (gradient,) = graph.gradients([_build(graph, tree)], variables)
    for name, variable in zip(NAMES, variables, strict=True):
        exact = _at(tree, space | {name: space[name] + 1j * STEP}).imag / STEP
        assume(abs(exact) < 1e6)
        found = _evaluate(graph, gradient[variable], space) if variable in gradient else 0j
        assert found.real == pytest.approx(exact, rel=1e-6, abs=1e-6)


@given(trees, points, points)
def test_tangents_are_directional_derivatives(
    tree: Tree, point: tuple[float, ...], way: tuple[float, ...]
) -> None:
    graph = Graph()
    root = _build(graph, tree)
    moved = ("x", "y")
    direction = {graph.symbol(n, static=False): graph.symbol(f"d{n}", static=False) for n in moved}
    (tangent,) = graph.tangents([root], direction)
    space = dict(zip(NAMES, map(complex, point), strict=True))
    components = dict(zip(moved, way, strict=False))
    stepped = space | {n: space[n] + 1j * STEP * components[n] for n in moved}
    exact = _at(tree, stepped).imag / STEP
    assume(abs(exact) < 1e6)
    along = space | {f"d{n}": complex(v) for n, v in components.items()}
    assert _evaluate(graph, tangent, along).real == pytest.approx(exact, rel=1e-6, abs=1e-6)


def test_a_part_exists_once() -> None:
    graph = Graph()
    x, y = (graph.symbol(name, static=False) for name in "xy")
    first = graph.apply("mul", x, y)
    size = len(graph)
    assert graph.apply("mul", y, x) == first and len(graph) == size
    # A chain of squares: as a tree its derivative has 2**40 parts.
    node = x
    for _ in range(40):
        node = graph.apply("mul", node, node)
    graph.gradients([node], [x])
    assert len(graph) < 300


@pytest.mark.parametrize("exponent", [float("nan"), float("inf"), 1e300, -1e300])
def test_any_exponent_is_taken(exponent: float) -> None:
    graph = Graph()
    graph.power(graph.symbol("x", static=False), graph.number(exponent))


def test_what_cannot_be_folded_is_left_to_the_simulation() -> None:
    graph = Graph()
    zero, one = graph.number(0.0), graph.number(1.0)
    assert graph.value(graph.apply("div", one, zero)) is None
    assert graph.value(graph.apply("div", zero, zero)) is None
    assert graph.value(graph.apply("log", zero)) is None
    assert graph.value(graph.apply("exp", graph.number(1e4))) is None


@pytest.mark.parametrize("width", [1, 8])
def test_conditions_and_numbers_stand_for_each_other(width: int, call: Callable[..., None]) -> None:
    graph = Graph()
    x, y = (graph.symbol(name, static=False) for name in "xy")
    less = graph.apply("lt", x, y)
    nodes = [
        less,
        graph.apply("mul", x, less),
        graph.apply("not", x),
        graph.apply("select", y, x, graph.number(5.0)),
        graph.apply("and", x, graph.apply("not", less)),
        graph.apply("select", graph.apply("select", less, less, x), x, less),
    ]
    given = {x: Place(0, 0), y: Place(0, 1)}
    text = function("f", graph, width, given, [(n, Place(1, i)) for i, n in enumerate(nodes)], 2)
    # A condition worked out before, as constants are.
    given[less] = Place(0, 2)
    again = function("g", graph, width, given, [(n, Place(1, i)) for i, n in enumerate(nodes)], 2)
    library = Library(assembled("\n".join([text, again, "attributes #0 = { nounwind }"])))
    for first, second in [(1.0, 2.0), (2.0, 1.0), (0.0, 0.0), (0.0, 3.0), (2.0, 0.0)]:
        below = float(first < second)
        rows = np.repeat([[first], [second], [below]], width, axis=1)
        expected = [
            below,
            first * below,
            float(not first),
            first if second else 5.0,
            float(bool(first) and not below),
            first if (below or first) else below,
        ]
        for name in "fg":
            result = np.full((len(nodes), width), np.nan)
            call(library.address(name), rows, result)
            np.testing.assert_array_equal(result, np.repeat([expected], width, axis=0).T)


@given(trees, points)
def test_any_graph_is_valid_assembly(tree: Tree, point: tuple[float, ...]) -> None:
    # Running each would take too long to compile: the text is well formed.
    graph = Graph()
    root = _build(graph, tree)
    symbols = {graph.symbol(n, static=n == "p"): Place(0, i) for i, n in enumerate(NAMES)}
    for width in (1, 8):
        body = function("f", graph, width, symbols, [(root, Place(1, 0))], 2)
        text = [exponential(width), logarithm(width), body, "attributes #0 = { nounwind }"]
        llvm.parse_assembly("\n".join(text)).verify()
