"""Formulas that never end, or grow without limit, are refused by name and at once."""

import time
from pathlib import Path

import libsbml
import pytest

import bonecycle_models
from bonecycle.biology import expansion
from bonecycle.biology.foreign import read_model
from bonecycle.errors import ModelError

RELEASED = sorted((Path(bonecycle_models.__file__).parent / "released").glob("*.xml"))


def sbml(functions=(), rules=(), assignments=()):
    """Model of x' = -x with functions of x, and parameters by rule or initial assignment."""
    document = libsbml.SBMLDocument(3, 2)
    model = document.createModel()
    model.setId("synthetic")
    made = [("x", "-x", model.createRateRule)]
    made += [(name, formula, model.createAssignmentRule) for name, formula in rules]
    made += [(name, formula, model.createInitialAssignment) for name, formula in assignments]
    for name, formula in functions:
        function = model.createFunctionDefinition()
        function.setId(name)
        function.setMath(libsbml.parseL3Formula(f"lambda(x, {formula})"))
    for name, formula, create in made:
        parameter = model.createParameter()
        parameter.setId(name)
        parameter.setConstant(False)
        parameter.setValue(1)
        element = create()
        setter = element.setVariable if hasattr(element, "setVariable") else element.setSymbol
        setter(name)
        element.setMath(libsbml.parseL3Formula(formula))
    return str(libsbml.writeSBMLToString(document))


def doubled(name, times=40, call=""):
    first = [(f"{name}0", "x + 1")]
    return first + [
        (f"{name}{i}", f"0.4 * ({name}{i - 1}{call} + {name}{i - 1}{call})")
        for i in range(1, times)
    ]


REFUSED = {
    r"f\(\) uses f\(\)": {"functions": [("f", "f(x)")]},
    r"(f\(\) uses g\(\) uses f|g\(\) uses f\(\) uses g)": {
        "functions": [("f", "g(x)"), ("g", "f(x)")]
    },
    r"function lost\(\) is used and not defined": {"rules": [("y", "lost(x)")]},
    "(y uses z uses y|z uses y uses z)": {"rules": [("y", "z")], "assignments": [("z", "y")]},
    r"f\d+\(\): written out, more than 1,000,000": {"functions": doubled("f", call="(x)")},
    r"h\(\): written out": {
        "functions": [("g", "+".join("x" * 120)), ("h", "g(g(g(x)))")],
    },
    r"y\d+: written out": {"rules": doubled("y")},
    r"z\d+: written out": {"assignments": doubled("z")},
    "all formulas written out, more than": {
        "rules": [*doubled("y", 17), *((f"w{i}", "y16") for i in range(50))]
    },
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_never_ends_is_refused_by_name(tmp_path, reason):
    # Not through read_model: without the check it would end this process, or never end.
    model = libsbml.readSBMLFromString(sbml(**REFUSED[reason]))
    begin = time.process_time()
    with pytest.raises(ModelError, match=reason):
        raise ModelError("synthetic", "".join(expansion.endless(model.getModel())))
    assert time.process_time() - begin < 3
    path = tmp_path / "synthetic.xml"
    path.write_text(sbml(**REFUSED[reason]), encoding="utf-8")
    with pytest.raises(ModelError, match=reason):
        read_model(path)


@pytest.mark.parametrize("path", RELEASED, ids=lambda path: path.stem)
def test_released_models_are_taken(path):
    assert expansion.endless(libsbml.readSBMLFromFile(str(path)).getModel()) == []


def test_a_size_is_that_of_the_formula_written_out(monkeypatch):
    # f(y + 1) = (y + 1) * (y + 1): 7 nodes and the call; y = 2 * x adds 2 at each place.
    text = sbml(functions=[("f", "x * x")], rules=[("y", "2 * x"), ("z", "f(y + 1)")])
    model = libsbml.readSBMLFromString(text).getModel()
    monkeypatch.setattr(expansion, "MAX_NODES", 12)
    assert expansion.endless(model) == []
    monkeypatch.setattr(expansion, "MAX_NODES", 11)
    assert expansion.endless(model) == ["z: written out, more than 11 operations: simplify it"]
