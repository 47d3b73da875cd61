"""Least squares recovers a known truth from synthetic data and survives interruption."""

from dataclasses import replace

import numpy as np
import pytest

from bonecycle.biology.dosing import Dosing
from bonecycle.inference.fitting import least_squares
from bonecycle.inference.fitting.checkpoints import Checkpoints
from bonecycle.inference.fitting.least_squares import Fit, Start, fit, start_points
from bonecycle.inference.fitting.summary import (
    costs,
    dosing_table,
    mechanism_table,
    parameter_table,
    target_table,
)
from bonecycle.problem.problem import ProblemSpec, load_problem

HEADER = (
    "study,doi,pmid,arm,regimen,role,site,time_months,variable,comparison,value,unit,"
    "reference,lower,upper,interval,n,source_place,note\n"
)
REGIMEN = "alendronate 10 mg oral every 1 day for 24 months"
WANTED = [
    (month, variable)
    for month in (1, 3, 6, 12, 24)
    for variable in ("CTX", "P1NP", "Ac_f", "ES_BS", "E_De")
]


def write_table(path, values):
    """A synthetic study: `values` are ratios of one arm under alendronate."""
    rows = [
        f"synthetic,,,alendronate,{REGIMEN},fitted,iliac,{month},{variable},equal,{value!r},"
        "fraction,baseline,,,,,synthetic,\n"
        for (month, variable), value in zip(WANTED, values, strict=True)
    ]
    path.write_text(HEADER + "".join(rows), encoding="utf-8")
    return ProblemSpec("H1", data=(str(path),))


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory):
    """Synthetic data without noise at a known point one prior SD or less from the centre."""
    folder = tmp_path_factory.mktemp("synthetic")
    guess = load_problem(write_table(folder / "guess.csv", [0.5] * len(WANTED)))
    shifts = np.random.default_rng(7).uniform(-1, 1, len(guess.space.names))
    truth = guess.space.centers + shifts * guess.space.sds
    values = guess.evaluate(truth[None]).predictions[0]
    return write_table(folder / "synthetic.csv", values.tolist()), truth


@pytest.fixture(scope="module")
def fitted(synthetic):
    return fit(synthetic[0], starts=1)


def test_the_truth_is_recovered_within_its_intervals(synthetic, fitted):
    spec, truth = synthetic
    problem = load_problem(spec)
    # Noise-free data: what the fit may lose against the truth is the pull of the priors.
    data, _ = costs(problem, fitted.best.theta)
    assert data < costs(problem, problem.space.centers)[0] / 10
    sds = np.sqrt(np.diag(fitted.best.covariance))
    # A parameter that the data do not inform stays at its prior, whatever the truth.
    informed = sds < 0.7 * problem.space.sds
    assert informed.sum() >= 3
    assert (np.abs(fitted.best.theta - truth) < 2 * sds)[informed].all()
    # The mode beats both the truth and the centre.
    assert fitted.best.cost <= sum(costs(problem, truth)) + 1e-6


def test_covariance_is_the_inverse_of_the_fisher_information(synthetic, fitted):
    problem = load_problem(synthetic[0])
    sds = np.sqrt(np.diag(fitted.best.covariance))
    # The prior is one term of the information, so no SD exceeds the prior's.
    assert (sds <= problem.space.sds * (1 + 1e-6)).all()
    steps = 1e-4 * problem.space.sds
    rows = []
    for i in range(len(steps)):
        shift = np.zeros(len(steps))
        shift[i] = steps[i]
        pair = problem.evaluate(np.stack([fitted.best.theta + shift, fitted.best.theta - shift]))
        rows.append((pair.residuals[0] - pair.residuals[1]) / (2 * steps[i]))
    information = np.array(rows) @ np.array(rows).T + np.diag(problem.space.sds**-2)
    np.testing.assert_allclose(
        np.linalg.inv(information),
        fitted.best.covariance,
        rtol=0.02,
        atol=0.01 * float(np.max(sds)) ** 2,
    )


def test_the_first_starts_do_not_depend_on_how_many_are_asked_for(synthetic):
    few = start_points(synthetic[0], 3, seed=1)
    many = start_points(synthetic[0], 9, seed=1)
    np.testing.assert_array_equal(few, many[:3])
    assert (few[0] == 0).all()


def test_an_interrupted_fit_goes_on_from_its_finished_starts(
    synthetic, fitted, tmp_path, monkeypatch
):
    problem = load_problem(synthetic[0])
    checkpoints = Checkpoints(tmp_path, problem, seed=0)
    assert checkpoints.load() == {}
    checkpoints.save(0, fitted.best)
    again = Checkpoints(tmp_path, problem, seed=0).load()
    np.testing.assert_array_equal(again[0].theta, fitted.best.theta)
    # Nothing is run a second time.
    monkeypatch.setattr(least_squares, "_run", lambda *_: pytest.fail("a start was run again"))
    assert fit(synthetic[0], starts=1, done=again).best.cost == fitted.best.cost
    # Another seed or other data are another run.
    assert Checkpoints(tmp_path, problem, seed=1).load() == {}


def test_tables_say_what_is_met(synthetic, fitted):
    targets = target_table(fitted)
    assert len(targets) == len(WANTED)
    assert targets.met.all()
    shift = np.zeros_like(fitted.best.theta)
    shift[load_problem(fitted.spec).space.names.index("alendronate_half_effect_release")] = 3.0
    wrong = Fit(fitted.spec, (replace(fitted.best, theta=fitted.best.theta + shift),))
    assert not target_table(wrong).met.all()
    table = parameter_table(fitted)
    everything = load_problem(fitted.spec).parameters
    assert set(table.parameter) == set(everything)
    parameters = table[table.fitted]
    assert (parameters.lower < parameters.value).all()
    assert (parameters.value < parameters.upper).all()
    assert not parameters.at_bound.any()
    assert targets.predictable.all()
    row = mechanism_table([fitted]).iloc[0]
    assert row.numbers_met == len(WANTED)
    assert row.cost == pytest.approx(row.cost_data + row.cost_priors)


def test_averaged_doses_are_held_against_doses_one_by_one(synthetic):
    problem = load_problem(synthetic[0])
    center = Start(problem.space.centers, 0.0, np.eye(len(problem.space.names)), 1, 0, True, "")
    table = dosing_table(Fit(synthetic[0], (center,)))
    assert len(table) == len(problem.targets)
    expected = np.log(table["averaged"] / table["events"]) / [t.log_sd for t in problem.targets]
    np.testing.assert_allclose(table["difference"], expected)
    # The bound that lets a fit use averages: a tenth of a committed error.
    assert 0 < table["difference"].abs().max() < 0.1
    other = load_problem(replace(synthetic[0], dosing=Dosing.EVENTS))
    assert other.hashes["dosing"] != problem.hashes["dosing"]
