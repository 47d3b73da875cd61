"""Random prior draws, at which a kernel is checked and its tolerance chosen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bonecycle.biology import catalogue
from bonecycle.biology.tables import Parameter, Scale
from bonecycle.engines.interface import Floats

# Parameters that no table lists vary by this much around the model's own value.
_SPREAD = 0.1
# Priors wider than this say little about where a model can be simulated.
_WIDEST = 1.0


def prior_draws(parameters: Sequence[str], own: Floats, draws: int) -> Floats:
    """Draw parameters from their priors, (draws, n_parameters).

    Parameters
    ----------
    parameters : sequence of str
    own : ndarray, shape (n_parameters,)
        The model's values, for parameters that no table lists.
    draws : int
    """
    known = dict(catalogue.parameters())
    for drug in catalogue.drugs().values():
        known |= {parameter.id: parameter for parameter in drug.parameters}
    normal = np.random.default_rng(0).standard_normal((draws, len(parameters)))
    columns = [
        _drawn(known.get(name), value, column)
        for name, value, column in zip(parameters, own, normal.T, strict=True)
    ]
    return np.stack(columns, axis=1) if columns else np.zeros((draws, 0))


def _drawn(parameter: Parameter | None, own: float, normal: Floats) -> Floats:
    if parameter is None or parameter.prior_sd is None or not parameter.value > 0:
        return np.asarray(own * np.exp(_SPREAD * normal))
    spread = min(parameter.prior_sd, _WIDEST) * normal
    if parameter.scale is Scale.LOG:
        return np.asarray(parameter.value * np.exp(spread))
    odds = parameter.value / (1 - parameter.value) * np.exp(spread)
    return np.asarray(odds / (1 + odds))
