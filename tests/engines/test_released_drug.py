"""H2 follows what osteoclasts release, not what they are exposed to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bonecycle.biology import catalogue
from bonecycle.engines.roadrunner import RoadRunnerEngine

Load = Callable[..., RoadRunnerEngine]
STRENGTHS = ("progenitor_sensitivity", "progenitor_potency")
ALENDRONATE = "alendronate 70 mg oral every 2 months for 3 years"
DENOSUMAB = "denosumab 60 mg sc every 6 months from 2 years for 1 year"


def test_h2_frees_its_largest_effect_and_its_potency() -> None:
    assert catalogue.mechanisms()["H2"] == STRENGTHS


def test_less_resorption_shields_progenitors_but_not_osteoclasts(load: Load) -> None:
    """Denosumab on top of alendronate: same drug on bone, less of it released."""
    outputs = ("progenitor_escape", "bisphosphonate_escape", "alendronate_surface")
    times = [730.5, 850.0]
    sets = np.array([[0.5, 1.0]])
    alone, both = (
        load(regimen, STRENGTHS, outputs).simulate(sets, times).values[0]
        for regimen in (ALENDRONATE, f"{ALENDRONATE}; {DENOSUMAB}")
    )
    np.testing.assert_allclose(both[0], alone[0], rtol=1e-6)
    lost_alone, lost_both = 1 - alone[1], 1 - both[1]
    assert lost_both[0] < 0.6 * lost_alone[0]
    assert lost_both[1] > 0.95 * lost_alone[1]


def test_h2_is_the_release_that_it_says(load: Load) -> None:
    outputs = ("progenitor_escape", "alendronate_osteoclasts")
    engine = load(ALENDRONATE, STRENGTHS, outputs)
    potency = 3.0
    escape, held = engine.simulate(np.array([[0.5, potency]]), [100.0, 700.0]).values[0].T
    values = {p.id: p.value for p in catalogue.drugs()["alendronate"].parameters}
    shared = catalogue.parameters()
    release = held / shared["bisphosphonate_osteoclast_time"].value
    half_effect = values["alendronate_half_effect_release"] / potency
    np.testing.assert_allclose(escape, 1 / (1 + release / half_effect), rtol=1e-12)
    assert escape.max() < 0.9


def test_without_h2_progenitors_notice_nothing(load: Load) -> None:
    outputs = ("progenitor_escape", "recruitment_drive")
    values = load(ALENDRONATE, (), outputs).simulate(np.zeros((1, 0)), [700.0]).values
    np.testing.assert_array_equal(values, 1.0)
