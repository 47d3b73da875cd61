"""A fitting problem: studies, a mechanism and priors, evaluated in batches."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing, with_regimen
from bonecycle.biology.regimens import Regimen, check_drugs
from bonecycle.engines.choice import EngineName, make_engine
from bonecycle.engines.interface import Batch, Engine, Floats
from bonecycle.errors import DataError, Fault, unknown
from bonecycle.manifest import content_hash
from bonecycle.problem.likelihood import curvature_weights, residual_slopes, terms
from bonecycle.problem.space import Space, fitted_space, parse_mechanism
from bonecycle.problem.targets import Target, make_targets, whitening
from bonecycle.studies.error_model import DEFAULT_ENCODING, ErrorModel, load_encodings
from bonecycle.studies.reader import load_studies, shipped_studies
from bonecycle.studies.schema import Comparison


@dataclass(frozen=True)
class ProblemSpec:
    """What makes a problem, in plain values that travel to worker processes.

    Attributes
    ----------
    mechanism : str
        ``H0`` to ``H5``, or a combination such as ``H1+H3``.
    encoding : str
        How "not strongly decreased" is read; a name of encodings.csv.
    data : tuple of str
        Paths of study tables; empty for the studies that are shipped.
    error_scale : float
        Factor on the standard deviations of the error model; 1 for those that were committed.
    dosing : Dosing
        How doses reach the model. Frequent doses one by one make a fit many times slower, so their
        time average is the default; `inference.summary.dosing_table` says what that changes.
    engine : EngineName
        What simulates.
    """

    mechanism: str = "H0"
    encoding: str = DEFAULT_ENCODING
    data: tuple[str, ...] = ()
    error_scale: float = 1.0
    dosing: Dosing = Dosing.AVERAGED
    engine: EngineName = EngineName.KERNEL


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


@dataclass(frozen=True)
class _Simulation:
    """One regimen: its engine, the times asked for, and where each target reads."""

    engine: Engine
    times: tuple[float, ...]
    own: Floats  # values of the engine's parameters that the problem does not free
    places: NDArray[np.intp]  # free parameters among the engine's
    columns: NDArray[np.intp]  # the same among the problem's
    targets: NDArray[np.intp]
    time_index: NDArray[np.intp]
    output_index: NDArray[np.intp]
    is_ratio: NDArray[np.bool_]

    def values(self, natural: Floats) -> Floats:
        """Parameter sets of the engine from those of the problem."""
        sets = np.tile(self.own, (len(natural), 1))
        sets[:, self.places] = natural[:, self.columns]
        return sets

    def predictions(self, batch: Batch) -> Floats:
        """What the targets are compared with, (n_sets, n_targets of the regimen)."""
        read = batch.values[:, self.time_index, self.output_index]
        start = batch.values[:, 0, self.output_index]
        return np.where(self.is_ratio, read / start, read)


class Problem:
    """Model, studies and priors; see `evaluate`.

    Attributes
    ----------
    spec : ProblemSpec
    space : Space
        Free parameters.
    parameters : mapping of str to Parameter
        All parameters of the model with every drug; the free ones among them.
    targets : tuple of Target
        Fitted and validation rows.
    fitted : ndarray of bool, shape (n_targets,)
        Which targets the fit uses.
    hashes : dict of str to str
        Content hashes of model, data, error model, encoding, priors and way of dosing.
    error_factor : ndarray, shape (n_targets, n_targets)
        Lower Cholesky factor of the covariance of the log errors.
    notices : tuple of str
        Which arms another engine simulates than the one asked for, and why.
    """

    def __init__(self, spec: ProblemSpec) -> None:
        self.spec = spec
        mechanism = parse_mechanism(spec.mechanism)
        encodings = load_encodings()
        if spec.encoding not in encodings:
            raise unknown("encoding", spec.encoding, encodings)
        paths = [Path(path) for path in spec.data] or shipped_studies()
        studies = load_studies(catalogue.observables(), paths)
        errors = ErrorModel.load()
        if spec.error_scale != 1:
            errors = errors.scaled(spec.error_scale)
        self.targets: tuple[Target, ...] = make_targets(studies, errors, encodings[spec.encoding])
        self.fitted = np.array([target.fitted for target in self.targets], dtype=np.bool_)
        if not self.fitted.any():
            faults = [
                Fault(str(path), 1, "role", "no row is fitted", "mark rows as fitted")
                for path in paths
            ]
            raise DataError(faults)
        drugs = self._drugs()
        self.space: Space = fitted_space(mechanism, drugs)
        model = compose("cycle", drugs)
        self.parameters = model.parameters
        self._values = np.array([np.nan if t.value is None else t.value for t in self.targets])
        self._sides = np.array([t.side for t in self.targets])
        self.error_factor = whitening(self.targets, errors)
        notices: list[str] = []
        self._simulations = [self._simulation(regimen, notices) for regimen in self.regimens]
        self.notices = tuple(notices)
        self.hashes = {
            "model": model.hash,
            "data": content_hash(*(path.read_bytes() for path in paths)),
            "error_model": errors.hash,
            "encoding": content_hash(repr(encodings[spec.encoding])),
            "priors": content_hash(repr(self.space.parameters)),
            "dosing": content_hash(spec.dosing),
        }

    @property
    def are_numbers(self) -> NDArray[np.bool_]:
        """Which targets report a number, and not a limit, a direction or "unchanged"."""
        kinds = [target.observation.comparison for target in self.targets]
        return np.array([kind is Comparison.EQUAL for kind in kinds], dtype=np.bool_)

    @property
    def regimens(self) -> tuple[Regimen, ...]:
        """Distinct regimens in the order in which the targets name them."""
        return tuple(dict.fromkeys(target.regimen for target in self.targets))

    def with_values(self, values: Floats) -> Problem:
        """Return the problem with other observed values, to fit synthetic data.

        Parameters
        ----------
        values : ndarray, shape (n_targets,)
            Numbers, limits or thresholds; NaN drops a target.
        """
        other = copy(self)
        other._values = np.asarray(values, dtype=float)
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
        for part in self._simulations:
            batch = part.engine.simulate(part.values(natural), part.times)
            predictions[:, part.targets] = part.predictions(batch)
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
        for part in self._simulations:
            free = [part.engine.parameters[place] for place in part.places]
            result = part.engine.gradient(part.values(natural[None]), part.times, free)
            if not result.batch.ok[0]:
                return np.full(slopes.shape, np.nan)
            predictions[part.targets] = part.predictions(result.batch)[0]
            read = result.slopes[0, part.time_index, part.output_index]
            start = result.batch.values[0, 0, part.output_index]
            relative = result.slopes[0, 0, part.output_index] / start[:, None]
            at_time = result.batch.values[0, part.time_index, part.output_index]
            ratio = read / start[:, None] - (at_time / start)[:, None] * relative
            own = np.where(part.is_ratio[:, None], ratio, read)
            slopes[np.ix_(part.targets, part.columns)] = own * chain[part.columns]
        return residual_slopes(predictions, slopes, self._values, self._sides, self.error_factor)

    def weighted_slopes(self, theta: Floats) -> Floats:
        """Slopes of the residuals at one point, such that J'J is the curvature of the terms.

        Shape (n_targets, n_parameters), by theta; exact for limits, and for numbers where the
        predictions are straight.
        """
        residuals = self.evaluate(theta[None]).residuals[0]
        weights = curvature_weights(residuals, self._sides)
        return np.asarray(np.sqrt(weights)[:, None] * self.residual_slopes(theta))

    def _drugs(self) -> tuple[str, ...]:
        """Drugs that the targets' regimens name, checked against the catalogue."""
        names: list[str] = []
        for regimen in self.regimens:
            check_drugs(regimen, catalogue.routes())
            names += regimen.drugs
        return tuple(name for name in catalogue.drugs() if name in names)

    def _simulation(self, regimen: Regimen, notices: list[str]) -> _Simulation:
        chosen = [i for i, target in enumerate(self.targets) if target.regimen == regimen]
        targets = [self.targets[i] for i in chosen]
        times = sorted({0.0, *(target.time_days for target in targets)})
        # The same for all arms, so that they share the generated code.
        outputs = sorted({target.observation.variable for target in self.targets})
        model = compose("cycle", regimen.drugs)
        # What any mechanism frees, so that all mechanisms share it too.
        every = fitted_space(tuple(catalogue.mechanisms()), regimen.drugs)
        names = [name for name in every.names if name in model.parameters]
        free = [name for name in self.space.names if name in names]
        own = [0.0 if p.mechanism else p.value for p in map(model.parameters.__getitem__, names)]
        arm = f"{targets[0].study}: {targets[0].arm}"
        engine, notice = _load_engine(
            self.spec.engine, regimen, self.spec.dosing, tuple(names), tuple(outputs), arm
        )
        if notice:
            notices.append(notice)
        return _Simulation(
            engine=engine,
            times=tuple(times),
            own=np.array(own),
            places=np.array([names.index(name) for name in free], dtype=np.intp),
            columns=np.array([self.space.names.index(name) for name in free], dtype=np.intp),
            targets=np.array(chosen, dtype=np.intp),
            time_index=np.array([times.index(t.time_days) for t in targets], dtype=np.intp),
            output_index=np.array(
                [outputs.index(t.observation.variable) for t in targets], dtype=np.intp
            ),
            is_ratio=np.array([t.is_ratio for t in targets], dtype=np.bool_),
        )


@cache
def _load_engine(
    name: EngineName,
    regimen: Regimen,
    dosing: Dosing,
    parameters: tuple[str, ...],
    outputs: tuple[str, ...],
    arm: str,
) -> tuple[Engine, str]:
    """Load a regimen once per process: mechanisms and encodings share it."""
    model = with_regimen(compose("cycle", regimen.drugs), regimen, dosing)
    return make_engine(name, model.sbml, parameters, outputs, model.name, arm)


@cache
def load_problem(spec: ProblemSpec) -> Problem:
    """Build a problem once per process; compiling its models takes seconds."""
    return Problem(spec)
