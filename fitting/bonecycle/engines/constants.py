"""Constants that SBML gives by formula, worked out in Python.

libroadrunner (2.10) works out initial assignments of species anew at every reset, but those of
constant parameters only once, and it expands their whole tree when it loads a model. So the
engine gets plain numbers instead, computed here for every parameter set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import libsbml
import numpy as np

from bonecycle.errors import ModelError

_FUNCTIONS = {"exp": np.exp, "ln": np.log, "sqrt": np.sqrt, "pow": np.power}


class Constants:
    """Constant parameters with an initial assignment, in the order in which they depend.

    Parameters
    ----------
    sbml : str
        SBML text.

    Attributes
    ----------
    names : tuple of str
        The constants worked out.
    plain_sbml : str
        The same model with numbers in place of those assignments.
    """

    def __init__(self, sbml: str) -> None:
        document = libsbml.readSBMLFromString(sbml)
        model = document.getModel()
        if model is None:
            raise ModelError("SBML", "libsbml finds no model in the text")
        self._own = {
            p.getId(): p.getValue()
            for p in model.getListOfParameters()
            if p.getConstant() and p.isSetValue()
        }
        waiting = {
            symbol: model.getInitialAssignmentBySymbol(symbol).getMath().deepCopy()
            for symbol in (p.getId() for p in model.getListOfParameters() if p.getConstant())
            if model.getInitialAssignmentBySymbol(symbol) is not None
        }
        self._steps: list[tuple[str, Callable[[dict[str, float]], float]]] = []
        known = set(self._own)
        while waiting:
            ready = [s for s, math in waiting.items() if set(names_in(math)) <= known]
            if not ready:
                raise ModelError("SBML", f"constants in a circle: {', '.join(sorted(waiting))}")
            for symbol in ready:
                self._steps.append((symbol, _compiled(waiting.pop(symbol))))
                known.add(symbol)
        self.names = tuple(symbol for symbol, _ in self._steps)
        for symbol, value in self.values({}).items():
            model.removeInitialAssignment(symbol)
            model.getParameter(symbol).setValue(value)
        self.plain_sbml = str(libsbml.writeSBMLToString(document))

    @property
    def settable(self) -> tuple[str, ...]:
        """Constant parameters that carry a value of their own."""
        return tuple(self._own)

    def values(self, changed: Mapping[str, float]) -> dict[str, float]:
        """Values of `names` when some settable parameters are changed, each in its unit."""
        space = {**self._own, **changed}
        result = {}
        for symbol, formula in self._steps:
            result[symbol] = space[symbol] = float(formula(space))
        return result


def names_in(math: libsbml.ASTNode) -> list[str]:
    """Identifiers in a formula."""
    own = [math.getName()] if math.isName() else []
    return own + [n for i in range(math.getNumChildren()) for n in names_in(math.getChild(i))]


def _compiled(math: libsbml.ASTNode) -> Callable[[dict[str, float]], float]:
    formula = libsbml.formulaToL3String(_prepared(math))
    code = compile(formula, formula, "eval")
    unknown_calls = set(code.co_names) - set(names_in(math)) - set(_FUNCTIONS)
    if unknown_calls:
        raise ModelError("SBML", f"functions not supported in constants: {unknown_calls}")

    def evaluate(space: dict[str, float]) -> float:
        # A formula of libsbml's own making, names checked above.
        return float(eval(code, {"__builtins__": {}, **_FUNCTIONS}, space))

    return evaluate


def _prepared(math: libsbml.ASTNode) -> libsbml.ASTNode:
    """Copy without units, and with pow(x, y) for powers: Python groups x^y^z the other way."""
    node = math.deepCopy()
    stack = [node]
    while stack:
        current = stack.pop()
        if current.isSetUnits():
            current.unsetUnits()
        if current.getType() in (libsbml.AST_POWER, libsbml.AST_FUNCTION_POWER):
            current.setType(libsbml.AST_FUNCTION)
            current.setName("pow")
        stack += [current.getChild(i) for i in range(current.getNumChildren())]
    return node
