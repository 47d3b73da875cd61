"""The effect of the drug in a virtual trial, from the fitted model of metastasis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from bonecycle.analysis.trials.design import Design, Event, Stratum
from bonecycle.biology.tables import read_rows
from bonecycle.errors import UsageError, unknown

STATES = ("before_menopause", "after_menopause")
Cells = Mapping[tuple[str, str], Mapping[str, float]]
"""Median hazard and hazard ratio, by endpoint and period."""


def read_effects(path: Path, mechanism: str) -> dict[tuple[str, str], float]:
    """Median hazard ratio by endpoint and period, of the fit that saw every row.

    Raises
    ------
    UsageError
        For a mechanism that the file lacks.
    """
    rows = [row for row in read_rows(path) if row["encoding"] == "all"]
    return {
        (row["endpoint"], row["period"]): float(row["ratio"])
        for row in _of_mechanism(rows, mechanism)
    }


def with_effect(design: Design, effects: dict[tuple[str, str], float]) -> Design:
    """Design with the hazard ratios of the model, constant within each period."""
    by = {
        period: {e: effects[e, period] for e in Event if (e, period) in effects}
        for period in ("medication", "after")
    }
    return replace(design, ratio_on=by["medication"], ratio_after=by["after"])


def read_cells(path: Path, mechanism: str) -> dict[str, Cells]:
    """Hazards and hazard ratios before and after menopause, of the table of cells.

    Raises
    ------
    UsageError
        For a file that is no such table, or a mechanism that it lacks.
    """
    rows = read_rows(path)
    needed = {"mechanism", "turnover", "marrow", "endpoint", "period", "hazard", "ratio"}
    if not rows or needed - rows[0].keys():
        raise UsageError(f"{path}: no table of cells - name cells.csv of `metastasis cells`.")
    own = [row for row in _of_mechanism(rows, mechanism) if row["marrow"] == "unselected"]
    return {
        state: {
            (row["endpoint"], row["period"]): {k: float(row[k]) for k in ("hazard", "ratio")}
            for row in own
            if row["turnover"] == state
        }
        for state in STATES
    }


def with_menopause(design: Design, cells: Mapping[str, Cells], share: float) -> Design:
    """Design with a share of patients after menopause: hazards and effect of their turnover.

    The design's hazards stay those of all its patients together; effects are the model's.

    Raises
    ------
    UsageError
        For a share outside 0 to 1, or a design that has strata already.
    """
    if design.strata:
        remedy = "leave out the share after menopause"
        raise UsageError(f"Trial {design.name}: it has strata of its own - {remedy}.")
    shares = dict(zip(STATES, (1 - share, share), strict=True))
    events = [event for event in Event if (event, "medication") in cells[STATES[0]]]
    mean = {
        e: sum(shares[state] * cells[state][e, "medication"]["hazard"] for state in STATES)
        for e in events
    }
    strata = tuple(
        Stratum(
            state,
            shares[state],
            shares[state],
            event_factor={e: cells[state][e, "medication"]["hazard"] / mean[e] for e in events},
            ratio_on={e: cells[state][e, "medication"]["ratio"] for e in events},
            ratio_after={e: cells[state][e, "after"]["ratio"] for e in events},
        )
        for state in STATES
    )
    return replace(design, strata=strata)


def _of_mechanism(rows: list[dict[str, str]], mechanism: str) -> list[dict[str, str]]:
    known = {row["mechanism"] for row in rows}
    if mechanism not in known:
        raise unknown("mechanism of metastasis", mechanism, known)
    return [row for row in rows if row["mechanism"] == mechanism]
