"""A posterior in place of the priors of a response."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bonecycle.analysis.cycle_responses import CycleResponse
from bonecycle.analysis.draws import Draws, names_behind
from bonecycle.biology.compose import compose
from bonecycle.engines.interface import Floats
from bonecycle.errors import UsageError
from bonecycle.problem.space import Space


def over_draws(response: CycleResponse, draws: Draws) -> tuple[CycleResponse, Floats]:
    """Take a posterior, or a Laplace approximation of one, in place of the priors.

    Parameters
    ----------
    response : CycleResponse
        Its parameters and their centres are not used.
    draws : Draws
        As `analysis.draws` gives them.

    Returns
    -------
    response : CycleResponse
        Varies everything that varies over the draws and that its observables depend on, each
        parameter by its own mean and SD (scale of the prior), *as if they were independent*.
    values : ndarray, shape (n_draws, n_parameters of the response)
        The draws in natural units, with their dependence.

    Raises
    ------
    UsageError
        When nothing varies.
    """
    drugs = response.regimen.drugs
    model = compose("cycle", drugs)
    behind = names_behind(model.sbml, frozenset(response.observables))
    columns = draws.values(drugs)
    names = [name for name in columns if name in behind and np.ptp(columns[name]) > 0]
    if not names:
        raise UsageError(f"{len(draws)} draws, and nothing the outputs depend on varies over them.")
    values = np.column_stack([columns[name] for name in names])
    prior = Space(tuple(model.parameters[name] for name in names))
    theta = prior.from_natural(values)
    sds = theta.std(axis=0, ddof=1)
    centers = prior.to_natural(theta.mean(axis=0, keepdims=True))[0]
    own = tuple(
        replace(p, value=float(center), prior_sd=float(sd))
        for p, center, sd in zip(prior.parameters, centers, sds, strict=True)
    )
    return replace(response, space=Space(own), fixed=()), values
