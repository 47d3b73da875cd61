"""What is generated for one model: its functions in LLVM assembly, and where values lie.

Arrays hold one row a quantity and one column a lane. `constants` are what
only events change, followed by the subexpressions that keep their value during a simulation, worked
out once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from bonecycle.engines.kernel.elementary import exponential, logarithm
from bonecycle.engines.kernel.elimination import (
    Entry,
    Pattern,
    analyse,
    factor_function,
    solve_function,
    write_solve,
)
from bonecycle.engines.kernel.elimination_by_index import (
    UNROLLED_UP_TO,
    factor_by_index,
    solve_by_index,
)
from bonecycle.engines.kernel.emit import Place, Writer, function
from bonecycle.engines.kernel.reading import System
from bonecycle.engines.kernel.steps import (
    differentiate_function,
    step_function,
    try_function,
    write_combination,
    write_sum,
)
from bonecycle.engines.kernel.tableau import STAGES

LANES = 8


@dataclass(frozen=True)
class Layout:
    """Where generated functions find and leave their values; plain, to be kept as JSON.

    Attributes
    ----------
    n_states, n_constants, n_outputs : int
    n_jacobian, n_factors : int
        Entries of the sparse Jacobian and of its factors.
    extended : sequence of (row, column)
        Entries of the Jacobian by states and constants; the first are those by states.
    curvature : sequence of int
        Entries of `extended` that change along a direction.
    initial_gradient, output_gradient : sequence of (row, column)
        Sparse derivatives of states and constants at the start by parameters, and of outputs by
        states and constants.
    n_sensitive : int
        Constants that depend on a parameter.
    """

    n_states: int
    n_constants: int
    n_outputs: int
    n_jacobian: int
    n_factors: int
    extended: Sequence[Entry] = ()
    curvature: Sequence[int] = ()
    initial_gradient: Sequence[Entry] = ()
    output_gradient: Sequence[Entry] = ()
    n_sensitive: int = 0


@dataclass(frozen=True)
class ModelCode:
    """Functions of a model in LLVM assembly, and their layout."""

    assembly: str
    layout: Layout


class _Generator:
    def __init__(self, system: System, parameters: Sequence[str], outputs: Sequence[str]) -> None:
        graph = self.graph = system.graph
        self.outputs = [system.variables[name] for name in outputs]
        self.states = [graph.symbol(name, static=False) for name in system.states]
        self.parameters = [graph.symbol(name, static=True) for name in parameters]
        self.rates = [system.rates[name] for name in system.states]
        self.initial = [system.initial[name] for name in system.states]
        self.jacobian: list[Entry] = []
        self.jacobian_nodes: list[int] = []
        place = {node: i for i, node in enumerate(self.states)}
        for i, row in enumerate(graph.gradients(self.rates, self.states)):
            for variable in sorted(row, key=place.__getitem__):
                self.jacobian.append((i, place[variable]))
                self.jacobian_nodes.append(row[variable])
        self.pattern = analyse(len(self.states), self.jacobian)
        self.constants: dict[int, int] = {
            graph.symbol(name, static=False): i for i, name in enumerate(system.discrete)
        }

    def hoist(self, nodes: Iterable[int]) -> None:
        """Give a row to every static node that something changing needs."""
        graph = self.graph
        reached = graph.reached(nodes)
        users = [node for node in reached if not graph.is_static(node)]
        direct = [o for node in users for o in graph.operands(node)]
        for node in (*direct, *nodes):
            if graph.is_static(node) and graph.value(node) is None and node not in self.constants:
                self.constants[node] = len(self.constants)

    def inputs(self, states: int | None, constants: int) -> dict[int, Place]:
        """Where states and constants lie, by the number of the argument."""
        found = {node: Place(constants, row) for node, row in self.constants.items()}
        if states is not None:
            found |= {node: Place(states, i) for i, node in enumerate(self.states)}
        return found

    def prepare(self, width: int) -> str:
        """Write ``prepare(parameters, constants, states)``."""
        given = {node: Place(0, i) for i, node in enumerate(self.parameters)}
        results = [
            (node, Place(1, row))
            for node, row in self.constants.items()
            if self.graph.is_static(node)
        ]
        results += [(node, Place(2, i)) for i, node in enumerate(self.initial)]
        return function(f"prepare_{width}", self.graph, width, given, results, 3)

    def simulation(self, width: int) -> list[str]:
        """Write the functions of a simulation."""
        graph, given = self.graph, self.inputs(0, 1)
        rates = [(node, Place(2, i)) for i, node in enumerate(self.rates)]
        jacobian = [(node, Place(3, k)) for k, node in enumerate(self.jacobian_nodes)]
        outputs = [(node, Place(2, i)) for i, node in enumerate(self.outputs)]
        return [
            self.prepare(width),
            function(f"rates_{width}", graph, width, given, rates, 3),
            function(f"jacobian_{width}", graph, width, given, rates + jacobian, 4),
            function(f"outputs_{width}", graph, width, given, outputs, 3),
            *self.algebra(width),
            *step_function(len(self.states), width),
        ]

    def algebra(self, width: int) -> list[str]:
        """Write the factorization: straight-line while small."""
        names = f"factor_{width}", f"solve_{width}"
        if len(self.states) > UNROLLED_UP_TO:
            return [
                factor_by_index(names[0], self.pattern, self.jacobian, width),
                solve_by_index(names[1], self.pattern, width),
            ]
        return [
            factor_function(names[0], self.pattern, self.jacobian, width),
            solve_function(names[1], self.pattern, width),
        ]

    def module(self, assembly: Iterable[str], widths: Iterable[int], **extra: object) -> ModelCode:
        """Put the module together."""
        mathematics = [text for width in widths for text in (exponential(width), logarithm(width))]
        text = "\n".join([*mathematics, *assembly, "attributes #0 = { nounwind }", ""])
        layout = Layout(
            n_states=len(self.states),
            n_constants=len(self.constants),
            n_outputs=len(self.outputs),
            n_jacobian=len(self.jacobian),
            n_factors=len(self.pattern.entries),
            **extra,  # type: ignore[arg-type]
        )
        return ModelCode(text, layout)


def batch_code(system: System, parameters: Sequence[str], outputs: Sequence[str]) -> ModelCode:
    """Write the functions that simulate lanes of `LANES` parameter sets."""
    generator = _Generator(system, parameters, outputs)
    generator.hoist([*generator.rates, *generator.jacobian_nodes, *generator.outputs])
    return generator.module(generator.simulation(LANES), [LANES])


def single_code(system: System, parameters: Sequence[str], outputs: Sequence[str]) -> ModelCode:
    """Write the functions that simulate one parameter set, with derivatives by the parameters.

    The derivatives differentiate the integration itself (see `sensitivities`): they need the
    Jacobian by states and by the constants that depend on a parameter, and its derivative along a
    direction.
    """
    g = _Generator(system, parameters, outputs)
    graph, count = g.graph, len(parameters)
    g.hoist([*g.rates, *g.outputs])
    static = [node for node in g.constants if graph.is_static(node)]
    by_parameter = graph.gradients(static, g.parameters)
    sensitive = [node for node, row in zip(static, by_parameter, strict=True) if row]
    column = {node: i for i, node in enumerate([*g.states, *sensitive])}
    entries, nodes = list(g.jacobian), list(g.jacobian_nodes)
    for i, row in enumerate(graph.gradients(g.rates, [*g.states, *sensitive])):
        for variable in sorted(row.keys() - set(g.states), key=column.__getitem__):
            entries.append((i, column[variable]))
            nodes.append(row[variable])
    direction = [graph.symbol(f"direction of {name}", static=False) for name in system.states]
    turned = graph.tangents(nodes, dict(zip(g.states, direction, strict=True)))
    curvature = [k for k, node in enumerate(turned) if graph.value(node) != 0.0]
    read = [
        (i, column[variable], node)
        for i, row in enumerate(graph.gradients(g.outputs, [*g.states, *sensitive]))
        for variable, node in row.items()
    ]
    start = graph.gradients(g.initial, g.parameters)
    start += [by_parameter[static.index(node)] for node in sensitive]
    place = {node: i for i, node in enumerate(g.parameters)}
    gradient = [(i, place[p], node) for i, row in enumerate(start) for p, node in row.items()]
    g.hoist([*nodes, *(turned[k] for k in curvature), *(node for *_, node in read)])
    given = g.inputs(0, 1)
    rates = [(node, Place(2, i)) for i, node in enumerate(g.rates)]
    along = given | {node: Place(2, i) for i, node in enumerate(direction)}
    functions = [
        *g.simulation(1),
        function(
            "extended", graph, 1, given, rates + [(n, Place(3, k)) for k, n in enumerate(nodes)], 4
        ),
        function(
            "curvature",
            graph,
            1,
            along,
            [(turned[k], Place(3, position)) for position, k in enumerate(curvature)],
            4,
        ),
        function(
            "initial_gradient",
            graph,
            1,
            {node: Place(0, i) for i, node in enumerate(g.parameters)},
            [(node, Place(1, k)) for k, (*_, node) in enumerate(gradient)],
            2,
        ),
        function(
            "output_gradient",
            graph,
            1,
            given,
            [(node, Place(2, k)) for k, (*_, node) in enumerate(read)],
            3,
        ),
        *_solve_shared(g.pattern, len(g.states), count),
        *_multiply("multiply_extended", entries, len(g.states), count),
        *_multiply("multiply_curvature", [entries[k] for k in curvature], len(g.states), count),
        *_multiply("multiply_output", [(i, j) for i, j, _ in read], len(g.outputs), count),
        *_steps(len(g.states), len(entries), count),
    ]
    return g.module(
        functions,
        [1],
        extended=tuple(entries),
        curvature=tuple(curvature),
        initial_gradient=tuple((i, j) for i, j, _ in gradient),
        output_gradient=tuple((i, j) for i, j, _ in read),
        n_sensitive=len(sensitive),
    )


def _steps(n: int, n_extended: int, n_parameters: int) -> list[str]:
    """Write a step of the derivatives."""
    parts = _by_blocks("sum_columns", 3, n_parameters, lambda w: write_sum(w, n))
    for stage in range(STAGES):

        def write(w: Writer, stage: int = stage) -> None:
            write_combination(w, stage, n, shared=True)

        parts += _by_blocks(f"combine_columns_{stage}", 5, n_parameters, write)
    columns = columns_of(n_parameters)
    return [
        *parts,
        try_function(n, n_extended),
        differentiate_function(n, n_extended, columns),
    ]


def columns_of(n_parameters: int) -> int:
    """Columns of arrays of derivatives: whole vectors of four."""
    return max(4, 4 * -(-n_parameters // 4))


def _blocks(n_parameters: int) -> list[tuple[int, int]]:
    """Offset and width of the vectors that a row of derivatives is handled in."""
    columns = columns_of(n_parameters)
    return [(offset, min(8, columns - offset)) for offset in range(0, columns, 8)]


def _by_blocks(
    name: str, arguments: int, n_parameters: int, write: Callable[[Writer], None]
) -> list[str]:
    """Write a function over rows of derivatives as one function a block and one that calls them."""
    parts = []
    for offset, width in _blocks(n_parameters):
        w = Writer(f"{name}_{offset}", arguments, width, columns_of(n_parameters), offset)
        write(w)
        parts.append(w.text())
    return [*parts, _caller(name, arguments, n_parameters)]


def _caller(name: str, arguments: int, n_parameters: int) -> str:
    names = ", ".join(f"i64 %a{i}" for i in range(arguments))
    calls = [f"  call void @{name}_{offset}({names})" for offset, _ in _blocks(n_parameters)]
    return "\n".join([f"define void @{name}({names}) #0 {{", *calls, "  ret void", "}"])


def _solve_shared(pattern: Pattern, n_states: int, n_parameters: int) -> list[str]:
    """Write ``solve_shared(factors, rows)``: one matrix for all columns of derivatives."""
    if n_states <= UNROLLED_UP_TO:
        return _by_blocks(
            "solve_shared", 2, n_parameters, lambda w: write_solve(w, pattern, shared=True)
        )
    stride = columns_of(n_parameters)
    parts = [
        solve_by_index(f"solve_shared_{offset}", pattern, width, stride, offset)
        for offset, width in _blocks(n_parameters)
    ]
    return [*parts, _caller("solve_shared", 2, n_parameters)]


def _multiply(name: str, entries: Sequence[Entry], rows: int, n_parameters: int) -> list[str]:
    """Write ``multiply(matrix, x, result)``: the result grows by one sparse matrix times x."""

    def write(w: Writer) -> None:
        for i in range(rows):
            columns = [(k, j) for k, (row, j) in enumerate(entries) if row == i]
            if not columns:
                continue
            value = w.load(Place(2, i))
            for k, j in columns:
                factor, x = w.load(Place(0, k, shared=True)), w.load(Place(1, j))
                value = w.arithmetic("add", value, w.arithmetic("mul", factor, x))
            w.store(value, Place(2, i))

    return _by_blocks(name, 3, n_parameters, write)
