"""A small real problem sampled briefly, from the chains to the file and back."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from bonecycle.analysis.draws import posterior_draws
from bonecycle.cli.source import said_of
from bonecycle.errors import UsageError
from bonecycle.inference.posterior.files import (
    read_posterior,
    spec_of,
    theta_draws,
    write_posterior,
)
from bonecycle.inference.posterior.results import coverage_counts, write_posterior_results
from bonecycle.inference.sampling.arviz_side import az
from bonecycle.inference.sampling.ensembles import BLOCK
from bonecycle.inference.sampling.run import Settings, sample
from bonecycle.problem.problem import ProblemSpec, load_problem
from bonecycle.studies.reader import shipped_studies

STUDIES = ("mcclung_2005", "reid_2010")
SETTINGS = Settings(walkers=40, seed=11)


@pytest.fixture(scope="module")
def spec():
    paths = {path.stem: path for path in shipped_studies()}
    return ProblemSpec("H1", data=tuple(str(paths[name]) for name in STUDIES))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("H1")


@pytest.fixture(scope="module")
def sampled(spec, folder):
    return sample(spec, folder, SETTINGS, max_steps=BLOCK)


@pytest.fixture(scope="module")
def results(sampled, folder):
    return write_posterior_results(folder, sampled)


def test_the_file_gives_back_what_was_written(results, folder, spec):
    tree, _ = results
    read = read_posterior(folder / "posterior.nc")
    assert spec_of(read) == spec
    for name, group in tree.children.items():
        assert group.to_dataset().equals(read[name].to_dataset())
    assert read.attrs["seed"] == 11
    assert len(read.attrs["hash_data"]) == 64
    assert set(read.children) >= {
        "posterior", "prior", "log_likelihood", "posterior_predictive", "observed_data",
        "sample_stats", "predictions",
    }  # fmt: skip
    assert read["posterior/site_factor"].attrs["units"] == "1"
    assert read["posterior"].sizes == {"chain": 4, "draw": 1000}


def test_draws_return_to_theta_and_to_the_same_terms(results, spec):
    tree, _ = results
    problem = load_problem(spec)
    every = theta_draws(tree, 4000)
    assert every.shape == (4000, len(problem.space.names))
    chosen = every[::400]
    evaluation = problem.evaluate(chosen)
    stored = tree["log_likelihood/targets"].to_numpy().reshape(4000, -1)[::400]
    # The same up to how the engines round in batches of another size.
    assert np.allclose(evaluation.log_likelihood[:, problem.fitted], stored, atol=1e-3)
    density = tree["sample_stats/log_posterior"].to_numpy().ravel()[::400]
    assert np.allclose(evaluation.log_posterior, density, atol=1e-3)


def test_thinned_draws_come_from_every_chain(results):
    tree, _ = results
    few = theta_draws(tree, 10, seed=1)
    assert few.shape[0] == 10
    every = theta_draws(tree, 4000).reshape(4, 1000, -1)
    chains = [next(c for c in range(4) if (every[c] == row).all(axis=1).any()) for row in few]
    assert [chains.count(c) for c in range(4)] in ([2, 3, 2, 3], [2, 3, 3, 2], [3, 2, 2, 3])
    assert not np.array_equal(few, theta_draws(tree, 10, seed=2))
    with pytest.raises(UsageError, match="holds 4000"):
        theta_draws(tree, 4001)


def test_predictive_draws_have_the_errors_of_numbers_only(results, spec):
    tree, _ = results
    problem = load_problem(spec)
    ratios = np.log(tree["posterior_predictive/targets"] / tree["predictions/targets"])
    spread = ratios.std(dim=("chain", "draw")).to_numpy()
    for target, sd in zip(problem.targets, spread, strict=True):
        expected = target.log_sd if target.is_number else 0.0
        assert sd == pytest.approx(expected, rel=0.05)


def test_labels_name_study_arm_symbol_and_month(results):
    tree, _ = results
    labels = list(tree["log_likelihood"]["target"].to_numpy())
    assert labels[0] == "mcclung_2005:alendronate:P1NP:6"
    assert len(set(labels)) == len(labels)


def test_tables_state_probability_units_and_diagnosis(results):
    _, tables = results
    posterior = tables["posterior"]
    assert (posterior["probability"] == 0.95).all()
    assert (posterior["lower"] < posterior["median"]).all()
    assert (posterior["median"] < posterior["upper"]).all()
    assert posterior[["unit", "rhat", "ess", "tau"]].notna().all(axis=None)
    coverage = tables["coverage"].set_index("target")
    number = coverage.loc["mcclung_2005:alendronate:P1NP:6"]
    assert number["observed"] == pytest.approx(0.33)
    assert number["inside_95"] == (number["lower_95"] <= 0.33 <= number["upper_95"])
    assert coverage["arm_fitted"].all()  # as of every arm with a fitted row
    assert coverage_counts(tables["coverage"])["fitted"]["arm_fitted"] > 0
    limit = coverage[coverage["comparison"] == "below"].iloc[0]
    assert limit["inside_95"] is None
    assert 0 <= limit["probability_met"] <= 1
    start = tables["autocorrelation"].query("lag == 0")["autocorrelation"]
    assert np.allclose(start, 1)


def test_draws_of_chains_that_have_not_converged_say_so(results, folder):
    tree, _ = results
    draws = posterior_draws(folder / "posterior.nc", 40)
    assert draws.doubt == tree.attrs["verdict"] and draws.doubt.startswith("Not converged")
    assert draws.source.endswith(draws.doubt)
    assert "not converged: H1" in said_of([draws])
    done = replace(draws, source=f"posterior {folder}")
    assert not done.doubt and "converged" not in said_of([done])


def test_draws_of_another_problem_are_refused(results, tmp_path):
    tree = results[0].copy()
    tree.attrs |= {"hash_data": "old", "hash_error_model": "old"}
    write_posterior(tmp_path / "posterior.nc", tree)
    with pytest.raises(UsageError, match=r"other content of: data, error model\. Sample again"):
        posterior_draws(tmp_path / "posterior.nc", 40)


def test_arviz_opens_the_file(results, folder):
    tree, _ = results
    opened = az.from_netcdf(str(folder / "posterior.nc"))
    for group in ("posterior", "log_likelihood", "observed_data", "sample_stats"):
        for name, variable in tree[group].data_vars.items():
            assert np.array_equal(opened[group][name], variable, equal_nan=True)


def test_other_settings_are_refused_and_the_same_go_on(sampled, spec, folder):
    with pytest.raises(UsageError, match="chains of another run: settings was"):
        sample(spec, folder, Settings(walkers=40, seed=12), max_steps=BLOCK)
    again = sample(spec, folder, SETTINGS, max_steps=BLOCK)
    assert (again.draws() == sampled.draws()).all()


def test_faults_of_the_settings_are_told_together(spec, tmp_path):
    with pytest.raises(UsageError, match=r"3 ensembles.*\. 31 walkers.*at least 32"):
        sample(spec, tmp_path, Settings(ensembles=3, walkers=31))


def test_what_is_no_posterior_is_said_to_be_none(tmp_path):
    with pytest.raises(UsageError, match="no such file"):
        read_posterior(tmp_path / "posterior.nc")
    (tmp_path / "text.nc").write_text("text", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot be read"):
        read_posterior(tmp_path / "text.nc")
    write_posterior(tmp_path / "other.nc", xr.DataTree.from_dict({"x": xr.Dataset()}))
    with pytest.raises(UsageError, match="is no posterior"):
        read_posterior(tmp_path / "other.nc")
