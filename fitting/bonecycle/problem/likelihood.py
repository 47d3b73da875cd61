"""The one place where a likelihood is computed.

Least-squares residuals are signed roots of the same terms, up to constants.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_triangular
from scipy.special import log_ndtr, ndtri_exp

from bonecycle.engines.interface import Floats

_LOG_2PI = float(np.log(2 * np.pi))
# A surface that a drug empties completely is below any microscope: its log stays finite.
SMALLEST = 1e-12


def terms(
    predictions: Floats, values: Floats, sides: Floats, factor: Floats
) -> tuple[Floats, Floats]:
    """Log-likelihood terms and residuals of a batch of predictions.

    Parameters
    ----------
    predictions : ndarray, shape (n_sets, n_targets)
        On the scale of the targets, not negative; NaN rows stay NaN.
    values : ndarray, shape (n_targets,)
        Numbers, limits or thresholds; NaN for a target that is dropped.
    sides : ndarray, shape (n_targets,)
        0 for a number, +1 when more than `values` is asked for, -1 for less.
    factor : ndarray, shape (n_targets, n_targets)
        Lower Cholesky factor of the covariance of log errors.

    Returns
    -------
    log_likelihood : ndarray, shape (n_sets, n_targets)
        Numbers: normal on the log scale, each conditional on the earlier ones of its arm, so that
        the sum is the joint density. Limits and directions: log of a probit. Dropped: zero.
    residuals : ndarray, shape (n_sets, n_targets)
        Numbers: whitened (predicted - observed). Others: root of minus twice the log probit, with
        the sign of the miss. Half their squares are the terms, up to a constant.
    """
    with np.errstate(invalid="ignore"):
        gaps = np.log(np.maximum(predictions, SMALLEST)) - np.log(values)
    dropped = np.isnan(values)
    gaps = np.where(dropped, 0.0, gaps)
    scale = np.diag(factor)
    failed = np.isnan(gaps).any(axis=1)
    whitened = solve_triangular(factor, np.where(failed[:, None], 0.0, gaps).T, lower=True).T
    whitened = np.where(failed[:, None], np.nan, whitened)
    probit = log_ndtr(sides * gaps / scale)
    is_number = sides == 0
    density = -0.5 * whitened**2 - np.log(scale) - 0.5 * _LOG_2PI
    log_likelihood = np.where(is_number, density, probit)
    residuals = np.where(is_number, whitened, -sides * np.sqrt(-2 * probit))
    return (
        np.where(dropped, 0.0, log_likelihood),
        np.where(dropped, 0.0, residuals),
    )


def residual_slopes(
    predictions: Floats, slopes: Floats, values: Floats, sides: Floats, factor: Floats
) -> Floats:
    """Derivatives of the residuals of `terms` at one point.

    Parameters
    ----------
    predictions : ndarray, shape (n_targets,)
    slopes : ndarray, shape (n_targets, n_parameters)
        Derivatives of the predictions.
    values, sides, factor
        As for `terms`.

    Returns
    -------
    ndarray, shape (n_targets, n_parameters)
    """
    gaps = np.log(np.maximum(predictions, SMALLEST)) - np.log(values)
    dropped, seen = np.isnan(values), predictions > SMALLEST
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where((seen & ~dropped)[:, None], slopes / predictions[:, None], 0.0)
    whitened = solve_triangular(factor, relative, lower=True)
    scale = np.diag(factor)
    z = np.where(dropped, 0.0, sides * gaps / scale)
    root = np.sqrt(-2 * log_ndtr(z))
    # phi(z) / Phi(z), over the residual's size; it vanishes faster than the root where a limit is
    # met by far.
    ratio = np.exp(-0.5 * z**2 - 0.5 * _LOG_2PI - log_ndtr(z))
    steep = np.divide(ratio, root * scale, out=np.zeros_like(root), where=root > 0)
    return np.where((sides == 0)[:, None], whitened, steep[:, None] * relative)


def curvature_weights(residuals: Floats, sides: Floats) -> Floats:
    """Curvature of each term over the square of its residual's slope, shape (n_targets,).

    One for a number. For a probit it is between one and two: the root of the term bends, and least
    squares without its bend would underrate what a limit tells.
    """
    squares = residuals**2
    z = ndtri_exp(np.minimum(-0.5 * squares, -1e-300))
    ratio = np.exp(-0.5 * z**2 - 0.5 * _LOG_2PI + 0.5 * squares)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = (ratio + z) * squares / ratio
    usable = (sides != 0) & (squares > 1e-12) & np.isfinite(weights)
    return np.where(usable, weights, 1.0)
