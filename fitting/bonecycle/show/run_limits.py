"""What the rows that a run has read leave open, in words."""

from __future__ import annotations

from collections.abc import Sequence

from bonecycle.biology import catalogue
from bonecycle.biology.regimens import Regimen
from bonecycle.biology.treatments import At
from bonecycle.studies.schema import Comparison, Observation, Role, Study

ERRORS_ASSUMED = (
    "No alendronate biopsy has a published spread, so the errors are stated assumptions, committed "
    "before the first fit; most parameters have wide, assumed priors."
)
NOTHING_AFTER = (
    "Nothing is known here about the time after a treatment stops: predictions of it rest on the "
    "model alone."
)

# Days that months written with a few decimals may be off.
_SAME_DAY = 0.5


def limits(studies: Sequence[Study], shipped: bool) -> list[str]:
    """What the rows of a run leave open.

    Parameters
    ----------
    studies : sequence of Study
        That were read.
    shipped : bool
        Whether studies of the package are among them.
    """
    rows = [row for study in studies for row in study.observations if row.role is Role.FITTED]
    vague = [row for row in rows if row.comparison is Comparison.NOT_STRONGLY_DECREASED]
    found = []
    if vague:
        symbols = dict.fromkeys(catalogue.observables()[row.variable].symbol for row in vague)
        drugs = dict.fromkeys(drug for row in vague for drug in _regimen(row).drugs)
        found.append(
            f"{', '.join(symbols)} under {', '.join(drugs)} is reported as “not strongly "
            "decreased”, without a number: what is said of mechanisms depends on how that is read."
        )
    if shipped:
        found.append(ERRORS_ASSUMED)
    if not any(_after_the_end(row) for row in rows):
        found.append(NOTHING_AFTER)
    return found


def _regimen(row: Observation) -> Regimen:
    return row.regimen or Regimen.untreated()


def _after_the_end(row: Observation) -> bool:
    """Whether a row is later than all treatments of its arm; the last of single doses acts on."""
    ends = [
        treatment.end_days + treatment.interval_days * isinstance(treatment.schedule, At)
        for treatment in _regimen(row).treatments
    ]
    return bool(ends) and row.time_days > max(ends) + _SAME_DAY
