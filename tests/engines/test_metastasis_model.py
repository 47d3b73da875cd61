"""Tumour cells beside the cycle: nothing without tumour, shares that stay shares, the cycle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files

import numpy as np
import pytest

from bonecycle.analysis.trials.design import Design, Endpoint, Event, Window
from bonecycle.analysis.trials.patients import draw_patients, observe
from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing, with_regimen
from bonecycle.biology.regimens import parse_regimen
from bonecycle.biology.tables import read_rows
from bonecycle.engines.roadrunner import RoadRunnerEngine

Draw = Callable[..., np.ndarray]
CYCLE = tuple(catalogue.observables())
TUMOUR = tuple(name for name in catalogue.observables_of("metastasis") if name not in CYCLE)
CLODRONATE = "clodronate 1600 mg oral every 1 day for 24 months"
YEARS = 365.25 * np.array([0.0, 0.5, 1.0, 2.0, 3.0, 5.5, 10.0])


@cache
def engine(model: str, names: tuple[str, ...], regimen: str = "") -> RoadRunnerEngine:
    composed = compose(model, ("clodronate",))
    if regimen:
        composed = with_regimen(composed, parse_regimen(regimen), Dosing.AVERAGED)
    outputs = CYCLE if model == "cycle" else (*CYCLE, *TUMOUR)
    return RoadRunnerEngine(composed.sbml, names, outputs, model)


def courses(changed: Mapping[str, float], regimen: str = "") -> dict[str, np.ndarray]:
    run = engine("metastasis", tuple(changed), regimen)
    batch = run.simulate(np.array([list(changed.values())]), YEARS)
    assert batch.ok.all(), batch.messages
    return dict(zip(run.outputs, batch.values[0].T, strict=True))


def test_without_tumour_it_is_exactly_the_cycle() -> None:
    names = ("bisphosphonate_hill",)
    value = compose("cycle", ("clodronate",)).parameters[names[0]].value
    plain = engine("cycle", names, CLODRONATE).simulate(np.array([[value]]), YEARS)
    own = courses({"dissemination": 0.0}, CLODRONATE)
    for place, name in enumerate(CYCLE):
        np.testing.assert_allclose(own[name], plain.values[0, :, place], rtol=2e-6, atol=1e-9)
    for name in (
        "Tu_growing",
        "Tu_outside",
        "Tu_overt",
        "risk_bone",
        "risk_other",
        "cumulated_bone",
    ):
        assert (own[name] == 0).all(), name


def test_untreated_without_loss_of_cells_burden_stays_at_one() -> None:
    run = courses({"dissemination_time": 1e12})
    for name in ("Tu_DTC", "Tu_dormant", "Tu_growing", "Tu_outside", "Tu_GF"):
        np.testing.assert_allclose(run[name], 1, rtol=1e-5)


@pytest.mark.parametrize("indirect", [1.0, 0.0])
def test_at_any_turnover_it_starts_at_rest(draw: Draw, indirect: float) -> None:
    """More births, more lesions, and nothing moves; without the indirect effect it is all one."""
    names = ("growth_factor_share", "self_share", "growing_capacity", "spread_share")
    own = {name: compose("metastasis").parameters[name] for name in names}
    births = compose("metastasis").parameters["reference_births"].value
    rows = draw(own, 6, 4, False)
    turnover = np.repeat([2 / 3, 1.0, 4 / 3], 2)
    fixed = np.column_stack([births * turnover, np.full(6, indirect), np.full(6, 1e12)])
    run = engine(
        "metastasis", (*names, "untreated_births", "indirect_effect", "dissemination_time")
    )
    batch = run.simulate(np.hstack([rows, fixed]), YEARS)
    assert batch.ok.all(), batch.messages
    for name in ("Tu_dormant", "Tu_growing", "Tu_outside", "Tu_GF", "CTX"):
        values = batch.values[:, :, run.outputs.index(name)]
        np.testing.assert_allclose(values, values[:, :1] * np.ones(len(YEARS)), rtol=2e-5)
    growing = batch.values[:, -1, run.outputs.index("Tu_growing")]
    changed = np.abs(growing - 1) > 1e-4
    assert (np.sign(np.where(changed, growing - 1, 0)) == indirect * np.sign(turnover - 1)).all()


def test_a_patient_free_of_metastasis_has_no_overt_lesion() -> None:
    """Else the lesions of the average patient would raise the hazards of those who have none."""
    run = courses({"dissemination_time": 1e12}, CLODRONATE)
    assert (run["Tu_overt"] == 0).all()
    plain = courses({"dissemination_time": 1e12})
    np.testing.assert_allclose(plain["hazard_bone"], plain["hazard_bone"][0], rtol=1e-5)


def test_shares_and_burdens_over_draws_of_the_prior(draw: Draw) -> None:
    parameters = {
        name: p
        for name, p in compose("metastasis").parameters.items()
        if p.scale and name not in compose("cycle").parameters
    }
    names = (*parameters, "direct_effect", "overt_start", "emergence_size")
    rows = draw(parameters, 12, 3, False)
    rows = np.hstack([rows, np.tile([1.0, 0.02, 0.01], (len(rows), 1))])
    run = engine("metastasis", names, CLODRONATE)
    batch = run.simulate(rows, YEARS)
    assert batch.ok.all(), batch.messages
    values = dict(zip(run.outputs, np.moveaxis(batch.values, 2, 0), strict=True))
    np.testing.assert_allclose(values["alive_shares"], 1, rtol=1e-6)
    for name in TUMOUR:
        assert (values[name] > -1e-7).all(), name
    for name in ("risk_bone", "risk_other", "risk_distant", "risk_death", "Tu_overt"):
        assert (values[name] <= 100 + 1e-6).all(), name
    for name in ("risk_bone", "risk_other", "risk_distant", "risk_death"):
        assert (np.diff(values[name], axis=1) > -1e-7).all(), name


def test_the_vicious_cycle_turns_and_a_bisphosphonate_slows_it() -> None:
    free = courses({"overt_start": 0.02})
    fed = courses({"overt_start": 0.02, "osteoclast_gain": 20.0})
    treated = courses({"overt_start": 0.02, "osteoclast_gain": 20.0}, CLODRONATE)
    assert free["CTX"][2] > 1.005
    assert fed["CTX"][2] > free["CTX"][2]
    assert fed["Tu_overt"][2] > free["Tu_overt"][2] > treated["Tu_overt"][2]


def test_sclerotic_lesions_raise_formation_for_their_resorption() -> None:
    rows = read_rows(files("bonecycle_models") / "metastasis" / "variants.csv")
    gains = ("osteoclast_gain", "osteoblast_gain")
    values = {row["variant"]: {gain: float(row[gain]) for gain in gains} for row in rows}
    lytic = courses({"overt_start": 0.1, **values["osteolytic"]})
    sclerotic = courses({"overt_start": 0.1, **values["sclerotic"]})
    assert lytic["CTX"][1] > sclerotic["CTX"][1]
    assert sclerotic["OS_BS"][1] / sclerotic["ES_BS"][1] > lytic["OS_BS"][1] / lytic["ES_BS"][1]


@pytest.mark.parametrize(
    ("switches", "bone", "outside"),
    [((1.0, 0.0), True, False), ((0.0, 1.0), True, True), ((0.0, 0.0), False, False)],
)
def test_effects_are_switches(switches: tuple[float, float], bone: bool, outside: bool) -> None:
    set_to = dict(zip(("indirect_effect", "direct_effect"), switches, strict=True))
    run = courses({**set_to, "spread_share": 0.0}, CLODRONATE)
    plain = courses({**set_to, "spread_share": 0.0})
    assert (run["hazard_bone"][3] < 0.95 * plain["hazard_bone"][3]) == bone
    assert (run["hazard_other"][3] < 0.99 * plain["hazard_other"][3]) == outside


def test_shares_of_patients_are_those_of_the_virtual_trial() -> None:
    """With burdens at one the hazards are constant: the same law in both places."""
    hazards = {Event.BONE: 0.05, Event.NON_SKELETAL: 0.08, Event.DEATH: 0.03}
    run = courses(
        {
            "dissemination_time": 1e12,
            "bone_hazard": 0.05,
            "other_hazard": 0.08,
            "death_hazard": 0.03,
            "metastatic_death_hazard": 0.4,
        }
    )
    design = Design("plain", 200, 200, 0, 66, 24, hazards, death_after_metastasis=0.4)
    patients = draw_patients(design, 250, np.random.default_rng(2))
    for endpoint, name in (
        (Endpoint.BONE, "risk_bone"),
        (Endpoint.NON_SKELETAL, "risk_other"),
        (Endpoint.DISTANT, "risk_distant"),
        (Endpoint.DEATH, "risk_death"),
    ):
        share = observe(patients, endpoint, Window.TOTAL).event.mean()
        error = np.sqrt(share * (1 - share) / patients.bone.size)
        assert run[name][5] / 100 == pytest.approx(share, abs=4 * error), name
