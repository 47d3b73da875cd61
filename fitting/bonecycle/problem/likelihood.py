"""The one place where a likelihood is computed.

Least-squares residuals are signed roots of the same terms, up to constants.
"""

from __future__ import annotations

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from scipy.linalg import solve_triangular
from scipy.special import log_ndtr, logsumexp, ndtri_exp

from bonecycle.engines.interface import Floats

_LOG_2PI = float(np.log(2 * np.pi))
# A surface that a drug empties completely is below any microscope: its log stays finite.
SMALLEST = 1e-12
# Quadrature of a patient's effect: errors below 1e-5 in the tests; none without zeros.
_NODES = 32


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


def patient_terms(
    medians: Floats, log_values: Floats, log_limits: Floats, shared: Floats, own: Floats
) -> tuple[Floats, Floats, Floats]:
    """Log-likelihood of the biopsies of one arm, the patients' effects integrated out.

    On the log scale a value is the median of its cell (observable and month), plus `shared` times
    the standard normal effect of its patient, plus a normal residual with SD `own`. A value
    below its detection limit counts with the probability of lying there. Without such values the
    integral is a multivariate normal density, exactly; with them it is a Gauss-Hermite sum about
    what the other values say of the patient.

    Parameters
    ----------
    medians : ndarray, shape (n_cells,)
        Log of the median patient's value.
    log_values : ndarray, shape (n_patients, n_cells)
        NaN where nothing was measured or found.
    log_limits : ndarray, shape (n_patients, n_cells)
        Log of the detection limit where nothing was found; NaN elsewhere.
    shared, own : ndarray, shape (n_cells,)
        SDs on the log scale; `own` above zero.

    Returns
    -------
    terms : ndarray, shape (n_patients,)
    slopes : ndarray, shape (n_cells,)
        Of the sum of the terms, by `medians`.
    curvature : ndarray, shape (n_cells, n_cells)
        Minus the second derivatives; positive semidefinite, as the terms are log-concave.
    """
    seen, below = ~np.isnan(log_values), ~np.isnan(log_limits)
    gaps = np.where(seen, log_values - medians, 0.0)
    weights = np.where(seen, shared / own**2, 0.0)
    # What the values above zero say of a patient's effect: normal, given the medians.
    spread = 1 / np.sqrt(1 + np.sum(weights * shared, axis=1))
    centre = spread**2 * np.sum(weights * gaps, axis=1)
    nodes, mass = hermegauss(_NODES)
    effects = centre[:, None] + spread[:, None] * nodes
    residuals = (gaps[:, None, :] - shared * effects[:, :, None]) / own
    numbers = np.where(seen[:, None], -0.5 * residuals**2 - np.log(own) - 0.5 * _LOG_2PI, 0.0)
    limits = np.where(below, log_limits - medians, 0.0)
    z = (limits[:, None, :] - shared * effects[:, :, None]) / own
    probit = np.where(below[:, None], log_ndtr(z), 0.0)
    # Prior of the effect over the density from which the nodes come.
    prior = -0.5 * effects**2 + 0.5 * nodes**2 + np.log(spread)[:, None]
    joint = numbers.sum(axis=2) + probit.sum(axis=2) + prior + np.log(mass / mass.sum())
    terms = logsumexp(joint, axis=1)
    share = np.exp(joint - terms[:, None])
    ratio = np.where(below[:, None], np.exp(-0.5 * z**2 - 0.5 * _LOG_2PI - log_ndtr(z)), 0.0)
    at_node = (np.where(seen[:, None], residuals, 0.0) - ratio) / own
    bend = np.where(seen[:, None], 1.0, ratio * (ratio + z)) / own**2
    bend = np.where((seen | below)[:, None], bend, 0.0)
    slopes = np.einsum("pn,pnc->pc", share, at_node)
    # Louis: the mean curvature at given effects, less the variance of the slopes over the effects.
    about = at_node - slopes[:, None, :]
    curvature = np.diag(np.einsum("pn,pnc->c", share, bend))
    curvature -= np.einsum("pn,pnc,pnd->cd", share, about, about)
    return terms, slopes.sum(axis=0), curvature
