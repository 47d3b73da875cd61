"""The simulate function: shapes, units, relations, and refusals."""

import numpy as np
import pytest

from bonecycle import Dosing, averaging_difference, dosed_model, relative, simulate
from bonecycle.analysis.simulation import DEFAULT_DURATION, RELATIVE_TOLERANCE
from bonecycle.biology import catalogue
from bonecycle.biology.sbml import check
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.errors import SimulationError, UsageError

REGIMEN = "alendronate 70 mg oral every 1 week for 24 months"


@pytest.fixture(scope="module")
def run():
    return simulate(REGIMEN, duration="3 years", points=40)


def test_every_observable_is_there_with_its_unit(run):
    for observable in catalogue.observables().values():
        variable = run[observable.id]
        assert variable.attrs["units"] == observable.unit
        assert variable.attrs["long_name"] == observable.symbol
        assert variable.shape == run.time.shape
    # Forty times over three years, and the minutes to days after the first dose.
    assert set(np.linspace(0, 3 * 365.25, 40).round(6)) <= set(run.time.to_numpy().round(6))
    assert 1 / 1440 in run.time
    assert run["alendronate_surface"].attrs["units"] == "mg"
    assert float(run.time[-1]) == pytest.approx(3 * 365.25)


def test_surfaces_sum_to_the_whole(run):
    total = run["Q_S_BS"] + run["ES_BS"] + run["OS_BS"]
    np.testing.assert_allclose(total, 100.0, atol=1e-7)
    parts = run["Oc_S_BS"] + run["Rv_S_BS"] + run["Ar_S_BS"]
    np.testing.assert_allclose(parts, run["ES_BS"], rtol=1e-12)


def test_the_times_of_single_doses_are_added_once():
    run = simulate("denosumab 60 mg sc every 6 months for 2 years", duration="2 years", points=8)
    months = run.months.to_numpy()
    assert {6.0, 12.0, 18.0} <= set(months.round(6))
    assert len(set(months)) == run.time.size
    days = run.time.to_numpy()
    following = days[(days > 365.25) & (days < 375.3)]
    assert len(following) > 10 and following[0] == pytest.approx(365.25 + 1 / 1440)
    depot = run["denosumab_sc"].sel(time=run.time[months.round(6) == 12.0])
    assert float(depot[0]) == pytest.approx(60.0, rel=1e-6)
    # A grid that meets the doses gains nothing.
    met = simulate("denosumab 60 mg sc every 6 months for 2 years", duration="2 years", points=9)
    assert met.time.size == run.time.size - 2  # three doses were between eight times, one is met


def test_relative_starts_at_one(run):
    ratios = relative(run)
    assert float(ratios["Ac_f"][0]) == 1.0
    assert "alendronate_surface" not in ratios
    np.testing.assert_allclose(ratios["ES_BS"], run["ES_BS"] / run["ES_BS"][0])


def test_a_mechanism_needs_to_be_turned_on():
    off = simulate(REGIMEN, points=3)
    zero = simulate(REGIMEN, points=3, mechanisms=["H1"], parameters={"osteogenic_share": 0.0})
    on = simulate(REGIMEN, points=3, mechanisms=["H1"])
    np.testing.assert_array_equal(off["onset_flux"], zero["onset_flux"])
    assert abs(float(on["onset_flux"][-1] / off["onset_flux"][-1]) - 1) > 0.01


def test_untreated_runs_for_the_default_duration_and_stays():
    run = simulate(points=3)
    assert DEFAULT_DURATION == "3 years"
    np.testing.assert_allclose(run["ES_BS"], run["ES_BS"][0], rtol=1e-8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"parameters": {"arest_rate": 0.1}}, "arrest_rate"),
        ({"parameters": {"arrest_rate": -1.0}}, "arrest_rate"),
        ({"parameters": {"canopy_share": 2.0}}, "between 0 and 1"),
        ({"outputs": ["ES_BSS"]}, "ES_BS"),
        ({"mechanisms": ["H9"]}, "H1"),
        ({"model": "cylce"}, "cycle"),
        ({"points": 1}, "2 or more"),
        ({"points": 2.5}, "whole number"),
        ({"regimen": None}, "no regimen"),
        ({"duration": 0.0}, "above zero"),
    ],
)
def test_what_cannot_be_is_refused_by_name(arguments, message):
    with pytest.raises(UsageError, match=message):
        simulate(**arguments)


def test_phases_that_need_more_than_the_surface_are_refused():
    with pytest.raises(SimulationError, match="untreated_births"):
        simulate(parameters={"untreated_births": 0.1})


def test_dosing_is_said_and_averaging_moves_little(run):
    assert run.attrs["dosing"] == "events"
    averaged = simulate(REGIMEN, duration="3 years", points=40, dosing=Dosing.AVERAGED)
    assert averaged.attrs["dosing"] == "averaged"
    assert averaged.attrs["averaged"] == "alendronate"
    differences = averaging_difference(averaged, run)
    assert set(differences) <= set(catalogue.observables())
    largest = next(iter(differences.values()))
    assert largest == max(differences.values())
    # In the hours after a first dose the birth of sites is not the average; after a week it is.
    assert 0 < largest < 0.3
    weeks = averaged.time >= 7
    later = averaging_difference(averaged.sel(time=weeks), run.sel(time=weeks))
    assert max(later.values()) < 0.05
    worst = abs(averaged["CTX"] - run["CTX"]).max() / run["CTX"].max()
    assert differences["CTX"] == pytest.approx(float(worst))
    assert max(averaging_difference(run, run).values()) == 0


def test_the_ends_of_infusions_are_among_the_times():
    text = "zoledronate 5 mg iv over 6 hours at 0 and 6 months"
    run = simulate(text, duration="1 year", points=3)
    rises = [
        float(run["zoledronate_plasma"].sel(time=day, method="nearest", tolerance=1e-9))
        for day in (0, 0.25, 182.625, 182.875)
    ]
    assert rises[0] == 0 < rises[2] < rises[1] < rises[3]


def test_infusions_by_events_and_one_event_a_dose_agree_in_every_variable():
    text = "zoledronate 5 mg iv over 15 minutes every 1 month for 2 years missing doses 4"
    runs = [
        simulate(text, duration="3 years", points=40, dosing=dosing)
        for dosing in (Dosing.EVENTS, Dosing.EXPLICIT)
    ]
    shares = {
        name: float(abs(runs[0][name] - curve).max() / abs(curve).max())
        for name, curve in runs[1].data_vars.items()
        if float(abs(curve).max()) > 0
    }
    assert max(shares.values()) < 1e-8, max(shares, key=shares.get)


def test_the_exported_model_gives_the_same_run():
    text = "zoledronate 5 mg iv over 15 minutes every 6 months for 1 year"
    chosen = {"parameters": {"site_factor": 0.8}, "mechanisms": ["H1"]}
    run = simulate(text, points=5, **chosen)
    sbml = dosed_model(text, **chosen)
    assert check(sbml) == []
    outputs = ("ES_BS", "zoledronate_surface")
    engine = RoadRunnerEngine(sbml, (), outputs, relative_tolerance=RELATIVE_TOLERANCE)
    curve = engine.simulate(np.zeros((1, 0)), run.time.values.tolist()).values[0]
    for name, values in zip(engine.outputs, curve.T, strict=True):
        np.testing.assert_allclose(values, run[name], rtol=1e-9)


def test_a_mechanism_of_a_drug_leaves_the_untreated_cycle_alone():
    # H2 has a strength that only models with a bisphosphonate have.
    run = simulate(mechanisms=("H2",), duration="1 year", points=3, outputs=["ES_BS"])
    np.testing.assert_allclose(run["ES_BS"], float(run["ES_BS"][0]), rtol=1e-9)
