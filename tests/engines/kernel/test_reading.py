"""What can be written in SBML either agrees with roadrunner or is refused by name."""

from __future__ import annotations

from collections.abc import Callable

import libsbml
import numpy as np
import pytest

from bonecycle.engines.kernel.engine import KernelEngine
from bonecycle.engines.kernel.events import NotSupportedError
from bonecycle.errors import ModelError

Sbml = Callable[[str], str]
Compare = Callable[..., np.ndarray]
TIMES = [0.0, 0.5, 2.0, 10.0]


@pytest.mark.parametrize(
    "formula",
    [
        "a - x",
        "-x + a - -x/3",
        "a/(1 + x)",
        "x*a*b/2 - x^2",
        "b - x^3.7",
        "1/x^2 - x^-1 + a - x",
        "a^x - x^b",
        "exp(-a*x) - x",
        "ln(a + x) - x",
        "log10(a + x) - log(1 + x)",
        "sqrt(a + x) - x",
        "root(3, a + x) - x",
        "abs(x - b) - x",
        "min(a, x, b) - max(x/2, b/4)",
        "piecewise(a, x < 1.5, b) - x",
        "piecewise(a, x < 1.5 && b > 0, b, x < 1.7 || a > 5, 0.1) - x",
        "piecewise(a, !(x >= 1.5), 2*x) - x",
        "piecewise(a, b > 1, x) - x/2",
        "piecewise(x, b > 1, a) - x/2",
        "a*(x > 1.5) - 0.1*x",
        "pi - exponentiale*x/2",
        "(a*x/(b*3))*2 - 0*x - 1*x",
        "true*a - x",
    ],
)
def test_formulas_agree_with_roadrunner(formula: str, sbml: Sbml, compare: Compare) -> None:
    text = sbml(f"a = 1.3; b = 2.1; x = 1; x' = {formula}; flow := {formula}; big := x > 1.2;")
    curve = compare(text, ("x", "flow", "a"), TIMES)
    assert np.ptp(curve[:, 0]) > 1e-3


CELL = "compartment c = 2; species A in c; A = 3;"


@pytest.mark.parametrize(
    "body",
    [
        f"{CELL} J: A -> ; 0.3*A;",
        f"{CELL} J: A -> ; 0.3*A*A*c;",
        "compartment c = 2; substanceOnly species A in c; A = 3; J: A -> ; 0.3*A^2;",
        f"{CELL} species B in c; B = 0; J: 2 A -> 3 B; 0.3*A; K: B -> A; 0.1*B;",
        f"{CELL} A' = -0.3*A;",
        f"{CELL} species B in c; B := 2*A; J: A -> ; 0.3*B;",
        f"{CELL} k = 3; species B in c; B = 2*k + A; J: B -> A; 0.3*B;",
        f"{CELL} at time >= 1: A = A + 5; J: A -> ; 0.3*A;",
        f"{CELL} dose = 4; at time >= 1: A = dose; J: A -> ; 0.3*A;",
        # Transport from one volume to another.
        f"{CELL} compartment d = 0.5; species B in d; B = 1; J: A -> B; 0.3*(A - B);",
    ],
)
def test_amounts_and_concentrations(body: str, sbml: Sbml, compare: Compare) -> None:
    outputs = ("A", "B") if "B" in body else ("A",)
    curve = compare(sbml(body), outputs, TIMES)
    assert np.ptp(curve[:, 0]) > 0.1


def test_an_initial_concentration_is_one(sbml: Sbml, compare: Compare) -> None:
    document = libsbml.readSBMLFromString(sbml(f"{CELL} J: A -> ; 0.3*A;"))
    species = document.getModel().getSpecies("A")
    species.unsetInitialAmount()
    assert species.setInitialConcentration(5) == 0
    curve = compare(libsbml.writeSBMLToString(document), ("A",), TIMES)
    assert curve[0, 0] == 10


def test_initial_assignments_follow_what_is_set(sbml: Sbml) -> None:
    text = sbml("p = 2; q = 3*p; x = q + r; r := 10*x0; x0 = p/2; x' = -q*x;")
    engine = KernelEngine(text, ("p",), ("x", "q", "p"))
    found = engine.simulate_all(np.array([[1.0], [4.0]]), [0.0, 0.2], 1e-10)
    for values, p in zip(found.values, (1.0, 4.0), strict=True):
        start = 3 * p + 5 * p
        expected = [[start, 3 * p, p], [start * np.exp(-0.6 * p), 3 * p, p]]
        np.testing.assert_allclose(values, expected, rtol=1e-8)


DECAY = "compartment c = 1; species A in c; A = 3; J: A -> ; 0.3*A;"


def _document(text: str) -> tuple[libsbml.SBMLDocument, libsbml.Model]:
    document = libsbml.readSBMLFromString(text)
    return document, document.getModel()


def _algebraic(model: libsbml.Model) -> None:
    model.createAlgebraicRule().setMath(libsbml.parseL3Formula("A - 3"))


def _local(model: libsbml.Model) -> None:
    local = model.getReaction(0).getKineticLaw().createLocalParameter()
    local.setId("k")
    local.setValue(1)


def _constraint(model: libsbml.Model) -> None:
    model.createConstraint().setMath(libsbml.parseL3Formula("A > 0"))


def _changing_stoichiometry(model: libsbml.Model) -> None:
    model.getReaction(0).getReactant(0).setConstant(False)


def _assigned_stoichiometry(model: libsbml.Model) -> None:
    model.getReaction(0).getReactant(0).setId("s")
    assignment = model.createInitialAssignment()
    assignment.setSymbol("s")
    assignment.setMath(libsbml.parseL3Formula("3"))


def _assigned_size(model: libsbml.Model) -> None:
    assignment = model.createInitialAssignment()
    assignment.setSymbol("c")
    assignment.setMath(libsbml.parseL3Formula("3"))


def _changing_size(model: libsbml.Model) -> None:
    model.getCompartment(0).setConstant(False)


def _factor(model: libsbml.Model) -> None:
    model.setConversionFactor("p")


def _species_factor(model: libsbml.Model) -> None:
    model.getSpecies("A").setConversionFactor("p")


def _no_law(model: libsbml.Model) -> None:
    model.getReaction(0).unsetKineticLaw()


def _boundary(model: libsbml.Model) -> None:
    model.getSpecies("A").setBoundaryCondition(True)


def _constant(model: libsbml.Model) -> None:
    model.getSpecies("A").setConstant(True)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (_algebraic, "an algebraic rule"),
        (_local, r"local parameters \(J\)"),
        (_constraint, "constraints"),
        (_changing_stoichiometry, r"a stoichiometry that changes \(J\)"),
        (_assigned_stoichiometry, r"a stoichiometry that changes \(J\)"),
        (_assigned_size, r"an initial assignment of a compartment \(c\)"),
        (_changing_size, "a compartment of changing size"),
        (_factor, "a conversion factor of the model"),
        (_species_factor, r"a conversion factor \(A\)"),
        (_no_law, r"a reaction without a rate \(J\)"),
        (_boundary, r"a species that no reaction changes \(A\)"),
        (_constant, r"a species that no reaction changes \(A\)"),
    ],
)
def test_models_are_refused_by_name(
    edit: Callable[[libsbml.Model], None], reason: str, sbml: Sbml
) -> None:
    document, model = _document(sbml(f"{DECAY} p = 2;"))
    edit(model)
    with pytest.raises(NotSupportedError, match=reason):
        KernelEngine(libsbml.writeSBMLToString(document), (), ())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("y := time; x' = y - x; x = 1", "'time'"),
        ("x' = delay(x, 2) - x; x = 1", "'delay.x, 2.'"),
        ("x' = sin(x); x = 1", "'sin.x.'"),
        ("x' = floor(x); x = 1", "'floor.x.'"),
        ("x' = piecewise(1, x == 2, 0.5); x = 1", "'x == 2'"),
        ("x' = piecewise(1, x != 2, 0.5); x = 1", "'x != 2'"),
        ("x' = piecewise(1, x > 2); x = 1", "piecewise"),
        ("x = 1; x' = rateOf(y); y = 1; y' = -y", "rateOf"),
        ("x = time; x' = -x", "'time'"),
    ],
)
def test_formulas_are_refused_by_name(body: str, reason: str, sbml: Sbml) -> None:
    with pytest.raises(NotSupportedError, match=reason):
        KernelEngine(sbml(body), (), ())


def test_function_definitions_and_reactions_are_refused_by_name(sbml: Sbml) -> None:
    document, model = _document(sbml("x' = -x; x = 1; y = 2;"))
    definition = model.createFunctionDefinition()
    definition.setId("double")
    definition.setMath(libsbml.parseL3Formula("lambda(a, 2*a)"))
    with pytest.raises(NotSupportedError, match="function definitions"):
        KernelEngine(libsbml.writeSBMLToString(document), (), ())
    with pytest.raises(NotSupportedError, match="'J' in a formula"):
        KernelEngine(sbml(f"{DECAY} flow := J;"), (), ())


def test_circles_and_nonsense_are_refused(sbml: Sbml) -> None:
    document, model = _document(sbml("x' = -a; x = 1; a := 2*x; b := 3*x;"))
    model.getRuleByVariable("a").setMath(libsbml.parseL3Formula("b"))
    model.getRuleByVariable("b").setMath(libsbml.parseL3Formula("a"))
    with pytest.raises(NotSupportedError, match="formulas in a circle: a, b"):
        KernelEngine(libsbml.writeSBMLToString(document), (), ())
    with pytest.raises(ModelError, match="no model"):
        KernelEngine("not SBML", (), ())
