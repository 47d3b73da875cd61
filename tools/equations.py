"""Equations of a model as Markdown with LaTeX, from its SBML."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

import libsbml

from bonecycle.biology import catalogue
from bonecycle.biology.compose import Model

_INDEX = re.compile(r"_(\d+)$")
_PRODUCT, _SUM, _POWER = 3, 2, 4
# Names of a sum on one line, and half as many products.
_TERMS = 4
# The way of a site comes first, then the rest as the SBML has it.
_FIRST = ("activation", "resorption", "reversal", "formation")
_LEAVES = {
    libsbml.AST_INTEGER,
    libsbml.AST_REAL,
    libsbml.AST_REAL_E,
    libsbml.AST_RATIONAL,
}


@dataclass(frozen=True)
class Equation:
    """A reaction (with `reactant` and `product`), a rate rule (`is_rate`) or an assignment."""

    name: str
    formula: libsbml.ASTNode
    meaning: str
    is_rate: bool = False
    reactant: str = ""
    product: str = ""

    @property
    def index(self) -> int | None:
        """Place in a chain: the number at the end of the name."""
        found = _INDEX.search(self.name)
        return int(found[1]) if found else None


def equations(model: Model) -> list[Equation]:
    """Reactions, then rules, in the order of the SBML."""
    source = libsbml.readSBMLFromString(model.sbml).getModel().clone()
    found = [
        Equation(
            reaction.getId(),
            reaction.getKineticLaw().getMath().deepCopy(),
            reaction.getName(),
            reactant=reaction.getReactant(0).getSpecies(),
            product=reaction.getProduct(0).getSpecies(),
        )
        for reaction in source.getListOfReactions()
    ]
    for rule in source.getListOfRules():
        meaning = source.getElementBySId(rule.getVariable()).getName()
        is_rate = rule.getTypeCode() == libsbml.SBML_RATE_RULE
        found.append(Equation(rule.getVariable(), rule.getMath().deepCopy(), meaning, is_rate))
    return found


def equations_page(model: Model) -> str:
    """A page with every reaction and rule of a model, by module."""
    sections: dict[str, list[Equation]] = defaultdict(list)
    for equation in equations(model):
        sections[_section(equation.name, model.drugs)].append(equation)
    about = {
        module: source
        for folder in ("cycle", "mechanisms", "drugs")
        for module, source in catalogue.module_sources(folder).items()
    }
    lines = [
        "# Equations",
        "",
        f"Written from the SBML of the cycle with {' and '.join(model.drugs)} when this page is "
        f"built (content hash `{model.hash[:12]}`). A surface changes by what enters less what "
        "leaves it. Members of a chain that differ only in their number are written once, with "
        "$i$. The untreated start is worked out in closed form from the same parameters; it is in "
        "the SBML as initial assignments. Units and sources: [parameters](parameters.md).",
        "",
    ]
    order = [*(name for name in _FIRST if name in sections), *sections]
    for section, members in ((name, sections[name]) for name in dict.fromkeys(order)):
        lines += [f"## {section.replace('_', ' ').capitalize()}", ""]
        drug = section if section in model.drugs else ""
        source = about.get(catalogue.drugs()[drug].module if drug else section, "")
        lines += [_comment(source), ""]
        lines += _reactions([e for e in members if e.reactant])
        lines += [text for e in _folded([e for e in members if not e.reactant]) for text in e]
    return "\n".join(lines) + "\n"


def latex(node: libsbml.ASTNode, index: int | None = None) -> str:
    """Formula as LaTeX; with an index, numbers of a chain are written relative to it, as i."""
    return _written(node, index)[0]


def _written(node: libsbml.ASTNode, index: int | None) -> tuple[str, int]:
    """LaTeX of a node and how tightly it binds."""
    kind = node.getType()
    if kind in _LEAVES:
        return _number(node, index), 5
    if kind == libsbml.AST_NAME:
        return _name(node.getName(), index), 5
    parts = [node.getChild(i) for i in range(node.getNumChildren())]
    if kind == libsbml.AST_DIVIDE:
        top, bottom = (latex(part, index) for part in parts)
        return rf"\frac{{{top}}}{{{bottom}}}", 5
    if kind in (libsbml.AST_POWER, libsbml.AST_FUNCTION_POWER):
        return f"{_inside(parts[0], index, 5)}^{{{latex(parts[1], index)}}}", _POWER
    if kind == libsbml.AST_TIMES:
        return r" \cdot ".join(_inside(part, index, _PRODUCT) for part in parts), _PRODUCT
    if kind == libsbml.AST_PLUS:
        return " + ".join(latex(part, index) for part in parts), _SUM
    if kind == libsbml.AST_MINUS and len(parts) == 1:
        return f"-{_inside(parts[0], index, _PRODUCT)}", _SUM
    if kind == libsbml.AST_MINUS:
        return f"{latex(parts[0], index)} - {_inside(parts[1], index, _PRODUCT)}", _SUM
    if kind == libsbml.AST_FUNCTION_EXP:
        return rf"\exp\left({latex(parts[0], index)}\right)", 5
    raise ValueError(f"no LaTeX for {libsbml.formulaToL3String(node)}")


def _inside(node: libsbml.ASTNode, index: int | None, at_least: int) -> str:
    text, binds = _written(node, index)
    return text if binds >= at_least else rf"\left({text}\right)"


def _number(node: libsbml.ASTNode, index: int | None) -> str:
    value = node.getValue()
    if index is not None and value % 1 == 0.5:
        offset = value - index
        return rf"\left(i {'+' if offset > 0 else '-'} {abs(offset):g}\right)"
    return f"{value:g}"


def _name(name: str, index: int | None) -> str:
    found = _INDEX.search(name)
    if not found:
        return rf"\mathrm{{{_escaped(name)}}}"
    place = int(found[1])
    shown = str(place)
    if index is not None:
        offset = place - index
        shown = "i" if offset == 0 else f"i{offset:+d}"
    return rf"\mathrm{{{_escaped(name[: found.start()])}}}_{{{shown}}}"


def _escaped(name: str) -> str:
    return name.replace("_", r"\_")


def _comment(source: str) -> str:
    """First comment of a module, as a paragraph."""
    lines = []
    for line in source.splitlines():
        if not line.startswith("//"):
            break
        lines.append(line.removeprefix("//").strip())
    # Names with underscores are code; an asterisk or a sign below would be markup.
    text = re.sub(r"\{\{ (\w+) \}\}", r"\1", " ".join(lines))
    return re.sub(r"\b(\w+_\w+)\b", r"`\1`", text).replace("*", r"\*").replace("<", r"\<")


def _reactions(reactions: list[Equation]) -> list[str]:
    if not reactions:
        return []
    rows: dict[tuple[str, str, str], list[Equation]] = defaultdict(list)
    for e in reactions:
        ends = (_name(e.reactant, e.index), _name(e.product, e.index))
        rows[(*ends, latex(e.formula, e.index))].append(e)
    lines = ["| from | to | rate (share of the bone surface per day) |", "|---|---|---|"]
    for alike in rows.values():
        index = alike[0].index if len(alike) > 1 else None
        first = alike[0]
        cells = (
            _name(first.reactant, index),
            _name(first.product, index),
            latex(first.formula, index),
        )
        among = f", {_range(alike)}" if index is not None else ""
        lines.append("| " + " | ".join(f"${cell}$" for cell in cells) + f"{among} |")
    return [*lines, ""]


def _folded(rules: list[Equation]) -> list[list[str]]:
    rows: dict[tuple[str, str, bool], list[Equation]] = defaultdict(list)
    for e in rules:
        rows[_name(e.name, e.index), latex(e.formula, e.index), e.is_rate].append(e)
    shown = []
    for alike in rows.values():
        index = alike[0].index if len(alike) > 1 else None
        left = _name(alike[0].name, index)
        left = rf"\frac{{d}}{{dt}} {left}" if alike[0].is_rate else left
        lines = _broken(alike[0].formula, index)
        body = " \\\\\n&\\quad + ".join(lines)
        after = rf" \qquad {_range(alike)[1:-1]}" if index is not None else ""
        meaning = [f"{alike[0].meaning[:1].upper()}{alike[0].meaning[1:]}:", ""]
        math = ["```{math}", rf"\begin{{split}} {left} &= {body}{after} \end{{split}}", "```"]
        shown.append([*(meaning if alike[0].meaning else []), *math, ""])
    return shown


def _broken(node: libsbml.ASTNode, index: int | None) -> list[str]:
    """Lines of a long sum."""
    terms = [node]
    while terms[0].getType() == libsbml.AST_PLUS and terms[0].getNumChildren() == 2:
        terms[:1] = [terms[0].getChild(0), terms[0].getChild(1)]
    if len(terms) == 1 and node.getType() == libsbml.AST_PLUS:
        terms = [node.getChild(i) for i in range(node.getNumChildren())]
    texts = [latex(term, index) for term in terms]
    step = _TERMS if all(term.getType() == libsbml.AST_NAME for term in terms) else _TERMS // 2
    return [" + ".join(texts[i : i + step]) for i in range(0, len(texts), step)]


def _range(alike: list[Equation]) -> str:
    places = [e.index for e in alike]
    return rf"$i = {places[0]}, \ldots, {places[-1]}$"


def _section(name: str, drugs: tuple[str, ...]) -> str:
    """Module that a name belongs to."""
    for drug in drugs:
        if name.startswith(f"{drug}_"):
            return drug
    sources = {
        module: source
        for folder in ("cycle", "mechanisms")
        for module, source in catalogue.module_sources(folder).items()
    }
    for module, source in sources.items():
        if re.search(rf"(?m)^\s*{re.escape(name)}'?\s*:?=", source):
            return module
    for module in sources:
        if name.startswith(f"{module}_"):
            return module
    return "drives"
