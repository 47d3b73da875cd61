"""A virtual population: the correlations between patients that each mechanism reproduces."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata, t

from bonecycle.analysis.draws import Draws, parameters_with_prior, shifted
from bonecycle.analysis.forward import forward
from bonecycle.biology import catalogue
from bonecycle.biology.amounts import DAYS_PER_MONTH
from bonecycle.biology.regimens import Regimen
from bonecycle.biology.tables import read_rows
from bonecycle.engines.interface import Floats
from bonecycle.errors import DataError, Fault, SimulationError

REPRODUCED, CONTRADICTED = 0.95, 0.05
"""Shares of draws with the reported sign above and below which a word is given."""
_SMALLEST = 1e-9
_MIN_PATIENTS = 4


@dataclass(frozen=True)
class Spread:
    """How much something differs between patients: log (or logit) SD, and why."""

    name: str
    sd: float
    source: str
    status: str
    note: str


@dataclass(frozen=True)
class Pair:
    """Two measures that are said to correlate: sign +1 or -1, or 0 when none is reported."""

    first: str
    second: str
    sign: int


@dataclass(frozen=True)
class Population:
    """Patients of every draw.

    Attributes
    ----------
    outputs : tuple of str
    placebo, treated : ndarray, shape (n_draws, n_patients, n_outputs)
        Logarithms of the measures, one patient one arm; a draw in which a patient could not be
        simulated is left out.
    errors : ndarray, shape (n_draws, 2 n_patients, n_outputs)
        What one biopsy adds to the logarithms, untreated patients first.
    failed : int
        Draws left out.
    """

    outputs: tuple[str, ...]
    placebo: Floats
    treated: Floats
    errors: Floats
    failed: int


@cache
def spreads() -> tuple[Mapping[str, Spread], float]:
    """Between-patient SDs by parameter, on the scale of its prior; and the error of one biopsy.

    Raises
    ------
    DataError
        For a row that names no parameter of the model, or another scale than its prior's.
    """
    rows = read_rows(files("bonecycle_data") / "population.csv")
    known = {p.id: p for p in parameters_with_prior(tuple(catalogue.drugs()))}
    found, faults, biopsy = {}, [], 0.0
    for number, row in enumerate(rows, start=2):
        name, sd = row["name"], float(row["log_sd"])
        if name == "biopsy":
            biopsy = sd
        elif name not in known or row["scale"] != known[name].scale:
            message = f"{name} ({row['scale']}) is no parameter with a prior on that scale"
            faults.append(Fault("population.csv", number, "name", message, "correct the row"))
        found[name] = Spread(name, sd, row["source"], row["status"], row["note"])
    if faults:
        raise DataError(faults)
    del found["biopsy"]
    return found, biopsy


@cache
def reported_pairs() -> tuple[Pair, ...]:
    """Pairs of correlations.csv; some without a reported sign."""
    signs = {"+": 1, "-": -1, "": 0}
    rows = read_rows(files("bonecycle_data") / "correlations.csv")
    return tuple(Pair(row["first"], row["second"], signs[row["sign"]]) for row in rows)


def simulate_population(
    draws: Draws,
    regimen: Regimen,
    month: float,
    outputs: Sequence[str],
    patients: int,
    progress: Callable[[int], object] | None = None,
) -> Population:
    """Simulate `patients` treated and as many untreated patients for every draw.

    Every patient has the draw's parameters, moved by the SDs of population.csv. Deviations are the
    same for all mechanisms of one seed.

    Raises
    ------
    SimulationError
        When every draw has a patient who could not be simulated.
    """
    placebo, fine, untold = simulate_arm(draws, regimen, [0.0], outputs, patients, progress)
    treated, ok, told = simulate_arm(draws, regimen, [month], outputs, patients, progress)
    fine = fine & ok
    if not fine.any():
        remedy = (*untold, *told)[0].partition(" - ")[2]
        raise SimulationError("cycle", str(regimen), {}, remedy)
    random = np.random.default_rng([draws.seed, 8])
    errors = spreads()[1] * random.normal(size=(len(draws), 2 * patients, len(outputs)))
    return Population(
        tuple(outputs),
        placebo[fine, :, 0],
        treated[fine, :, 0],
        errors[fine],
        int((~fine).sum()),
    )


def simulate_arm(
    draws: Draws,
    regimen: Regimen,
    months: Sequence[float],
    outputs: Sequence[str],
    patients: int,
    progress: Callable[[int], object] | None = None,
) -> tuple[Floats, NDArray[np.bool_], tuple[str, ...]]:
    """Logarithms of measures of the patients of every draw; month zero alone is untreated.

    Returns
    -------
    values : ndarray, shape (n_draws, n_patients, n_months, n_outputs)
    ok : ndarray of bool, shape (n_draws,)
        Draws of which every patient could be simulated.
    messages : tuple of str
        Why others could not.
    """
    # Other patients in the other arm.
    random = np.random.default_rng([draws.seed, 7, int(max(months) > 0)])
    values = _patients(draws, regimen, patients, random)
    days = [month * DAYS_PER_MONTH for month in months]
    courses = forward(values, regimen, days, outputs, progress=progress)
    shape = (len(draws), patients, len(months), len(outputs))
    found: Floats = np.log(np.maximum(courses.values, _SMALLEST)).reshape(shape)
    ok: NDArray[np.bool_] = np.asarray(courses.ok.reshape(shape[:2]).all(axis=1))
    return found, ok, courses.messages


def correlation_table(draws: Draws, population: Population) -> pd.DataFrame:
    """Spearman correlations of the pairs, over both arms and over treated patients alone.

    Measures are read with the error of one biopsy; over both arms without it too.

    Returns
    -------
    DataFrame
        One row a group of patients and pair. ``rho``: median over draws, with the 95 % interval;
        it holds the draws and the chance of that many patients. ``share_sign``: of draws with the
        reported sign; ``share_significant``: with that sign and p below 0.05. ``verdict``:
        reproduced (share of the sign at least 0.95), contradicted (at most 0.05), undecided.
    """
    both = np.concatenate([population.placebo, population.treated], axis=1)
    read = both + population.errors
    groups = {
        "both arms": read,
        "treated": read[:, population.placebo.shape[1] :],
        "both arms, no biopsy error": both,
    }
    rows = []
    for group, values in groups.items():
        count = values.shape[1]
        for pair in reported_pairs():
            first, second = (population.outputs.index(n) for n in (pair.first, pair.second))
            rho = spearman(values[..., first], values[..., second])
            low, middle, high = np.quantile(rho, (0.025, 0.5, 0.975))
            row = {
                "mechanism": draws.mechanism,
                "group": group,
                "first": pair.first,
                "second": pair.second,
                "reported_sign": pair.sign or None,
                "rho": middle,
                "lower_95": low,
                "upper_95": high,
                "patients": count,
                "draws": len(rho),
                "failed": population.failed,
            }
            if pair.sign:
                share = float(np.mean(pair.sign * rho > 0))
                clear = float(np.mean(pair.sign * rho > critical_rho(count)))
                row |= {"share_sign": share, "share_significant": clear, "verdict": _word(share)}
            rows.append(row)
    return pd.DataFrame(rows)


def spearman(first: Floats, second: Floats) -> Floats:
    """Spearman's rho along the last axis; zero where one of both does not vary."""
    one, other = (rankdata(values, axis=-1) for values in (first, second))
    one, other = (ranks - ranks.mean(axis=-1, keepdims=True) for ranks in (one, other))
    size = np.sqrt((one**2).sum(axis=-1) * (other**2).sum(axis=-1))
    product = (one * other).sum(axis=-1)
    return np.asarray(np.divide(product, size, out=np.zeros_like(product), where=size > 0))


def critical_rho(patients: int, p: float = 0.05) -> float:
    """Smallest correlation of so many patients with a two-sided p (t approximation)."""
    if patients < _MIN_PATIENTS:
        return 1.0
    quantile = float(t.ppf(1 - p / 2, patients - 2))
    return quantile / float(np.sqrt(patients - 2 + quantile**2))


def _word(share: float) -> str:
    if share >= REPRODUCED:
        return "reproduced"
    return "contradicted" if share <= CONTRADICTED else "undecided"


def _patients(
    draws: Draws, regimen: Regimen, patients: int, random: np.random.Generator
) -> dict[str, Floats]:
    """Parameter values of every patient of every draw, (n_draws x n_patients,)."""
    parameters = {p.id: p for p in parameters_with_prior(regimen.drugs)}
    values = {
        name: np.repeat(column, patients) for name, column in draws.values(regimen.drugs).items()
    }
    for name, spread in spreads()[0].items():
        noise = random.normal(size=len(draws) * patients)
        if name in values:
            values[name] = shifted(parameters[name], values[name], noise, spread.sd)
    return values
