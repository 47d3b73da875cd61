"""Surfaces at rest against first-passage times of one site, worked out here by linear algebra.

One site is a Markov chain with its generator written from the parameters alone: activation,
osteoclasts, density classes with climb and fall, arrest in every class. It ends when the site
starts to form, is lined over, or is born anew. No surface of the model enters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import libsbml
import numpy as np
import pytest

from bonecycle.biology.compose import Model
from bonecycle.biology.tables import Parameter
from bonecycle.engines.roadrunner import RoadRunnerEngine

Load = Callable[..., RoadRunnerEngine]
Draw = Callable[..., np.ndarray]
Centre = Callable[[Mapping[str, Parameter], bool], dict[str, float]]
ACTIVATION, RESORPTION, CLASSES = 2, 4, 8
FORMATION = (3, 8, 2)
YEAR = 365.25


@dataclass(frozen=True)
class Site:
    """Mean days that a born site spends in each phase, and its chance to form."""

    osteoclasts: float
    reversal: float
    arrested: float
    forming: float
    formation: float
    density: float

    @property
    def eroded(self) -> float:
        return self.osteoclasts + self.reversal + self.arrested


def occupancy(generator: np.ndarray) -> np.ndarray:
    """Mean time in each transient state from the first one: pi with pi (-Q) = e_1."""
    entry = np.zeros(len(generator))
    entry[0] = 1
    return np.linalg.solve(-generator.T, entry)


def site(p: Mapping[str, float], rebirth_rate: float = 0.0) -> Site:
    first_class = ACTIVATION + RESORPTION
    size = first_class + 2 * CLASSES
    rates = np.zeros((size, size))
    leaving = np.zeros(size)  # to where the site ends
    chain = [ACTIVATION / p["activation_period"]] * ACTIVATION
    chain += [RESORPTION / p["resorption_period"]] * RESORPTION
    for i, rate in enumerate(chain):
        rates[i, i + 1] = rate
    width = p["onset_density"] / CLASSES
    density = (np.arange(CLASSES) + 0.5) * width
    # A site of density d gains recruitment + proliferation * d and loses loss * d cells/mm/d.
    climb = (p["recruitment_rate"] + p["proliferation_rate"] * density) / width
    fall = p["loss_rate"] * density / width
    for i in range(CLASSES):
        here, arrested = first_class + i, first_class + CLASSES + i
        if i < CLASSES - 1:
            rates[here, here + 1] = climb[i]
        else:
            leaving[here] = climb[i]
        if i > 0:
            rates[here, here - 1] = fall[i]
        rates[here, arrested] = p["arrest_rate"]
        leaving[arrested] = 1 / p["arrest_residence"] + rebirth_rate
    spent = occupancy(rates - np.diag(rates.sum(axis=1) + leaving))
    mineralizing = p["wall_thickness_new"] / p["mineral_apposition_rate"]
    lengths = (p["mineralization_lag"], mineralizing, p["terminal_period"])
    stages = np.concatenate(
        [np.full(n, n / length) for n, length in zip(FORMATION, lengths, strict=True)]
    )
    forming = occupancy(np.diag(stages[:-1], 1) - np.diag(stages))
    classes, arrested = spent[first_class:].reshape(2, CLASSES)
    return Site(
        osteoclasts=spent[ACTIVATION:first_class].sum(),
        reversal=classes.sum(),
        arrested=arrested.sum(),
        forming=climb[-1] * classes[-1],
        formation=forming.sum(),
        density=float(density @ (classes + arrested) / (classes + arrested).sum()),
    )


@pytest.fixture(scope="module")
def sets(model: Model, central: Centre, draw: Draw) -> np.ndarray:
    """The centre of the table, then five draws from the prior."""
    centre = list(central(model.parameters, False).values())
    return np.vstack([centre, draw(model.parameters, 5, 7, False)])


@pytest.fixture(scope="module")
def observed(untreated: RoadRunnerEngine, sets: np.ndarray) -> list[dict[str, float]]:
    batch = untreated.simulate(sets, [0])
    assert batch.ok.all()
    return [dict(zip(untreated.outputs, row[0], strict=True)) for row in batch.values]


@pytest.fixture(scope="module")
def sites(untreated: RoadRunnerEngine, sets: np.ndarray) -> list[Site]:
    return [site(dict(zip(untreated.parameters, row, strict=True))) for row in sets]


def close(found: float | np.ndarray, expected: float | np.ndarray) -> None:
    np.testing.assert_allclose(found, expected, rtol=1e-8)


def test_eroded_to_osteoid_surface(observed: list[dict[str, float]], sites: list[Site]) -> None:
    for seen, one in zip(observed, sites, strict=True):
        assert one.arrested > 0
        close(seen["ES_OS"], one.eroded / (one.forming * one.formation))
        close(seen["Oc_S_BS"] / seen["OS_BS"], one.osteoclasts / (one.forming * one.formation))
        close(seen["Ar_S_BS"] / seen["Rv_S_BS"], one.arrested / one.reversal)
        close(seen["Rv_D"], one.density)


def test_surfaces_are_births_times_time(
    observed: list[dict[str, float]], sites: list[Site]
) -> None:
    for seen, one in zip(observed, sites, strict=True):
        close(seen["ES_BS"], 100 * seen["birth_rate"] / YEAR * one.eroded)
        close(seen["onset_flux"], seen["birth_rate"] * one.forming)


def test_rates_of_a_pathologist_hold_at_rest(
    observed: list[dict[str, float]], sites: list[Site]
) -> None:
    for seen, one in zip(observed, sites, strict=True):
        close(seen["Ac_f"], seen["onset_flux"])
        close(seen["BFR_BS"], seen["Ac_f"] * seen["W_Th"])
        close(seen["BFR_BS"], seen["MAR"] * seen["MS_BS"] / 100 * YEAR)
        close(seen["Aj_AR"] * seen["FP"], seen["W_Th"])
        close(seen["FP"], one.formation)
        close(seen["Rs_P"] * one.forming, one.osteoclasts)
        close(seen["Rv_P"] * one.forming, one.reversal + one.arrested)
        # W.Th is MAR times the time for which a packet mineralizes.
        mineralizing_days = seen["MS_BS"] / 100 / (seen["onset_flux"] / YEAR)
        close(seen["W_Th_new"], seen["MAR"] * mineralizing_days)
        close(seen["W_Th"], seen["W_Th_new"])


def test_activation_frequency_uses_the_wall_that_is_seen(model: Model) -> None:
    # Started at half of its thickness, the mean wall takes years to forget it.
    document = libsbml.readSBMLFromString(model.sbml)
    start = document.getModel().getInitialAssignmentBySymbol("wall_thickness")
    start.setMath(libsbml.parseL3Formula("wall_thickness_new / 2"))
    outputs = ("W_Th", "W_Th_new", "BFR_BS", "Ac_f", "onset_flux", "Q_S_BS")
    text = str(libsbml.writeSBMLToString(document))
    times = [0.0, YEAR, 5 * YEAR, 200 * YEAR]
    rows = RoadRunnerEngine(text, (), outputs).simulate(np.zeros((1, 0)), times).values[0]
    seen, new, formed, frequency, onset, quiescent = rows.T
    close(frequency, formed / seen)
    # Completed packets per quiescent surface replace the old mean.
    decay = np.exp(-onset[0] / (quiescent[0] / 100) * np.array(times) / YEAR)
    np.testing.assert_allclose(seen, new * (1 - decay / 2), rtol=1e-6)
    assert seen[1] < 0.6 * new[1]


@pytest.mark.parametrize("rebirth_rate", [0.0, 3e-4, 5e-3])
def test_arrested_surface_may_be_born_anew(
    load: Load, model: Model, central: Centre, rebirth_rate: float
) -> None:
    one = site(central(model.parameters, False), rebirth_rate)
    engine = load("untreated", ("rebirth_rate",))
    batch = engine.simulate(np.array([[rebirth_rate]]), [0, 3652.5])
    for row in batch.values[0]:
        seen = dict(zip(engine.outputs, row, strict=True))
        close(seen["ES_OS"], one.eroded / (one.forming * one.formation))
        close(seen["birth_rate"], YEAR * model.parameters["untreated_births"].value)
        close(seen["Ac_f"], seen["onset_flux"])


def test_arrest_weighs_in_the_ratio(sites: list[Site]) -> None:
    # Otherwise the tests above would not see it.
    assert all(one.arrested / one.eroded > 0.05 for one in sites)
