"""Read trial designs from a table, one row a number with its source."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from bonecycle.analysis.trials.design import Design, Event, Stratum
from bonecycle.errors import DataError, Fault, UsageError

SHIPPED = "trials.csv"
COLUMNS = ("design", "quantity", "group", "value", "unit", "status", "source", "place", "note")
_TIMES = ("accrual", "follow_up", "medication")
_AFTER = "after_metastasis"
_PLAIN = {"adherence": "1", "effect_log_sd": "1"}
_STRATUM = ("share_control", "share_treated", "hazard_factor", "effect_factor")


def shipped_designs() -> dict[str, Design]:
    """Designs of the package by name."""
    return read_designs(files("bonecycle_data") / SHIPPED)


def read_designs(path: Path | Traversable) -> dict[str, Design]:
    """Read designs by name from a UTF-8 table with the columns of trials.csv.

    Raises
    ------
    DataError
        With every fault of every row, and of every design, in one message.
    """
    reader = csv.DictReader(path.read_text(encoding="utf-8").splitlines())
    if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
        remedy = f"give the columns {', '.join(COLUMNS)}"
        raise DataError([Fault(path.name, 1, ", ".join(missing), "missing", remedy)])
    rows = [{name: (row[name] or "").strip() for name in COLUMNS} for row in reader]
    faults = [
        Fault(path.name, number, column, message, remedy)
        for number, row in enumerate(rows, start=2)
        for column, message, remedy in _row_faults(row)
    ]
    keys = [(row["design"], row["quantity"], row["group"]) for row in rows]
    faults += [
        Fault(path.name, number, "quantity", "stands twice", "keep one row")
        for number, key in enumerate(keys, start=2)
        if key in keys[: number - 2]
    ]
    if faults:
        raise DataError(faults)
    designs = {}
    for name in dict.fromkeys(row["design"] for row in rows):
        values = {
            (r["quantity"], r["group"]): float(r["value"]) for r in rows if r["design"] == name
        }
        try:
            designs[name] = _design(name, values)
        except UsageError as error:
            faults.append(Fault(path.name, 0, "", str(error), "change the rows of this design"))
    if faults:
        raise DataError(faults)
    return designs


def _row_faults(row: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    if not row["design"]:
        yield "design", "empty", "name the trial"
    groups: dict[str, tuple[str, ...]] = {
        "patients": ("control", "treated"),
        "hazard": (*Event, _AFTER),
        "ratio_on": tuple(Event),
        "ratio_after": tuple(Event),
        **dict.fromkeys((*_TIMES, *_PLAIN), ("",)),
    }
    units = {"patients": "patients", "hazard": "per year", **dict.fromkeys(_TIMES, "months")}
    quantity, group = row["quantity"], row["group"]
    if quantity in _STRATUM:
        if not group:
            yield "group", "empty", "name the stratum"
    elif quantity not in groups:
        known = ", ".join((*groups, *_STRATUM))
        yield "quantity", f"unknown quantity {quantity!r}", f"use one of {known}"
    elif group not in groups[quantity]:
        known = ", ".join(groups[quantity]) or "nothing"
        yield "group", f"unknown group {group!r} of {quantity}", f"write {known}"
    unit = units.get(quantity, "1")
    if row["unit"] != unit:
        yield "unit", f"{row['unit']!r} of {quantity}", f"give it in {unit}"
    try:
        value = float(row["value"])
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        yield "value", f"{row['value']!r} is no number", "give a number"
    elif quantity == "patients" and value != int(value):
        yield "value", f"{value:g} patients", "give a whole number"
    if not row["source"]:
        yield "source", "empty", "name it, or say 'none'"


def _design(name: str, values: dict[tuple[str, str], float]) -> Design:
    needed = [("patients", "control"), ("patients", "treated"), *((time, "") for time in _TIMES)]
    if missing := [" ".join(key).strip() for key in needed if key not in values]:
        raise UsageError(f"Trial {name}: no {', '.join(missing)}.")

    def by_event(quantity: str) -> dict[Event, float]:
        return {e: values[quantity, e] for e in Event if (quantity, e) in values}

    plain: dict[str, Any] = {key: values[key, ""] for key in _PLAIN if (key, "") in values}
    strata: dict[str, dict[str, Any]] = {}
    for (quantity, group), value in values.items():
        if quantity in _STRATUM:
            strata.setdefault(group, {"share_control": 0.0, "share_treated": 0.0})[quantity] = value
    return Design(
        name=name,
        control=int(values["patients", "control"]),
        treated=int(values["patients", "treated"]),
        accrual_months=values["accrual", ""],
        follow_up_months=values["follow_up", ""],
        medication_months=values["medication", ""],
        hazards=by_event("hazard"),
        death_after_metastasis=values.get(("hazard", _AFTER), 0.0),
        ratio_on=by_event("ratio_on"),
        ratio_after=by_event("ratio_after"),
        strata=tuple(Stratum(group, **own) for group, own in strata.items()),
        **plain,
    )
