"""The released files are what the sources compile to (`make released` writes them anew)."""

from __future__ import annotations

import libsbml
import numpy as np
import pytest
import roadrunner

from bonecycle.biology import catalogue
from bonecycle.biology.sbml import check
from bonecycle.exchange.annotations import is_sealed
from bonecycle.exchange.released import compiled_models, released_models


def test_the_released_files_are_what_the_sources_give() -> None:
    released, compiled = released_models(), compiled_models()
    assert released.keys() == compiled.keys()
    stale = [name for name, text in compiled.items() if released[name] != text]
    assert not stale, f"{stale} are not what the sources give: run `make released`"


def test_every_drug_has_a_file_with_the_switches_of_the_mechanisms() -> None:
    released = released_models()
    with_drugs = {f"cycle_with_{d}.xml" for d in catalogue.drugs()}
    assert set(released) == with_drugs | {f"{model}.xml" for model in catalogue.models()}
    for name, text in released.items():
        assert is_sealed(text), name
        assert check(text) == [], name
    model = libsbml.readSBMLFromString(released["cycle_with_alendronate.xml"]).getModel()
    for strengths in catalogue.mechanisms().values():
        for strength in strengths:
            assert model.getParameter(strength).getValue() == 0.0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["route", "coupled"])
def test_the_route_loads_anywhere_and_starts_at_rest(name: str) -> None:
    simulator = roadrunner.RoadRunner(released_models()[f"{name}.xml"])
    seen = ["N_Oc", "Nc_Oc", "Fo_R", "Oc_sequential", "S_RANKL"]
    simulator.timeCourseSelections = seen
    curves = np.array(simulator.simulate(0, 1000, 3))
    np.testing.assert_allclose(curves, curves[:1].repeat(3, axis=0), rtol=1e-6)
