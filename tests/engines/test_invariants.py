"""What no drug and no parameter may break: surfaces sum to one, nothing is lost, none negative."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import libsbml
import numpy as np
import pytest

from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing, with_regimen
from bonecycle.biology.regimens import parse_regimen
from bonecycle.engines.roadrunner import RoadRunnerEngine

Draw = Callable[..., np.ndarray]
REGIMENS = {
    "alendronate": "alendronate 70 mg oral every 1 week for 3 years",
    "clodronate": "clodronate 1600 mg oral every 1 day for 3 years",
    "denosumab": "denosumab 60 mg sc every 6 months for 3 years",
    "ibandronate": "ibandronate 3 mg iv every 3 months for 3 years",
    "pamidronate": "pamidronate 30 mg iv every 3 months for 3 years",
    "risedronate": "risedronate 35 mg oral every 1 week for 3 years",
    "zoledronate": "zoledronate 5 mg iv every 1 year for 3 years",
}
SKELETON = (
    *("oral", "iv", "tissue", "deep", "surface", "osteoclasts"),
    *("buried", "urine", "unabsorbed"),
)
POOLS = {drug: SKELETON for drug in REGIMENS} | {
    "denosumab": ("sc", "central", "peripheral", "eliminated"),
}
DOSE = {drug: parse_regimen(regimen).treatments[0].dose_mg for drug, regimen in REGIMENS.items()}
# By mouth hardly any of these arrives; they are not given that way.
INTRAVENOUS = ("pamidronate", "zoledronate")
# Doses fall between outputs and on them.
TIMES = np.unique(np.concatenate([np.linspace(0, 4 * 365.25, 120), 182.625 * np.arange(7)]))
# The only state that may be negative: it is a logarithm.
LOGARITHM = "mineral_log_bone_volume"


@dataclass(frozen=True)
class Runs:
    """One drug, at the centre of the table and at five draws with every mechanism on."""

    drug: str
    states: dict[str, np.ndarray]
    observables: dict[str, np.ndarray]
    surfaces: tuple[str, ...]


@pytest.fixture(scope="module", params=sorted(REGIMENS))
def runs(request: pytest.FixtureRequest, draw: Draw) -> Runs:
    drug = request.param
    model = compose("cycle", (drug,))
    dosed = with_regimen(model, parse_regimen(REGIMENS[drug]), Dosing.AVERAGED)
    names = tuple(p.id for p in model.parameters.values() if p.scale)
    document = libsbml.readSBMLFromString(dosed.sbml)
    surfaces = tuple(species.getId() for species in document.getModel().getListOfSpecies())
    rules = [r.getVariable() for r in document.getModel().getListOfRules() if r.isRate()]
    states = (*surfaces, *rules)
    seen = tuple(catalogue.observables())
    engine = RoadRunnerEngine(dosed.sbml, names, (*states, *seen), arm=drug)
    centre = [0.0 if model.parameters[n].mechanism else model.parameters[n].value for n in names]
    batch = engine.simulate(np.vstack([centre, draw(model.parameters, 5, 3, True)]), TIMES.tolist())
    assert batch.ok.all(), batch.messages
    columns = {name: batch.values[:, :, i] for i, name in enumerate(engine.outputs)}
    return Runs(
        drug=drug,
        states={name: columns[name] for name in states},
        observables={name: columns[name] for name in seen},
        surfaces=surfaces,
    )


def test_surfaces_sum_to_one(runs: Runs) -> None:
    total = sum(runs.states[name] for name in runs.surfaces)
    assert len(runs.surfaces) == 36
    np.testing.assert_allclose(total, 1, rtol=0, atol=1e-9)


def test_surfaces_of_a_biopsy_sum_to_all_of_it(runs: Runs) -> None:
    seen = runs.observables
    np.testing.assert_allclose(seen["Q_S_BS"] + seen["ES_BS"] + seen["OS_BS"], 100, atol=1e-7)
    parts = seen["Oc_S_BS"] + seen["Rv_S_BS"] + seen["Ar_S_BS"]
    np.testing.assert_allclose(seen["ES_BS"], parts, rtol=1e-12)
    assert (seen["MS_BS"] <= seen["OS_BS"]).all()


def test_no_state_is_negative(runs: Runs) -> None:
    for name, values in runs.states.items():
        if name != LOGARITHM:
            scale = np.abs(values).max(axis=1)
            assert (values.min(axis=1) >= -1e-9 * scale).all(), name


def test_shares_stay_shares(runs: Runs) -> None:
    for observable in catalogue.observables().values():
        values = runs.observables[observable.id]
        if observable.kind in ("surface", "share"):
            assert values.min() >= -1e-7 and values.max() <= 100 + 1e-7, observable.id


def test_no_drug_is_lost(runs: Runs) -> None:
    given = runs.states[f"{runs.drug}_given"]
    held = sum(runs.states[f"{runs.drug}_{pool}"] for pool in POOLS[runs.drug])
    assert given[:, -1].min() >= 3 * DOSE[runs.drug]
    np.testing.assert_allclose(held, given, rtol=0, atol=1e-9 * DOSE[runs.drug])


def test_the_drug_acts(runs: Runs) -> None:
    # Otherwise the tests above would show nothing.
    assert runs.observables["CTX"][0].min() < 0.9
    osteoclasts = runs.observables["Oc_S_BS"][0]
    assert osteoclasts.min() < 0.8 * osteoclasts[0]


@pytest.mark.parametrize("inhibition", [0.0, 0.9])
@pytest.mark.parametrize("route", ["oral", "iv"])
@pytest.mark.parametrize("drug", sorted(set(REGIMENS) - {"denosumab"}))
def test_no_bisphosphonate_is_lost(drug: str, route: str, inhibition: float) -> None:
    """Dose by dose, by mouth and into the vein, with and without a change of turnover."""
    dose = DOSE[drug]
    regimen = parse_regimen(f"{drug} {dose} mg {route} every 2 months for 2 years")
    outputs = tuple(f"{drug}_{pool}" for pool in (*SKELETON, "given"))
    engine = RoadRunnerEngine(
        with_regimen(compose("cycle", (drug,)), regimen, Dosing.EVENTS).sbml,
        ("bisphosphonate_max_inhibition",),
        (*outputs, "CTX"),
    )
    batch = engine.simulate(np.array([[inhibition]]), TIMES.tolist())
    assert batch.ok.all(), batch.messages
    pools, given, ctx = np.split(batch.values[0], [len(SKELETON), len(SKELETON) + 1], axis=1)
    assert given[-1, 0] == pytest.approx(12 * dose)
    np.testing.assert_allclose(pools.sum(axis=1), given[:, 0], rtol=0, atol=1e-9 * dose)
    if route == "iv" or drug not in INTRAVENOUS:
        assert (ctx.min() < 0.9) == (inhibition > 0)


def test_every_drug_is_tested() -> None:
    assert set(REGIMENS) == set(catalogue.drugs())


def test_all_drugs_end_where_they_are_accounted_for(runs: Runs) -> None:
    # No other state of the drug exists than those of its balance.
    named = {name for name in runs.states if name.startswith(f"{runs.drug}_")}
    expected = {f"{runs.drug}_{pool}" for pool in (*POOLS[runs.drug], "given")}
    assert named == expected
