"""Tables of a finished run: intervals with their diagnosis, and coverage of the targets."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from bonecycle.inference.posterior.files import spec_of
from bonecycle.inference.sampling.convergence import autocorrelation
from bonecycle.inference.sampling.run import Sample
from bonecycle.problem.problem import load_problem

PROBABILITY = 0.95
"""Of every interval that is not named otherwise: equal tails."""
_NARROW = 0.5
# Lags of the autocorrelation table, in the longest autocorrelation times.
_LAGS_IN_TAU = 6


def posterior_table(sample: Sample) -> pd.DataFrame:
    """One row a parameter, in its unit: median, 95 % interval, R-hat, effective draws, tau.

    Returns
    -------
    DataFrame
        From all steps after the burn-in. ``lower``, ``upper``: equal tails of ``probability``.
        ``tau``: the longest of the ensembles, in steps.
    """
    state = sample.state
    space = load_problem(sample.spec).space
    draws = sample.draws()
    tail = (1 - PROBABILITY) / 2
    # Quantiles commute with the monotone scales of the parameters.
    lower, median, upper = space.to_natural(np.quantile(draws, [tail, 0.5, 1 - tail], axis=0))
    return pd.DataFrame(
        {
            "mechanism": sample.spec.mechanism,
            "parameter": space.names,
            "name": [p.name for p in space.parameters],
            "unit": [p.unit for p in space.parameters],
            "median": median,
            "lower": lower,
            "upper": upper,
            "probability": PROBABILITY,
            "rhat": state.rhat,
            "ess": state.ess,
            "tau": state.tau.max(axis=0),
        }
    )


def coverage_table(tree: xr.DataTree) -> pd.DataFrame:
    """One row a target: what was observed, and where the posterior predicts a study's result.

    Parameters
    ----------
    tree : DataTree
        As `posterior_tree` returns it.

    Returns
    -------
    DataFrame
        ``lower_95`` to ``upper_95`` and ``lower_50`` to ``upper_50``: equal-tailed predictive
        intervals, with the error of a study for numbers. ``inside_50``, ``inside_95``: whether a
        number lies in them; empty for limits, directions and rows that are dropped.
        ``probability_met``: of a limit or direction, the share of draws on the side asked for.
        ``role``: fitted, validation (not used in the fit), or dropped. ``arm_fitted``: whether
        rows of its arm are fitted; the interval of a validation row of such an arm is given those
        rows.
    """
    predictive = tree["posterior_predictive"].to_dataset()
    observed = tree["observed_data"].to_dataset()
    draws = predictive["targets"].to_numpy().reshape(-1, predictive.sizes["target"])
    problem = load_problem(spec_of(tree))
    sides = [target.side for target in problem.targets]
    arms = [(target.trial, target.arm) in problem.fitted_arms for target in problem.targets]
    rows = []
    for i, label in enumerate(predictive["target"].to_numpy()):
        value = float(observed["targets"][i])
        own = draws[:, i]
        low, narrow_low, middle, narrow_high, high = np.quantile(
            own, [(1 - PROBABILITY) / 2, _NARROW / 2, 0.5, 1 - _NARROW / 2, (1 + PROBABILITY) / 2]
        )
        is_number, dropped = sides[i] == 0, bool(np.isnan(value))
        rows.append(
            {
                "mechanism": tree.attrs["mechanism"],
                "target": str(label),
                **{
                    name: predictive[name].to_numpy()[i]
                    for name in ("study", "arm", "variable", "time_months", "unit", "comparison")
                },
                "role": str(predictive["role"].to_numpy()[i]),
                "arm_fitted": arms[i],
                "observed": None if dropped else value,
                "median": middle,
                "lower_50": narrow_low,
                "upper_50": narrow_high,
                "lower_95": low,
                "upper_95": high,
                "inside_50": narrow_low <= value <= narrow_high if is_number else None,
                "inside_95": low <= value <= high if is_number else None,
                "probability_met": None
                if is_number or dropped
                else float(np.mean(sides[i] * (own - value) > 0)),
            }
        )
    return pd.DataFrame(rows)


def autocorrelation_table(sample: Sample) -> pd.DataFrame:
    """One row an ensemble, parameter and lag in steps: autocorrelation over all walkers.

    Lags up to six times the longest autocorrelation time.
    """
    state = sample.state
    chains = sample.ensembles.chains(state.steps)[:, state.burn_in :]
    finite = state.tau[np.isfinite(state.tau)]
    longest = finite.max() if len(finite) else 1.0
    lags = np.arange(min(int(_LAGS_IN_TAU * longest) + 1, chains.shape[1]))
    tables = [
        pd.DataFrame(
            {
                "mechanism": sample.spec.mechanism,
                "ensemble": ensemble,
                "parameter": name,
                "lag": lags,
                "autocorrelation": values[lags, i],
            }
        )
        for ensemble, values in enumerate(map(autocorrelation, chains))
        for i, name in enumerate(state.names)
    ]
    return pd.concat(tables, ignore_index=True)
