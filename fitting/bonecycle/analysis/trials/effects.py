"""The effect of the drug in a virtual trial, from the fitted model of metastasis."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bonecycle.analysis.trials.design import Design, Event
from bonecycle.biology.tables import read_rows
from bonecycle.errors import unknown


def read_effects(path: Path, mechanism: str) -> dict[tuple[str, str], float]:
    """Median hazard ratio by endpoint and period, of the fit that saw every row.

    Raises
    ------
    UsageError
        For a mechanism that the file lacks.
    """
    rows = [row for row in read_rows(path) if row["encoding"] == "all"]
    known = {row["mechanism"] for row in rows}
    if mechanism not in known:
        raise unknown("mechanism of metastasis", mechanism, known)
    return {
        (row["endpoint"], row["period"]): float(row["ratio"])
        for row in rows
        if row["mechanism"] == mechanism
    }


def with_effect(design: Design, effects: dict[tuple[str, str], float]) -> Design:
    """Design with the hazard ratios of the model, constant within each period."""
    by = {
        period: {e: effects[e, period] for e in Event if (e, period) in effects}
        for period in ("medication", "after")
    }
    return replace(design, ratio_on=by["medication"], ratio_after=by["after"])
