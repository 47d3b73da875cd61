"""Read and check the rows of a parameter table."""

from __future__ import annotations

import csv
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources.abc import Traversable

from bonecycle.errors import DataError, Fault


class Scale(StrEnum):
    """Scale on which a parameter's prior is normal and on which it is sampled."""

    LOG = "log"
    LOGIT = "logit"


@dataclass(frozen=True)
class Parameter:
    """One row of a parameter table.

    Attributes
    ----------
    value : float
        Prior centre (the median on the natural scale), in `unit`.
    prior_sd : float or None
        SD of the normal prior on `scale`; None for a constant that has no prior.
    fitted : bool
        Whether a fit frees it by default.
    mechanism : str
        "H1" to "H5" for the strength of a mechanism (zero unless it is on), else "".
    status : str
        "verified", "derived", "unverified", "estimated" (by a script of the repository, against
        published facts) or "assumed": how far the source goes.
    """

    id: str
    name: str
    unit: str
    value: float
    scale: Scale | None
    prior_sd: float | None
    fitted: bool
    mechanism: str
    source: str
    place: str
    status: str
    note: str


STATUS = ("verified", "derived", "unverified", "estimated", "assumed")
COLUMNS = [
    "id",
    "name",
    "unit",
    "value",
    "scale",
    "prior_sd",
    "fit",
    "mechanism",
    "source",
    "place",
    "status",
    "note",
]


def read_rows(path: Traversable) -> list[dict[str, str]]:
    """Rows of a UTF-8 CSV file as dictionaries."""
    with path.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def read_parameters(
    file: str,
    rows: list[dict[str, str]],
    units: Collection[str],
    prefix: str = "",
    skip: str = "",
) -> list[Parameter]:
    """Check and convert the rows of a parameter table.

    Parameters
    ----------
    file : str
        Name for messages.
    rows : list of dict
        Rows as `read_rows` gives them.
    units : collection of str
        Units that may stand in the table, as people write them.
    prefix : str
        Put before every id (a drug's name).
    skip : str
        Id of a row that is no parameter.

    Raises
    ------
    DataError
        With every fault of the table.
    """
    missing = [column for column in COLUMNS if rows and column not in rows[0]]
    if missing or not rows:
        message = f"missing columns: {', '.join(missing)}" if missing else "no rows"
        raise DataError([Fault(file, 1, "-", message, f"use the columns {', '.join(COLUMNS)}")])
    faults: list[Fault] = []
    result: list[Parameter] = []
    seen: set[str] = set()
    for number, row in enumerate(rows, start=2):
        if row["id"] == skip:
            continue
        faults += [Fault(file, number, *fault) for fault in _row_faults(row, seen, units)]
        seen.add(row["id"])
        if not faults:
            result.append(_parameter(row, prefix))
    if faults:
        raise DataError(faults)
    return result


def _parameter(row: dict[str, str], prefix: str) -> Parameter:
    return Parameter(
        id=prefix + row["id"],
        name=row["name"],
        unit=row["unit"],
        value=float(row["value"]),
        scale=Scale(row["scale"]) if row["scale"] else None,
        prior_sd=float(row["prior_sd"]) if row["prior_sd"] else None,
        fitted=row["fit"] == "yes",
        mechanism=row["mechanism"],
        source=row["source"],
        place=row["place"],
        status=row["status"],
        note=row["note"],
    )


def _row_faults(
    row: dict[str, str], seen: set[str], units: Collection[str]
) -> Iterator[tuple[str, str, str]]:
    """Faults of one row as (column, message, remedy)."""
    if not row["id"].isidentifier():
        yield "id", f"{row['id']!r} is no identifier", "use letters, digits and underscores"
    if row["id"] in seen:
        yield "id", f"{row['id']!r} stands twice", "keep one row"
    if row["unit"] not in units:
        yield "unit", f"unknown unit {row['unit']!r}", "use a unit of units.csv or add it there"
    if row["fit"] not in ("yes", "no"):
        yield "fit", f"{row['fit']!r}", "say yes or no"
    if row["status"] not in STATUS:
        yield "status", f"unknown status {row['status']!r}", f"use one of {', '.join(STATUS)}"
    if not row["source"]:
        yield "source", "no source", "name it, or say 'none' with the status assumed"
    yield from _prior_faults(row)


def _prior_faults(row: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    value, sd, scale = _number(row["value"]), _number(row["prior_sd"]), row["scale"]
    if value is None or value < 0:
        yield "value", f"{row['value']!r} is no rate or size", "give a number, zero or above"
    if scale not in ("", *Scale):
        yield "scale", f"unknown scale {scale!r}", "use log, logit, or leave it empty"
    elif scale and value is not None and not 0 < value < (math.inf if scale == "log" else 1):
        yield "value", f"{value:g} lies outside the {scale} scale", "change the value or the scale"
    if scale and (sd is None or sd <= 0):
        yield "prior_sd", f"{row['prior_sd']!r} is no SD", "give a positive number"
    if not scale and row["prior_sd"]:
        yield "prior_sd", "an SD without a scale", "name the scale: log or logit"
    if not scale and row["fit"] == "yes":
        yield "fit", "a fitted parameter without a prior", "give scale and prior_sd"


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
