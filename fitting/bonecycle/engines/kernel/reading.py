"""SBML as graphs of expressions: what the generator supports, and by name what it does not."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

import libsbml
import numpy as np
from numpy.typing import NDArray

from bonecycle.engines.kernel.events import NotSupportedError, size_of
from bonecycle.engines.kernel.graph import Graph


@dataclass(frozen=True)
class System:
    """A model as a graph; nodes by name.

    Attributes
    ----------
    graph : Graph
    states, species : tuple of str
        What moves: species, then variables with a rate rule, in the order of the SBML.
    parameters : dict of str to float
        Constant parameters that can be set, with the model's own values.
    discrete : dict of str to float
        Parameters that may change but no rule says how: only events do; with their start values.
    rates, initial : dict of str to int
        Node of dy/dt and of the start value of every state.
    variables : dict of str to int
        Node of everything that has a name, for outputs.
    stoichiometry : ndarray, shape (n_species, n_reactions)
    """

    graph: Graph
    states: tuple[str, ...]
    species: tuple[str, ...]
    parameters: dict[str, float]
    discrete: dict[str, float]
    rates: dict[str, int]
    initial: dict[str, int]
    variables: dict[str, int]
    stoichiometry: NDArray[np.float64]


_BINARY = {libsbml.AST_MINUS: "sub", libsbml.AST_DIVIDE: "div"}
_NARY = {libsbml.AST_PLUS: ("add", 0.0), libsbml.AST_TIMES: ("mul", 1.0)}
_LOGIC = {libsbml.AST_LOGICAL_AND: ("and", 1.0), libsbml.AST_LOGICAL_OR: ("or", 0.0)}
_COMPARE = {
    libsbml.AST_RELATIONAL_LT: ("lt", False),
    libsbml.AST_RELATIONAL_LEQ: ("le", False),
    libsbml.AST_RELATIONAL_GT: ("lt", True),
    libsbml.AST_RELATIONAL_GEQ: ("le", True),
}
_CONSTANTS = {libsbml.AST_CONSTANT_E: 2.718281828459045, libsbml.AST_CONSTANT_PI: 3.141592653589793}


def read_system(sbml: str, parameters: Collection[str]) -> System:
    """Read a flat SBML model.

    Parameters
    ----------
    sbml : str
    parameters : collection of str
        Constant parameters that stay symbols; all others stand for their value.

    Raises
    ------
    NotSupportedError
        With everything that the generator does not support, by name.
    """
    document = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    if model is None:
        raise NotSupportedError("libsbml finds no model in the text")
    if faults := list(_unsupported(model)):
        raise NotSupportedError("; ".join(faults))
    return _Reader(model, frozenset(parameters)).system()


def _unsupported(model: libsbml.Model) -> Iterable[str]:
    if model.getNumFunctionDefinitions():
        yield "function definitions (expand them first)"
    if model.getNumConstraints():
        yield "constraints"
    if any(rule.isAlgebraic() for rule in model.getListOfRules()):
        yield "an algebraic rule"
    if any(reaction.isSetFast() and reaction.getFast() for reaction in model.getListOfReactions()):
        yield "a fast reaction"
    if any(not compartment.getConstant() for compartment in model.getListOfCompartments()):
        yield "a compartment of changing size"
    if model.isSetConversionFactor():
        yield "a conversion factor of the model"
    for compartment in model.getListOfCompartments():
        if model.getInitialAssignmentBySymbol(compartment.getId()) is not None:
            yield f"an initial assignment of a compartment ({compartment.getId()})"
    for species in model.getListOfSpecies():
        if species.isSetConversionFactor():
            yield f"a conversion factor ({species.getId()})"
        if species.getConstant() or (
            species.getBoundaryCondition() and model.getRateRuleByVariable(species.getId()) is None
        ):
            yield f"a species that no reaction changes ({species.getId()})"
    for reaction in model.getListOfReactions():
        law = reaction.getKineticLaw()
        if law is None:
            yield f"a reaction without a rate ({reaction.getId()})"
        elif law.getNumLocalParameters() or law.getNumParameters():
            yield f"local parameters ({reaction.getId()})"
        for end in (*reaction.getListOfReactants(), *reaction.getListOfProducts()):
            assigned = end.isSetId() and model.getInitialAssignmentBySymbol(end.getId()) is not None
            fixed = model.getLevel() < 3 or (end.getConstant() and not assigned)
            if end.isSetStoichiometryMath() or not fixed:
                yield f"a stoichiometry that changes ({reaction.getId()})"


class _Reader:
    def __init__(self, model: libsbml.Model, set_later: frozenset[str]) -> None:
        self.model = model
        self.set_later = set_later
        self.graph = Graph()
        self.rules = {
            rule.getVariable(): rule.getMath()
            for rule in model.getListOfRules()
            if rule.isAssignment()
        }
        rated = [rule.getVariable() for rule in model.getListOfRules() if rule.isRate()]
        moved = [
            species.getId()
            for species in model.getListOfSpecies()
            if species.getId() not in self.rules and species.getId() not in rated
        ]
        self.sizes = {c.getId(): c.getSize() for c in model.getListOfCompartments()}
        self.assigned = {a.getSymbol(): a.getMath() for a in model.getListOfInitialAssignments()}
        self.species = tuple(moved)
        self.states = (*moved, *rated)
        parameters = model.getListOfParameters()
        free = [p for p in parameters if p.getId() not in (*self.rules, *self.states)]
        own = [p for p in free if p.getId() not in self.assigned]
        self.discrete = {p.getId(): p.getValue() for p in own if not p.getConstant()}
        self.parameters = {p.getId(): p.getValue() for p in own if p.getConstant()}
        self._laws: dict[str, int] = {}
        self._known: dict[str, int] = {}
        self._starting: dict[str, int] = {}
        self._open: list[tuple[str, str]] = []

    def system(self) -> System:
        rates = {name: self._rate(name) for name in self.states}
        initial = {name: self._start(name) for name in self.states}
        named = (*self.states, *self.rules, *self.parameters, *self.assigned, *self.discrete)
        variables = {n: self._as_amount(n, self._node(n)) for n in dict.fromkeys(named)}
        return System(
            graph=self.graph,
            states=self.states,
            species=self.species,
            parameters=self.parameters,
            discrete=self.discrete,
            rates=rates,
            initial=initial,
            variables=variables,
            stoichiometry=self._stoichiometry(),
        )

    def _rate(self, name: str) -> int:
        rule = self.model.getRateRuleByVariable(name)
        if rule is not None:
            return self._as_amount(name, self._expression(rule.getMath(), self._node))
        terms = []
        for reaction in self.model.getListOfReactions():
            law = self._law(reaction)
            ends = [(end, -1.0) for end in reaction.getListOfReactants()]
            ends += [(end, 1.0) for end in reaction.getListOfProducts()]
            for end, sign in ends:
                if end.getSpecies() == name:
                    factor = self.graph.number(sign * end.getStoichiometry())
                    terms.append(self.graph.apply("mul", factor, law))
        return self.graph.total(terms)

    def _stoichiometry(self) -> NDArray[np.float64]:
        rows = {name: i for i, name in enumerate(self.species)}
        matrix = np.zeros((len(rows), self.model.getNumReactions()))
        for column, reaction in enumerate(self.model.getListOfReactions()):
            for end in reaction.getListOfReactants():
                if end.getSpecies() in rows:
                    matrix[rows[end.getSpecies()], column] -= end.getStoichiometry()
            for end in reaction.getListOfProducts():
                if end.getSpecies() in rows:
                    matrix[rows[end.getSpecies()], column] += end.getStoichiometry()
        return matrix

    def _law(self, reaction: libsbml.Reaction) -> int:
        name = reaction.getId()
        if name not in self._laws:
            self._laws[name] = self._expression(reaction.getKineticLaw().getMath(), self._node)
        return self._laws[name]

    def _node(self, name: str) -> int:
        """Value of a name during the simulation; a species counts as an amount or as it is read."""
        if name not in self._known:
            self._known[name] = self._guarded(name, self._resolve)
        return self._known[name]

    def _resolve(self, name: str) -> int:
        graph = self.graph
        if name in self.sizes:
            return graph.number(self.sizes[name])
        if name in self.states:
            node = graph.symbol(name, static=False)
            return self._read_species(name, node)
        if name in self.rules:
            return self._expression(self.rules[name], self._node)
        if name in self.discrete:
            return graph.symbol(name, static=False)
        if name in self.assigned:
            return self._expression(self.assigned[name], self._start)
        if name in self.set_later:
            return graph.symbol(name, static=True)
        if name in self.parameters:
            return graph.number(self.parameters[name])
        raise NotSupportedError(f"{name!r} in a formula (a reaction or an unknown name)")

    def _read_species(self, name: str, amount: int) -> int:
        return self.graph.apply("div", amount, self.graph.number(size_of(self.model, name)))

    def _as_amount(self, name: str, read: int) -> int:
        return self.graph.apply("mul", read, self.graph.number(size_of(self.model, name)))

    def _start(self, name: str) -> int:
        """Value of a name at the start, as initial assignments see it; of a species, its amount."""
        if name not in self._starting:
            self._starting[name] = self._guarded(name, self._resolve_start)
        return self._starting[name]

    def _resolve_start(self, name: str) -> int:
        graph = self.graph
        if name in self.sizes:
            return graph.number(self.sizes[name])
        species = self.model.getSpecies(name)
        if name in self.assigned:
            return self._as_amount(name, self._expression(self.assigned[name], self._start_read))
        if name in self.rules:
            return self._expression(self.rules[name], self._start_read)
        if species is not None:
            amount = species.getInitialAmount()
            if species.isSetInitialConcentration():
                amount = species.getInitialConcentration() * self.sizes[species.getCompartment()]
            return graph.number(amount)
        if name in self.states or name in self.discrete:
            return graph.number(self.model.getParameter(name).getValue())
        return self._node(name)

    def _start_read(self, name: str) -> int:
        node = self._start(name)
        return self._read_species(name, node) if name in self.states else node

    def _guarded(self, name: str, resolve: Callable[[str], int]) -> int:
        step = (name, resolve.__name__)
        if step in self._open:
            circle = dict.fromkeys(open_name for open_name, _ in self._open)
            raise NotSupportedError(f"formulas in a circle: {', '.join(circle)}")
        self._open.append(step)
        try:
            return resolve(name)
        finally:
            self._open.pop()

    def _expression(self, math: libsbml.ASTNode, lookup: Callable[[str], int]) -> int:
        graph, kind = self.graph, math.getType()

        def child(i: int) -> int:
            return self._expression(math.getChild(i), lookup)

        count = math.getNumChildren()
        if math.isNumber():
            return graph.number(math.getValue())
        if kind == libsbml.AST_NAME:
            return lookup(math.getName())
        if kind in _CONSTANTS:
            return graph.number(_CONSTANTS[kind])
        if kind in (libsbml.AST_CONSTANT_TRUE, libsbml.AST_CONSTANT_FALSE):
            return graph.number(float(kind == libsbml.AST_CONSTANT_TRUE))
        if kind == libsbml.AST_MINUS and count == 1:
            return graph.apply("neg", child(0))
        if kind in _BINARY:
            return graph.apply(_BINARY[kind], child(0), child(1))
        if kind in _NARY or kind in _LOGIC:
            name, neutral = {**_NARY, **_LOGIC}[kind]
            result = child(0) if count else graph.number(neutral)
            for i in range(1, count):
                result = graph.apply(name, result, child(i))
            return result
        if kind in (libsbml.AST_POWER, libsbml.AST_FUNCTION_POWER):
            return graph.power(child(0), child(1))
        if kind == libsbml.AST_FUNCTION_ROOT:
            degree = child(0) if count == 2 else graph.number(2.0)
            inverse = graph.apply("div", graph.number(1.0), degree)
            return graph.power(child(count - 1), inverse)
        if kind == libsbml.AST_FUNCTION_EXP:
            return graph.apply("exp", child(0))
        if kind == libsbml.AST_FUNCTION_LN:
            return graph.apply("log", child(0))
        if kind == libsbml.AST_FUNCTION_LOG:
            base = child(0) if count == 2 else graph.number(10.0)
            top = graph.apply("log", child(count - 1))
            return graph.apply("div", top, graph.apply("log", base))
        if kind == libsbml.AST_FUNCTION_ABS:
            inner = child(0)
            negative = graph.apply("lt", inner, graph.number(0.0))
            return graph.apply("select", negative, graph.apply("neg", inner), inner)
        if kind == libsbml.AST_LOGICAL_NOT:
            return graph.apply("not", child(0))
        if kind in _COMPARE and count == 2:
            name, swapped = _COMPARE[kind]
            first, second = child(0), child(1)
            return graph.apply(name, *((second, first) if swapped else (first, second)))
        if kind in (libsbml.AST_FUNCTION_MIN, libsbml.AST_FUNCTION_MAX):
            result = child(0)
            for i in range(1, count):
                other = child(i)
                less = graph.apply("lt", other, result)
                pair = (other, result) if kind == libsbml.AST_FUNCTION_MIN else (result, other)
                result = graph.apply("select", less, *pair)
            return result
        if kind == libsbml.AST_FUNCTION_PIECEWISE and count % 2 == 1:
            result = child(count - 1)
            for i in reversed(range(0, count - 1, 2)):
                result = graph.apply("select", child(i + 1), child(i), result)
            return result
        raise NotSupportedError(f"{libsbml.formulaToL3String(math)!r} in a formula")
