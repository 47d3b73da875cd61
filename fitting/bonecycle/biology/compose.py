"""Compose Antimony modules into one flat SBML Level 3 Version 2 model.

The ports of a module are the names in its parentheses. Ports are wired by name: a name in
the port lists of several modules is one element of the model; every other name is private
and becomes ``module_name``. (Antimony's own flattening of the same modules takes minutes
and breaks units, 3.3.0.) Two endings have a meaning,
so that a mechanism or a drug joins without a change elsewhere: a port ``X_drive`` or
``X_escape`` that no module defines is the product of all ports ``X_drive__*`` or
``X_escape__*``, and one where there are none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any

import antimony
import jinja2
import libsbml

from bonecycle.biology import catalogue
from bonecycle.biology.sbml import finish, with_initial_assignments
from bonecycle.biology.tables import Parameter
from bonecycle.cache import kept_json, program
from bonecycle.errors import ModelError, UsageError, unknown
from bonecycle.manifest import content_hash


@dataclass(frozen=True)
class Build:
    """Chain lengths: a phase of n equal stages lasts with a coefficient of variation n**-0.5.

    `reversal` is the number of density classes. `nuclei` is the length of the chain of
    osteoclasts by number of nuclei; those with more are in one pool.
    """

    activation: int = 2
    resorption: int = 4
    reversal: int = 8
    lag: int = 3
    mineralizing: int = 8
    terminal: int = 2
    nuclei: int = 12

    def __post_init__(self) -> None:
        """Refuse chains that the modules cannot express."""
        short = [name for name, length in asdict(self).items() if length < 1]
        if short or self.reversal < 4 or self.lag + self.mineralizing < 2 or self.nuclei < 4:
            raise UsageError(
                f"Chain lengths {asdict(self)}: every phase needs at least one stage, "
                "reversal four density classes and osteoclasts four nuclei."
            )


@dataclass(frozen=True)
class Model:
    """A composed model: flat SBML L3V2 text, its parameters and its content hash.

    `dosing_ports` maps (drug, route) to the SBML ids that take a dose in mg and a dose
    rate in mg/d.
    """

    name: str
    sbml: str
    parameters: Mapping[str, Parameter]
    drugs: tuple[str, ...]
    build: Build
    dosing_ports: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """SHA-256 of the SBML text."""
        return content_hash(self.sbml)

    @property
    def sources(self) -> list[str]:
        """Sources of the parameters, sorted."""
        return sorted({p.source for p in self.parameters.values()} - {"none"})


@dataclass(frozen=True)
class _Module:
    """One rendered module: its statements, private names prefixed; ports; units by element."""

    name: str
    body: str
    ports: tuple[str, ...]
    defined: frozenset[str]
    units: Mapping[str, str]


_Source = tuple[str, str, Mapping[str, object]]
"""Name, template and the choices that fill it."""

_HEADER = re.compile(r"^model\s+\w+\s*\(([^)]*)\)", re.MULTILINE)
_UNIT_LINE = re.compile(r"^\s*(\w+) has (\w+);\s*$", re.MULTILINE)
_DEFINED = re.compile(r"^\s*(\w+)'?\s*:?=", re.MULTILINE)
_COMMENT = re.compile(r"(?m)^\s*//.*$")
_FORMULA = re.compile(r"(?m)^\s*(\w+) = (.*(?<![\w.])[A-Za-z_].*);\s*$")
_WORD = re.compile(r'"[^"]*"|(?<![\w.])[A-Za-z_]\w*')
_KEYWORDS = frozenset({"substanceOnly", "species", "in", "is", "hasPart", "exp"})
_CONTINUED = re.compile(r"\n\s*(?=[-+*/]\s)")


@cache
def compose(name: str = "cycle", drugs: tuple[str, ...] = (), build: Build | None = None) -> Model:
    """Compose a model with the given drugs.

    Parameters
    ----------
    name : str
        Name of `catalogue.models`.
    drugs : tuple of str
        Names of `catalogue.drugs`.
    build : Build, optional
        Chain lengths.

    Returns
    -------
    Model
        Flat SBML with units, terms and parameter values from the one table.

    Raises
    ------
    UsageError
        For an unknown model or drug, or drugs for a model that takes none.
    ModelError
        When the modules do not fit together or do not compile.
    """
    if name not in catalogue.models():
        raise unknown("model", name, catalogue.models())
    family = catalogue.models()[name]
    build = build or Build()
    if lost := [drug for drug in drugs if drug not in catalogue.drugs()]:
        raise unknown("drug", lost[0], catalogue.drugs())
    if drugs and not family.drugs:
        takers = [other.name for other in catalogue.models().values() if other.drugs]
        raise UsageError(f"The model {name} takes no drugs; {', '.join(takers)} do.")
    own = [catalogue.drugs()[drug] for drug in drugs]
    found_sources: dict[str, str] = {}
    for folder in family.folders:
        found_sources |= catalogue.module_sources(folder)
    sources: list[_Source] = [
        (module, source, asdict(build)) for module, source in found_sources.items()
    ]
    sources += [
        (drug.name, catalogue.module_sources("drugs")[drug.module], {"drug": drug.name})
        for drug in own
    ]
    table = catalogue.parameters() | {p.id: p for drug in own for p in drug.parameters}
    key = content_hash(
        program(__file__),
        f"{antimony.__version__} {libsbml.__version__} {jinja2.__version__}",
        repr((name, sources, table, own, catalogue.units(), catalogue.compartments())),
        repr(catalogue.observables_of(name)),
    )
    found = kept_json("models", key, lambda: _composed(name, sources, table, drugs))
    return Model(
        name=name,
        sbml=found["sbml"],
        parameters={parameter: table[parameter] for parameter in found["parameters"]},
        drugs=tuple(drugs),
        build=build,
        dosing_ports={
            (drug, route): (amount, rate) for drug, route, amount, rate in found["ports"]
        },
    )


def _composed(
    name: str, sources: Sequence[_Source], table: Mapping[str, Parameter], drugs: tuple[str, ...]
) -> dict[str, Any]:
    """SBML, ids of its parameters and ports for doses, as JSON values."""
    modules = [_render(*source) for source in sources]
    used = _used_parameters(modules, table)
    products = _products(modules, used)
    text = _antimony(name, modules, used, products)
    elements = _element_units(name, modules, used, products)
    ports = _dosing_ports(modules, drugs)
    identities = {amount: catalogue.drugs()[drug].identifier for drug, _, amount, _ in ports}
    return {
        "sbml": finish(_to_sbml(name, text), name, elements, used, identities),
        "parameters": list(used),
        "ports": ports,
    }


def _render(name: str, source: str, choices: Mapping[str, object]) -> _Module:
    environment = jinja2.Environment(
        line_statement_prefix="//%", undefined=jinja2.StrictUndefined, autoescape=False
    )
    try:
        text = environment.from_string(source).render(choices)
    except jinja2.TemplateError as error:
        line = getattr(error, "lineno", None)
        raise ModelError(f"{name}.ant", f"the template does not expand: {error}", line) from error
    header = _HEADER.search(text)
    if header is None:
        raise ModelError(f"{name}.ant", "no line 'model NAME(ports)' was found", 1)
    ports = tuple(port.strip() for port in header.group(1).split(","))
    units = dict(_UNIT_LINE.findall(text))
    strange = sorted(set(units.values()) - set(catalogue.units()))
    if strange:
        raise ModelError(f"{name}.ant", f"units that units.csv lacks: {', '.join(strange)}")
    body = _COMMENT.sub("", _UNIT_LINE.sub("", text[header.end() :].rpartition("end")[0]))
    body = _CONTINUED.sub(" ", body)
    defined = frozenset(_DEFINED.findall(body))
    return _Module(name, _privatize(name, body, ports), ports, defined, units)


def _privatize(name: str, body: str, ports: tuple[str, ...]) -> str:
    """Put the module's name before every name that is no port."""

    def rename(match: re.Match[str]) -> str:
        word = match.group(0)
        kept = word.startswith('"') or word in ports or word in _KEYWORDS
        return word if kept else f"{name}_{word}"

    return _WORD.sub(rename, body)


def _used_parameters(
    modules: Sequence[_Module], table: Mapping[str, Parameter]
) -> dict[str, Parameter]:
    ports = {port for module in modules for port in module.ports}
    twice = {
        f"{name} ({module.name}.ant)"
        for module in modules
        for name in module.defined.intersection(table).intersection(module.ports)
    }
    if twice:
        raise ModelError("parameters.csv", f"also defined in a module: {', '.join(sorted(twice))}")
    return {name: parameter for name, parameter in table.items() if name in ports}


def _products(
    modules: Sequence[_Module], used: Mapping[str, Parameter]
) -> dict[str, tuple[str, ...]]:
    """Ports that no module defines and that are products of contributions."""
    owners: dict[str, list[str]] = {}
    for module in modules:
        for port in module.defined.intersection(module.ports):
            owners.setdefault(port, []).append(module.name)
    ports = {port for module in modules for port in module.ports}
    products = {}
    lost = []
    for port in sorted(ports - used.keys() - owners.keys() - catalogue.compartments().keys()):
        if port.endswith(("_drive", "_escape")):
            products[port] = tuple(sorted(p for p in ports if p.startswith(port + "__")))
        else:
            users = [module.name for module in modules if port in module.ports]
            lost.append(f"{port} (port of {', '.join(users)})")
    if lost:
        raise ModelError("ports", f"nothing defines {'; '.join(lost)}")
    double = [f"{port} ({', '.join(names)})" for port, names in owners.items() if len(names) > 1]
    if double:
        raise ModelError("ports", f"defined by more than one module: {'; '.join(double)}")
    return products


def _antimony(
    name: str,
    modules: Sequence[_Module],
    used: Mapping[str, Parameter],
    products: Mapping[str, tuple[str, ...]],
) -> str:
    ports = {port for module in modules for port in module.ports}
    lines = [f"model {name}()"]
    lines += [
        f"  compartment {place.id} = {place.size!r};"
        for place in catalogue.compartments().values()
        if place.id in ports
    ]
    for parameter in used.values():
        # The strength of a mechanism is zero unless a fit or a user turns it on.
        value = 0.0 if parameter.mechanism else parameter.value
        lines.append(f"  {parameter.id} = {value!r};")
    for port, parts in products.items():
        lines.append(f"  {port} := {' * '.join(parts)};" if parts else f"  {port} = 1;")
    return "\n".join([*lines, *(module.body for module in modules), "end"])


def _to_sbml(name: str, text: str) -> str:
    # Antimony expands the tree of initial assignments anew for each of them: half a minute
    # for the closed-form baseline. They are held out and written by libsbml instead.
    formulas = dict(_FORMULA.findall(text))
    text = _FORMULA.sub(lambda match: f"  {match.group(1)} = 1;", text)
    antimony.clearPreviousLoads()
    if antimony.loadAntimonyString(text) < 0:
        fault = str(antimony.getLastError())
        # The line counts in the composed text: quote it, its names begin with the module's.
        if number := re.search(r"line (\d+)", fault):
            fault += f" in '{text.splitlines()[int(number[1]) - 1].strip()}'"
        raise ModelError(f"{name} (composed Antimony)", fault)
    return with_initial_assignments(str(antimony.getSBMLString(name)), formulas)


def _element_units(
    name: str,
    modules: Sequence[_Module],
    used: Mapping[str, Parameter],
    products: Mapping[str, tuple[str, ...]],
) -> dict[str, str]:
    """Unit of every element of the flat model; private names carry their module's name."""
    units = {p.id: catalogue.unit_id(p.unit) for p in used.values()}
    units |= {o.id: catalogue.unit_id(o.unit) for o in catalogue.observables_of(name).values()}
    units |= dict.fromkeys(products, "dimensionless")
    units |= {part: "dimensionless" for parts in products.values() for part in parts}
    for module in modules:
        for element, unit in module.units.items():
            units[element if element in module.ports else f"{module.name}_{element}"] = unit
    return units


def _dosing_ports(
    modules: Sequence[_Module], drugs: tuple[str, ...]
) -> list[tuple[str, str, str, str]]:
    """Drug, route, and the elements that take a dose and a rate."""
    ports = {port for module in modules for port in module.ports}
    return [
        (drug, route, f"{drug}_{route}", f"{drug}_{route}_rate")
        for drug in drugs
        for route in catalogue.ROUTES
        if f"{drug}_{route}_rate" in ports
    ]
