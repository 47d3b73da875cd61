"""Finish and check SBML: units, names, terms and notes on the flat model.

Units are set here from the modules' ``has`` lines: Antimony 3.3.0 ends in a loop on unit
definitions that a model uses before it defines them, and leaves species without units.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

import libsbml

from bonecycle.biology import catalogue
from bonecycle.biology.tables import Parameter
from bonecycle.errors import ModelError

# SBO terms by what an element is.
_SBO_SPECIES = 240  # material entity
_SBO_COMPARTMENT = 290  # physical compartment
_SBO_REACTION = 375  # process
_SBO_BY_UNIT = {"1/d": 9, "um/d": 9, "L/d": 9}  # kinetic constant
_SBO_PARAMETER = 2  # quantitative systems description parameter


def finish(
    text: str,
    name: str,
    units: Mapping[str, str],
    parameters: Mapping[str, Parameter],
    identities: Mapping[str, str],
) -> str:
    """Give a flat model its units, terms and notes, and check it.

    Parameters
    ----------
    text : str
        SBML from Antimony.
    name : str
        Model name, for messages.
    units : mapping of str to str
        Unit id of every parameter and compartment by element id.
    parameters : mapping of str to Parameter
        The parameters from the table, for names and notes with sources.
    identities : mapping of str to str
        What an element is, as an identifiers.org address by element id (drugs).

    Raises
    ------
    ModelError
        When an element has no unit or libsbml's full consistency check reports anything.
    """
    document = libsbml.readSBMLFromString(text)
    model = document.getModel()
    observables = catalogue.observables_of(name)
    _define_units(model)
    for compartment in model.getListOfCompartments():
        place = catalogue.compartments()[compartment.getId()]
        compartment.setSpatialDimensions(place.dimensions)
        compartment.setUnits(catalogue.unit_id(place.unit))
        compartment.setName(place.name)
        compartment.setSBOTerm(_SBO_COMPARTMENT)
        _identify(compartment, libsbml.BQB_OCCURS_IN, place.identifier)
        _note(compartment, _origin(place))
    for species in model.getListOfSpecies():
        species.setHasOnlySubstanceUnits(True)
        species.setSubstanceUnits("dimensionless")
        species.setSBOTerm(_SBO_SPECIES)
    for reaction in model.getListOfReactions():
        reaction.setReversible(False)
        reaction.setSBOTerm(_SBO_REACTION)
        _declare_modifiers(model, reaction)
    for element in model.getListOfParameters():
        _finish_parameter(element, units, parameters, name, observables)
    for identifier, resource in identities.items():
        _identify(model.getParameter(identifier), libsbml.BQB_IS, resource)
    for expression in _expressions(model):
        _set_literal_units(expression)
    model.setName(f"bonecycle: {name}")
    text = str(libsbml.writeSBMLToString(document))
    if faults := check(text):
        raise ModelError(f"{name}.xml", "libsbml reports\n" + "\n".join(faults))
    return text


def with_initial_assignments(text: str, formulas: Mapping[str, str]) -> str:
    """Set initial values by formula, in place of the numbers that stand there.

    Raises
    ------
    ModelError
        For a formula that libsbml cannot read.
    """
    document = libsbml.readSBMLFromString(text)
    model = document.getModel()
    for symbol, formula in formulas.items():
        math = libsbml.parseL3Formula(formula)
        if math is None:
            raise ModelError(symbol, libsbml.getLastParseL3Error().strip())
        element = model.getElementBySId(symbol)
        if isinstance(element, libsbml.Species):
            element.unsetInitialAmount()
            element.unsetInitialConcentration()
        else:
            element.unsetValue()
        assignment = model.createInitialAssignment()
        assignment.setSymbol(symbol)
        assignment.setMath(math)
    return str(libsbml.writeSBMLToString(document))


def check(text: str) -> list[str]:
    """All that libsbml's full consistency check reports, units included; empty when clean."""
    document = libsbml.readSBMLFromString(text)
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_UNITS_CONSISTENCY, True)
    document.setConsistencyChecks(libsbml.LIBSBML_CAT_MODELING_PRACTICE, True)
    document.checkConsistency()
    errors = (document.getError(i) for i in range(document.getNumErrors()))
    return [f"{e.getSeverityAsString()} {e.getErrorId()}: {e.getMessage().strip()}" for e in errors]


def _define_units(model: libsbml.Model) -> None:
    model.getListOfUnitDefinitions().clear()
    for unit in catalogue.units().values():
        if libsbml.UnitKind_forName(unit.id) != libsbml.UNIT_KIND_INVALID:
            continue  # SBML predefines it
        definition = model.createUnitDefinition()
        definition.setId(unit.id)
        definition.setName(unit.display)
        for kind, exponent, multiplier in unit.factors:
            factor = definition.createUnit()
            factor.setKind(libsbml.UnitKind_forName(kind))
            factor.setExponent(exponent)
            factor.setScale(0)
            factor.setMultiplier(multiplier)
    model.setTimeUnits("d")
    model.setSubstanceUnits("dimensionless")
    model.setExtentUnits("dimensionless")
    model.setAreaUnits("dimensionless")
    model.unsetVolumeUnits()
    model.unsetLengthUnits()


def _finish_parameter(
    element: libsbml.Parameter,
    units: Mapping[str, str],
    parameters: Mapping[str, Parameter],
    model: str,
    observables: Mapping[str, catalogue.Observable],
) -> None:
    identifier = element.getId()
    if identifier not in units:
        raise ModelError(f"{model}.xml", f"{identifier} has no unit: add '{identifier} has UNIT;'")
    element.setUnits(units[identifier])
    observable = observables.get(identifier)
    parameter = parameters.get(identifier)
    if observable is not None:
        element.setName(observable.symbol)
        element.setSBOTerm(_SBO_PARAMETER)
        _note(element, f"{observable.meaning}. Unit: {observable.unit}")
    elif parameter is not None:
        element.setName(parameter.name)
        element.setSBOTerm(_SBO_BY_UNIT.get(parameter.unit, _SBO_PARAMETER))
        _note(element, _origin(parameter))


def _declare_modifiers(model: libsbml.Model, reaction: libsbml.Reaction) -> None:
    """List species that a rate law names and that are neither reactant nor product."""
    listed = {r.getSpecies() for r in reaction.getListOfReactants()}
    listed |= {r.getSpecies() for r in reaction.getListOfProducts()}
    for name in _names(reaction.getKineticLaw().getMath()):
        if name not in listed and model.getSpecies(name) is not None:
            reaction.createModifier().setSpecies(name)
            listed.add(name)


def _names(node: libsbml.ASTNode) -> Iterator[str]:
    if node.isName():
        yield node.getName()
    for i in range(node.getNumChildren()):
        yield from _names(node.getChild(i))


def _expressions(model: libsbml.Model) -> Iterator[libsbml.ASTNode]:
    for rule in model.getListOfRules():
        yield rule.getMath()
    for assignment in model.getListOfInitialAssignments():
        yield assignment.getMath()
    for reaction in model.getListOfReactions():
        yield reaction.getKineticLaw().getMath()


def _set_literal_units(node: libsbml.ASTNode) -> None:
    """A bare number in a formula is a pure number; exponents stay as they are."""
    if node.isNumber() and not node.isSetUnits():
        node.setUnits("dimensionless")
    for i in range(node.getNumChildren()):
        _set_literal_units(node.getChild(i))


def _origin(row: Parameter | catalogue.Compartment) -> str:
    """How far the source of a row of a table goes, and what it is."""
    source = f"{row.source} ({row.place})" if row.place else row.source
    return f"Status: {row.status}. Source: {source}. {row.note}"


def _note(element: libsbml.SBase, text: str) -> None:
    body = f'<p xmlns="http://www.w3.org/1999/xhtml">{escape(text, quote=False)}</p>'
    element.setNotes(body)


def _identify(element: libsbml.SBase, qualifier: int, resource: str) -> None:
    if not element.isSetMetaId():
        element.setMetaId(f"meta_{element.getId()}")
    term = libsbml.CVTerm(libsbml.BIOLOGICAL_QUALIFIER)
    term.setBiologicalQualifierType(qualifier)
    term.addResource(resource)
    element.addCVTerm(term)
