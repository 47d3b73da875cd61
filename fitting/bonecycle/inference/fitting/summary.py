"""Tables of a fit: what each mechanism meets, its parameters, and the mechanisms side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from bonecycle.biology import catalogue
from bonecycle.biology.dosing import Dosing
from bonecycle.biology.tables import Parameter
from bonecycle.engines.interface import Floats
from bonecycle.errors import SimulationError
from bonecycle.inference.fitting.goodness import goodness
from bonecycle.inference.fitting.least_squares import BOUND_SDS, Fit
from bonecycle.problem.likelihood import SMALLEST
from bonecycle.problem.problem import Problem, load_problem
from bonecycle.problem.targets import Target
from bonecycle.studies.schema import Comparison

# A number is met within two of its committed errors.
MET_WITHIN = 2.0
# A direction that no free parameter moves by a tenth of its error within a prior SD is not
# predicted: the model has nothing that could, so it is met or missed by construction. A number
# always is a prediction, also where the mechanism cannot move it.
MOVED_ABOVE = 0.1
# Farther from its prior centre than this (in prior SDs) a parameter deserves a look.
FAR_FROM_CENTER = 1.5
# A parameter this far out ended at the bound of the search.
AT_BOUND = BOUND_SDS - 1e-3
# Below this share of the prior SD the data have taught something about a parameter.
INFORMED_BELOW = 0.7

_Z95 = 1.959964


def target_table(fit: Fit) -> pd.DataFrame:
    """One row a target: observed, fitted, distance, met or not.

    Returns
    -------
    DataFrame
        ``residual`` is what the fit squares: of numbers of one arm, whitened. ``distance`` is
        log(fitted / observed) in committed errors; for a limit or a direction
        it is positive on the side asked for. ``predictable``: a number, or what some free
        parameter, moved by one prior SD, moves by a tenth of the error or more. ``met``: a number
        within two errors; a limit on its side; a direction by at least one error; empty for what
        is not predictable. ``source`` names study, place and row.
    """
    problem = load_problem(fit.spec)
    theta, steps = fit.best.theta, np.diag(problem.space.sds)
    evaluation = problem.evaluate(np.vstack([theta, theta + steps, theta - steps]))
    batch = np.maximum(evaluation.predictions, SMALLEST)
    moved = np.fmax.reduce(np.abs(np.log(batch[1:] / batch[0])))
    rows = [
        _target_row(target, float(value), bool(shift > MOVED_ABOVE * target.log_sd))
        for target, value, shift in zip(problem.targets, batch[0], moved, strict=True)
    ]
    return (
        pd.DataFrame(rows)
        .assign(mechanism=fit.spec.mechanism, residual=evaluation.residuals[0])
        .set_index("mechanism")
        .reset_index()
    )


def _target_row(target: Target, fitted: float, moved: bool) -> dict[str, object]:
    row = target.observation
    predictable = moved or row.comparison is Comparison.EQUAL
    observable = catalogue.observable(row.variable)
    row_distance: float | None = None
    if target.value is not None:
        gap = float(np.log(max(fitted, SMALLEST) / target.value)) / target.log_sd
        row_distance = gap if target.is_number else target.side * gap
    low: float | None = None
    high: float | None = None
    if row.comparison is Comparison.EQUAL and target.value is not None:
        low = target.value * float(np.exp(-MET_WITHIN * target.log_sd))
        high = target.value * float(np.exp(MET_WITHIN * target.log_sd))
    return {
        "study": target.study,
        "arm": target.arm,
        "variable": row.variable,
        "symbol": observable.symbol,
        "unit": "ratio to untreated" if target.is_ratio else observable.unit,
        "time_months": row.time_months,
        "comparison": row.comparison.value,
        "observed": target.value,
        "lower": low,
        "upper": high,
        "fitted": fitted,
        "log_sd": target.log_sd,
        "distance": row_distance,
        "predictable": predictable,
        "met": _met(target, row_distance) if predictable else None,
        "role": row.role.value if target.value is not None else "dropped",
        "source": f"{row.study}; {row.source_place}; {row.file}, row {row.row}",
    }


def _met(target: Target, distance: float | None) -> bool | None:
    if distance is None:
        return None
    if target.is_number:
        return abs(distance) <= MET_WITHIN
    direction = target.observation.comparison in (Comparison.DECREASED, Comparison.INCREASED)
    return distance >= (1.0 if direction else 0.0)


def parameter_table(fit: Fit) -> pd.DataFrame:
    """One row a parameter: value with 95 % interval, prior, and what the data taught.

    Returns
    -------
    DataFrame
        Free parameters first, then the ones that stay at their prior centre: every interval is
        conditional on those. ``standard_error`` is in the parameter's unit,
        ``standard_error_on_scale`` on the scale of the prior. ``lower``, ``upper``: 95 % interval
        from the covariance on the scale of the prior, in the parameter's unit.
        ``share_of_prior_sd``: its SD relative to the prior's.
    """
    problem = load_problem(fit.spec)
    space = problem.space
    theta, sds = fit.best.theta, np.sqrt(np.diag(fit.best.covariance))
    values = space.to_natural(theta[None])[0]
    lower, upper = space.to_natural(np.stack([theta - _Z95 * sds, theta + _Z95 * sds]))
    prior_lower, prior_upper = space.to_natural(
        np.stack([space.centers - _Z95 * space.sds, space.centers + _Z95 * space.sds])
    )
    place = space.standardized(theta[None])[0]
    slopes = space.slopes_to_natural(theta[None])[0]
    share = sds / space.sds
    free = [
        _described(p)
        | {
            "fitted": True,
            "value": values[i],
            "lower": lower[i],
            "upper": upper[i],
            "prior_lower": prior_lower[i],
            "prior_upper": prior_upper[i],
            "standard_error": sds[i] * slopes[i],
            "standard_error_on_scale": sds[i],
            "prior_sds_from_center": place[i],
            "share_of_prior_sd": share[i],
            "informed": bool(share[i] < INFORMED_BELOW),
            "at_bound": bool(abs(place[i]) > AT_BOUND),
        }
        for i, p in enumerate(space.parameters)
    ]
    fixed = [
        _described(p) | {"fitted": False, "value": 0.0 if p.mechanism else p.value}
        for p in problem.parameters.values()
        if p.id not in space.names
    ]
    table = pd.DataFrame([*free, *fixed])
    table.insert(0, "mechanism", fit.spec.mechanism)
    return table


def _described(parameter: Parameter) -> dict[str, object]:
    return {
        "parameter": parameter.id,
        "name": parameter.name,
        "unit": parameter.unit,
        "prior_center": parameter.value,
        "scale": "constant" if parameter.scale is None else parameter.scale.value,
        "status": parameter.status,
        "source": parameter.source,
        "place": parameter.place,
    }


def dosing_table(fit: Fit) -> pd.DataFrame:
    """One row a target: prediction at the best point with the fit's dosing and with events.

    Returns
    -------
    DataFrame
        ``difference`` is log(as fitted / with events) in committed errors. With roadrunner it
        takes about 8 ms a dose.

    Raises
    ------
    SimulationError
        When the best point cannot be simulated with events.
    """
    problem = load_problem(fit.spec)
    exact = load_problem(replace(fit.spec, dosing=Dosing.EVENTS))
    evaluation = exact.evaluate(fit.best.theta[None])
    if not evaluation.ok[0]:
        values = dict(zip(exact.space.names, map(float, fit.best.theta), strict=True))
        raise SimulationError("cycle", "events", values, evaluation.messages[0])
    fitted = problem.evaluate(fit.best.theta[None]).predictions[0]
    rows = [
        {
            "mechanism": fit.spec.mechanism,
            "study": target.study,
            "arm": target.arm,
            "variable": target.observation.variable,
            "time_months": target.observation.time_months,
            fit.spec.dosing.value: one,
            Dosing.EVENTS.value: other,
            "difference": float(np.log(max(one, SMALLEST) / max(other, SMALLEST)) / target.log_sd),
        }
        for target, one, other in zip(
            problem.targets, fitted, evaluation.predictions[0], strict=True
        )
    ]
    return pd.DataFrame(rows)


def mechanism_table(fits: list[Fit]) -> pd.DataFrame:
    """One row a mechanism: cost of data and priors, what it meets, and how the search went."""
    return pd.DataFrame([_mechanism_row(fit) for fit in fits])


def _mechanism_row(fit: Fit) -> dict[str, object]:
    problem = load_problem(fit.spec)
    data, priors = costs(problem, fit.best.theta)
    table = target_table(fit)
    rows = table[table.role == "fitted"]
    fitted = rows[rows.predictable]
    immovable = rows[~rows.predictable]
    numbers = fitted[fitted.comparison.isin(["equal", "unchanged"])]
    others = fitted.drop(numbers.index)
    missed = fitted[~fitted.met.astype(bool)]
    held = table[table.role == "validation"]
    best = fit.best
    stands = goodness(fit)
    near = sum(start.cost < best.cost + 0.1 for start in fit.starts)
    return {
        "mechanism": fit.spec.mechanism,
        "encoding": fit.spec.encoding,
        "free_parameters": len(problem.space.names),
        "effective_parameters": stands.effective_parameters,
        "at_bound": int(np.sum(np.abs(problem.space.standardized(best.theta)) > AT_BOUND)),
        "cost": best.cost,
        "cost_data": data,
        "cost_priors": priors,
        "chi_square": stands.chi_square,
        "degrees_of_freedom": stands.degrees_of_freedom,
        "predictive_chi_square": stands.predictive_chi_square,
        "chi_square_p": stands.p,
        "chi_square_flag": stands.flag,
        "numbers": len(numbers),
        "numbers_met": int(numbers.met.sum()),
        "limits_and_directions": len(others),
        "limits_and_directions_met": int(others.met.sum()),
        "validation": len(held),
        "validation_met": int(held.met.fillna(False).astype(bool).sum()),
        "validation_farthest": float(held.distance.abs().max()) if len(held) else None,
        "missed": "; ".join(f"{r.study} {r.symbol}" for r in missed.itertuples()),
        "not_predictable": "; ".join(f"{r.study} {r.symbol}" for r in immovable.itertuples()),
        "starts": len(fit.starts),
        "starts_at_best": near,
        "starts_converged": sum(start.converged for start in fit.starts),
        "evaluations": sum(start.evaluations for start in fit.starts),
        "failed_evaluations": sum(start.failures for start in fit.starts),
    }


def costs(problem: Problem, theta: Floats) -> tuple[float, float]:
    """Sums of squared residuals of the fitted targets and of the priors at one point."""
    residuals = problem.evaluate(theta[None]).residuals[0, problem.fitted]
    return float(np.sum(residuals**2)), float(np.sum(problem.space.standardized(theta) ** 2))
