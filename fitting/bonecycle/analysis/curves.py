"""Curves of a fitted problem: what the best point of a fit says between its data."""

from __future__ import annotations

import numpy as np
import xarray as xr

from bonecycle.analysis.simulation import simulate
from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.regimens import DAYS_PER_MONTH, Regimen
from bonecycle.inference.fitting.least_squares import Fit
from bonecycle.problem.own_model import READ
from bonecycle.problem.problem import load_problem


def fitted_parameters(fit: Fit) -> dict[str, float]:
    """Values of the best point by name, in the parameters' units."""
    space = load_problem(fit.spec).space
    return dict(
        zip(space.names, map(float, space.to_natural(fit.best.theta[None])[0]), strict=True)
    )


def fitted_curves(fit: Fit, points: int = 160) -> dict[Regimen, xr.Dataset]:
    """Simulate every regimen of the problem at the best point.

    Parameters
    ----------
    fit : Fit
    points : int
        Times per curve, from zero to the last target or the last stop.

    Returns
    -------
    dict of Regimen to Dataset
        As `simulate` gives them; untreated arms are left out.
    """
    problem = load_problem(fit.spec)
    # Mechanisms that are off stand at zero, so that all of them simulate the same loaded model.
    off = {name: 0.0 for names in catalogue.mechanisms().values() for name in names}
    values = off | fitted_parameters(fit)
    model = fit.spec.model or "cycle"
    curves = {}
    for regimen in problem.regimens:
        if not regimen.treatments:
            continue
        last = max(t.time_days for t in problem.targets if t.regimen == regimen)
        stop = max(treatment.stop_days for treatment in regimen.treatments)
        known = compose(model, regimen.drugs).parameters
        curves[regimen] = simulate(
            regimen,
            duration=min(max(last * 1.02, 1.0), stop) if stop > last else last,
            model=model,
            parameters={name: value for name, value in values.items() if name in known},
            points=points,
            outputs=list(catalogue.observables()),
            dosing=fit.spec.dosing,
        )
    return curves


def own_curves(fit: Fit, points: int = 160) -> dict[Regimen, xr.Dataset]:
    """Simulate the treated arms of a user's own model at the best point.

    Returns
    -------
    dict of Regimen to Dataset
        Observables of the map over `time` (days) with the coordinate `months`, from zero to the
        last target.
    """
    problem = load_problem(fit.spec)
    natural = problem.space.to_natural(fit.best.theta[None])
    curves = {}
    for regimen, arm in zip(problem.regimens, problem.arms, strict=True):
        last = max(problem.targets[i].time_days for i in arm.targets)
        if not regimen.treatments or not last > 0:
            continue
        days = np.linspace(0.0, last, points)
        scale = max(arm.times) / last
        batch = arm.engine.simulate(arm.values(natural), (days * scale).tolist())
        variables = {}
        for column, output in enumerate(arm.engine.outputs):
            observable = catalogue.observables()[output.removeprefix(READ)]
            attributes = {
                "units": observable.unit,
                "long_name": observable.symbol,
                "kind": observable.kind,
            }
            variables[observable.id] = ("time", batch.values[0, :, column], attributes)
        months = ("time", days / DAYS_PER_MONTH, {"units": "months", "long_name": "Time"})
        curves[regimen] = xr.Dataset(variables, coords={"time": days, "months": months})
    return curves
