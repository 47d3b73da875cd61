"""Values that SBML gives by initial assignment, worked out in Python.

libroadrunner (2.10) expands the whole tree of initial assignments when it loads a model, which
takes seconds to minutes for a closed-form baseline, and works out those of constant parameters only
once. So the engine gets plain numbers instead, computed here for every parameter set.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import libsbml
import numpy as np

from bonecycle.errors import ModelError

_FUNCTIONS = {"exp": np.exp, "ln": np.log, "sqrt": np.sqrt, "pow": np.power}


class InitialValues:
    """Symbols whose initial assignment depends on constants only, in the order of dependence.

    Parameters
    ----------
    sbml : str
        SBML text.

    Attributes
    ----------
    names : tuple of str
        The symbols worked out: constants, species, variables with a rate rule.
    plain_sbml : str
        The same model with numbers in place of those assignments.
    switches : dict of str to float
        Parameters that events alone change (counts of doses, rates), and their initial values.
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
        self._sizes = {c.getId(): c.getSize() for c in model.getListOfCompartments()}
        waiting = {
            assignment.getSymbol(): assignment.getMath().deepCopy()
            for assignment in model.getListOfInitialAssignments()
            if _is_number(model.getElementBySId(assignment.getSymbol()))
        }
        self._steps: list[tuple[str, Callable[[dict[str, float]], float]]] = []
        known = {*self._own, *self._sizes}
        while ready := [s for s, math in waiting.items() if set(names_in(math)) <= known]:
            for symbol in ready:
                constant = _is_constant(model.getElementBySId(symbol))
                try:
                    self._steps.append((symbol, compiled(waiting.pop(symbol))))
                except (ModelError, SyntaxError):
                    if constant:
                        raise
                    # The simulator works out by itself what is not constant.
                if constant:
                    known.add(symbol)
        if circle := [s for s in waiting if _is_constant(model.getElementBySId(s))]:
            raise ModelError("SBML", f"constants in a circle: {', '.join(sorted(circle))}")
        self.names = tuple(symbol for symbol, _ in self._steps)
        for symbol, value in self.values({}).items():
            model.removeInitialAssignment(symbol)
            element = model.getElementBySId(symbol)
            if element.getTypeCode() == libsbml.SBML_SPECIES:
                element.setInitialAmount(value)
            else:
                element.setValue(value)
        changed = {
            assignment.getVariable()
            for event in model.getListOfEvents()
            for assignment in event.getListOfEventAssignments()
        }
        self.switches = {
            name: model.getParameter(name).getValue()
            for name in sorted(changed)
            if model.getParameter(name) is not None and model.getRateRule(name) is None
        }
        self.plain_sbml = str(libsbml.writeSBMLToString(document))

    @property
    def settable(self) -> tuple[str, ...]:
        """Constant parameters that carry a value of their own."""
        return tuple(self._own)

    def values(self, changed: Mapping[str, float]) -> dict[str, float]:
        """Values of `names` when some settable parameters are changed, each in its unit."""
        space = {**self._sizes, **self._own, **changed}
        result = {}
        for symbol, formula in self._steps:
            result[symbol] = space[symbol] = float(formula(space))
        return result


def _is_number(element: libsbml.SBase) -> bool:
    """Whether the value of an element is one plain number: a parameter or an amount."""
    if element.getTypeCode() == libsbml.SBML_SPECIES:
        return bool(element.getHasOnlySubstanceUnits())
    return bool(element.getTypeCode() == libsbml.SBML_PARAMETER)


def _is_constant(element: libsbml.SBase) -> bool:
    return bool(element.getTypeCode() == libsbml.SBML_PARAMETER and element.getConstant())


def names_in(math: libsbml.ASTNode) -> list[str]:
    """Identifiers in a formula."""
    own = [math.getName()] if math.isName() else []
    return own + [n for i in range(math.getNumChildren()) for n in names_in(math.getChild(i))]


def compiled(math: libsbml.ASTNode) -> Callable[[dict[str, float]], float]:
    """Turn a formula into a function of the values of its names."""
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
