"""Local sensitivities: exact where a model has a closed form, as differences on the cycle."""

from dataclasses import dataclass, replace
from functools import cached_property
from importlib.resources import files

import antimony
import numpy as np
import pytest

from bonecycle.analysis.cycle_responses import (
    Measure,
    cycle_response,
    with_prior,
)
from bonecycle.analysis.draws import Draws
from bonecycle.analysis.over_draws import over_draws
from bonecycle.analysis.responses import Output
from bonecycle.analysis.sensitivity_local import local_sensitivities
from bonecycle.engines.choice import EngineName
from bonecycle.engines.kernel.engine import KernelEngine
from bonecycle.errors import UsageError
from bonecycle.problem.problem import ProblemSpec, load_problem

DECAY = """
model decay()
  amount = start; start = 3; rate = 0.2
  amount' = -rate * amount
end
"""


@dataclass(frozen=True)
class Decay:
    """y = start exp(-rate t) at 0, 1 and 10 days, through the engine."""

    key: str = "decay"

    names = ("start", "rate")
    times = (0.0, 1.0, 10.0)
    labels = tuple(Output("amount", day / 30.4375, "1") for day in times)

    @cached_property
    def engine(self):
        antimony.clearPreviousLoads()
        antimony.loadAntimonyString(DECAY)
        return KernelEngine(antimony.getSBMLString("decay"), self.names, ("amount",), "decay")

    def from_scores(self, scores):
        return np.array([3.0, 0.2]) * np.exp(scores)

    def evaluate(self, values):
        return self.engine.simulate(values, self.times).values[:, :, 0]

    def gradient(self, values):
        found = self.engine.gradient(values, self.times)
        return found.batch.values[:, :, 0], found.slopes[:, :, 0]


def test_exponential_decay_has_its_exact_sensitivities() -> None:
    table = local_sensitivities(Decay())
    wide = table.pivot(index="months", columns="parameter", values="sensitivity")
    assert wide["start"].to_numpy() == pytest.approx(1.0, abs=1e-6)
    assert wide["rate"].to_numpy() == pytest.approx(-0.2 * np.array(Decay.times), abs=1e-5)


def test_several_points_give_a_median_and_an_interval() -> None:
    values = np.column_stack([np.full(101, 3.0), np.linspace(0.1, 0.3, 101)])
    table = local_sensitivities(Decay(), values).set_index(["months", "parameter"])
    last = table.loc[(10 / 30.4375, "rate")]
    assert last["sensitivity"] == pytest.approx(-2.0, abs=1e-4)
    assert (last["lower"], last["upper"]) == pytest.approx((-2.95, -1.05), abs=1e-3)
    assert last["points"] == 101


@pytest.fixture(scope="module")
def response():
    return cycle_response(
        "zoledronate 5 mg iv at 0 months",
        ["ES_BS", "Ac_f"],
        [0, 6, 12],
        parameters=["untreated_births", "arrest_residence", "canopy_share"],
        measure=Measure.RATIO,
    )


@pytest.mark.parametrize("measure", list(Measure))
def test_the_cycle_agrees_with_differences(response, measure) -> None:
    response = replace(response, measure=measure)
    table = local_sensitivities(response)
    center = response.from_scores(np.zeros((1, 3)))
    step = 3e-3
    factors = np.exp(step * np.vstack([np.eye(3), -np.eye(3)]))
    logs = np.log(response.evaluate(center * factors))
    expected = (logs[:3] - logs[3:]).T / (2 * step)
    found = table["sensitivity"].to_numpy().reshape(6, 3)
    # Both sides: outputs are good to 1e-6, so their differences to 3e-4.
    assert found == pytest.approx(expected, abs=1e-3)
    assert np.abs(expected).max() > 0.1
    if measure is Measure.RATIO:
        assert found[[0, 3]] == pytest.approx(0.0, abs=1e-9)  # at time zero


def test_a_posterior_keeps_its_dependence_and_its_marginals(response) -> None:
    study = files("bonecycle_data") / "studies" / "black_2006.csv"
    spec = ProblemSpec("H0", data=(str(study),), engine=EngineName.ROADRUNNER)
    space = load_problem(spec).space
    theta = np.random.default_rng(0).normal(size=(500, len(space.names))) * 0.1
    theta[:, 1] += theta[:, 0]
    draws = Draws(spec, space.centers + theta, "made up")
    shifted, values = over_draws(response, draws)
    # What the study frees and the surfaces depend on; floors of markers are none of it.
    assert {"untreated_births", "arrest_residence"} < set(shifted.names)
    assert "ctx_floor" not in shifted.names
    column = shifted.names.index("untreated_births")
    assert np.log(values[:, column]) == pytest.approx(
        (space.centers + theta)[:, space.names.index("untreated_births")]
    )
    assert shifted.space.sds[column] == pytest.approx(np.log(values[:, column]).std(ddof=1))
    assert shifted.space.centers[column] == pytest.approx(np.log(values[:, column]).mean())


def test_mechanisms_and_fixed_values_reach_the_model() -> None:
    asked = {
        "regimen": "denosumab 60 mg sc every 6 months for 12 months",
        "observables": ["Ac_f"],
        "months": [12],
        "parameters": ["arrest_rate"],
        "engine": EngineName.ROADRUNNER,
    }
    center = np.array([[0.0075]])
    plain = cycle_response(**asked).evaluate(center)
    on = cycle_response(mechanism="H1", **asked)
    assert [name for name, _ in on.fixed] == ["osteogenic_share"]
    off = cycle_response(mechanism="H1", values={"osteogenic_share": 0.0}, **asked)
    assert on.evaluate(center) < 0.98 * plain
    assert off.evaluate(center) == pytest.approx(plain, rel=1e-9)
    fitted = cycle_response(**asked | {"mechanism": "H1", "parameters": None}).names
    # Denosumab is no bisphosphonate: what a fit frees for those is not in its model.
    assert "osteogenic_share" in fitted
    assert "bisphosphonate_hill" not in fitted
    everything = set(with_prior(asked["regimen"], "H1"))
    assert {"canopy_share", "resorption_period", "osteogenic_share"} < everything
    assert "osteogenic_share" not in with_prior(asked["regimen"])


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(UsageError) as error:
        cycle_response(
            "untreated", ["ES_BSS"], [-1.0], parameters=["arrest_rat"], values={"site_factor": -1}
        )
    for part in ("'ES_BS'", "-1", "'arrest_rate'", "site_factor=-1"):
        assert part in str(error.value)
