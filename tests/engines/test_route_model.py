"""The route of osteoclasts: nuclei are conserved, nothing is negative, the start is a rest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import libsbml
import numpy as np
import pytest

from bonecycle.biology import catalogue
from bonecycle.biology.compose import Build, compose
from bonecycle.biology.sbml import check
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.errors import UsageError

Draw = Callable[..., np.ndarray]
SHORT = Build(nuclei=5)
RULES = {
    "maturity": {},
    "random": {"fusion_alike": 1.0},
    "size": {"fusion_alike": 1.0, "fusion_size_weight": 1.0},
    "founder": {"fusion_multinucleated": 0.0},
}
# What scenarios set: each moves the route far from rest.
CHANGES = {
    "no RANKL": {"rankl_supply": 0.0},
    "OPG": {"opg_supply": 20.0},
    "tumour": {"tumour_collagen": 1.0},
    "transfer": {"lineage_activity": 0.0, "monocyte_infusion": 3.0},
    "no integrin": {"integrin_activity": 0.0},
    "MMP": {"mmp_activity": 0.1},
    "M-CSF": {"mcsf_supply": 0.0, "mcsf_infusion": 5000.0},
    "cathepsin K": {"cathepsin_k_activity": 0.0},
    "blood": {"blood_flow": 0.0, "s1p_activity": 2.0},
}


@dataclass(frozen=True)
class Route:
    """The route with a short chain: its engine, and where its values stand."""

    engine: RoadRunnerEngine
    centre: np.ndarray
    species: tuple[str, ...]

    def row(self, changed: dict[str, float]) -> np.ndarray:
        row = self.centre.copy()
        for name, value in changed.items():
            row[self.engine.parameters.index(name)] = value
        return row

    def column(self, values: np.ndarray, name: str) -> np.ndarray:
        return values[..., self.engine.outputs.index(name)]


@pytest.fixture(scope="module")
def route() -> Route:
    model = compose("route", (), SHORT)
    sbml = libsbml.readSBMLFromString(model.sbml).getModel()
    species = tuple(s.getId() for s in sbml.getListOfSpecies())
    rated = tuple(r.getVariable() for r in sbml.getListOfRules() if r.isRate())
    names = tuple(model.parameters)
    outputs = tuple(dict.fromkeys((*species, *rated, *catalogue.observables_of("route"))))
    engine = RoadRunnerEngine(model.sbml, names, outputs, "route")
    centre = np.array([model.parameters[name].value for name in names])
    return Route(engine, centre, species)


def prior_rows(route: Route, draw: Draw, count: int, seed: int) -> np.ndarray:
    model = compose("route", (), SHORT)
    rows = np.tile(route.centre, (count, 1))
    drawn = draw(model.parameters, count, seed, False)
    varied = [name for name, p in model.parameters.items() if p.scale]
    rows[:, [route.engine.parameters.index(name) for name in varied]] = drawn
    return rows


def test_every_reaction_moves_as_many_nuclei_as_it_takes() -> None:
    """Exact: only births and deaths change the number of nuclei."""
    for build in (SHORT, Build()):
        sbml = libsbml.readSBMLFromString(compose("route", (), build).sbml).getModel()
        for reaction in sbml.getListOfReactions():
            taken = sum(end.getStoichiometry() for end in reaction.getListOfReactants())
            given = sum(end.getStoichiometry() for end in reaction.getListOfProducts())
            name = reaction.getId()
            if "birth" in name or "transfer" in name:
                assert (taken, given) == (0, 1), name
            elif "_death" in name:
                assert (taken, given) == (1, 0), name
            else:
                assert taken == given > 0, name


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("change", CHANGES)
def test_nuclei_are_accounted_for(route: Route, rule: str, change: str) -> None:
    row = route.row(RULES[rule] | CHANGES[change])
    batch = route.engine.simulate(row[None], [0, 3, 30, 300])
    assert batch.ok.all(), batch.messages
    values = batch.values[0]
    present = sum(route.column(values, name) for name in route.species)
    np.testing.assert_allclose(present, route.column(values, "nuclei_present"), rtol=1e-12)
    born, died = route.column(values, "nuclei_born"), route.column(values, "nuclei_died")
    assert born[-1] > 100 or change == "transfer"
    np.testing.assert_allclose(present - present[0], born - died, rtol=0, atol=1e-9 * died[-1])
    for name in (*route.species, "trenches", "merged_cells", "mineral_exposed"):
        curve = route.column(values, name)
        assert curve.min() >= -1e-9 * max(1e-3, curve.max()), name
    # Something happened.
    assert np.abs(values[-1] - values[0]).max() > 0.1


@pytest.mark.parametrize("rule", RULES)
def test_the_route_starts_at_rest(route: Route, draw: Draw, rule: str) -> None:
    """The closed form is the steady state, at the centre and at draws from the priors."""
    rows = np.vstack([route.centre, prior_rows(route, draw, 4, 11)])
    for name, value in RULES[rule].items():
        rows[:, route.engine.parameters.index(name)] = value
    batch = route.engine.simulate(rows, [0, 50, 1000])
    assert batch.ok.all(), batch.messages
    moving = ("nuclei_born", "nuclei_died")
    for place, name in enumerate(route.engine.outputs):
        if name not in moving:
            curve = batch.values[:, :, place]
            scale = np.maximum(np.abs(curve[:, :1]), 1e-9)
            assert np.abs(curve / scale - curve[:, :1] / scale).max() < 1e-6, name


def test_cells_and_nuclei_of_the_giant_pools_agree(route: Route) -> None:
    """No giant has fewer nuclei than the chain's end and one, on and off rest."""
    for rule, changed in RULES.items():
        row = route.row(changed | {"osteoclast_life": 100.0, "integrin_activity": 0.0})
        values = route.engine.simulate(row[None], [0, 10, 100]).values[0]
        for kind in ("settled", "resorbing"):
            nuclei = route.column(values, f"{kind}_giant")
            cells = route.column(values, f"{kind}_giants")
            assert (nuclei >= (SHORT.nuclei + 1) * cells * (1 - 1e-9)).all(), (rule, kind)


def test_a_longer_chain_gives_the_same_totals() -> None:
    """The pool of giants is exact for cells and nuclei where size has no weight."""
    found = []
    for nuclei in (5, 9):
        model = compose("route", (), Build(nuclei=nuclei))
        engine = RoadRunnerEngine(
            model.sbml, ("integrin_activity", "fusion_alike"), ("N_Oc", "Nc_Oc", "Oc_sequential")
        )
        found.append(engine.simulate(np.array([[0.0, 1.0]]), [0, 10, 200]).values[0])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)


def test_every_place_of_the_route_is_a_compartment_with_a_unit() -> None:
    sbml = libsbml.readSBMLFromString(compose("route").sbml).getModel()
    places = {c.getId(): c.getUnits() for c in sbml.getListOfCompartments()}
    assert set(places) == set(catalogue.compartments()) - {"bone_surface"}
    assert set(places.values()) == {"mm2", "mm3"}
    for place in sbml.getListOfCompartments():
        assert place.getSize() == catalogue.compartments()[place.getId()].size


@pytest.mark.parametrize("name", ["route", "culture", "coupled"])
def test_libsbml_has_nothing_to_report(name: str) -> None:
    assert check(compose(name, (), SHORT).sbml) == []


def test_the_route_takes_no_drugs() -> None:
    with pytest.raises(UsageError, match="route takes no drugs; cycle, coupled"):
        compose("route", ("alendronate",))


def test_chains_too_short_are_refused() -> None:
    with pytest.raises(UsageError, match="osteoclasts four nuclei"):
        Build(nuclei=3)
