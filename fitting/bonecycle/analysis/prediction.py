"""Any regimen forwarded through the draws of every mechanism: bands, and what they stand on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bonecycle.analysis.draws import Draws
from bonecycle.analysis.forward import Courses, DosingChoice, choose_dosing, forward
from bonecycle.analysis.informed import reasons
from bonecycle.biology import catalogue
from bonecycle.biology.amounts import DAYS_PER_MONTH
from bonecycle.biology.regimens import Regimen
from bonecycle.engines.interface import Floats
from bonecycle.errors import SimulationError, unknown
from bonecycle.problem.problem import load_problem

OUTPUTS = (
    *("CTX", "P1NP", "BSALP", "Ac_f", "BFR_BS", "MS_BS", "OS_BS", "ES_BS", "ES_OS"),
    *("Rv_D", "ES_low_density", "Cn_C", "BMD_rel"),
)
"""Observables that are predicted when none are named."""
# Bands of 95 % and of 50 %, with the median.
QUANTILES = {
    "lower_95": 0.025,
    "lower_50": 0.25,
    "median": 0.5,
    "upper_50": 0.75,
    "upper_95": 0.975,
}
RATIO = "ratio to untreated"
ALL = "all, equal weights"


@dataclass(frozen=True)
class Prediction:
    """Courses of one mechanism under a regimen."""

    draws: Draws
    courses: Courses
    dosing: DosingChoice

    @property
    def failed(self) -> int:
        """Draws that could not be simulated; no band holds them."""
        return int((~self.courses.ok).sum())


def predict(
    draws: Draws,
    regimen: Regimen,
    months: Sequence[float],
    outputs: Sequence[str] = OUTPUTS,
    progress: Callable[[int], object] | None = None,
) -> Prediction:
    """Forward a regimen through draws.

    Parameters
    ----------
    draws : Draws
    regimen : Regimen
        Drugs need not be those of the data.
    months : sequence of float
        Increasing times, months since the start.
    outputs : sequence of str
        Observables.
    progress : callable, optional
        Called with the number of draws done since the last call.

    Raises
    ------
    UsageError
        For an unknown observable.
    SimulationError
        When no draw could be simulated.
    """
    for name in outputs:
        if name not in catalogue.observables():
            raise unknown("observable", name, catalogue.observables())
    days = [month * DAYS_PER_MONTH for month in months]
    values = draws.values(regimen.drugs)
    dosing = choose_dosing(values, regimen, days, outputs)
    courses = forward(values, regimen, days, outputs, dosing.dosing, progress)
    if not courses.ok.any():
        raise SimulationError("cycle", str(regimen), {}, courses.messages[0].partition(" - ")[2])
    return Prediction(draws, courses, dosing)


def prediction_table(
    predictions: Sequence[Prediction], regimen: Regimen, months: Sequence[float]
) -> pd.DataFrame:
    """Bands in long format.

    Returns
    -------
    DataFrame
        One row a mechanism, quantity, scale and month. ``unit`` is that of the quantity, or
        "ratio to untreated" (of the same draw; absent where the untreated value is not above
        zero). ``lower_95`` to ``upper_95`` and ``lower_50`` to ``upper_50`` hold 95 % and 50 % of
        the draws. ``informed`` and ``reason``: see `informed.reasons`. The last mechanism is all
        of them with equal weights, when there are several.
    """
    targets = load_problem(predictions[0].draws.spec).targets
    named = [(p.draws.mechanism, [p]) for p in predictions]
    if len(predictions) > 1:
        named.append((ALL, list(predictions)))
    rows = []
    for place, quantity in enumerate(predictions[0].courses.outputs):
        observable = catalogue.observables()[quantity]
        why = ["; ".join(reasons(targets, regimen, quantity, m * DAYS_PER_MONTH)) for m in months]
        for name, members in named:
            for unit, values in _scales(members, place, observable.unit).items():
                bands = np.quantile(values, list(QUANTILES.values()), axis=0)
                for i, month in enumerate(months):
                    rows.append(
                        {
                            "mechanism": name,
                            "quantity": quantity,
                            "symbol": observable.symbol,
                            "unit": unit,
                            "time_months": month,
                            **dict(zip(QUANTILES, bands[:, i], strict=True)),
                            "informed": not why[i],
                            "reason": why[i],
                            "draws": len(values),
                        }
                    )
    return pd.DataFrame(rows)


def spread_table(table: pd.DataFrame) -> pd.DataFrame:
    """How far the mechanisms are apart, one row a quantity and month, as ratios to untreated.

    Returns
    -------
    DataFrame
        ``lowest`` and ``highest`` median with their mechanisms; ``fold``, their ratio; and
        ``apart``, whether the 95 % bands of those two do not overlap.
    """
    ratios = table[(table.unit == RATIO) & (table.mechanism != ALL)]
    rows = []
    for (quantity, month), part in ratios.groupby(["quantity", "time_months"], sort=False):
        ordered = part.sort_values("median")
        low, high = ordered.iloc[0], ordered.iloc[-1]
        rows.append(
            {
                "quantity": quantity,
                "time_months": month,
                "lowest": low["median"],
                "lowest_mechanism": low["mechanism"],
                "highest": high["median"],
                "highest_mechanism": high["mechanism"],
                "fold": high["median"] / low["median"] if low["median"] > 0 else np.inf,
                "apart": bool(low["upper_95"] < high["lower_95"]),
                "informed": bool(low["informed"]),
            }
        )
    return pd.DataFrame(rows)


def _scales(members: Sequence[Prediction], place: int, unit: str) -> dict[str, Floats]:
    """Values of the draws that went well, (n_draws, n_times): in their unit, and as ratios."""
    own = np.concatenate([p.courses.values[p.courses.ok, :, place] for p in members])
    start = np.concatenate([p.courses.start[p.courses.ok, place] for p in members])
    if not (start > 0).all():
        return {unit: own}
    return {unit: own, RATIO: own / start[:, None]}
