"""Sobol indices against the analytic truth; workers, interruption, failed sets."""

import dataclasses

import numpy as np
import pytest
from closed_forms import Ishigami, Linear

from bonecycle.analysis import blocks
from bonecycle.analysis.blocks import Run
from bonecycle.analysis.given_data import given_data_indices
from bonecycle.analysis.sobol import sobol_indices
from bonecycle.errors import UsageError
from bonecycle.tasks import worker_pool


def estimates(table, index, observable="y"):
    rows = table[(table["index"] == index) & (table["observable"] == observable)]
    return rows["estimate"].to_numpy()


def test_ishigami_has_its_indices_and_converges() -> None:
    response = Ishigami()
    found = sobol_indices(response, 4096, seed=1)
    first, total = response.exact
    assert estimates(found.table, "first") == pytest.approx(first, abs=0.02)
    assert estimates(found.table, "total") == pytest.approx(total, abs=0.02)
    own = found.table[found.table["observable"] == "y"]
    exact = np.concatenate([first, total])
    # Six intervals of 95 %: at most one may miss.
    assert ((own["lower"] <= exact) & (exact <= own["upper"])).sum() >= 5
    summary = found.summary.set_index("observable")
    assert bool(summary.loc["y", "converged"])
    assert summary.loc["y", "mean"] == pytest.approx(3.5, abs=0.1)
    counts = found.convergence["samples"].unique().tolist()
    assert counts == [256, 512, 1024, 2048, 4096]
    assert found.lost == 0


def test_too_few_samples_do_not_pass_for_convergence() -> None:
    assert not sobol_indices(Ishigami(), 64, seed=1).summary["converged"].iloc[0]


def test_an_output_that_does_not_vary_has_no_indices() -> None:
    found = sobol_indices(Ishigami(), 32)
    assert np.isnan(estimates(found.table, "total", "constant")).all()


def test_numbers_do_not_depend_on_workers(monkeypatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 100)
    alone = sobol_indices(Ishigami(), 128, seed=3)
    with worker_pool(2) as executor:
        together = sobol_indices(Ishigami(), 128, seed=3, run=Run(executor))
    assert alone.convergence.equals(together.convergence)


def test_an_interrupted_design_goes_on_where_it_stopped(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 100)
    response = Ishigami(log=tmp_path / "calls")
    whole = sobol_indices(Ishigami(), 128, seed=3)

    def interrupt(done: int, _total: int) -> None:
        if done >= 300:
            raise KeyboardInterrupt

    folder = tmp_path / "blocks"
    with pytest.raises(KeyboardInterrupt):
        sobol_indices(response, 128, seed=3, run=Run(checkpoints=folder, progress=interrupt))
    seen = []
    run = Run(checkpoints=folder, progress=lambda done, total: seen.append((done, total)))
    resumed = sobol_indices(response, 128, seed=3, run=run)
    assert resumed.convergence.equals(whole.convergence)
    assert seen[0] == (300, 640)
    assert seen[-1] == (640, 640)
    # No set was evaluated twice.
    assert sum(map(int, (tmp_path / "calls").read_text(encoding="utf-8").split())) == 640
    other = dataclasses.replace(response, key="another model")
    sobol_indices(other, 128, seed=3, run=Run(checkpoints=folder, progress=lambda *_: None))
    assert sum(map(int, (tmp_path / "calls").read_text(encoding="utf-8").split())) == 1280


def test_failed_sets_take_their_base_sample_with_them() -> None:
    found = sobol_indices(Ishigami(fails_above=3.0), 1024, seed=1)
    # A share q of failing x1 loses the base sample where x1 of either half fails.
    q = (np.pi - 3.0) / (2 * np.pi)
    assert found.lost / 1024 == pytest.approx(1 - (1 - q) ** 2, abs=0.005)
    assert found.samples + found.lost == 1024
    assert np.isfinite(estimates(found.table, "total")).all()
    with pytest.raises(UsageError, match="could not be simulated"):
        sobol_indices(Ishigami(fails_above=0.0), 64)


def test_the_number_of_samples_is_a_power_of_two() -> None:
    for samples in (8, 100):
        with pytest.raises(UsageError, match="power of two"):
            sobol_indices(Ishigami(), samples)


def test_given_data_agree_with_sobol_on_independent_parameters() -> None:
    response = Ishigami()
    scores = np.random.default_rng(0).normal(size=(4000, 3))
    found = given_data_indices(response, response.from_scores(scores))
    assert estimates(found.table, "first") == pytest.approx(response.exact[0], abs=0.03)


def test_given_data_share_what_correlated_parameters_have_in_common() -> None:
    # y = 2 z1 - 5 z2, corr(z1, z2) = r: E[y | z1] = (2 - 5 r) z1, E[y | z3] = E[y | z2] r'.
    r = 0.6
    covariance = np.array([[1, r, 0], [r, 1, 0.5], [0, 0.5, 1]])
    draws = np.random.default_rng(0).multivariate_normal(np.zeros(3), covariance, size=4000)
    found = given_data_indices(Linear(), draws)
    variance = 4 + 25 - 20 * r
    exact = np.array([(2 - 5 * r) ** 2, (2 * r - 5) ** 2, (5 * 0.5) ** 2]) / variance
    assert estimates(found.table, "first") == pytest.approx(exact, abs=0.03)
    with pytest.raises(UsageError, match="100 or more"):
        given_data_indices(Linear(), draws[:20])
