"""Values of a user's table that are far from any bone: most often a wrong unit."""

from __future__ import annotations

from collections.abc import Iterable

from bonecycle.analysis.simulation import simulate
from bonecycle.biology import catalogue
from bonecycle.studies.schema import Comparison, Observation, Reference

# Between women untreated measures differ tenfold at most; a unit is wrong by a thousand.
FOLD = 20.0


def implausible(rows: Iterable[Observation]) -> list[str]:
    """Name the values that are `FOLD` times the model's untreated ones, or less than a `FOLD`th.

    Low values are named where nothing was given: a drug may lower surfaces and rates as far.

    Parameters
    ----------
    rows
        Of one study; ratios, limits and directions are passed over.

    Returns
    -------
    list of str
        A sentence a value.
    """
    absolute = [
        row
        for row in rows
        if row.comparison is Comparison.EQUAL
        and row.value
        and row.reference is Reference.NONE
        and row.variable in catalogue.observables()
    ]
    if not absolute:
        return []
    normal = simulate(duration=1.0, points=2).isel(time=0)
    found = []
    for row in absolute:
        observable, value = catalogue.observables()[row.variable], float(row.value or 0.0)
        usual = float(normal[row.variable])
        untreated = row.regimen is not None and not row.regimen.treatments
        if usual > 0 and (value > FOLD * usual or (untreated and FOLD * value < usual)):
            found.append(
                f"{row.arm}, {observable.symbol}: {value:.3g} {row.unit.value} is far from "
                f"{usual:.2g} {observable.unit} of the untreated model: check the unit of the "
                "column."
            )
    return found
