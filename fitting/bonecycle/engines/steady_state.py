"""The untreated steady state, solved directly with its conservation laws.

Newton's method on the rates. Conservation laws are the left null space of the stoichiometry;
each replaces one redundant equation. Pure integrals (states on which no rate depends, such as
bone volume) have no steady state and are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import null_space, qr

from bonecycle.engines.interface import Floats
from bonecycle.errors import SimulationError

Indices = NDArray[np.intp]
RESIDUAL_LIMIT = 1e-10
SUM_LIMIT = 1e-9


class RateSource(Protocol):
    """A model whose rates can be asked for at any states."""

    parameters: tuple[str, ...]
    model_name: str

    def start(self, values: Floats) -> None:
        """Set the parameters, shape (n_parameters,)."""
        ...

    def states(self) -> tuple[tuple[str, ...], Floats]:
        """Names and start values of the states."""
        ...

    def rates_at(self, states: Floats) -> Floats:
        """Rates per day, shape (n_states,)."""
        ...

    def jacobian_at(self, states: Floats) -> Floats:
        """Derivatives of the rates by the states, shape (n_states, n_states)."""
        ...

    def stoichiometry(self) -> Floats:
        """Stoichiometry matrix, shape (n_species, n_reactions); species are the first states."""
        ...


@dataclass(frozen=True)
class SteadyState:
    """A checked steady state.

    Attributes
    ----------
    names : tuple of str
        All states of the model.
    values : ndarray, shape (n_states,)
        Their values; integrals keep the value at which they started.
    integrals : tuple of str
        States that were left out.
    residual : float
        Largest |dy/dt| / scale per day over the states solved for; scale = max(|y|, 1e-6 max|y|).
    conserved_error : float
        Largest change of a conserved sum.
    """

    names: tuple[str, ...]
    values: Floats
    integrals: tuple[str, ...]
    residual: float
    conserved_error: float


def solve_steady_state(engine: RateSource, parameters: Floats, arm: str) -> SteadyState:
    """Solve for the steady state of one parameter set, from the model's own start.

    Parameters
    ----------
    engine : RateSource
        A model without a regimen: `RoadRunnerEngine` or `kernel.rates.KernelRates`.
    parameters : ndarray, shape (n_parameters,)
        In the order of the engine's parameters.
    arm : str
        Name for messages.

    Raises
    ------
    SimulationError
        When Newton's method does not reach a residual below 1e-10 per day, a conserved sum
        changes by more than 1e-9, or a state ends below zero.
    """
    engine.start(parameters)
    names, start = engine.states()
    with np.errstate(all="ignore"):
        jacobian = engine.jacobian_at(start)
    if not np.isfinite(jacobian).all():
        raise _failure(engine, parameters, arm, "the rates at its start are not finite")
    solved = np.flatnonzero(np.abs(jacobian).sum(axis=0) > 0)
    laws = conservation_laws(engine.stoichiometry(), len(start))
    totals = laws @ start
    values = start.copy()
    for _ in range(20):
        defect, matrix = _equations(engine, values, laws, totals, solved)
        try:
            step = np.linalg.solve(matrix, -defect)
        except np.linalg.LinAlgError as error:
            raise _failure(engine, parameters, arm, "the equations are singular") from error
        values[solved] += step
        if np.abs(step).max() <= 1e-13 * np.abs(values[solved]).max():
            break
    rates = engine.rates_at(values)[solved]
    scale = np.maximum(np.abs(values[solved]), 1e-6 * np.abs(values[solved]).max())
    residual = float(np.max(np.abs(rates) / scale))
    conserved = float(np.max(np.abs(laws @ values - totals), initial=0.0))
    if not residual < RESIDUAL_LIMIT:
        raise _failure(engine, parameters, arm, f"the residual stays at {residual:.1e} per day")
    if not conserved < SUM_LIMIT:
        raise _failure(engine, parameters, arm, f"a conserved sum moved by {conserved:.1e}")
    if (values[solved] < -1e-9 * np.abs(values[solved]).max()).any():
        raise _failure(engine, parameters, arm, "a state is negative")
    integrals = tuple(name for i, name in enumerate(names) if i not in set(solved))
    return SteadyState(names, values, integrals, residual, conserved)


def conservation_laws(stoichiometry: Floats, n_states: int) -> Floats:
    """Conserved sums, shape (n_laws, n_states): the left null space of the stoichiometry."""
    sums = null_space(stoichiometry.T).T
    return np.pad(sums, ((0, 0), (0, n_states - sums.shape[1])))


def replaced_rows(laws: Floats) -> Indices:
    """Species whose equation each law replaces; column pivoting picks one for every law."""
    return np.asarray(qr(laws, pivoting=True, mode="r")[1][: len(laws)])


def _equations(
    engine: RateSource, values: Floats, laws: Floats, totals: Floats, solved: Indices
) -> tuple[Floats, Floats]:
    """Defect and matrix; a law replaces the equation of the species that weighs most in it."""
    rates, matrix = engine.rates_at(values), engine.jacobian_at(values)
    if len(laws):
        rows = replaced_rows(laws)
        rates[rows] = laws @ values - totals
        matrix[rows] = laws
    return rates[solved], matrix[np.ix_(solved, solved)]


def _failure(engine: RateSource, parameters: Floats, arm: str, reason: str) -> SimulationError:
    named = dict(zip(engine.parameters, map(float, parameters), strict=True))
    remedy = f"no steady state was found: {reason}; check that no rate is zero or extreme"
    return SimulationError(engine.model_name, arm, named, remedy)
