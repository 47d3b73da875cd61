"""A user's own model with a map and studies, against closed forms; faults of the map at once."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import EVENTS_L2, POOLS_L2, STUDY_HEADER, study_row

from bonecycle.engines.choice import EngineName
from bonecycle.errors import DataError, UsageError
from bonecycle.problem.model_map import read_map
from bonecycle.problem.problem import Problem, ProblemSpec, load_problem

MONTH = 365.25 / 12
DENOSUMAB = "denosumab 60 mg sc every 6 months for 12 months"
HEADER = "kind,name,model_id,factor,action,center,sd,scale,unit,note\n"
OBSERVED = "observable,CTX,C,1,,,,,,\nobservable,P1NP,B,1,,,,,,\n"
FREE = "parameter,,loss,,,,0.5,log,,\nparameter,,denosumab_effect,,,,0.7,logit,,\n"
SET = "dose,denosumab,block,0.3,set,,,,,\n"
STEADY = "start,steady_state,,,,,,,,\n"


@pytest.fixture
def spec(tmp_path):
    def made(rows, *studies, model=POOLS_L2, **options):
        (tmp_path / "pools.xml").write_text(model, encoding="utf-8")
        (tmp_path / "map.csv").write_text(HEADER + rows, encoding="utf-8")
        study = STUDY_HEADER + "".join(studies)
        (tmp_path / "synthetic.csv").write_text(study, encoding="utf-8")
        names = {name: str(tmp_path / name) for name in ("pools.xml", "map.csv", "synthetic.csv")}
        return ProblemSpec(
            "own", data=(names["synthetic.csv"],), model=names["pools.xml"], map=names["map.csv"],
            **options,
        )  # fmt: skip

    return made


ROWS = (
    study_row("CTX", 3, 0.4, DENOSUMAB, "treated"),
    study_row("P1NP", 3, 0.6, DENOSUMAB, "treated"),
    study_row("CTX", 14, 0.9, DENOSUMAB, "treated"),
)


def expected_ctx(effect, loss, months):
    """C relative to its steady state: production x effect from 0 to 12 months."""
    t, stop = months * MONTH, 12 * MONTH
    on = effect + (1 - effect) * np.exp(-loss * min(t, stop))
    return on if t <= stop else 1 + (on - 1) * np.exp(-loss * (t - stop))


@settings(deadline=None, max_examples=20)
@given(effect=st.floats(0.05, 0.9), loss=st.floats(0.02, 0.5))
def test_a_parameter_set_while_treated_is_the_closed_form(own, effect, loss):
    theta = own.space.from_natural(np.array([[loss, effect]]))
    found = own.evaluate(theta).predictions[0]
    assert found[0] == pytest.approx(expected_ctx(effect, loss, 3), rel=2e-6)
    assert found[2] == pytest.approx(expected_ctx(effect, loss, 14), rel=2e-6)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    (folder / "pools.xml").write_text(POOLS_L2, encoding="utf-8")
    (folder / "map.csv").write_text(HEADER + OBSERVED + FREE + SET + STEADY, encoding="utf-8")
    (folder / "synthetic.csv").write_text(STUDY_HEADER + "".join(ROWS), encoding="utf-8")
    paths = [str(folder / name) for name in ("pools.xml", "map.csv", "synthetic.csv")]
    return load_problem(ProblemSpec("own", data=(paths[2],), model=paths[0], map=paths[1]))


def test_the_kernel_takes_it_and_slopes_are_differences(own):
    assert own.notices == ("the model gives no unit of time: days are assumed",)
    theta = own.space.centers + 0.2
    slopes = own.residual_slopes(theta)
    steps = 1e-4 * np.eye(len(theta))
    moved = own.evaluate(np.vstack([theta + steps, theta - steps])).residuals
    differences = ((moved[:2] - moved[2:]) / 2e-4).T
    np.testing.assert_allclose(slopes, differences, atol=1e-3 * np.abs(slopes).max())


def test_roadrunner_predicts_the_same(own):
    other = load_problem(replace(own.spec, engine=EngineName.ROADRUNNER))
    theta = own.space.centers[None] + 0.1
    np.testing.assert_allclose(
        other.evaluate(theta).predictions, own.evaluate(theta).predictions, rtol=1e-6
    )


def test_a_point_without_a_steady_state_fails_alone(own):
    good = own.space.centers
    bad = good - np.array([700.0, 0.0])  # nearly no loss: pools beyond all numbers
    result = own.evaluate(np.stack([good, bad, good]))
    assert result.ok.tolist() == [True, False, True]
    assert result.messages[1]
    assert result.log_posterior[1] == -np.inf


def test_a_ratio_to_zero_is_a_failure_with_its_reason(spec):
    model = POOLS_L2.replace('id="C" compartment="c" initialConcentration="0.5"',
                             'id="C" compartment="c" initialConcentration="0"')  # fmt: skip
    problem = Problem(spec(OBSERVED + FREE + SET, *ROWS, model=model))
    result = problem.evaluate(problem.space.centers[None])
    assert not result.ok[0]
    assert "zero at time zero" in result.messages[0]


def test_doses_add_to_a_variable_in_the_models_own_time(spec):
    # Hours: x decays at 0.1 per hour and gets effect x dose at 0 and 12 h.
    rows = (
        "observable,CTX,x,2,,,,,,\nparameter,,decay_k,,,,0.5,log,,\n"
        "dose,denosumab,x,0.05,add,,,,,\n"
    )
    regimen = "denosumab 60 mg sc every 12 hours for 1 day"
    study = study_row("CTX", 1 / MONTH, 0.4, regimen, "treated")
    problem = Problem(spec(rows, study, model=EVENTS_L2))
    # A state-triggered event is for roadrunner, and that is said.
    assert any("roadrunner is used" in notice for notice in problem.notices)
    found = problem.evaluate(problem.space.centers[None]).predictions[0, 0]
    amount = (8 + 3) * np.exp(-2.4) + 3 * np.exp(-1.2)
    # A ratio to time zero, whose sample is after the dose.
    assert found == pytest.approx(amount / 11, rel=1e-6)


def test_a_dose_rate_raises_a_parameter_while_treated(spec):
    rows = OBSERVED + "parameter,,loss,,,,0.5,log,,\ndose,denosumab,birth,0.1,rate,,,,,\n" + STEADY
    regimen = "denosumab 60 mg sc every 30 days for 300 days"
    problem = Problem(spec(rows, study_row("CTX", 9, 2, regimen, "treated")))
    found = problem.evaluate(problem.space.centers[None]).predictions[0, 0]
    assert found == pytest.approx((0.2 + 0.1 * 60 / 30) / 0.2, rel=1e-5)


def test_every_fault_of_a_map_is_told_with_row_and_column(tmp_path):
    (tmp_path / "pools.xml").write_text(POOLS_L2, encoding="utf-8")
    table = tmp_path / "map.csv"
    table.write_text(
        HEADER
        + "observable,CTXX,C,1,,,,,,\n"  # 2: our observable
        + "observable,P1NP,BB,x,,,,,,\n"  # 3: id and factor
        + "parameter,,flow,,,,0.5,log,,\n"  # 4: no constant
        + "parameter,,loss,,,2,-1,logit,,\n"  # 5: centre and sd
        + "parameter,,block,,,,1,log,,\n"  # 6: set by a dose
        + "dose,denosumab,block,0.3,sett,,,,,\n"  # 7: action
        + "dose,Denosumab,block,,set,,,,,\n"  # 8: name and factor
        + "start,steady_stat,,,,,,,,\n"  # 9
        + "observables,CTX,C,1,,,,,,\n"  # 10: kind
        + "observable,ES_BS,C + B,1,,,,,um,\n"  # 11: a formula, a unit
        + "time,fortnight,,,,,,,,\n",  # 12
        encoding="utf-8",
    )
    with pytest.raises(DataError) as refused:
        read_map(table, tmp_path / "pools.xml")
    places = {(fault.row, fault.column) for fault in refused.value.faults}
    assert places >= {
        (2, "name"), (3, "model_id"), (3, "factor"), (4, "model_id"), (5, "center"), (5, "sd"),
        (7, "action"), (8, "name"), (8, "factor"), (9, "name"), (10, "kind"),
        (11, "model_id"), (11, "unit"), (12, "name"),
    }  # fmt: skip
    message = str(refused.value)
    assert "Did you mean 'CTX'" in message
    assert "did you mean 'B'" in message
    assert "Did you mean 'steady_state'" in message


def test_rows_that_the_map_cannot_predict_are_named(spec):
    made = spec(
        OBSERVED + FREE + SET,
        study_row("BSALP", 3, 0.5, DENOSUMAB, "treated"),
        study_row("CTX", 3, 0.5, "zoledronate 5 mg iv at 0 days", "other"),
        study_row("CTX", 3, 0.5, "denosumab 60 mg sc at 0 days", "single"),
    )
    with pytest.raises(DataError) as refused:
        Problem(made)
    message = str(refused.value)
    for part in ("synthetic.csv:2 [variable]", "'zoledronate'", "doses at dates have no end"):
        assert part in message


def test_model_and_map_go_together(spec):
    made = spec(OBSERVED + FREE + SET, *ROWS)
    with pytest.raises(UsageError, match="table that maps"):
        Problem(replace(made, map=""))
    with pytest.raises(UsageError, match="name the model"):
        Problem(replace(made, model=""))
