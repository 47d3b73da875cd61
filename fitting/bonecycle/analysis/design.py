"""What to measure next: the expected gain of a measurement in telling mechanisms apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from bonecycle.analysis.draws import Draws
from bonecycle.analysis.forward import forward
from bonecycle.analysis.population import simulate_arm, spreads
from bonecycle.biology import catalogue
from bonecycle.biology.amounts import DAYS_PER_MONTH
from bonecycle.biology.regimens import Regimen
from bonecycle.engines.interface import Floats
from bonecycle.errors import SimulationError, UsageError
from bonecycle.studies.error_model import ErrorModel

QUANTITIES = ("ES_BS", "OS_BS", "Ac_f", "Rv_D", "Cn_C", "ES_low_density", "CTX", "P1NP")
"""Candidate measurements: six of a biopsy, two of serum."""
PATIENTS = (5, 10, 20, 40, 80, 160, np.inf)
"""Patients of an arm at each month; without end, only the error between studies is left."""
DECIDED = 0.9
"""Posterior probability that decides, and the chance of it that a deciding study has."""
_BAYES_FACTOR = 10.0
_SMALLEST = 1e-9
# A density is a mean over draws: fewer say nothing.
_FEWEST = 10
_PATIENTS_OF_SPREAD, _DRAWS_OF_SPREAD = 60, 20
# Rows of a table of distances at a time: memory.
_CHUNK = 512


@dataclass(frozen=True)
class Measurement:
    """One observable at one month, as log(mean of treated / mean of untreated)."""

    quantity: str
    month: float

    def __str__(self) -> str:
        return f"{catalogue.observables()[self.quantity].symbol} at month {self.month:g}"


@dataclass(frozen=True)
class Gain:
    """What data would tell.

    Attributes
    ----------
    bits : float
        Mutual information between the mechanism (equal prior weights) and the data.
    error : float
        Monte Carlo standard error of `bits`, over draws.
    decided : ndarray, shape (n_mechanisms,)
        When each mechanism is true, the chance that its posterior probability exceeds 0.9.
    pairs : ndarray, shape (n_mechanisms, n_mechanisms)
        When the row's is true, the chance of a Bayes factor above 10 over the column's.
    """

    bits: float
    error: float
    decided: Floats
    pairs: Floats


@dataclass(frozen=True)
class Candidates:
    """Everything that was simulated, once: the rest is cheap.

    Attributes
    ----------
    mechanisms : tuple of str
    measurements : tuple of Measurement
    means : tuple of ndarray, each (n_draws, n_measurements)
        Log ratios of the draws of every mechanism.
    between : ndarray, shape (n_measurements, n_measurements)
        Covariance of logs between patients, one biopsy and both arms together, an n of one.
    study : ndarray, shape (n_measurements, n_measurements)
        Covariance of log errors between studies, which no number of patients removes.
    failed : int
        Draws that could not be simulated.
    """

    mechanisms: tuple[str, ...]
    measurements: tuple[Measurement, ...]
    means: tuple[Floats, ...]
    between: Floats
    study: Floats
    failed: int

    def covariance(self, chosen: Sequence[int], patients: float) -> Floats:
        """Covariance of chosen measurements with so many patients of an arm at each month."""
        places = np.ix_(chosen, chosen)
        return np.asarray(self.study[places] + self.between[places] / patients)

    def months(self, chosen: Sequence[int]) -> int:
        """At how many months the chosen ones are measured."""
        return len({self.measurements[place].month for place in chosen})

    def gain(self, chosen: Sequence[int], patients: float, seed: int = 0) -> Gain:
        """Gain of measuring the chosen ones together."""
        means = [values[:, chosen] for values in self.means]
        return expected_gain(means, self.covariance(chosen, patients), seed)


def candidates(
    draws: Sequence[Draws],
    regimen: Regimen,
    months: Sequence[float],
    quantities: Sequence[str] = QUANTITIES,
    progress: Callable[[int], object] | None = None,
) -> Candidates:
    """Simulate all candidate measurements for all draws, doses as in a fit (time averages).

    The error of a log ratio has two parts. Between studies: the default SD of the error model,
    with its correlation within an arm. Between patients: the covariance of a virtual population
    (population.csv, mean over mechanisms and draws) with the error of one biopsy, over the
    patients of each arm; biopsies of different months are of different patients.

    Raises
    ------
    UsageError
        For fewer than two mechanisms, or no month.
    """
    if len(draws) < 2:
        raise UsageError("One mechanism cannot be told apart: name two or more.")
    if not months or min(months) <= 0:
        raise UsageError("Give the months of the candidate biopsies, all above zero.")
    measurements = tuple(Measurement(q, m) for m in months for q in quantities)
    days = [month * DAYS_PER_MONTH for month in months]
    means, failed = [], 0
    for one in draws:
        courses = forward(one.values(regimen.drugs), regimen, days, quantities, progress=progress)
        ratios = courses.ratios[courses.ok]
        failed += int((~courses.ok).sum())
        if len(ratios) < _FEWEST:
            remedy = f"{len(ratios)} of {len(one)} draws could be simulated; check them"
            raise SimulationError("cycle", str(regimen), {}, remedy)
        means.append(np.log(np.maximum(ratios, _SMALLEST)).reshape(len(ratios), -1))
    between = _between(draws, regimen, months, quantities)
    errors = ErrorModel.load()
    names = [measurement.quantity for measurement in measurements]
    study = errors.covariance([("a future study", name) for name in names])
    mechanisms = tuple(one.mechanism for one in draws)
    return Candidates(mechanisms, measurements, tuple(means), between, study, failed)


def expected_gain(means: Sequence[Floats], covariance: Floats, seed: int = 0) -> Gain:
    """Mutual information between the mechanism and normal data around its draws.

    Data are drawn around every draw of every mechanism. Their density under a mechanism is the
    mean over its draws, the draw that they came from left out.

    Parameters
    ----------
    means : sequence of ndarray, each (n_draws, d)
        What each mechanism's draws predict.
    covariance : ndarray, shape (d, d)
        Of the errors.
    seed : int
        Of the errors drawn.
    """
    inverse = np.linalg.inv(np.linalg.cholesky(covariance))
    points = [np.asarray(values) @ inverse.T for values in means]
    random = np.random.default_rng(seed)
    count = len(points)
    terms, decided, pairs = [], np.zeros(count), np.zeros((count, count))
    for own, centers in enumerate(points):
        data = centers + random.normal(size=centers.shape)
        density = np.column_stack(
            [_log_density(data, others, i == own) for i, others in enumerate(points)]
        )
        log_posterior = density - logsumexp(density, axis=1, keepdims=True)
        terms.append(log_posterior[:, own] + np.log(count))
        decided[own] = np.mean(log_posterior[:, own] > np.log(DECIDED))
        pairs[own] = np.mean(density[:, [own]] - density > np.log(_BAYES_FACTOR), axis=0)
    bits = float(np.mean([term.mean() for term in terms]) / np.log(2))
    variance = sum(term.var() / len(term) for term in terms) / count**2
    return Gain(bits, float(np.sqrt(variance) / np.log(2)), decided, pairs)


def _log_density(data: Floats, centers: Floats, own: bool) -> Floats:
    """Log density up to a constant, each datum against all centres; its own one left out."""
    found = np.empty(len(data))
    sizes = (centers**2).sum(axis=1)
    for first in range(0, len(data), _CHUNK):
        part = data[first : first + _CHUNK]
        squares = (part**2).sum(axis=1)[:, None] + sizes - 2 * part @ centers.T
        if own:
            squares[np.arange(len(part)), np.arange(first, first + len(part))] = np.inf
        found[first : first + _CHUNK] = logsumexp(-0.5 * squares, axis=1)
    return np.asarray(found - np.log(len(centers) - own))


def _between(
    draws: Sequence[Draws], regimen: Regimen, months: Sequence[float], quantities: Sequence[str]
) -> Floats:
    """Covariance between patients of log(treated) plus that of log(untreated)."""
    size = len(quantities)
    total = np.zeros((len(months) * size,) * 2)
    for one in draws:
        few = Draws(one.spec, one.theta[:_DRAWS_OF_SPREAD], one.source, one.seed)
        arms = [
            simulate_arm(few, regimen, when, quantities, _PATIENTS_OF_SPREAD)
            for when in ([0.0], list(months))
        ]
        (untreated,), treated = (
            [_within(values[ok, :, i]) for i in range(values.shape[2])] for values, ok, _ in arms
        )
        for place, covariance in enumerate(treated):
            block = slice(place * size, (place + 1) * size)
            total[block, block] += (untreated + covariance) / len(draws)
    biopsy: Floats = 2 * spreads()[1] ** 2 * np.diag(_of_biopsy(months, quantities))
    return total + biopsy


def _within(values: Floats) -> Floats:
    """Covariance between patients, mean over draws, of values (n_draws, n_patients, n)."""
    centred = values - values.mean(axis=1, keepdims=True)
    count = len(values) * (values.shape[1] - 1)
    return np.asarray(np.einsum("dpi,dpj->ij", centred, centred) / count)


def _of_biopsy(months: Sequence[float], quantities: Sequence[str]) -> Floats:
    """One where a measure is of a biopsy, zero where it is of serum."""
    kinds = [catalogue.observables()[name].kind != "marker" for name in quantities]
    return np.tile(np.array(kinds, dtype=float), len(months))
