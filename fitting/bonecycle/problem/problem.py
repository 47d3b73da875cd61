"""A fitting problem: studies, a mechanism and priors, evaluated in batches."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bonecycle.biology.regimens import Regimen
from bonecycle.engines.interface import Floats
from bonecycle.problem.likelihood import SMALLEST, curvature_weights, residual_slopes, terms
from bonecycle.problem.models import make_setting
from bonecycle.problem.spec import ProblemSpec
from bonecycle.problem.targets import whitening
from bonecycle.studies.schema import Comparison

__all__ = ["Evaluation", "Problem", "ProblemSpec", "load_problem"]


@dataclass(frozen=True)
class Evaluation:
    """A problem at a batch of points.

    Attributes
    ----------
    predictions, residuals, log_likelihood : ndarray, shape (n_sets, n_targets)
        See `likelihood.terms`; NaN predictions and residuals and a log-likelihood of minus
        infinity where a set failed.
        Validation rows have their terms too, for comparison: they are no part of a posterior.
    log_prior : ndarray, shape (n_sets, n_parameters)
    log_posterior : ndarray, shape (n_sets,)
        Fitted rows and priors; up to the evidence. Minus infinity where a set failed.
    ok : ndarray of bool, shape (n_sets,)
    messages : tuple of str, length n_sets
        Why a set failed.
    """

    predictions: Floats
    residuals: Floats
    log_likelihood: Floats
    log_prior: Floats
    log_posterior: Floats
    ok: NDArray[np.bool_]
    messages: tuple[str, ...]


class Problem:
    """Model, studies and priors; see `evaluate`.

    Attributes
    ----------
    spec : ProblemSpec
    space : Space
        Free parameters.
    parameters : mapping of str to Parameter
        All parameters of the model (of the cycle with every drug of the targets); the free ones
        among them.
    targets : tuple of Target
        Fitted rows, and validation rows under a regimen of theirs.
    held : tuple of Target
        Validation rows under any other regimen: `analysis.validation` predicts them, so that a fit
        does not pay for them.
    arms : tuple of Arm
        One a regimen, in the order of `regimens`; of a PEtab problem, one a condition.
    fitted : ndarray of bool, shape (n_targets,)
        Which targets the fit uses.
    hashes : dict of str to str
        Content hashes of model, data, error model, encoding, priors and way of dosing.
    error_covariance : ndarray, shape (n_targets, n_targets)
        Covariance of the log errors, validation rows with those of their arms.
    error_factor : ndarray, shape (n_targets, n_targets)
        Its lower Cholesky factor as a fit takes it: validation rows on their own.
    notices : tuple of str
        Which arms another engine simulates than the one asked for, and why.
    """

    def __init__(self, spec: ProblemSpec) -> None:
        self.spec = spec
        setting = make_setting(spec)
        self.targets, self.held = setting.targets, setting.held
        self.fitted = np.array([target.fitted for target in self.targets], dtype=np.bool_)
        self.space = setting.space
        self.parameters = setting.parameters
        self.error_covariance = setting.error_covariance
        self.error_factor = whitening(setting.error_covariance, self.fitted)
        self.arms = setting.arms
        self.hashes = setting.hashes
        self.notices = setting.notices
        self._values = np.array([np.nan if t.value is None else t.value for t in self.targets])
        self._sides = np.array([t.side for t in self.targets])

    @property
    def are_numbers(self) -> NDArray[np.bool_]:
        """Which targets report a number, and not a limit, a direction or "unchanged"."""
        kinds = [target.observation.comparison for target in self.targets]
        return np.array([kind is Comparison.EQUAL for kind in kinds], dtype=np.bool_)

    @property
    def fitted_arms(self) -> frozenset[tuple[str, str]]:
        """Trial and arm of every fitted row: the errors of an arm are correlated."""
        return frozenset((t.trial, t.arm) for t in self.targets if t.fitted)

    @property
    def regimens(self) -> tuple[Regimen, ...]:
        """Distinct regimens in the order in which the targets name them."""
        return tuple(dict.fromkeys(target.regimen for target in self.targets))

    @property
    def values(self) -> Floats:
        """Numbers, limits or thresholds, shape (n_targets,); NaN for a target that is dropped."""
        return self._values.copy()

    @property
    def sides(self) -> Floats:
        """0 for a number, +1 where more than `values` is asked for, -1 for less; (n_targets,)."""
        return self._sides.copy()

    def with_values(self, values: Floats, sides: Floats | None = None) -> Problem:
        """Return the problem with other observations, to fit synthetic data or to leave some out.

        Parameters
        ----------
        values : ndarray, shape (n_targets,)
            Numbers, limits or thresholds; NaN drops a target. Of the numbers of one arm drop all
            or none: each is conditional on the earlier ones.
        sides : ndarray, shape (n_targets,), optional
            Which side each statement asks for; None keeps those of the studies.
        """
        other = copy(self)
        other._values = np.array(values, dtype=float)
        if sides is not None:
            other._sides = np.array(sides)
        return other

    def evaluate(self, theta: Floats) -> Evaluation:
        """Evaluate a batch of points.

        Parameters
        ----------
        theta : ndarray, shape (n_sets, n_parameters)
            On the scales of the priors, in the order of `space`.

        Returns
        -------
        Evaluation
        """
        theta = np.atleast_2d(np.asarray(theta, dtype=float))
        predictions = np.full((len(theta), len(self.targets)), np.nan)
        ok = np.ones(len(theta), dtype=np.bool_)
        messages = [""] * len(theta)
        natural = self.space.to_natural(theta)
        for part in self.arms:
            predictions[:, part.targets], batch = part.simulate(natural)
            ok &= batch.ok
            messages = [a or b for a, b in zip(messages, batch.messages, strict=True)]
        predictions[~ok] = np.nan
        log_likelihood, residuals = terms(predictions, self._values, self._sides, self.error_factor)
        log_likelihood = np.where(ok[:, None], log_likelihood, -np.inf)
        log_prior = self.space.log_prior(theta)
        log_posterior = log_likelihood[:, self.fitted].sum(axis=1) + log_prior.sum(axis=1)
        return Evaluation(
            predictions, residuals, log_likelihood, log_prior, log_posterior, ok, tuple(messages)
        )

    def errors_given_fitted(self, predictions: Floats) -> tuple[Floats, Floats]:
        """Log errors of the rows that are not fitted, given those of fitted rows of their arms.

        Parameters
        ----------
        predictions : ndarray, shape (..., n_targets)
            Of `evaluate`.

        Returns
        -------
        mean : ndarray, shape (..., n_targets)
            Zero for a fitted row, and for one whose arm has no fitted number.
        log_sd : ndarray, shape (n_targets,)
        """
        given, other = self.fitted & self.are_numbers & ~np.isnan(self._values), ~self.fitted
        between = self.error_covariance[np.ix_(given, other)]
        shares = np.linalg.solve(self.error_covariance[np.ix_(given, given)], between)
        logs = np.log(np.maximum(predictions[..., given], SMALLEST))
        mean, variance = np.zeros(predictions.shape), np.diag(self.error_covariance).copy()
        mean[..., other] = (np.log(self._values[given]) - logs) @ shares
        variance[other] -= np.sum(between * shares, axis=0)
        return mean, np.sqrt(variance)

    def residual_slopes(self, theta: Floats) -> Floats:
        """Derivatives of the residuals by theta at one point.

        Parameters
        ----------
        theta : ndarray, shape (n_parameters,)

        Returns
        -------
        ndarray, shape (n_targets, n_parameters)
            NaN where the point cannot be simulated.
        """
        natural = self.space.to_natural(theta[None])[0]
        chain = self.space.slopes_to_natural(theta[None])[0]
        predictions = np.full(len(self.targets), np.nan)
        slopes = np.zeros((len(self.targets), len(natural)))
        for part in self.arms:
            result = part.engine.gradient(part.values(natural[None]), part.times, part.free)
            if not result.batch.ok[0]:
                return np.full(slopes.shape, np.nan)
            predictions[part.targets] = part.predictions(result.batch)[0]
            free = part.slopes(result) * chain[part.columns]
            slopes[np.ix_(part.targets, part.columns)] = free
        return residual_slopes(predictions, slopes, self._values, self._sides, self.error_factor)

    def weighted_slopes(self, theta: Floats) -> Floats:
        """Slopes of the residuals at one point, such that J'J is the curvature of the terms.

        Shape (n_targets, n_parameters), by theta; exact for limits, and for numbers where the
        predictions are straight.
        """
        residuals = self.evaluate(theta[None]).residuals[0]
        weights = curvature_weights(residuals, self._sides)
        return np.asarray(np.sqrt(weights)[:, None] * self.residual_slopes(theta))


@cache
def load_problem(spec: ProblemSpec) -> Problem:
    """Build a problem once per process; compiling its models takes seconds."""
    return Problem(spec)
