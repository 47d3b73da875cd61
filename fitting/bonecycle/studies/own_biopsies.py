"""Per-biopsy rows of a user's own table become arms of biopsies and rows of a study."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bonecycle.biology import catalogue
from bonecycle.errors import DataError
from bonecycle.studies.biopsies import BiopsyArm, assumed_log_sd, constants
from bonecycle.studies.own_table import Column, Line, OwnTable, site_of
from bonecycle.studies.schema import Comparison, Observation, Reference, Role, Unit

# What a laboratory computes from other columns is no second measurement.
_COMPUTED: dict[str, tuple[frozenset[str], ...]] = {
    "BFR_BS": (frozenset({"MS_BS", "MAR"}),),
    "Ac_f": (frozenset({"MS_BS", "MAR"}), frozenset({"BFR_BS"})),
    "Aj_AR": (frozenset({"MS_BS", "MAR"}),),
    "Mlt": (frozenset({"MS_BS", "MAR"}), frozenset({"Aj_AR"})),
    "FP": (frozenset({"MS_BS", "MAR"}), frozenset({"Aj_AR"})),
    "Rs_P": (frozenset({"Oc_S_BS", "OS_BS"}),),
    "Rv_P": (frozenset({"ES_BS", "OS_BS"}),),
    "ES_OS": (frozenset({"ES_BS", "OS_BS"}),),
    "ES_MS": (frozenset({"ES_BS", "MS_BS"}),),
    "Q_S_BS": (frozenset({"ES_BS", "OS_BS"}),),
}
_SIGNED = frozenset({"BB"})


def read_biopsies(table: OwnTable, title: str) -> tuple[list[Observation], list[BiopsyArm]]:
    """Read rows with one biopsy each.

    Surfaces of zero, and ``<limit``, are below the detection limit: that of a zero is the shortest
    trace that is counted over the perimeter (column ``B.Pm``, else the constant of biopsy.csv).
    """
    _check_patients(table)
    perimeters = _perimeters(table)
    columns = [c for c in table.observables if _usable(table, c)]
    computed = _computed(table)
    for name in sorted(computed):
        symbol = catalogue.observables()[name].symbol
        table.notices.append(
            f"{symbol} is computed from other columns: it is predicted and shown, not fitted."
        )
    arms = []
    observations: list[Observation] = []
    for name in dict.fromkeys(line.arm for line in table.lines):
        lines = [line for line in table.lines if line.arm == name]
        patient = table.columns["patient"].place
        patients = tuple(dict.fromkeys(line.cells[patient] for line in lines))
        months = sorted({line.month for line in lines})
        cells = [(column, month) for month in months for column in columns]
        values = np.full((len(patients), len(cells)), np.nan)
        limits = values.copy()
        for line in lines:
            i = patients.index(line.cells[patient])
            for j, (column, month) in enumerate(cells):
                if month == line.month:
                    values[i, j], limits[i, j] = _value(table, line, column, computed, perimeters)
        rows = [
            _observation(table, title, lines, column, month, values[:, j], limits[:, j], computed)
            for j, (column, month) in enumerate(cells)
        ]
        observations += [row for row in rows if row is not None]
        # Fitted cells with a value above zero; an arm without any is a limit.
        kept = [
            j
            for j, row in enumerate(rows)
            if row is not None and row.role is Role.FITTED and row.comparison is Comparison.EQUAL
        ]
        if kept:
            named = tuple((cells[j][0].id, cells[j][1]) for j in kept)
            arms.append(BiopsyArm(name, patients, named, values[:, kept], limits[:, kept]))
    return observations, arms


def _check_patients(table: OwnTable) -> None:
    place = table.columns["patient"].place
    seen: dict[tuple[str, float], int] = {}
    arms: dict[str, Line] = {}
    for line in table.lines:
        patient = line.cells[place]
        if not patient:
            table.add(line.row, "patient", "is empty", "name the patient, or number the rows")
            continue
        first = arms.setdefault(patient, line)
        if first.arm != line.arm:
            message = f"{patient!r} is in arm {first.arm!r} in row {first.row}"
            remedy = "a patient has one arm: write the whole regimen and the month of each biopsy"
            table.add(line.row, "patient", message, remedy)
        row = seen.setdefault((patient, line.month), line.row)
        if row != line.row:
            message = f"{patient!r} at month {line.month:g} stands in row {row} too"
            table.add(line.row, "patient", message, "keep one row, or correct name or month")


def _usable(table: OwnTable, column: Column) -> bool:
    symbol = catalogue.observables()[column.id].symbol
    if column.id in _SIGNED:
        table.notices.append(f"{symbol} can be negative and is left out.")
        return False
    if column.id == "ES_BS" and table.includes_osteoclasts is False:
        if "Oc_S_BS" not in table.columns:
            table.notices.append(
                "ES/BS without osteoclast surface is left out: the model's eroded surface holds "
                "both. Add Oc.S/BS and their sum is used."
            )
            return False
        table.notices.append("ES/BS is the sum of the columns ES/BS and Oc.S/BS.")
    elif column.id == "ES_BS":
        table.notices.append("ES/BS, osteoclast surface included, is the model's eroded surface.")
    return True


def _computed(table: OwnTable) -> frozenset[str]:
    present = {column.id for column in table.observables}
    return frozenset(
        name
        for name, sources in _COMPUTED.items()
        if name in present and any(source <= present for source in sources)
    )


def _value(
    table: OwnTable,
    line: Line,
    column: Column,
    computed: frozenset[str],
    perimeters: Mapping[int, float],
) -> tuple[float, float]:
    """Value and detection limit of one cell; NaN where there is none."""
    perimeter = perimeters[line.row]
    value, limit = _cell(table, line, column, column.id in computed, perimeter)
    if column.id == "ES_BS" and table.includes_osteoclasts is False:
        other, other_limit = _cell(table, line, table.columns["Oc_S_BS"], False, perimeter)
        value += other
        if value == 0:
            limit = max(limit, other_limit)
        elif not np.isnan(value):
            limit = np.nan
    return value, limit


def _cell(
    table: OwnTable, line: Line, column: Column, computed: bool, perimeter: float
) -> tuple[float, float]:
    text = line.cells[column.place]
    if text.startswith("<"):
        try:
            limit = table.sheet.number(text[1:].strip()) * column.factor
        except ValueError:
            limit = 0.0
        if limit > 0:
            return 0.0, limit
        remedy = "write '<' and the detection limit, such as <0.1"
        table.add(line.row, column.place, f"{text!r} is no limit", remedy)
        return np.nan, np.nan
    number = table.number(line, column)
    if number is None:
        return np.nan, np.nan
    observable = catalogue.observables()[column.id]
    value = number * column.factor
    if value < 0 or (observable.unit == "%" and value > 100):
        high = "100 %" if observable.unit == "%" else "any number"
        message = f"{text} {column.unit or observable.unit} is outside 0 to {high}".replace(
            "outside 0 to any number", "below zero"
        )
        table.add(line.row, column.place, message, "check the number and the unit of the column")
        return np.nan, np.nan
    if value > 0:
        return value, np.nan
    if observable.kind == "surface":
        # The smallest surface that a section of this size can show, %.
        return 0.0, 100 * constants()["shortest_trace"].value / perimeter
    if not computed:
        message = f"{observable.symbol} of zero has no detection limit"
        remedy = "leave the cell empty where nothing could be measured, or write such as <0.1"
        table.add(line.row, column.place, message, remedy)
    return np.nan, np.nan


def _standard_error(column: Column, positive: NDArray[np.float64]) -> float:
    """Standard error of the geometric mean on the log scale; of one value, the assumed SD."""
    if len(positive) > 1:
        return float(np.std(np.log(positive), ddof=1) / np.sqrt(len(positive)))
    return assumed_log_sd(column.id) if len(positive) else 0.0


def _perimeters(table: OwnTable) -> dict[int, float]:
    """Perimeter of the section by row, mm; the constant of biopsy.csv where none is given."""
    usual = constants()["section_perimeter"].value
    column = table.columns.get("B_Pm")
    found = {}
    for line in table.lines:
        number = None if column is None else table.number(line, column)
        if column is not None and number is not None and number <= 0:
            table.add(line.row, "B_Pm", f"{number:g} is no perimeter", "write it in mm")
            number = None
        found[line.row] = usual if column is None or number is None else number * column.factor
    return found


def _observation(
    table: OwnTable,
    title: str,
    lines: list[Line],
    column: Column,
    month: float,
    values: NDArray[np.float64],
    limits: NDArray[np.float64],
    computed: frozenset[str],
) -> Observation | None:
    positive = values[values > 0]
    zeros = int(np.sum(values == 0))
    if not len(positive) and not zeros:
        return None
    at = [line for line in lines if line.month == month]
    counts = (
        f"{len(positive)} biopsies with a value, {zeros} below the detection limit, "
        f"{len(at) - len(positive) - zeros} without"
    )
    if len(positive):
        comparison, value = Comparison.EQUAL, float(np.exp(np.mean(np.log(positive))))
        note = f"geometric mean of {counts}; the fit estimates the median patient"
    else:
        comparison, value = Comparison.BELOW, float(np.nanmax(limits))
        note = f"{counts}: the median patient is below the limit"
    unit = catalogue.observables()[column.id].unit
    try:
        return Observation(
            file=table.sheet.file,
            row=at[0].row,
            study=title,
            doi="",
            pmid="",
            arm=at[0].arm,
            regimen=at[0].regimen,
            role=Role.VALIDATION if column.id in computed else Role.FITTED,
            site=site_of(table),
            time_months=month,
            variable=column.id,
            comparison=comparison,
            value=value,
            unit=Unit(unit),
            reference=Reference.NONE,
            lower=float(positive.min()) if len(positive) else None,
            upper=float(positive.max()) if len(positive) else None,
            interval="range of the biopsies with a value" if len(positive) else "",
            n=str(len(positive) + zeros),
            source_place=f"own table, month {month:g}",
            note=note,
            sampling_log_sd=_standard_error(column, positive),
        )
    except DataError as error:
        table.faults.extend(error.faults)
        return None
