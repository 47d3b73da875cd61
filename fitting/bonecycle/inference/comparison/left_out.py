"""Leave one trial out: refit without it, and predict it.

A trial that two studies report is left out with both. The density of a left-out trial is that of
all its fitted rows together, with their correlations within an arm. Trials are independent given
the parameters, so their densities are sums of the problem's own terms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import logsumexp

from bonecycle.biology import catalogue
from bonecycle.engines.interface import Floats
from bonecycle.errors import UsageError
from bonecycle.inference.comparison.laplace import laplace
from bonecycle.inference.parts import Record, generator, numbers_key, problem_key
from bonecycle.inference.sampling.arviz_side import K_HAT_BELOW, pareto_k
from bonecycle.inference.sampling.clouds import (
    Cloud,
    Draws,
    Integral,
    adapted,
    draw,
    in_batches,
    integrate,
)
from bonecycle.problem.likelihood import SMALLEST, terms
from bonecycle.problem.problem import Problem, ProblemSpec, load_problem

LEFT_OUT_DRAWS = 2048
ENOUGH_DRAWS = 100
"""Effective draws below which a density is not trusted.

The error of the mean of so many is a tenth of it, so that of its log is 0.1, and 0.3 over ten
trials: far below the difference of four that counts. The error is known from the draws only where
the Pareto k of the weights is below 0.7.
"""
# Draws of a density that is not yet sure, over those of the first round.
_ROUNDS = (1, 2, 4)
# A number farther from its prediction than this many SDs, or a statement given less than this
# probability, fails.
FAILS_BEYOND, FAILS_BELOW = 2.0, 0.05


@dataclass(frozen=True)
class LeftOut:
    """One refit without one trial.

    Attributes
    ----------
    spec : ProblemSpec
        Mechanism and data.
    trial : str
        What is left out.
    theta : tuple of float
        Best point with all trials: one start of the refit, the other is the prior centre.
    covariance : tuple of tuple of float
        Of the posterior with all trials.
    seed : int
    draws : int
        Of the first round.
    """

    spec: ProblemSpec
    trial: str
    theta: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]
    seed: int = 0
    draws: int = LEFT_OUT_DRAWS

    @property
    def key(self) -> str:
        """Everything that determines the result."""
        problem = problem_key(load_problem(self.spec))
        fit = numbers_key(self.theta, self.covariance)
        return repr(("left out", problem, fit, self.trial, self.seed, self.draws))

    def run(self) -> Record:
        """Refit and predict; see `predict_left_out`."""
        problem = load_problem(self.spec)
        rng = generator(self.seed, self.spec.mechanism + self.trial)
        cloud = Cloud(np.array(self.theta), np.array(self.covariance))
        return {"mechanism": self.spec.mechanism, "trial": self.trial} | predict_left_out(
            problem, self.trial, cloud, rng, self.draws
        )


def fitted_trials(problem: Problem) -> list[str]:
    """Trials with fitted rows, in the order of the targets."""
    return list(
        dict.fromkeys(t.trial for t, f in zip(problem.targets, problem.fitted, strict=True) if f)
    )


def predict_left_out(
    problem: Problem, trial: str, cloud: Cloud, rng: np.random.Generator, draws: int
) -> Record:
    """Log predictive density of a trial from the posterior of all others.

    ``p(y_s | y_others)`` is the average of ``p(y_s | theta)`` over the posterior without the
    trial. Both its numerator ``p(y, theta)`` and its denominator ``p(y_others, theta)`` are
    integrated over the same importance draws, from Student clouds around the mode without the
    trial and around the one with it. Where too few of them count, further rounds draw twice and
    four times as many, from the same clouds and from those that the weights describe.

    Parameters
    ----------
    problem : Problem
        With all trials.
    trial : str
        What to leave out.
    cloud : Cloud
        Normal approximation of the posterior with all trials.
    rng : Generator
        Source of the draws.
    draws : int
        How many in the first round.

    Returns
    -------
    dict
        ``elpd`` with its Monte Carlo ``error``, ``effective_draws`` and ``pareto_k`` (the worse of
        the two integrals), ``enough`` (`ENOUGH_DRAWS` or more, and k below 0.7), ``draws`` of the
        round that counts, ``rows``, ``cost`` of the refit, and per row of the trial ``targets``:
        index, predictive mean and SD of the log (error included), log predictive density of the
        row by itself, without the other rows of its arm.
    """
    left = problem.fitted & np.array([target.trial == trial for target in problem.targets])
    values = problem.values
    values[left] = np.nan
    without = problem.with_values(values)
    refit = laplace(without, [cloud.theta, problem.space.centers])
    clouds = [Cloud(refit.theta, refit.covariance), cloud]
    for times in _ROUNDS:
        points = draw(clouds, times * draws, rng)
        full, rest, predictions = _integrals(problem, left, points)
        effective = min(full.effective_draws, rest.effective_draws)
        k = max(pareto_k(full.weights), pareto_k(rest.weights))
        enough = effective >= ENOUGH_DRAWS and k < K_HAT_BELOW
        if enough:
            break
        # A covariance from fewer draws than parameters is singular.
        described = [p for p in (full, rest) if p.effective_draws > len(cloud.theta)]
        clouds = clouds[:2] + [adapted(points, part.weights) for part in described]
    ratio = len(full.weights) * (full.weights - rest.weights)
    return {
        "rows": int(left.sum()),
        "elpd": full.log_value - rest.log_value,
        "error": float(np.std(ratio, ddof=1) / np.sqrt(len(ratio))),
        "effective_draws": effective,
        "pareto_k": k,
        "enough": enough,
        "draws": len(points.theta),
        "cost": refit.cost,
        "theta": refit.theta.tolist(),
        "targets": _rows(problem, left, predictions, rest.weights),
    }


def _integrals(
    problem: Problem, left: NDArray[np.bool_], points: Draws
) -> tuple[Integral, Integral, Floats]:
    """Integrals with and without the rows left out, and the predictions of these rows."""
    pieces: list[tuple[Floats, Floats]] = []

    def joint(theta: Floats) -> Floats:
        evaluation = problem.evaluate(theta)
        pieces.append((evaluation.log_likelihood[:, left], evaluation.predictions[:, left]))
        return evaluation.log_posterior

    everything = in_batches(joint, points.theta)
    of_trial = np.concatenate([own.sum(axis=1) for own, _ in pieces])
    predictions = np.concatenate([values for _, values in pieces])
    ok = np.isfinite(everything)
    others = np.where(ok, everything - np.where(ok, of_trial, 0.0), -np.inf)
    return integrate(everything, points), integrate(others, points), predictions


def _rows(
    problem: Problem, left: NDArray[np.bool_], predictions: Floats, weights: Floats
) -> list[Record]:
    rows = np.flatnonzero(left)
    kept = weights > 0  # a draw that failed has no prediction
    predictions, weights = predictions[kept], weights[kept]
    errors = np.array([problem.targets[row].log_sd for row in rows])
    densities, _ = terms(predictions, problem.values[left], problem.sides[left], np.diag(errors))
    logs = np.log(np.maximum(predictions, SMALLEST))
    means = weights @ logs
    spreads = weights @ (logs - means) ** 2
    totals = logsumexp(densities, b=weights[:, None], axis=0)
    return [
        {
            "target": int(row),
            "predicted": float(np.exp(mean)),
            "log_sd": float(np.sqrt(spread + error**2)),
            "log_density": float(total),
        }
        for row, mean, spread, error, total in zip(
            rows, means, spreads, errors, totals, strict=True
        )
    ]


def trial_table(records: Sequence[Record]) -> pd.DataFrame:
    """One row a mechanism and trial: elpd, its Monte Carlo error and whether draws sufficed."""
    columns = [
        *("mechanism", "trial", "rows", "elpd", "error"),
        *("effective_draws", "pareto_k", "enough", "draws", "cost"),
    ]
    return pd.DataFrame(records)[columns]


def difference_table(trials: pd.DataFrame) -> pd.DataFrame:
    """One row a mechanism: elpd over all trials, and how far it is behind the best.

    Parameters
    ----------
    trials
        As `trial_table` returns it.

    Returns
    -------
    DataFrame
        ``difference``: elpd minus that of the mechanism with the highest. ``standard_error``: root
        of the number of trials times the SD of the differences between trials. Among so few
        trials it is itself uncertain and tends to be too small (Sivula, Magnusson, Matamoros and
        Vehtari 2020, arXiv 2008.10296); ``trials_worse`` of ``trials`` and ``lowest``,
        ``highest`` (the difference without the one trial that matters most in either direction)
        stand beside it. ``largest_trial``: where most of the difference comes from.
        ``simulation_error``: Monte Carlo error of the difference. ``unsure``: how many of the
        densities in it, its own and the best's, rest on too few draws.

    Raises
    ------
    UsageError
        When an elpd is not finite: without it, sums over trials cannot be compared.
    """
    wide, errors, sure = (
        trials.pivot(index="trial", columns="mechanism", values=column)
        for column in ("elpd", "error", "enough")
    )
    unknown = np.argwhere(~np.isfinite(wide.to_numpy()))
    if len(unknown):
        cases = ", ".join(f"{wide.columns[m]} without {wide.index[s]}" for s, m in unknown)
        raise UsageError(
            f"No log predictive density could be determined for {cases}: "
            "use more draws, or compare without these mechanisms."
        )
    wide = wide[list(dict.fromkeys(trials["mechanism"]))]
    best = str(wide.sum().idxmax())
    count = len(wide)
    rows = []
    for name in wide.columns:
        gaps = wide[name] - wide[best]
        without = gaps.sum() - gaps
        rows.append(
            {
                "mechanism": name,
                "elpd": float(wide[name].sum()),
                "best": best,
                "difference": float(gaps.sum()),
                "standard_error": float(np.sqrt(count) * gaps.std(ddof=1)),
                "trials": count,
                "trials_worse": int((gaps < 0).sum()),
                "lowest": float(without.min()),
                "highest": float(without.max()),
                "largest_trial": "" if name == best else str(gaps.abs().idxmax()),
                "simulation_error": 0.0
                if name == best
                else float(np.sqrt((errors[[name, best]] ** 2).to_numpy().sum())),
                "unsure": int((~sure[list({name, best})].astype(bool)).to_numpy().sum()),
            }
        )
    return pd.DataFrame(rows)


def failing_table(records: Sequence[Record], specs: Sequence[ProblemSpec]) -> pd.DataFrame:
    """One row a mechanism and left-out row: prediction without its trial against the number.

    Returns
    -------
    DataFrame
        ``standardized``: log(observed / predicted) in SDs of the prediction, error included, for
        numbers. ``probability``: what the prediction gives a limit or a direction. ``fails``:
        beyond two SDs, or a probability below 0.05.
    """
    problems = {spec.mechanism: load_problem(spec) for spec in specs}
    rows = []
    for record in records:
        problem = problems[record["mechanism"]]
        for found in record["targets"]:
            target = problem.targets[found["target"]]
            row, value = target.observation, float(problem.values[found["target"]])
            gap = float(np.log(value / found["predicted"]) / found["log_sd"])
            chance = float(np.exp(found["log_density"]))
            number = target.is_number
            rows.append(
                {
                    "mechanism": record["mechanism"],
                    "trial": target.trial,
                    "study": target.study,
                    "arm": target.arm,
                    "symbol": catalogue.observables()[row.variable].symbol,
                    "variable": row.variable,
                    "time_months": row.time_months,
                    "comparison": row.comparison.value,
                    "observed": value,
                    "predicted": found["predicted"],
                    "predicted_log_sd": found["log_sd"],
                    "standardized": gap if number else None,
                    "probability": None if number else chance,
                    "fails": abs(gap) > FAILS_BEYOND if number else chance < FAILS_BELOW,
                    "source": f"{row.study}; {row.source_place}; {row.file}, row {row.row}",
                }
            )
    return pd.DataFrame(rows)
