"""Draws forwarded through regimens, and the rows kept for validation."""

from importlib.resources import files

import numpy as np
import pytest

from bonecycle.analysis.draws import Draws, laplace_draws, silent_parameters
from bonecycle.analysis.forward import choose_dosing, forward
from bonecycle.analysis.prediction import ALL, RATIO, predict, prediction_table, spread_table
from bonecycle.analysis.simulation import simulate
from bonecycle.analysis.validation import coverage_table, validation_table
from bonecycle.biology import catalogue
from bonecycle.biology.dosing import Dosing
from bonecycle.biology.regimens import DAYS_PER_MONTH, parse_regimen
from bonecycle.errors import UsageError
from bonecycle.inference.fitting.least_squares import Fit, Start
from bonecycle.problem.problem import ProblemSpec, load_problem

STUDIES = files("bonecycle_data") / "studies"
DATA = tuple(str(STUDIES / f"{name}.csv") for name in ("mcclung_2005", "delmas_2009"))
REGIMEN = parse_regimen("alendronate 70 mg oral every 1 week for 3 months")
MONTHS = [0.0, 3.0, 6.0]
OUTPUTS = ["CTX", "Ac_f", "BB", "BMD_rel"]


def drawn(mechanism, count=40):
    spec = ProblemSpec(mechanism, data=DATA)
    space = load_problem(spec).space
    noise = np.random.default_rng(1).normal(size=(count, len(space.names)))
    return Draws(spec, space.centers + 0.2 * noise * space.sds, "test")


@pytest.fixture(scope="module")
def draws():
    return drawn("H1")


@pytest.fixture(scope="module")
def prediction(draws):
    return predict(draws, REGIMEN, MONTHS, OUTPUTS)


def test_a_draw_is_what_simulate_says(draws, prediction):
    values = draws.values(REGIMEN.drugs)
    parameters = {name: float(column[0]) for name, column in values.items()}
    run = simulate(REGIMEN, duration=6 * DAYS_PER_MONTH, parameters=parameters, points=3)
    last = prediction.courses.values[0, -1]
    for name, value in zip(OUTPUTS, last, strict=True):
        assert value == pytest.approx(float(run[name][-1]), rel=3e-2, abs=1e-9)


def test_what_no_row_depends_on_is_drawn_from_its_prior_and_nothing_else(draws):
    silent = {p.id for p in silent_parameters(draws.spec, ("ibandronate",))}
    own = {"young_period", "maturing_period", "young_mineral", "maturing_mineral"}
    # BSALP is a validation row of these studies: no fitted row follows its floor.
    assert own | {"bsalp_floor", "bsalp_lag"} <= silent
    assert "ibandronate_half_effect_release" in silent
    assert not silent & {"resorption_period", "ctx_floor", "ctx_lag", "surface_per_volume"}
    values = draws.values(("ibandronate",))
    many = Draws(draws.spec, np.tile(draws.theta, (50, 1)), "test").values(("ibandronate",))
    prior = catalogue.parameters()["young_period"]
    assert np.std(np.log(many["young_period"])) == pytest.approx(prior.prior_sd, rel=0.1)
    assert np.ptp(values["resorption_period"]) == 0
    assert np.ptp(values["recruitment_rate"]) > 0
    assert np.all(values["canopy_sensitivity"] == 0)  # H3 is off


def test_bands_are_quantiles_of_the_draws_that_went_well(draws, prediction):
    table = prediction_table([prediction], REGIMEN, MONTHS)
    row = table[(table.quantity == "CTX") & (table.unit == RATIO) & (table.time_months == 3)].iloc[
        0
    ]
    values = prediction.courses.ratios[:, 1, 0]
    assert [row.lower_95, row["median"], row.upper_50] == pytest.approx(
        np.quantile(values, [0.025, 0.5, 0.75]).tolist()
    )
    assert row.draws == len(draws) and prediction.failed == 0
    # The balance has no untreated value above zero in some draws, so no ratio.
    assert set(table[table.quantity == "BB"].unit) == {"um"}
    assert not table[table.quantity == "BMD_rel"].informed.any()


def test_failed_draws_are_counted_and_left_out(draws):
    theta = draws.theta.copy()
    theta[3, 0] = 30.0  # births that no surface can hold
    found = predict(Draws(draws.spec, theta, "test"), REGIMEN, MONTHS, ["CTX"])
    assert found.failed == 1 and not found.courses.ok[3]
    table = prediction_table([found], REGIMEN, MONTHS)
    assert (table.draws == len(theta) - 1).all() and np.isfinite(table["median"]).all()


def test_mechanisms_side_by_side(prediction):
    other = predict(drawn("H0"), REGIMEN, MONTHS, OUTPUTS)
    table = prediction_table([prediction, other], REGIMEN, MONTHS)
    assert list(dict.fromkeys(table.mechanism)) == ["H1", "H0", ALL]
    row = spread_table(table).query("quantity == 'Ac_f' and time_months == 6").iloc[0]
    assert row.lowest_mechanism == "H1" and row.fold > 1


def test_doses_are_averaged_only_where_that_changes_little(draws):
    values = draws.values(("alendronate",))
    choice = choose_dosing(values, REGIMEN, [80.0], ["CTX"])
    assert choice.dosing is Dosing.AVERAGED and "%" in choice.reason
    # A week in, one dose of two has been given, and the average has given a quarter of both.
    monthly = parse_regimen("alendronate 280 mg oral every 28 days for 2 months")
    assert choose_dosing(values, monthly, [7.0], ["CTX"]).dosing is Dosing.EVENTS
    yearly = parse_regimen("zoledronate 5 mg iv at 0 months")
    given = choose_dosing(draws.values(("zoledronate",)), yearly, [30.0], ["CTX"])
    assert given.dosing is Dosing.EVENTS and "one by one" in given.reason


def test_a_visit_on_the_day_of_a_dose_comes_before_it(draws):
    regimen = parse_regimen("zoledronate 5 mg iv at 1, 12 months")
    day = DAYS_PER_MONTH
    found = forward(draws.values(("zoledronate",)), regimen, [day], ["CTX"])
    assert found.ratios == pytest.approx(1.0, abs=1e-6)


def test_validation_rows_have_intervals_and_are_counted(draws):
    table = validation_table([draws])
    row = table[table.quantity == "BSALP"].iloc[0]
    assert row.observed == pytest.approx(0.7) and row.study == "delmas_2009"
    # The error of the row widens the band of the draws.
    model = np.log(row.model_upper_95 / row.model_lower_95)
    assert np.log(row.observed_upper_95 / row.observed_lower_95) > model > 0
    # Three fitted rows of the arm tell some of its error: those of CTX are 0.25 and those of P1NP
    # of this study too, half of each variance in common.
    fewer = 0.25 * np.sqrt(1 - 3 * 0.5**2 / (1 + 2 * 0.5))
    assert row.log_sd == pytest.approx(fewer)
    assert row.within_95 == (row.observed_lower_95 <= 0.7 <= row.observed_upper_95)
    (counted,) = coverage_table(table).to_dict("records")
    assert counted["rows"] == 1 and counted["within_95"] == int(row.within_95)


def test_a_validation_row_says_whether_its_arm_is_also_fitted(draws, tmp_path):
    shared = validation_table([draws])
    assert shared.loc[shared.quantity == "BSALP", "arm_fitted"].all()
    # The same row in an arm of its own.
    head, *lines = (STUDIES / "delmas_2009.csv").read_text(encoding="utf-8").splitlines()
    lines = [x.replace(",zoledronate,", ",kept,", 1) if ",BSALP," in x else x for x in lines]
    own = tmp_path / "delmas_2009.csv"
    own.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
    spec = ProblemSpec("H1", data=(DATA[0], str(own)))
    table = validation_table([Draws(spec, draws.theta, "test")])
    row = table[table.quantity == "BSALP"].iloc[0]
    assert not row.arm_fitted and row.trial_fitted
    for rows, count in ((shared, 1), (table, 0)):
        (counted,) = coverage_table(rows).to_dict("records")
        assert counted["arm_fitted"] == count


def test_laplace_draws_have_the_covariance_of_the_fit_and_say_what_they_are():
    spec = ProblemSpec("H0", data=DATA)
    size = len(load_problem(spec).space.names)
    root = np.random.default_rng(2).normal(size=(size, size))
    start = Start(np.arange(size, dtype=float), 0.0, root @ root.T, 1, 0, True, "")
    draws = laplace_draws(Fit(spec, (start,)), 20_000)
    assert draws.is_laplace
    assert np.cov(draws.theta.T) == pytest.approx(root @ root.T, abs=0.06 * size)


def test_an_unknown_observable_is_named(draws):
    with pytest.raises(UsageError, match="CTX"):
        predict(draws, REGIMEN, MONTHS, ["CTXX"])
