"""What is generated for one model: its functions in LLVM assembly, and where values lie.

Arrays hold one row a quantity and one column a lane. `constants` are what
only events change, followed by the subexpressions that keep their value during a simulation, worked
out once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bonecycle.engines.kernel.elementary import exponential, logarithm
from bonecycle.engines.kernel.elimination import (
    Entry,
    analyse,
    factor_function,
    solve_function,
)
from bonecycle.engines.kernel.elimination_by_index import (
    UNROLLED_UP_TO,
    factor_by_index,
    solve_by_index,
)
from bonecycle.engines.kernel.emit import Place, Writer, function
from bonecycle.engines.kernel.reading import System
from bonecycle.engines.kernel.steps import (
    differentiate_functions,
    step_functions,
    try_function,
)

LANES = 8
"""Parameter sets that are simulated side by side."""
VECTOR = 4
"""Columns of derivatives that are handled at once."""


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
    initial_gradient, output_gradient : sequence of (row, column)
        Sparse derivatives of states and constants at the start by parameters, and of outputs by
        states and constants.
    n_turned : int
        Entries of the Jacobian by states that change along a direction.
    n_still : int
        What these entries need besides the direction.
    n_sensitive : int
        Constants that depend on a parameter.
    """

    n_states: int
    n_constants: int
    n_outputs: int
    n_jacobian: int
    n_factors: int
    extended: Sequence[Entry] = ()
    initial_gradient: Sequence[Entry] = ()
    output_gradient: Sequence[Entry] = ()
    n_turned: int = 0
    n_still: int = 0
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
        """Write the functions of a simulation, for so many lanes."""
        graph, given = self.graph, self.inputs(0, 1)
        rates = [(node, Place(2, i)) for i, node in enumerate(self.rates)]
        jacobian = [(node, Place(3, k)) for k, node in enumerate(self.jacobian_nodes)]
        outputs = [(node, Place(2, i)) for i, node in enumerate(self.outputs)]
        return [
            exponential(width),
            logarithm(width),
            self.prepare(width),
            function(f"rates_{width}", graph, width, given, rates, 3),
            function(f"jacobian_{width}", graph, width, given, rates + jacobian, 4),
            function(f"outputs_{width}", graph, width, given, outputs, 3),
            self.factor(f"factor_{width}", width),
            self.solve(f"solve_{width}", width),
            *step_functions(len(self.states), width),
        ]

    def factor(self, name: str, width: int) -> str:
        """Write the factorization: straight-line while small."""
        write = factor_function if len(self.states) <= UNROLLED_UP_TO else factor_by_index
        return write(name, self.pattern, self.jacobian, width)

    def solve(self, name: str, width: int, *, shared: bool = False) -> str:
        """Write the solution; with `shared`, one matrix for all lanes."""
        write = solve_function if len(self.states) <= UNROLLED_UP_TO else solve_by_index
        return write(name, self.pattern, width, shared=shared)

    def module(self, assembly: Iterable[str], **extra: object) -> ModelCode:
        """Put the module together."""
        text = "\n".join([*assembly, "attributes #0 = { nounwind }", ""])
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
    return generator.module(generator.simulation(LANES))


def single_code(system: System, parameters: Sequence[str], outputs: Sequence[str]) -> ModelCode:
    """Write the functions that simulate one parameter set, with derivatives by the parameters.

    The derivatives differentiate the integration itself (see `sensitivities`): they need the
    Jacobian by states and by the constants that depend on a parameter, and its derivative along a
    direction.
    """
    g = _Generator(system, parameters, outputs)
    graph = g.graph
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
    curved = [k for k, node in enumerate(turned) if graph.value(node) != 0.0]
    # Those by states stand beside the Jacobian's, those by constants are added to them.
    n_own = len(g.jacobian)
    by_states = [k for k in curved if k < n_own]
    entry = {k: graph.symbol(f"entry {k}", static=False) for k in curved if k >= n_own}
    summed = {k: graph.apply("add", entry[k], turned[k]) for k in entry}
    read = [
        (i, column[variable], node)
        for i, row in enumerate(graph.gradients(g.outputs, [*g.states, *sensitive]))
        for variable, node in row.items()
    ]
    start = graph.gradients(g.initial, g.parameters)
    start += [by_parameter[static.index(node)] for node in sensitive]
    place = {node: i for i, node in enumerate(g.parameters)}
    gradient = [(i, place[p], node) for i, row in enumerate(start) for p, node in row.items()]
    g.hoist([*nodes, *(turned[k] for k in curved), *(node for *_, node in read)])
    given = g.inputs(0, 1)
    rates = [(node, Place(2, i)) for i, node in enumerate(g.rates)]
    # What does not depend on the direction is worked out once for the directions of all stages.
    bent = [turned[k] for k in by_states] + list(summed.values())
    moving = {*direction, *entry.values()}
    for node in graph.reached(bent):
        if moving.intersection(graph.operands(node)):
            moving.add(node)
    still = sorted(
        operand
        for operand in {o for node in moving for o in graph.operands(node)} - moving
        if graph.value(operand) is None
    )
    along = {node: Place(0, i) for i, node in enumerate(still)}
    along |= {node: Place(1, i) for i, node in enumerate(direction)}
    along |= {node: Place(2, k) for k, node in entry.items()}
    n = len(g.states)
    # A stage's derivative: the Jacobian times that of the argument, the rest times that of states
    # and constants at the start of the step.
    products = [(i, 0, k, 2 if j < n else 3, j) for k, (i, j) in enumerate(entries)]
    products += [(entries[k][0], 1, place, 3, entries[k][1]) for place, k in enumerate(by_states)]
    functions = [
        *g.simulation(1),
        function(
            "extended", graph, 1, given, rates + [(n, Place(3, k)) for k, n in enumerate(nodes)], 4
        ),
        function("still", graph, 1, given, [(n, Place(2, i)) for i, n in enumerate(still)], 3),
        function(
            "curvature",
            graph,
            1,
            along,
            [
                *((turned[k], Place(3, place)) for place, k in enumerate(by_states)),
                *((node, Place(2, k)) for k, node in summed.items()),
            ],
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
        g.solve("solve_shared", VECTOR, shared=True),
        _multiply("multiply_stage", len(g.states), products, 5),
        _multiply(
            "multiply_output",
            len(g.outputs),
            [(i, 0, k, 1, j) for k, (i, j, _) in enumerate(read)],
            3,
        ),
        try_function(len(g.states), len(entries)),
        *differentiate_functions(len(g.states), len(entries), len(by_states), VECTOR),
    ]
    return g.module(
        functions,
        extended=tuple(entries),
        initial_gradient=tuple((i, j) for i, j, _ in gradient),
        output_gradient=tuple((i, j) for i, j, _ in read),
        n_turned=len(by_states),
        n_still=len(still),
        n_sensitive=len(sensitive),
    )


def _multiply(
    name: str, rows: int, products: Sequence[tuple[int, int, int, int, int]], arguments: int
) -> str:
    """Write a function whose last argument grows by products, for a block of columns.

    A product has its row, the argument and element of its factor, and the argument and row of what
    is multiplied.
    """
    w = Writer(name, arguments, VECTOR)
    for i in range(rows):
        own = [product for product in products if product[0] == i]
        if not own:
            continue
        value = w.load(Place(arguments - 1, i))
        for _, matrix, k, argument, j in own:
            factor, x = w.load(Place(matrix, k, shared=True)), w.load(Place(argument, j))
            value = w.arithmetic("add", value, w.arithmetic("mul", factor, x))
        w.store(value, Place(arguments - 1, i))
    return w.text()
