"""The groups of a posterior: draws of the chains, and the problem evaluated at them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
import xarray as xr

from bonecycle.biology import catalogue
from bonecycle.engines.interface import Floats
from bonecycle.inference.posterior.files import spec_text
from bonecycle.inference.sampling.run import Sample
from bonecycle.problem.problem import Evaluation, Problem, load_problem
from bonecycle.problem.space import Space
from bonecycle.problem.targets import Target

DRAWS = 1000
"""Draws of each chain that a posterior file keeps; the chains themselves have all of them."""
# Sets evaluated at once.
_BATCH = 200


def posterior_tree(sample: Sample) -> xr.DataTree:
    """Return the posterior of a finished run.

    Evaluates the problem at 1000 draws a chain, kept evenly after the burn-in, and at as many
    draws of the prior as one chain has.

    Returns
    -------
    DataTree
        ``posterior``, ``prior``: parameters in their units (chain, draw). ``sample_stats``: log
        posterior density, acceptance, and the step and walker of each draw. ``log_likelihood``:
        `targets` (chain, draw, target), fitted targets only, in the terms of
        `problem.likelihood.terms`. ``predictions``: `targets` without errors, all that have a
        regimen. ``posterior_predictive``, ``prior_predictive``: the same with errors drawn from
        the error model for numbers, correlated within an arm; of the prior, those draws that can
        be simulated. ``observed_data``: what they are compared with; NaN where the encoding drops
        a target.
    """
    problem = load_problem(sample.spec)
    state = sample.state
    theta, density, steps, walkers = _kept(sample)
    chains, draws, parameters = theta.shape
    places = {"chain": np.arange(chains), "draw": np.arange(draws)}
    evaluation = _evaluated(problem, theta.reshape(-1, parameters))
    rng = np.random.default_rng(np.random.SeedSequence(sample.settings.seed).spawn(1)[0])
    space = problem.space
    prior = space.centers + space.sds * rng.standard_normal((draws, parameters))
    at_prior = _evaluated(problem, prior)
    simulated = at_prior.predictions[None, at_prior.ok]
    in_prior = {"chain": [0], "draw": np.arange(draws)}
    in_simulated = {"chain": [0], "draw": np.flatnonzero(at_prior.ok)}
    predictions = evaluation.predictions.reshape(chains, draws, -1)
    targets = target_coordinates(problem)
    fitted = {name: (dim, values[problem.fitted]) for name, (dim, values) in targets.items()}
    log_likelihood = evaluation.log_likelihood[:, problem.fitted].reshape(chains, draws, -1)
    dims = ("chain", "draw")
    stats = xr.Dataset(
        {
            "log_posterior": (dims, density),
            "step": (dims, steps),
            "walker": (dims, walkers),
            "acceptance": ("chain", sample.ensembles.acceptance()),
        },
        coords=places,
    )
    posterior = _parameters(space, theta, places)
    for i, name in enumerate(space.names):
        diagnosis = {"rhat": state.rhat[i], "ess": state.ess[i], "tau": state.tau[:, i].max()}
        posterior[name].attrs |= {key: float(value) for key, value in diagnosis.items()}
    groups = {
        "posterior": posterior,
        "prior": _parameters(space, prior[None], in_prior),
        "sample_stats": stats,
        "log_likelihood": _targets(log_likelihood, places, fitted),
        "predictions": _targets(predictions, places, targets),
        "posterior_predictive": _targets(_predictive(problem, predictions, rng), places, targets),
        "prior_predictive": _targets(_noisy(problem, simulated, rng), in_simulated, targets),
        "observed_data": _observed(problem, targets),
    }
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = {
        "spec": spec_text(sample.spec),
        "mechanism": sample.spec.mechanism,
        "seed": sample.settings.seed,
        "ensembles": sample.settings.ensembles,
        "walkers": sample.settings.walkers,
        "steps": state.steps,
        "burn_in": state.burn_in,
        "converged": int(state.reached),
        "verdict": state.verdict,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "inference_library": "emcee",
        "inference_library_version": version("emcee"),
        "bonecycle_version": version("bonecycle"),
        "numpy_version": version("numpy"),
        **{f"hash_{name}": value for name, value in problem.hashes.items()},
    }
    return tree


def target_labels(problem: Problem) -> list[str]:
    """Labels `study:arm:symbol:month` of all targets."""
    return [
        f"{t.study}:{t.arm}:{catalogue.observable(t.observation.variable).symbol}"
        f":{t.observation.time_months:g}"
        for t in problem.targets
    ]


def target_coordinates(problem: Problem) -> dict[str, tuple[str, np.ndarray]]:
    """Coordinates of the dimension `target`: labels, and what they stand for."""
    columns: Mapping[str, list[object]] = {
        "target": list(target_labels(problem)),
        "study": [t.study for t in problem.targets],
        "arm": [t.arm for t in problem.targets],
        "variable": [t.observation.variable for t in problem.targets],
        "time_months": [t.observation.time_months for t in problem.targets],
        "comparison": [t.observation.comparison.value for t in problem.targets],
        "role": [role_of(t) for t in problem.targets],
        "unit": [unit_of(t) for t in problem.targets],
    }
    return {name: ("target", np.array(values)) for name, values in columns.items()}


def role_of(target: Target) -> str:
    """``fitted``, ``validation``, or ``dropped`` by the encoding."""
    return "dropped" if target.value is None else target.observation.role.value


def unit_of(target: Target) -> str:
    """Unit in which a target is predicted."""
    if target.is_ratio:
        return "ratio to untreated"
    return catalogue.observable(target.observation.variable).unit


def _kept(sample: Sample) -> tuple[Floats, Floats, np.ndarray, np.ndarray]:
    """Draws spread evenly over steps and walkers: theta, log density, steps and walkers."""
    state = sample.state
    chains = sample.ensembles.chains(state.steps)[:, state.burn_in :]
    densities = sample.ensembles.log_densities(state.steps)[:, state.burn_in :]
    count = chains.shape[1]
    draws = min(DRAWS, count * state.walkers)
    steps = np.arange(draws) * count // draws
    # One step after the other, another walker each time; a step taken again meets other walkers.
    walkers = np.arange(draws) % state.walkers
    shape = (len(chains), draws)
    return (
        chains[:, steps, walkers],
        densities[:, steps, walkers],
        np.broadcast_to(steps + state.burn_in, shape),
        np.broadcast_to(walkers, shape),
    )


def _evaluated(problem: Problem, theta: Floats) -> Evaluation:
    """`Problem.evaluate` in batches of a size that the engines like."""
    parts = [problem.evaluate(batch) for batch in _batches(theta)]
    arrays = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in (
            "predictions",
            "residuals",
            "log_likelihood",
            "log_prior",
            "log_posterior",
            "ok",
        )
    }
    return Evaluation(**arrays, messages=tuple(m for part in parts for m in part.messages))


def _batches(theta: Floats) -> Iterator[Floats]:
    for start in range(0, len(theta), _BATCH):
        yield theta[start : start + _BATCH]


def _noisy(problem: Problem, predictions: Floats, rng: np.random.Generator) -> Floats:
    """Predictions with the errors of the error model where a target is a number."""
    noise = rng.standard_normal(predictions.shape) @ problem.error_factor.T
    is_number = np.array([target.is_number for target in problem.targets])
    return np.asarray(predictions * np.exp(np.where(is_number, noise, 0.0)))


def _predictive(problem: Problem, predictions: Floats, rng: np.random.Generator) -> Floats:
    """As `_noisy`, and a number kept for validation given the fitted numbers of its arm."""
    mean, log_sd = problem.errors_given_fitted(predictions)
    noise = mean + log_sd * rng.standard_normal(predictions.shape)
    kept = np.array([t.is_number and not t.fitted for t in problem.targets])
    noisy = _noisy(problem, predictions, rng)
    return np.asarray(np.where(kept, predictions * np.exp(noise), noisy))


def _parameters(space: Space, theta: Floats, coords: Mapping[str, object]) -> xr.Dataset:
    shape = theta.shape
    natural = space.to_natural(theta.reshape(-1, shape[-1])).reshape(shape)
    return xr.Dataset(
        {
            p.id: (
                ("chain", "draw"),
                natural[..., i],
                {"units": p.unit, "long_name": p.name, "prior_scale": str(p.scale)},
            )
            for i, p in enumerate(space.parameters)
        },
        coords=coords,
    )


def _targets(
    values: Floats,
    coords: Mapping[str, object],
    targets: Mapping[str, tuple[str, np.ndarray]],
) -> xr.Dataset:
    return xr.Dataset(
        {"targets": (("chain", "draw", "target"), values)}, coords={**coords, **targets}
    )


def _observed(problem: Problem, targets: Mapping[str, tuple[str, np.ndarray]]) -> xr.Dataset:
    values = [np.nan if t.value is None else t.value for t in problem.targets]
    sds = [t.log_sd for t in problem.targets]
    return xr.Dataset(
        {"targets": ("target", np.array(values)), "log_sd": ("target", np.array(sds))},
        coords=dict(targets),
    )
