"""Independent ensembles: known targets recovered, the same numbers whatever interrupts them."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import emcee
import numpy as np
import pytest
from scipy.stats import chi2

from bonecycle.errors import UsageError
from bonecycle.inference.sampling.clouds import Cloud
from bonecycle.inference.sampling.convergence import autocorrelation_times, judge
from bonecycle.inference.sampling.ensembles import BLOCK, Ensembles, dispersed, run
from bonecycle.inference.sampling.moves import IndependentProposal, StudentT, default_moves
from bonecycle.inference.sampling.proposal import fitted_guess
from bonecycle.tasks import worker_pool

HERE = Path(__file__).parent
sys.path.append(str(HERE))
from targets import Banana, Normal, Slow  # noqa: E402


def ensembles(folder, target, *, walkers=20, seed=5):
    """Ensembles from around a wrong mode, with a covariance that is not the target's."""
    center = target.mean + 0.5 * np.sqrt(np.diag(target.covariance))
    wide = StudentT(center, 4 * target.covariance)
    points = wide.draw(np.random.default_rng(seed), 4 * walkers)
    return Ensembles(
        density=target,
        moves=default_moves(IndependentProposal(StudentT(center, 0.6 * target.covariance), wide)),
        initial=dispersed([points], target, (4, walkers)),
        names=tuple(f"x{i}" for i in range(len(center))),
        seed=seed,
        folder=folder,
    )


@pytest.mark.parametrize("target", [Normal(), Banana()], ids=["normal", "banana"])
def test_known_moments_are_recovered_to_monte_carlo_error(tmp_path, target):
    asked = ensembles(tmp_path, target)
    state = run(asked, max_steps=2000)
    assert state.reached
    assert state.verdict.startswith("Converged after")
    chains = asked.chains(state.steps)[:, state.burn_in :]
    draws = chains.reshape(-1, chains.shape[-1])
    variances = np.diag(target.covariance)
    error = np.sqrt(variances / state.ess)
    assert (error < 0.05 * np.sqrt(variances)).all()
    assert (np.abs(draws.mean(axis=0) - target.mean) < 4 * error).all()
    # The error of a variance, with the autocorrelation of the squares and their own spread.
    squares = (chains - target.mean) ** 2
    taus = np.array([autocorrelation_times(one) for one in squares])
    ess = np.sum(squares.shape[1] * state.walkers / taus, axis=0)
    spread = squares.reshape(draws.shape).std(axis=0) / np.sqrt(ess)
    assert (spread < 0.1 * variances).all()
    assert (np.abs(squares.mean(axis=(0, 1, 2)) - variances) < 4 * spread).all()


def test_the_posterior_of_a_problem_is_recovered(tmp_path, known):
    """Through the one likelihood of the package, with errors correlated within an arm."""
    mean, covariance = known.posterior(known.fitted)

    def density(theta):
        return known.evaluate(theta).log_posterior

    sds = np.sqrt(np.diag(covariance))
    guess = fitted_guess(density, Cloud(mean + 0.7 * sds, 0.5 * covariance), seed=1)
    wide = StudentT(known.space.centers, np.diag(known.space.sds**2))
    prior = np.random.default_rng(0).standard_normal((80, 3)) * known.space.sds
    asked = Ensembles(
        density=density,
        moves=default_moves(IndependentProposal(guess, wide)),
        initial=dispersed([known.space.centers + prior], density, (4, 20)),
        names=known.space.names,
        seed=1,
        folder=tmp_path,
    )
    state = run(asked, max_steps=1000)
    assert state.reached
    draws = asked.chains(state.steps)[:, state.burn_in :].reshape(-1, 3)
    assert (np.abs(draws.mean(axis=0) - mean) < 4 * sds / np.sqrt(state.ess)).all()
    found = np.cov(draws.T) / sds[:, None] / sds
    assert np.allclose(found, covariance / sds[:, None] / sds, atol=5 / np.sqrt(state.ess.min()))


def test_effective_draws_tell_the_spread_of_ensemble_means():
    # Differential evolution alone, so that tau is long.
    target, count, steps, walkers = Normal(), 30, 600, 16
    rng, chains = np.random.default_rng(3), []
    factor = np.linalg.cholesky(target.covariance)
    for seed in range(count):
        np.random.seed(seed)  # noqa: NPY002  (emcee draws from the global state)
        start = target.mean + rng.standard_normal((walkers, 4)) @ factor.T
        sampler = emcee.EnsembleSampler(
            walkers, 4, target, moves=emcee.moves.DEMove(), vectorize=True
        )
        sampler.run_mcmc(start, steps)
        chains.append(sampler.get_chain())
    state = judge(np.array(chains), [f"x{i}" for i in range(4)])
    assert state.steps_per_tau.min() > 20
    means = np.array(chains)[:, state.burn_in :].mean(axis=(1, 2))
    # By the formula an ensemble's mean has this variance.
    variance = np.diag(target.covariance) * count / state.ess
    ratio = np.sum((means - target.mean) ** 2, axis=0) / variance
    low, high = chi2.ppf([1e-4, 1 - 1e-4], count)
    assert ((ratio > low) & (ratio < high)).all()
    # The formula without tau, or with walkers as if they were one, would be far outside.
    assert (ratio * np.median(state.tau) > high).all()
    assert (ratio / walkers < low).all()


def test_the_numbers_are_the_same_on_two_workers_and_after_a_resume(tmp_path):
    whole = ensembles(tmp_path / "whole", Normal())
    run(whole, max_steps=3 * BLOCK)
    parts = replace(whole, folder=tmp_path / "parts")
    run(parts, max_steps=BLOCK)
    np.random.seed(99)  # noqa: NPY002  (must not matter)
    with worker_pool(2) as executor:
        run(parts, max_steps=3 * BLOCK, executor=executor)
    assert (whole.chains(3 * BLOCK) == parts.chains(3 * BLOCK)).all()
    assert (whole.log_densities(3 * BLOCK) == parts.log_densities(3 * BLOCK)).all()
    assert (whole.acceptance() == parts.acceptance()).all()
    other = replace(whole, folder=tmp_path / "other", seed=6)
    run(other, max_steps=BLOCK)
    assert (other.chains(BLOCK) != whole.chains(BLOCK)).any()
    chains = whole.chains(BLOCK)
    assert (chains[0] != chains[1]).any()


KILLED = """
import sys
from pathlib import Path
sys.path.append({here!r})
from test_ensembles import slow
from bonecycle.inference.sampling.ensembles import run
from bonecycle.tasks import worker_pool
if __name__ == "__main__":
    with worker_pool(2) as executor:
        print("started", flush=True)
        run(slow(Path(sys.argv[1])), max_steps=10_000, executor=executor)
"""


def slow(folder):
    """Ensembles whose blocks take about a third of a second."""
    normal = StudentT(np.zeros(2), np.eye(2))
    moves = default_moves(IndependentProposal(normal, normal))
    initial = np.random.default_rng(0).standard_normal((4, 8, 2))
    folder.mkdir(exist_ok=True)
    return Ensembles(Slow(folder, 0.003), moves, initial, ("x", "y"), 1, folder)


def test_a_killed_run_loses_a_block_at_most_and_goes_on_to_the_same_chain(tmp_path):
    script = tmp_path / "killed.py"
    script.write_text(KILLED.format(here=str(HERE)), encoding="utf-8")
    folder = tmp_path / "chains"
    before = 0
    for seconds in (0.9, 1.3, 1.75):
        process = subprocess.Popen(
            [sys.executable, str(script), str(folder)], stdout=subprocess.PIPE, encoding="utf-8"
        )
        process.stdout.readline()
        wait_for(lambda least=before: slow(folder).steps > least, 300)
        time.sleep(seconds - 0.5)
        reached = slow(folder).steps
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        # Workers do not outlive it for long.
        wait_for(lambda: not any(map(alive, folder.glob("process-*"))), 300)
        kept = slow(folder).steps
        assert kept >= reached > before
        before = kept
    steps = before + BLOCK
    killed = slow(folder)
    (folder / ".ensemble-0.h5.1").touch()
    state = run(replace(killed, density=Slow(folder, 0.0)), max_steps=steps)
    assert not list(folder.glob(".ensemble-*"))
    whole = replace(slow(tmp_path / "whole"), density=Slow(folder, 0.0))
    while whole.steps < state.steps:
        run(whole, max_steps=whole.steps + BLOCK)
    assert (killed.chains(state.steps) == whole.chains(state.steps)).all()


def alive(mark):
    try:
        os.kill(int(mark.name.removeprefix("process-")), 0)
    except ProcessLookupError:
        return False
    return True


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_a_file_that_is_no_chain_is_named(tmp_path):
    asked = ensembles(tmp_path, Normal())
    asked.path(2).write_bytes(b"not HDF")
    with pytest.raises(UsageError, match=r"ensemble-2\.h5 is not a chain"):
        run(asked, max_steps=BLOCK)


def test_too_few_steps_are_said_to_be_too_few(tmp_path):
    state = run(ensembles(tmp_path, Normal()), max_steps=BLOCK)
    assert not state.reached
    assert "Missing: N/tau above 50 in every ensemble" in state.verdict


def test_ensembles_apart_are_not_converged():
    rng = np.random.default_rng(0)
    chains = rng.standard_normal((4, 500, 16, 2))
    chains[0, :, :, 1] += 0.5
    state = judge(chains, ["a", "b"])
    assert state.steps_per_tau.min() > 50
    assert not state.reached
    assert "R-hat below 1.01 for b." in state.verdict


def test_walkers_that_never_moved_are_no_convergence():
    chains = np.random.default_rng(0).standard_normal((4, 500, 16, 2))
    chains[1, :, 3] = 3.0
    chains[2] = chains[2, 0]
    state = judge(chains, ["a", "b"])
    assert state.steps_per_tau[0] > 50
    assert state.steps_per_tau[1] < 10
    assert not state.reached
    chains[3] = 1.0
    assert np.isinf(judge(chains, ["a", "b"]).tau[3]).all()


def test_a_frozen_walker_at_an_ordinary_point_is_seen():
    """Tau about the ensemble's mean does not see it: it adds little to the variance."""
    chains = np.random.default_rng(0).standard_normal((4, 600, 48, 4))
    chains[1, :, 3] = 1.0
    state = judge(chains, ["a", "b", "c", "d"])
    assert state.steps_per_tau.min() > 50 and state.rhat.max() < 1.01
    assert not state.reached
    assert "walkers that mix" in state.verdict


@pytest.mark.parametrize("memory", [0.0, 0.6, 0.9])
def test_tau_of_a_process_of_known_tau(memory):
    rng = np.random.default_rng(4)
    # Two hundred walkers: the estimate then has a standard error below 3 %.
    chain = np.empty((4000, 200, 1))
    chain[0] = rng.standard_normal((200, 1))
    for i in range(1, len(chain)):
        chain[i] = memory * chain[i - 1] + np.sqrt(1 - memory**2) * rng.standard_normal((200, 1))
    assert autocorrelation_times(chain)[0] == pytest.approx((1 + memory) / (1 - memory), rel=0.08)


def test_walkers_in_modes_of_their_own_are_no_convergence():
    chains = np.random.default_rng(0).standard_normal((4, 350, 48, 17))
    names = [f"x{i}" for i in range(17)]
    mixed = judge(chains, names)
    assert mixed.reached
    assert mixed.walkers_apart.max() < 2.5
    # Half of the walkers of every ensemble 10 SDs away: the ensembles are alike.
    chains[:, :, ::2, 4] += 10.0
    state = judge(chains, names)
    assert state.rhat.max() < 1.01
    assert state.steps_per_tau.max() < 50
    assert not state.reached
    assert "walkers that mix (apart below 3) for x4." in state.verdict


def test_starting_points_are_finite_and_from_every_source():
    sources = [np.full((6, 1), 1.0), np.array([[2.0], [-1.0], [2.0], [2.0], [2.0], [2.0]])]

    def positive(points):
        return np.where(points[:, 0] > 0, 0.0, -np.inf)

    found = dispersed(sources, positive, (2, 4))
    assert found.shape == (2, 4, 1)
    assert (found > 0).all()
    assert set(found.ravel()) == {1.0, 2.0}
    with pytest.raises(UsageError, match="Only 11 of 12 starting points"):
        dispersed(sources, positive, (2, 6))
