"""How large the formulas of a model are once everything they use is written out.

libsbml writes functions out in place and calls itself for every one of them, and libroadrunner
writes out rules and initial assignments: a few lines that use each other twice may grow without
limit, and a circle never ends.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

import libsbml

MAX_NODES = 1_000_000
"""Most numbers, names and operations in one formula, all that it uses written out."""
MAX_TOTAL = 10_000_000
"""Most in all formulas of a model together; the cycle with its drugs has 1.6 million."""

_NODES = -1
_Sizes = dict[str, Counter[int]]


@dataclass(frozen=True)
class _Formula:
    """A formula, what it gives a value to, and the names that are its own."""

    gives: str
    math: libsbml.ASTNode
    own: tuple[str, ...] = ()


def endless(model: libsbml.Model) -> list[str]:
    """Say which formulas use an undefined function, use themselves, or grow beyond `MAX_NODES`."""
    formulas = defaultdict(list)
    for formula in _formulas(model):
        formulas[formula.gives].append(formula)
    uses = {name: {u for f in several for u in _uses(f)} for name, several in formulas.items()}
    if undefined := {u for used in uses.values() for u in used if u.endswith("()")} - set(uses):
        return [f"function {name} is used and not defined" for name in sorted(undefined)]
    try:
        order = [name for name in TopologicalSorter(uses).static_order() if name in formulas]
    except CycleError as error:
        circle = error.args[1]
        shown = [*circle[:6], *(["..."] if len(circle) > 6 else [])]
        return [f"formulas that use themselves: {' uses '.join(reversed(shown))}"]
    sizes: _Sizes = {}
    for name in order:
        several = (_size(f.math, f.own, sizes) for f in formulas[name])
        sizes[name] = sum(several, Counter())
        if sizes[name].total() > MAX_NODES:
            return [f"{name}: written out, more than {MAX_NODES:,} operations: simplify it"]
    if sum(size.total() for size in sizes.values()) > MAX_TOTAL:
        name = max(sizes, key=lambda name: sizes[name].total())
        return [f"all formulas written out, more than {MAX_TOTAL:,} operations, most in {name}"]
    return []


def _formulas(model: libsbml.Model) -> Iterator[_Formula]:
    """All formulas; a function gives `name()`, what no formula can use gives a label."""
    for element in model.getListOfAllElements():
        if not hasattr(element, "getMath") or element.getMath() is None:
            continue
        if isinstance(element, libsbml.FunctionDefinition):
            own = [element.getArgument(i).getName() for i in range(element.getNumArguments())]
            if element.getBody() is not None:
                yield _Formula(f"{element.getId()}()", element.getBody(), tuple(own))
        elif isinstance(element, libsbml.KineticLaw):
            own = [p.getId() for p in element.getListOfParameters()]
            own += [p.getId() for p in element.getListOfLocalParameters()]
            reaction = element.getParentSBMLObject()
            yield _Formula(reaction.getId(), element.getMath(), tuple(own))
        elif isinstance(element, libsbml.InitialAssignment):
            yield _Formula(element.getSymbol(), element.getMath())
        elif isinstance(element, libsbml.AssignmentRule):
            yield _Formula(element.getVariable(), element.getMath())
        else:
            place = element.getParentSBMLObject().getId() or element.getId()
            yield _Formula(f"{element.getElementName()} {place}".strip(), element.getMath())


def _uses(formula: _Formula) -> Iterator[str]:
    waiting = [formula.math]
    while waiting:
        node = waiting.pop()
        if node.getType() == libsbml.AST_FUNCTION:
            yield f"{node.getName()}()"
        elif node.isName() and node.getName() not in formula.own:
            yield node.getName()
        waiting += [node.getChild(i) for i in range(node.getNumChildren())]


def _size(node: libsbml.ASTNode, own: tuple[str, ...], known: _Sizes) -> Counter[int]:
    """Nodes of a formula under `_NODES`, and how often it holds each of its own names, by place."""
    if node.isName():
        name = node.getName()
        if name in own:
            return Counter({own.index(name): 1})
        return Counter({_NODES: known[name].total() if name in known else 1})
    called = node.getType() == libsbml.AST_FUNCTION
    body = known[f"{node.getName()}()"] if called else Counter()
    total = Counter({_NODES: 1 + body[_NODES]})
    for i in range(node.getNumChildren()):
        copies = max(body[i], 1)
        part = _size(node.getChild(i), own, known)
        total.update({place: copies * count for place, count in part.items()})
    return total
