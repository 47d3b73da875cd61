"""Rates of a generated kernel at any states, for steady states and their derivatives."""

from __future__ import annotations

import ctypes

import numpy as np

from bonecycle.engines.interface import Floats
from bonecycle.engines.kernel.engine import KernelEngine
from bonecycle.engines.steady_state import (
    SteadyState,
    conservation_laws,
    replaced_rows,
    solve_steady_state,
)

_PREPARE, _EXTENDED, _INITIAL_GRADIENT = 0, 9, 6


class KernelRates:
    """A kernel without its doses as a `steady_state.RateSource`.

    Parameters
    ----------
    engine : KernelEngine
    """

    def __init__(self, engine: KernelEngine) -> None:
        self.parameters, self.model_name = engine.parameters, engine.model_name
        self._engine, self._compiled = engine, engine.single
        code = self._compiled.code
        self._names = engine.state_names
        self._parameters = np.empty((len(engine.parameters), 1))
        self._constants = engine.start_constants(code, 1)
        self._start = np.empty((code.n_states, 1))

    def start(self, values: Floats) -> None:
        """Set the parameters, shape (n_parameters,)."""
        self._parameters = np.array(values, dtype=float).reshape(-1, 1)
        self._call(_PREPARE, self._parameters, self._constants, self._start)

    def states(self) -> tuple[tuple[str, ...], Floats]:
        """Names and start values of the states: species, then variables with a rate rule."""
        return self._names, self._start[:, 0].copy()

    def rates_at(self, states: Floats) -> Floats:
        """Rates of the states per day, shape (n_states,)."""
        return self._extended(states)[0]

    def jacobian_at(self, states: Floats) -> Floats:
        """Exact derivatives of the rates by the states, shape (n_states, n_states)."""
        return self._extended(states)[1][:, : len(self._names)]

    def stoichiometry(self) -> Floats:
        """Stoichiometry matrix, shape (n_species, n_reactions)."""
        return self._engine.stoichiometry

    def _extended(self, states: Floats) -> tuple[Floats, Floats]:
        """Rates, and their derivatives by states and by constants that follow the parameters."""
        code = self._compiled.code
        rates, values = np.empty((code.n_states, 1)), np.empty(max(1, len(code.extended)))
        at = np.array(states, dtype=float).reshape(-1, 1)
        self._call(_EXTENDED, at, self._constants, rates, values)
        matrix = np.zeros((code.n_states, code.n_states + code.n_sensitive))
        for (row, column), value in zip(code.extended, values, strict=False):
            matrix[row, column] = value
        return rates[:, 0], matrix

    def start_slopes(self) -> Floats:
        """Derivatives of start values and constants by the parameters, (n_rows, n_parameters)."""
        code = self._compiled.code
        values = np.empty(max(1, len(code.initial_gradient)))
        self._call(_INITIAL_GRADIENT, self._parameters, values)
        slopes = np.zeros((code.n_states + code.n_sensitive, len(self.parameters)))
        for (row, column), value in zip(code.initial_gradient, values, strict=False):
            slopes[row, column] = value
        return slopes

    def _call(self, function: int, *arrays: Floats) -> None:
        address = int(self._compiled.functions[function])
        kind = ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * len(arrays))
        kind(address)(*(array.ctypes.data for array in arrays))


def steady_state(engine: KernelEngine, values: Floats) -> tuple[SteadyState, Floats]:
    """Untreated steady state of one parameter set, with its derivatives.

    Parameters
    ----------
    engine : KernelEngine
    values : ndarray, shape (n_parameters,)

    Returns
    -------
    SteadyState
    ndarray, shape (n_states, n_parameters)
        From the very matrix of the last Newton step; zero for integrals that were left out.

    Raises
    ------
    SimulationError
        When there is none, see `solve_steady_state`.
    """
    source = KernelRates(engine)
    found = solve_steady_state(source, values, engine.arm)
    n = len(found.names)
    start = source.start_slopes()
    extended = source._extended(found.values)[1]
    matrix, right = extended[:, :n], extended[:, n:] @ start[n:]
    laws = conservation_laws(source.stoichiometry(), n)
    if len(laws):
        rows = replaced_rows(laws)
        matrix[rows], right[rows] = laws, -laws @ start[:n]
    solved = [i for i, name in enumerate(found.names) if name not in found.integrals]
    slopes = np.zeros((n, len(values)))
    slopes[solved] = np.linalg.solve(matrix[np.ix_(solved, solved)], -right[solved])
    return found, slopes
