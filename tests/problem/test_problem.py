"""The shipped problem in batches."""

import numpy as np
import pytest
from scipy import stats

from bonecycle.biology import catalogue
from bonecycle.errors import DataError, UsageError
from bonecycle.problem.problem import Problem, ProblemSpec
from bonecycle.problem.space import fitted_space, parse_mechanism
from bonecycle.problem.targets import error_covariance, make_targets, whitening
from bonecycle.studies.error_model import ErrorModel, load_encodings
from bonecycle.studies.reader import load_studies


def test_shapes_and_untreated_values(problem):
    result = problem.evaluate(problem.space.centers[None])
    assert result.predictions.shape == (1, len(problem.targets))
    assert result.log_prior.shape == (1, len(problem.space.names))
    assert result.ok.all()
    assert np.isfinite(result.log_likelihood).all()
    assert (result.predictions > 0).all()


def test_a_set_that_cannot_be_simulated_leaves_the_others_alone(problem):
    good = problem.space.centers
    bad = good.copy()
    # Births so frequent that the phases need more than the whole bone surface.
    bad[problem.space.names.index("untreated_births")] = np.log(0.1)
    alone = problem.evaluate(good[None])
    batch = problem.evaluate(np.stack([good, bad, good]))
    assert batch.ok.tolist() == [True, False, True]
    assert (batch.log_likelihood[1] == -np.inf).all()
    assert "untreated_births" in batch.messages[1]
    np.testing.assert_array_equal(batch.predictions[0], alone.predictions[0])
    np.testing.assert_array_equal(batch.predictions[2], alone.predictions[0])


def test_the_prior_is_normal_on_its_scale(problem):
    theta = problem.space.centers + 0.3
    expected = stats.norm(problem.space.centers, problem.space.sds).logpdf(theta)
    np.testing.assert_allclose(problem.space.log_prior(theta[None])[0], expected)
    natural = problem.space.to_natural(theta[None])
    np.testing.assert_allclose(problem.space.from_natural(natural)[0], theta, atol=1e-12)


def test_a_drug_without_fitted_rows_adds_no_parameter_and_no_simulation(problem):
    (held,) = problem.held
    assert held.study == "recker_diva" and held.regimen not in problem.regimens
    assert not any(name.startswith("ibandronate") for name in problem.parameters)


def test_validation_rows_are_predicted_and_never_fitted(problem):
    validation = [t for t in problem.targets if t.observation.role == "validation"]
    assert validation
    assert not any(t.fitted for t in validation)


def test_the_posterior_holds_fitted_rows_and_priors_only(problem):
    theta = problem.space.centers[None] + 0.1
    result = problem.evaluate(theta)
    fitted = result.log_likelihood[:, problem.fitted].sum() + result.log_prior.sum()
    assert result.log_posterior[0] == pytest.approx(fitted, rel=1e-12)
    validation = result.log_likelihood[:, ~problem.fitted].sum()
    assert validation != 0


def test_a_visit_on_the_day_of_a_dose_comes_before_it(problem):
    trough = [
        t for t in problem.targets if t.study == "bone_2011" and t.observation.time_months == 6
    ]
    assert trough
    for target in trough:
        assert target.time_days < target.observation.time_days
        assert target.time_days == pytest.approx(target.observation.time_days, abs=0.01)


def test_whitening_correlates_numbers_of_one_arm_of_a_trial_only():
    errors = ErrorModel.load()
    studies = load_studies(catalogue.observables())
    targets = make_targets(studies, errors, load_encodings()["soft-0.6"])
    fitted = np.array([target.fitted for target in targets])
    factor = whitening(error_covariance(targets, errors), fitted)
    assert (np.triu(factor, 1) == 0).all()
    covariance = factor @ factor.T
    for i, one in enumerate(targets):
        for j, other in enumerate(targets):
            together = (one.trial, one.arm) == (other.trial, other.arm)
            numbers = all(t.fitted and t.observation.comparison == "equal" for t in (one, other))
            if i != j:
                assert (covariance[i, j] > 0) == (together and numbers)
        assert covariance[i, i] == pytest.approx(one.log_sd**2)
    # Two reports of one trial share the error of its arm.
    biopsy = next(i for i, t in enumerate(targets) if t.study == "recker_2008" and t.fitted)
    marker = next(i for i, t in enumerate(targets) if t.study == "delmas_2009" and t.fitted)
    expected = 0.5 * targets[biopsy].log_sd * targets[marker].log_sd
    assert covariance[biopsy, marker] == pytest.approx(expected)


def test_a_row_kept_for_validation_is_given_the_fitted_rows_of_its_arm(problem):
    (kept,) = (i for i, t in enumerate(problem.targets) if t.observation.variable == "BSALP")
    arm = [i for i, t in enumerate(problem.targets) if t.trial == "HORIZON-PFT" and t.fitted]
    assert len(arm) == 4
    theta = problem.space.centers + 0.3 * np.arange(2)[:, None] * problem.space.sds
    predictions = problem.evaluate(theta).predictions
    mean, log_sd = problem.errors_given_fitted(predictions)
    gaps = np.log(problem.values / predictions)
    every = [*arm, kept]
    for gap, own in zip(gaps, mean, strict=True):
        joint, alone = (
            stats.multivariate_normal(cov=problem.error_covariance[np.ix_(rows, rows)]).logpdf(
                gap[rows]
            )
            for rows in (every, arm)
        )
        assert stats.norm.logpdf(gap[kept], own[kept], log_sd[kept]) == pytest.approx(joint - alone)
    assert log_sd[kept] < problem.targets[kept].log_sd
    assert (mean[:, problem.fitted] == 0).all()


@pytest.mark.parametrize("encoding", ["dropped", "hard-0.9"])
def test_the_encoding_changes_one_target_only(encoding):
    errors = ErrorModel.load()
    studies = load_studies(catalogue.observables())
    usual = make_targets(studies, errors, load_encodings()["soft-0.6"])
    other = make_targets(studies, errors, load_encodings()[encoding])
    changed = [a for a, b in zip(usual, other, strict=True) if a != b]
    assert [t.observation.comparison for t in changed] == ["not_strongly_decreased"]


def test_mechanisms_parse_and_free_their_strengths():
    assert parse_mechanism("h3+H1") == ("H1", "H3")
    names = fitted_space(("H1", "H3"), ("alendronate",)).names
    assert {"osteogenic_share", "canopy_sensitivity", "alendronate_half_effect_release"} <= set(
        names
    )
    assert "progenitor_sensitivity" not in names
    with pytest.raises(UsageError, match="H1"):
        parse_mechanism("H7")
    with pytest.raises(UsageError, match="leave it out"):
        parse_mechanism("H0+H1")


def test_an_absolute_row_in_the_wrong_unit_is_refused_with_its_place(tmp_path):
    header = (
        "study,doi,pmid,arm,regimen,role,site,time_months,variable,comparison,value,unit,"
        "reference,lower,upper,interval,n,source_place,note\n"
    )
    rows = (
        "own,,,a,untreated,fitted,iliac,0,ES_BS,equal,3.4,um,none,,,,,table 1,\n"
        "own,,,a,untreated,fitted,iliac,0,MAR,equal,0.5,um/d,none,,,,,table 1,\n"
    )
    path = tmp_path / "own.csv"
    path.write_text(header + rows, encoding="utf-8")
    with pytest.raises(DataError, match=r"own\.csv:2 \[unit\]"):
        Problem(ProblemSpec(data=(str(path),)))


def test_unknown_encoding_is_refused_with_a_suggestion():
    with pytest.raises(UsageError, match=r"soft-0\.6"):
        Problem(ProblemSpec(encoding="soft-0.66"))
