"""Draws of a fitted problem as parameter values of any model with any drugs."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import expit, logit

from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.tables import Parameter, Scale
from bonecycle.engines.interface import Floats
from bonecycle.engines.kernel.description import read
from bonecycle.errors import SimulationError, UsageError
from bonecycle.inference.fitting.least_squares import Fit
from bonecycle.problem.problem import ProblemSpec, load_problem

LAPLACE = "Laplace approximation at a fit"
"""How a source begins that is no posterior: a normal around the best point."""
NOT_CONVERGED = ", not converged: "
"""Stands in a source before the verdict on chains that are no posterior yet."""


@dataclass(frozen=True)
class Draws:
    """Draws of one mechanism.

    Attributes
    ----------
    spec : ProblemSpec
    theta : ndarray, shape (n_draws, n_parameters)
        On the scales of the priors, in the order of the problem's space.
    source : str
        Where they are from, in a few words.
    seed : int
        Of what is drawn beside them.
    """

    spec: ProblemSpec
    theta: Floats
    source: str
    seed: int = 0

    def __len__(self) -> int:
        return len(self.theta)

    @property
    def mechanism(self) -> str:
        """Name of the mechanism, such as ``H1+H3``."""
        return self.spec.mechanism

    @property
    def is_laplace(self) -> bool:
        """Whether they are no posterior draws."""
        return self.source.startswith(LAPLACE)

    @property
    def doubt(self) -> str:
        """Verdict on the chains they are from where these have not converged; else empty."""
        return self.source.partition(NOT_CONVERGED)[2]

    def values(self, drugs: Sequence[str]) -> dict[str, Floats]:
        """Values of every parameter with a prior, of the model with these drugs.

        Fitted parameters are drawn as they are. What no fitted row depends on is drawn from its
        prior, which is its posterior: a drug without rows, the floor of a marker without rows.
        The others stay at their prior centre, as in the fit; so results are conditional on them.

        Parameters
        ----------
        drugs : sequence of str
            Drugs of the model.

        Returns
        -------
        dict of str to ndarray, shape (n_draws,)
            In the parameters' units.
        """
        space = load_problem(self.spec).space
        fitted = dict(zip(space.names, space.to_natural(self.theta).T, strict=True))
        silent = {p.id for p in silent_parameters(self.spec, tuple(drugs))}
        found = {}
        for parameter in parameters_with_prior(drugs):
            name = parameter.id
            if name in fitted:
                found[name] = fitted[name]
            elif name in silent:
                found[name] = spread(parameter, _noise(name, self.seed, len(self)))
            else:
                found[name] = np.full(len(self), 0.0 if parameter.mechanism else parameter.value)
        return found


def laplace_draws(fit: Fit, count: int, seed: int = 0) -> Draws:
    """Draw from the normal around the best point of a fit.

    Raises
    ------
    SimulationError
        When the fit has no covariance.
    """
    if not np.isfinite(fit.best.covariance).all():
        remedy = "the best point has no finite covariance; fit with more starts"
        raise SimulationError("cycle", fit.spec.mechanism, {}, remedy)
    random = np.random.default_rng(seed)
    theta = random.multivariate_normal(fit.best.theta, fit.best.covariance, count)
    starts = f"{len(fit.starts)} start{'s' if len(fit.starts) > 1 else ''}"
    return Draws(fit.spec, theta, f"{LAPLACE} from {starts}", seed)


def posterior_draws(path: Path, count: int, seed: int = 0) -> Draws:
    """Draw from a posterior that `bonecycle sample` wrote, thinned evenly over its chains.

    The source of the draws says where the chains have not converged.

    Raises
    ------
    UsageError
        When model, data, priors or errors are not those that were sampled.
    """
    from bonecycle.inference.posterior.files import read_posterior, spec_of, theta_draws

    tree = read_posterior(path)
    spec, attrs = spec_of(tree), tree.attrs
    hashes = load_problem(spec).hashes
    changed = [name for name, value in hashes.items() if attrs.get(f"hash_{name}") != value]
    if changed:
        names = ", ".join(changed).replace("_", " ")
        raise UsageError(f"{path} was sampled with other content of: {names}. Sample again.")
    doubt = "" if attrs["converged"] else f"{NOT_CONVERGED}{attrs['verdict']}"
    return Draws(spec, theta_draws(tree, count, seed), f"posterior {path}{doubt}", seed)


def parameters_with_prior(drugs: Sequence[str]) -> tuple[Parameter, ...]:
    """Parameters with a prior of the model with these drugs, in the order of its table."""
    return tuple(p for p in compose("cycle", tuple(drugs)).parameters.values() if p.scale)


def spread(parameter: Parameter, noise: Floats, sd: float | None = None) -> Floats:
    """Values around the prior centre: `noise` is in SDs of the prior, or of `sd` if given."""
    return shifted(parameter, np.full(noise.shape, parameter.value), noise, sd)


def shifted(parameter: Parameter, values: Floats, noise: Floats, sd: float | None = None) -> Floats:
    """Values moved by `noise` SDs on the scale of the parameter's prior."""
    step = noise * float(sd if sd is not None else parameter.prior_sd or 0.0)
    if parameter.scale is Scale.LOGIT:
        return np.asarray(expit(logit(values) + step), dtype=float)
    return np.asarray(values * np.exp(step), dtype=float)


@cache
def silent_parameters(spec: ProblemSpec, drugs: tuple[str, ...]) -> tuple[Parameter, ...]:
    """Parameters of the model with these drugs on which no fitted row depends.

    Those with a prior that the problem does not fit, strengths of mechanisms left out: by the
    formulas of the model, not by numbers.
    """
    problem = load_problem(spec)
    outputs = {t.observation.variable for t in problem.targets if t.fitted}
    fitted_drugs = {drug for t in problem.targets if t.fitted for drug in t.regimen.drugs}
    known = tuple(name for name in catalogue.drugs() if name in fitted_drugs)
    seen = names_behind(compose("cycle", known).sbml, frozenset(outputs))
    return tuple(
        p
        for p in parameters_with_prior(drugs)
        if not p.mechanism and p.id not in problem.space.names and p.id not in seen
    )


@cache
def names_behind(sbml: str, outputs: frozenset[str]) -> frozenset[str]:
    """Constant parameters of a model that its outputs depend on."""
    names = tuple(read(sbml, ()).parameters)
    system = read(sbml, names)
    waiting = [system.variables[name] for name in outputs]
    found: set[str] = set()
    visited: set[int] = set()
    while waiting:
        node = waiting.pop()
        if node in visited:
            continue
        visited.add(node)
        waiting += system.graph.operands(node)
        if system.graph.kind(node) != "symbol":
            continue
        name = system.graph.name(node)
        if name in system.rates:
            waiting += [system.rates[name], system.initial[name]]
        else:
            found.add(name)
    return frozenset(found)


def _noise(name: str, seed: int, count: int) -> Floats:
    """Standard normal numbers that belong to a name, whatever else is drawn."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())]).normal(size=count)


def rows_of(values: Mapping[str, Floats], chosen: slice) -> dict[str, Floats]:
    """The chosen draws of parameter values by name."""
    return {name: column[chosen] for name, column in values.items()}
