"""Initial values given by formula, against libroadrunner's own evaluation of them."""

from __future__ import annotations

import antimony
import numpy as np
import pytest
import roadrunner

from bonecycle.engines.initial_values import InitialValues
from bonecycle.errors import ModelError

# Out of order on purpose: a constant may depend on one that stands after it.
TEXT = """model small()
  late = first + second / 3;
  a = {a}; b = {b}; c = {c};
  first = exp(-a * b) + ln(b) + sqrt(c) - pow(a, c);
  second = first * (a - (b - c)) / (a / (b / c));
  tower = a^b^c;
  left_tower = (a^b)^c;
  negative = -a^b - (-c)^2;
  inverse = 2^-c + a / b / c - a^(-b);
  third = 1 / 3;
  mixed = 5e-3 * left_tower - tower / late;
  S = 0; S' = tower;
end"""
NAMES = {
    "late",
    "first",
    "second",
    "tower",
    "left_tower",
    "negative",
    "inverse",
    "third",
    "mixed",
}


def sbml(text: str) -> str:
    antimony.clearPreviousLoads()
    assert antimony.loadAntimonyString(text) >= 0, antimony.getLastError()
    return str(antimony.getSBMLString(antimony.getMainModuleName()))


@pytest.mark.parametrize("a, b, c", [(2.0, 3.0, 0.5), (0.7, 1.9, 2.4), (1.1, 0.3, 3.0)])
def test_values_agree_with_roadrunner(a: float, b: float, c: float) -> None:
    constants = InitialValues(sbml(TEXT.format(a=2, b=3, c=0.5)))
    found = constants.values({"a": a, "b": b, "c": c})
    reference = roadrunner.RoadRunner(sbml(TEXT.format(a=a, b=b, c=c)))
    assert set(found) == set(constants.names) >= NAMES
    for name, value in found.items():
        np.testing.assert_allclose(value, reference.getValue(name), rtol=1e-14, err_msg=name)


def test_the_plain_model_holds_the_same_numbers() -> None:
    constants = InitialValues(sbml(TEXT.format(a=2, b=3, c=0.5)))
    plain = roadrunner.RoadRunner(constants.plain_sbml)
    for name, value in constants.values({}).items():
        # SBML text carries 15 digits.
        np.testing.assert_allclose(plain.getValue(name), value, rtol=1e-14, err_msg=name)
    assert "initialAssignment" not in constants.plain_sbml


def test_only_constants_with_a_value_of_their_own_are_settable() -> None:
    assert set(InitialValues(sbml(TEXT.format(a=2, b=3, c=0.5))).settable) == {"a", "b", "c"}


def test_changes_do_not_stay() -> None:
    constants = InitialValues(sbml(TEXT.format(a=2, b=3, c=0.5)))
    before = constants.values({})
    constants.values({"a": 9.0})
    assert constants.values({}) == before


def test_a_circle_is_refused() -> None:
    text = sbml("model small()\n x = 1;\n y = 2 * x;\n S = 0; S' = y;\nend")
    circle = text.replace("<ci> x </ci>", "<ci> y </ci>")
    assert circle != text
    with pytest.raises(ModelError, match="constants in a circle: y"):
        InitialValues(circle)


def test_a_function_that_is_not_known_is_refused() -> None:
    text = sbml("model small()\n x = 1;\n y = sin(x);\n S = 0; S' = y;\nend")
    with pytest.raises(ModelError, match=r"not supported in constants.*sin"):
        InitialValues(text)


@pytest.mark.parametrize("text", ["", "<html/>", "<sbml/>"])
def test_text_without_a_model_is_refused(text: str) -> None:
    with pytest.raises(ModelError, match="no model"):
        InitialValues(text)
