"""Users' models in one form; what no simulator takes is named."""

import math

import numpy as np
import pytest
from synthetic import CYCLE_ANT, EVENTS_L2, POOLS_L2

from bonecycle.analysis.user_model import simulate_model
from bonecycle.biology.foreign import free_ids, read_model, readable_ids
from bonecycle.errors import ModelError, SimulationError, UsageError

MATH = '<math xmlns="http://www.w3.org/1998/Math/MathML">'
CORE = 'xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1"'
WHOLE = (
    "<sbml {core}><model id='m'><listOfParameters><parameter id='k' value='1' constant='false'/>"
    "</listOfParameters>{inside}</model></sbml>"
)
REACTION = (
    "<listOfReactions><reaction id='r' reversible='false' fast='{fast}'>{law}</reaction>"
    "</listOfReactions>"
)
DELAY = (
    "<csymbol encoding='text' definitionURL='http://www.sbml.org/sbml/symbols/delay'>d</csymbol>"
)


@pytest.fixture
def load(tmp_path):
    def loaded(text, name="own.xml", **options):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return read_model(path, **options)

    return loaded


REFUSED = {
    "algebraic rule": f"<listOfRules><algebraicRule>{MATH}<ci>k</ci></math></algebraicRule>"
    "</listOfRules>",
    "fast reaction 'r'": REACTION.format(
        fast="true", law=f"<kineticLaw>{MATH}<ci>k</ci></math></kineticLaw>"
    ),
    "'r' has no rate": REACTION.format(fast="false", law=""),
    r"delay\(\)": f"<listOfRules><assignmentRule variable='k'>{MATH}<apply>{DELAY}<cn>1</cn>"
    "<cn>2</cn></apply></math></assignmentRule></listOfRules>",
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_no_simulator_takes_is_refused_by_name(load, reason):
    with pytest.raises(ModelError, match=reason):
        load(WHOLE.format(core=CORE, inside=REFUSED[reason]))


@pytest.mark.parametrize("package", ["comp", "fbc", "qual"])
def test_packages_that_change_what_a_model_means_are_refused(load, package):
    address = f"http://www.sbml.org/sbml/level3/version1/{package}/version1"
    required = "false" if package == "fbc" else "true"  # as each package asks for
    core = f'{CORE} xmlns:{package}="{address}" {package}:required="{required}"'
    with pytest.raises(ModelError, match=f"package.*{package}"):
        load(WHOLE.format(core=core, inside=""))


def test_all_that_is_not_supported_is_said_at_once(load):
    inside = REFUSED["algebraic rule"] + REFUSED["'r' has no rate"]
    with pytest.raises(ModelError) as refused:
        load(WHOLE.format(core=CORE, inside=inside))
    assert "algebraic" in str(refused.value)
    assert "no rate" in str(refused.value)


def test_the_unit_of_time_is_read_or_said_to_be_assumed(load):
    hours = load(EVENTS_L2)
    assert (hours.per_day, hours.time_unit) == (24, "hour")
    silent = load(POOLS_L2)
    assert (silent.per_day, silent.time_unit) == (1, "day")
    assert any("days are assumed" in notice for notice in silent.notices)
    told = load(POOLS_L2, time_unit="week")
    assert told.per_day == pytest.approx(1 / 7)
    assert not told.notices
    with pytest.raises(UsageError, match="fortnight"):
        load(POOLS_L2, time_unit="fortnight")


def test_species_with_rate_rules_follow_the_exact_solution(load):
    model = load(POOLS_L2)
    run = simulate_model(model, "30 days", points=31)
    t = run.time.values
    np.testing.assert_allclose(run.C, 2 - 1.5 * np.exp(-0.1 * t), rtol=1e-6)
    half = simulate_model(model, 30.0, parameters={"block": 0.5}, points=31)
    np.testing.assert_allclose(half.C, 1 - 0.5 * np.exp(-0.1 * t), rtol=1e-6)


def test_a_trigger_that_holds_at_time_zero_does_not_fire_in_level_2(load):
    model = load(EVENTS_L2)
    assert "decay_k" in free_ids(model)
    run = simulate_model(model, "3 days", points=73)
    assert run.time[-1] == 72
    assert float(run.days[-1]) == 3
    np.testing.assert_allclose(run.x, 8 * np.exp(-0.1 * run.time.values), rtol=1e-6)
    crossing = math.log(8) / 0.1
    np.testing.assert_array_equal(run.flag, np.where(run.time.values > crossing, 2, 0))


def test_initial_values_follow_parameters_through_any_function(load):
    model = load(CYCLE_ANT, "own.ant")
    for start, expected in ((4, 4), (9, 9), (0.5, 1)):
        run = simulate_model(model, 1.0, parameters={"start": start}, points=2)
        assert float(run.S[0]) == pytest.approx(expected)
        again = simulate_model(model, 1.0, parameters={"start": start}, points=2)
        np.testing.assert_array_equal(run.S, again.S)


def test_concentrations_are_read_as_formulas_read_them(load):
    run = simulate_model(load(CYCLE_ANT, "own.ant"), 200.0, outputs=["S", "P", "forth"], points=3)
    np.testing.assert_allclose(run.S + run.P, 4, rtol=1e-8)
    np.testing.assert_allclose(run.forth, 3 * 0.1 * run.S, rtol=1e-8)


def test_what_the_solver_says_is_in_the_error_alone(load, capfd):
    model = load("x = 1; x' = x * x;", "own.ant")
    with pytest.raises(SimulationError, match="CV_CONV_FAILURE"):
        simulate_model(model, 10.0, points=11)
    assert capfd.readouterr() == ("", "")


def test_unknown_ids_are_all_named_with_the_nearest(load):
    model = load(POOLS_L2)
    with pytest.raises(UsageError) as refused:
        simulate_model(model, 1.0, outputs=["Cc"], parameters={"birht": 1.0, "flow": 1.0})
    message = str(refused.value)
    assert "did you mean 'birth'" in message
    assert "'flow'" in message
    assert "'Cc'" in message
    assert set(readable_ids(model)) >= {"B", "C", "flow", "c"}
