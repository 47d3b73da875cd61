"""The engine gives what was asked, every time, and says why when it cannot."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from bonecycle.biology.compose import Model
from bonecycle.biology.dosing import Dosing
from bonecycle.biology.tables import Parameter
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.errors import ModelError, UsageError

Load = Callable[..., RoadRunnerEngine]
ZOLEDRONATE = "zoledronate 5 mg iv every 1 year for 3 years"
FREE = ("untreated_births", "arrest_residence", "zoledronate_desorption_time")
OUTPUTS = ("ES_BS", "OS_BS", "CTX", "BMD_rel", "zoledronate_surface", "zoledronate_urine")
SETS = np.array([[2.36e-4, 330.0, 269.0], [1e-4, 500.0, 100.0], [4e-4, 150.0, 400.0]])


@pytest.fixture(scope="module")
def engine(load: Load) -> RoadRunnerEngine:
    return load(ZOLEDRONATE, FREE, OUTPUTS)


def test_the_first_output_is_at_the_first_time_asked(engine: RoadRunnerEngine) -> None:
    part = engine.simulate(SETS[:1], [2, 5]).values
    whole = engine.simulate(SETS[:1], [0, 1, 2, 5]).values
    np.testing.assert_allclose(part, whole[:, 2:], rtol=1e-6)
    # The start would pass for neither: the drug acts at once.
    assert abs(part[0, 0, 2] / whole[0, 0, 2] - 1) > 0.01


@pytest.mark.parametrize("times", [[0], [700], [0, 700], [1e-6, 700]])
def test_any_number_of_times_may_be_asked(engine: RoadRunnerEngine, times: list[float]) -> None:
    found = engine.simulate(SETS[:1], times).values
    assert found.shape == (1, len(times), len(OUTPUTS))
    reference = engine.simulate(SETS[:1], np.linspace(0, 700, 8).tolist()).values
    expected = reference[0, -1 if times[-1] == 700 else 0]
    np.testing.assert_allclose(found[0, -1], expected, rtol=1e-6)


@pytest.mark.parametrize("points", [3, 200, 1096])
def test_results_do_not_depend_on_the_number_of_outputs(
    engine: RoadRunnerEngine, points: int
) -> None:
    few = engine.simulate(SETS, [1095.0]).values
    many = engine.simulate(SETS, np.linspace(0, 1095, points).tolist()).values
    np.testing.assert_allclose(many[:, -1], few[:, -1], rtol=1e-6)


def test_two_evaluations_are_identical(engine: RoadRunnerEngine) -> None:
    times = [1.0, *np.linspace(30, 1095, 30)]
    first = engine.simulate(SETS[:1], times).values
    second = engine.simulate(SETS[:1], times).values
    np.testing.assert_array_equal(first, second)
    # Dosed, both times: 39 +/- 16 % of a dose is in the urine after a day (Swiss Fachinfo).
    assert 0.23 < second[0, 0, -1] / 5.0 < 0.55


def test_a_dose_rate_does_not_last_into_the_next_run(load: Load) -> None:
    # The run ends amid treatment, and the next one starts before it.
    text = "alendronate 70 mg oral every 1 week from 1 year for 1 year"
    engine = load(text, (), ("alendronate_oral_rate", "alendronate_given"))
    times = [0.0, 300.0, 372.25, 500.0]
    first = engine.simulate(np.zeros((2, 0)), times).values
    np.testing.assert_allclose(first[0, :3], [[0, 0], [0, 0], [10, 70]], rtol=1e-9)
    np.testing.assert_array_equal(first[1], first[0])
    np.testing.assert_array_equal(engine.simulate(np.zeros((1, 0)), times).values[0], first[0])


def test_a_batch_is_its_sets_one_by_one(engine: RoadRunnerEngine, load: Load) -> None:
    times = [0.0, 30.0, 400.0, 1095.0]
    batch = engine.simulate(SETS, times)
    assert batch.ok.tolist() == [True] * 3 and batch.messages == ("", "", "")
    for order in ([2], [0], [1], [1, 0]):
        alone = engine.simulate(SETS[order], times).values
        np.testing.assert_array_equal(alone, batch.values[order])
    assert not np.allclose(batch.values[0], batch.values[1], rtol=0.05)


def test_what_is_not_listed_keeps_the_models_own_value(load: Load, model: Model) -> None:
    centre = [model.parameters[name].value for name in FREE[:2]]
    free = load("untreated", FREE[:2]).simulate(np.array([centre]), [0, 10])
    fixed = load("untreated").simulate(np.zeros((1, 0)), [0, 10])
    np.testing.assert_allclose(free.values, fixed.values, rtol=1e-13)


def test_no_sets_give_no_results(engine: RoadRunnerEngine) -> None:
    batch = engine.simulate(np.zeros((0, 3)), [0, 1])
    assert batch.values.shape == (0, 2, len(OUTPUTS))
    assert batch.ok.shape == (0,) and batch.messages == ()


@pytest.mark.parametrize(
    ("position", "value", "text"),
    [
        (0, np.nan, "untreated_births=nan"),
        (0, -1e-5, "untreated_births=-1e-05"),
        (1, np.inf, "arrest_residence=inf"),
        (1, 0.0, "arrest_residence=0"),
        (2, 0.0, "zoledronate_desorption_time=0"),
        (1, 1e5, "arrest_residence=100000"),
    ],
    ids=["nan", "negative", "infinite", "zero", "zero in a rate", "no quiescent surface left"],
)
def test_a_set_that_fails_leaves_the_others_alone(
    engine: RoadRunnerEngine, position: int, value: float, text: str
) -> None:
    good = engine.simulate(SETS, [0, 100])
    bad = SETS.copy()
    bad[1, position] = value
    batch = engine.simulate(bad, [0, 100])
    assert batch.ok.tolist() == [True, False, True]
    assert np.isnan(batch.values[1]).all()
    np.testing.assert_array_equal(batch.values[[0, 2]], good.values[[0, 2]])
    assert batch.messages[0] == batch.messages[2] == ""
    for part in ("'cycle'", ZOLEDRONATE, text):
        assert part in batch.messages[1]


@pytest.mark.parametrize(
    "times",
    [[], [0, 2, 1], [1, 1], [-1, 2], [np.nan], [1, np.nan, 3], [1, np.inf]],
    ids=str,
)
def test_times_that_make_no_sense_are_refused(engine: RoadRunnerEngine, times: list[float]) -> None:
    with pytest.raises(UsageError, match="Times must"):
        engine.simulate(SETS, times)


@pytest.mark.parametrize("shape", [(3,), (2, 4), (3, 1, 3)], ids=str)
def test_sets_of_the_wrong_shape_are_refused(
    engine: RoadRunnerEngine, shape: tuple[int, ...]
) -> None:
    with pytest.raises(UsageError, match=r"\(n_sets, 3\) is needed for untreated_births"):
        engine.simulate(np.ones(shape), [0, 1])


@pytest.mark.parametrize(
    ("parameters", "outputs", "message"),
    [
        (("arrest_residense",), (), r"parameter 'arrest_residense'\. Did you mean 'arrest_res"),
        ((), ("ES_BSS",), r"output 'ES_BSS'\. Did you mean 'ES_BS'"),
        # It follows from others, so setting it would be undone without a word.
        (("formation_period",), (), "Unknown parameter 'formation_period'"),
        (("ES_BS",), (), "Unknown parameter 'ES_BS'"),
    ],
)
def test_names_are_checked_when_the_engine_is_made(
    model: Model, parameters: tuple[str, ...], outputs: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        RoadRunnerEngine(model.sbml, parameters, outputs)


def test_a_model_that_does_not_load_is_refused() -> None:
    # libsbml reads it; roadrunner wants no reference to a function that is not there.
    text = (
        '<?xml version="1.0" encoding="UTF-8"?><sbml '
        'xmlns="http://www.sbml.org/sbml/level3/version2/core" level="3" version="2">'
        '<model id="m"><listOfParameters><parameter id="x" constant="false"/></listOfParameters>'
        '<listOfRules><rateRule variable="x"><math xmlns="http://www.w3.org/1998/Math/MathML">'
        "<ci> nothing </ci></math></rateRule></listOfRules></model></sbml>"
    )
    with pytest.raises(ModelError, match="roadrunner cannot load it") as caught:
        RoadRunnerEngine(text, (), ())
    assert caught.value.module == "cycle.xml"


def test_a_parameter_listed_twice_is_refused(model: Model) -> None:
    names = ("arrest_residence", "site_factor", "arrest_residence")
    with pytest.raises(UsageError, match="listed twice: arrest_residence"):
        RoadRunnerEngine(model.sbml, names, ("ES_BS",))


@pytest.mark.parametrize("dosing", Dosing)
@pytest.mark.parametrize("start", ["0 days", "3 days"])
def test_every_dose_counts_in_every_evaluation(load: Load, start: str, dosing: Dosing) -> None:
    # Both resets before a run fire the dose at time zero; it must be given once.
    text = f"alendronate 10 mg oral every 1 day from {start} for 20 days"
    engine = load(text, (), ("alendronate_given", "CTX"), dosing)
    first, again = (engine.simulate(np.zeros((2, 0)), [10.0, 40.0]).values for _ in range(2))
    assert first[0, 1, 0] == pytest.approx(200, rel=1e-9)
    np.testing.assert_array_equal(first[0], first[1])
    np.testing.assert_array_equal(first, again)


def test_a_first_dose_into_an_empty_pool_is_no_trouble(
    load: Load, capfd: pytest.CaptureFixture[str]
) -> None:
    for text in (ZOLEDRONATE.replace("every", "over 15 minutes every"), ZOLEDRONATE):
        late = text.replace("for", "from 30 days for")
        assert load(late, (), OUTPUTS, Dosing.EVENTS).simulate(np.zeros((1, 0)), [60.0]).ok.all()
    assert "WARNING" not in "".join(capfd.readouterr())


def test_states_and_rates_are_in_one_order(
    untreated: RoadRunnerEngine,
    model: Model,
    central: Callable[[Mapping[str, Parameter], bool], dict[str, float]],
) -> None:
    values = central(model.parameters, False)
    untreated.start(np.array(list(values.values())))
    names, start = untreated.states()
    moved = start.copy()
    moved[names.index("activation_entry")] *= 2
    change = dict(zip(names, untreated.rates_at(moved) - untreated.rates_at(start), strict=True))
    flow = 2 / values["activation_period"] * start[names.index("activation_entry")]
    expected = {"activation_entry": -flow, "activation_stage_2": flow}
    for name in ("activation_entry", "activation_stage_2", "quiescent", "resorption_entry"):
        np.testing.assert_allclose(change[name], expected.get(name, 0.0), rtol=1e-9, atol=1e-15)
