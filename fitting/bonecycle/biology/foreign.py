"""A user's own model: SBML or Antimony, checked and brought into one form.

That form is SBML Level 3 Version 2 without function definitions and local parameters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import libsbml

from bonecycle.biology.amounts import RegimenError, parse_duration
from bonecycle.biology.expansion import endless
from bonecycle.biology.safe_antimony import antimony_to_sbml
from bonecycle.biology.safe_xml import check_xml, read_bytes
from bonecycle.errors import ModelError, UsageError
from bonecycle.manifest import content_hash

ANTIMONY = (".ant", ".txt")
SBML = (".xml", ".sbml")
# Packages that say how a model looks, and nothing of what it does.
_HARMLESS = {"layout", "render", "groups", "l3v2extendedmath"}
_SECONDS_A_DAY = 86_400.0


@dataclass(frozen=True)
class ForeignModel:
    """A user's model in one form.

    Attributes
    ----------
    name : str
        Name of the file without its ending.
    sbml : str
        Flat SBML L3V2.
    per_day : float
        Units of the model's time in a day.
    time_unit : str
        That unit in words.
    notices : tuple of str
        What was assumed or changed on the way in.
    """

    name: str
    sbml: str
    per_day: float
    time_unit: str
    notices: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """SHA-256 of the SBML text."""
        return content_hash(self.sbml)


def read_model(path: Path, time_unit: str = "") -> ForeignModel:
    """Read a user's SBML (.xml, .sbml) or Antimony (.ant, .txt) file.

    Parameters
    ----------
    path : Path
    time_unit : str
        Unit of the model's time, such as ``day`` or ``hour``, instead of the one in the file; days
        are assumed, with a notice, where neither says.

    Raises
    ------
    ModelError
        With everything in the model that no simulator here can take, by name; for a file that is
        broken, hostile or too large.
    UsageError
        For another kind of file, or a time unit that is none.
    """
    content = read_bytes(path)
    if path.suffix.lower() in ANTIMONY:
        content = antimony_to_sbml(path.name, content)
    elif path.suffix.lower() not in SBML:
        endings = ", ".join((*SBML, *ANTIMONY))
        raise UsageError(f"{path.name}: models are read from files that end in {endings}.")
    check_xml(path.name, content, "sbml")
    document = libsbml.readSBMLFromString(_decoded(path.name, content))
    _refuse(path.name, _reading_faults(document))
    model = document.getModel()
    notices: list[str] = []
    per_day, unit = _time(path.name, model, time_unit, notices)
    _refuse(path.name, list(_unsupported(document, model)))
    _refuse(path.name, endless(model))
    if any(model.getConstraint(i) for i in range(model.getNumConstraints())):
        notices.append("constraints of the model are not watched")
    sbml = _in_one_form(path.name, document, notices)
    return ForeignModel(path.stem, sbml, per_day, unit, tuple(notices))


def _decoded(name: str, content: bytes) -> str:
    # A zero byte is UTF-16 or UTF-32: XML has no such character.
    place = content.find(0)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        place = error.start
    if place >= 0:
        raise ModelError(name, f"SBML must be UTF-8: convert it (byte {place} is not)")
    return text


def _reading_faults(document: libsbml.SBMLDocument) -> list[str]:
    errors = (document.getError(i) for i in range(document.getNumErrors()))
    faults = [
        f"line {e.getLine()}: {e.getShortMessage() or e.getMessage().strip()}"
        for e in errors
        if e.getSeverity() >= libsbml.LIBSBML_SEV_ERROR
    ]
    return faults or ([] if document.getModel() else ["libsbml finds no model in it"])


def _unsupported(document: libsbml.SBMLDocument, model: libsbml.Model) -> Iterator[str]:
    plugins = (document.getPlugin(i).getPackageName() for i in range(document.getNumPlugins()))
    for package in sorted(set(plugins) - _HARMLESS):
        yield f"SBML package {package!r} is not supported: export the model as core SBML"
    for i in range(document.getNumUnknownPackages()):
        yield f"an SBML package that is not known: {document.getUnknownPackageURI(i)}"
    for i, rule in enumerate(model.getListOfRules()):
        if rule.isAlgebraic():
            yield f"algebraic rule {i + 1} is not supported: solve it for a variable"
    for reaction in model.getListOfReactions():
        if reaction.isSetFast() and reaction.getFast():
            yield f"fast reaction {reaction.getId()!r} is not supported: give it a rate"
        if not reaction.isSetKineticLaw():
            yield f"reaction {reaction.getId()!r} has no rate: stochastic or flux-balance models"
    # What is delayed or random stands in a formula, wherever that is.
    text = str(model.toSBML())
    for symbol, what in (("symbols/delay", "delay()"), ("distrib/", "a random distribution")):
        if symbol in text:
            yield f"{what} in a formula is not supported"


def _refuse(name: str, faults: list[str]) -> None:
    if faults:
        shown = [*faults[:10], *([f"and {len(faults) - 10} more"] if len(faults) > 10 else [])]
        raise ModelError(name, "\n  ".join(["cannot be used:", *shown]))


def _time(name: str, model: libsbml.Model, asked: str, notices: list[str]) -> tuple[float, str]:
    if asked:
        try:
            days = parse_duration(f"1 {asked}")
        except RegimenError as error:
            raise UsageError(f"time unit {asked!r}: {error}") from error
        return 1 / days, asked
    unit = model.getTimeUnits() if model.getLevel() > 2 else "time"
    definition = model.getUnitDefinition(unit) if unit else None
    if definition is not None and definition.getNumUnits() == 1:
        one = definition.getUnit(0)
        if one.isSecond() and one.getExponent() == 1:
            seconds = one.getMultiplier() * 10.0 ** one.getScale()
            return _SECONDS_A_DAY / seconds, _in_words(seconds)
    if unit == "second":
        return _SECONDS_A_DAY, "second"
    if definition is not None and not definition.isVariantOfDimensionless():
        raise ModelError(name, f"its unit of time {unit!r} is no time: give the unit yourself")
    notices.append("the model gives no unit of time: days are assumed")
    return 1.0, "day"


def _in_words(seconds: float) -> str:
    known = {1.0: "second", 60.0: "minute", 3600.0: "hour", _SECONDS_A_DAY: "day"}
    known |= {7 * _SECONDS_A_DAY: "week"}
    return known.get(seconds, f"{seconds:g} seconds")


def _in_one_form(name: str, document: libsbml.SBMLDocument, notices: list[str]) -> str:
    if document.getLevel() < 3 and not document.setLevelAndVersion(3, 2, False):
        faults = _reading_faults(document)
        raise ModelError(name, f"libsbml cannot write it as SBML Level 3: {'; '.join(faults[:3])}")
    model = document.getModel()
    if any(r.getKineticLaw().getNumLocalParameters() for r in model.getListOfReactions()):
        notices.append("local parameters are named reaction_parameter")
    for action in ("promoteLocalParameters", "expandFunctionDefinitions"):
        options = libsbml.ConversionProperties()
        options.addOption(action, True)
        if document.convert(options) != libsbml.LIBSBML_OPERATION_SUCCESS:
            raise ModelError(name, f"libsbml cannot carry out {action} on it")
    _species_with_rates(model)
    for assignment in model.getListOfInitialAssignments():
        # Simulators work a constant out once, and not again when a parameter changes.
        parameter = model.getParameter(assignment.getSymbol())
        if parameter is not None:
            parameter.setConstant(False)
    return str(libsbml.writeSBMLToString(document))


def _species_with_rates(model: libsbml.Model) -> None:
    """Make species that a rate rule moves variables of the same name and value.

    Simulators differ in where they keep such species; reactions do not move them.
    """
    for rule in model.getListOfRules():
        species = model.getSpecies(rule.getVariable())
        if species is None or not rule.isRate():
            continue
        compartment = model.getCompartment(species.getCompartment())
        if not compartment.getConstant():
            continue
        name, size = species.getId(), compartment.getSize()
        amount = species.getInitialAmount()
        if species.isSetInitialConcentration():
            amount = species.getInitialConcentration() * size
        for reaction in model.getListOfReactions():
            reaction.removeReactant(name)
            reaction.removeProduct(name)
            reaction.removeModifier(name)
        variable = model.createParameter()
        variable.setName(species.getName() or name)
        variable.setConstant(False)
        variable.setValue(amount if species.getHasOnlySubstanceUnits() else amount / size)
        model.removeSpecies(name)
        variable.setId(name)


def free_ids(model: ForeignModel) -> dict[str, float]:
    """Constant parameters with a value of their own, which a fit may change."""
    parsed = libsbml.readSBMLFromString(model.sbml).getModel()
    return {
        p.getId(): p.getValue()
        for p in parsed.getListOfParameters()
        if p.getConstant() and p.isSetValue()
    }


def readable_ids(model: ForeignModel) -> tuple[str, ...]:
    """All that has a value in time: species, parameters, compartments, reactions."""
    parsed = libsbml.readSBMLFromString(model.sbml).getModel()
    lists = (
        parsed.getListOfSpecies(),
        parsed.getListOfParameters(),
        parsed.getListOfCompartments(),
        parsed.getListOfReactions(),
    )
    return tuple(element.getId() for elements in lists for element in elements)


def with_readings(model: ForeignModel, readings: Mapping[str, tuple[str, float]]) -> ForeignModel:
    """Return the model with new variables, each an id of the model times a factor.

    A species is read as SBML formulas read it: as a concentration unless it has substance units.
    """
    document = libsbml.readSBMLFromString(model.sbml)
    parsed = document.getModel()
    for name, (source, factor) in readings.items():
        add_rule(parsed, name, f"{float(factor)!r} * {source}")
    return replace(model, sbml=str(libsbml.writeSBMLToString(document)))


def add_rule(model: libsbml.Model, name: str, formula: str) -> None:
    """Add a variable, or make a parameter one, that follows a formula.

    Raises
    ------
    ModelError
        For a formula that libsbml cannot read.
    """
    parameter = model.getParameter(name)
    if parameter is None:
        parameter = model.createParameter()
        parameter.setId(name)
    parameter.setConstant(False)
    parameter.unsetValue()
    rule = model.createAssignmentRule()
    rule.setVariable(name)
    math = libsbml.parseL3Formula(formula)
    if math is None:
        raise ModelError(name, libsbml.getLastParseL3Error().strip())
    rule.setMath(math)


def no_such(kind: str, name: str, known: Collection[str]) -> str:
    """Say that a model lacks an id, with the nearest ones: a model may have thousands."""
    close = get_close_matches(name, list(known), n=3)
    hint = f"did you mean {' or '.join(map(repr, close))}?" if close else ""
    some = "" if close else f"it has {', '.join(sorted(known)[:12])} ..."
    return f"the model has no {kind} {name!r}: {hint}{some}"
