"""Means and medians of a user's own table become rows of a study."""

from __future__ import annotations

import math

from bonecycle.biology import catalogue
from bonecycle.errors import DataError, UsageError
from bonecycle.studies import own_names
from bonecycle.studies.biopsies import BiopsyArm, assumed_log_sd, constants
from bonecycle.studies.own_table import Line, OwnTable, site_of
from bonecycle.studies.schema import Comparison, Observation, Reference, Role, Unit

# Quartiles of a normal distribution lie this many SDs from its middle.
_QUARTILE = 0.6744897501960817
# SE of a median over SE of a mean, for a normal distribution.
_MEDIAN_SE = math.sqrt(math.pi / 2)


def read_summary(table: OwnTable, title: str) -> tuple[list[Observation], list[BiopsyArm]]:
    """Read rows with one mean or median each.

    Between patients the variables are taken as log-normal: a mean with its SD becomes the median
    patient, and the spread over the root of n its standard error on the log scale.
    """
    for name in ("mean", "median", "sd", "se", "q1", "q3"):
        if name in table.columns:
            break
    else:
        table.add(table.sheet.header_row, 0, "no column holds numbers", "add mean or median")
    rows = [_row(table, title, line) for line in table.lines]
    kept = [row for row in rows if row is not None]
    seen: dict[tuple[str, str, float], int] = {}
    for row in kept:
        key = (row.arm, row.variable, row.time_months)
        first = seen.setdefault(key, row.row)
        if first != row.row:
            message = f"repeats row {first}: same arm, variable and month"
            table.add(row.row, "variable", message, "remove one of the two rows")
    return kept, []


def _row(table: OwnTable, title: str, line: Line) -> Observation | None:
    before = len(table.faults)
    variable, factor = _variable(table, line)
    numbers: dict[str, float | None] = {
        name: table.number(line, table.columns[name])
        for name in ("mean", "median", "sd", "se", "q1", "q3", "n")
        if name in table.columns
    }
    n = numbers.pop("n", None)
    if n is None or n < 1 or n != int(n):
        table.add(line.row, "n", "is not a whole number above zero", "write how many biopsies")
    mean, median = numbers.get("mean"), numbers.get("median")
    if (mean is None) == (median is None):
        place = next(name for name in ("mean", "median", "variable") if name in table.columns)
        table.add(line.row, place, "one of mean and median is needed", "fill in one of them")
    for name, number in numbers.items():
        if number is not None and number < 0:
            table.add(line.row, name, f"{number:g} is below zero", "check the number")
    if len(table.faults) > before or variable is None or n is None:
        return None
    if variable == "ES_BS" and table.includes_osteoclasts is False:
        table.notices.append(
            f"Row {line.row}: ES/BS without osteoclast surface is left out: the model's eroded "
            "surface holds both, and a mean or median of their sum does not follow from these."
        )
        return None
    centre = mean if mean is not None else median
    assert centre is not None  # checked above
    if centre == 0:
        limit = 100 * constants()["shortest_trace"].value / constants()["section_perimeter"].value
        if catalogue.observables()[variable].kind != "surface":
            remedy = "a zero has a detection limit for surfaces only: remove the row"
            table.add(line.row, "variable", "the mean or median is zero", remedy)
            return None
        return _observation(
            table, title, line, variable, limit, Comparison.BELOW, int(n), 0.0, "median of zero"
        )
    log_sd, said = _log_sd(variable, centre, numbers, int(n), mean is not None)
    value = centre * math.exp(-(log_sd**2) / 2) if mean is not None else centre
    error = log_sd / math.sqrt(n) * (1.0 if mean is not None else _MEDIAN_SE)
    kind = "mean, taken to the median patient" if mean is not None else "median"
    return _observation(
        table, title, line, variable, value * factor, Comparison.EQUAL, int(n), error,
        f"{kind}; between patients log SD {log_sd:.2f} ({said})",
    )  # fmt: skip


def _variable(table: OwnTable, line: Line) -> tuple[str | None, float]:
    text = line.cells[table.columns["variable"].place]
    unit = line.cells[table.columns["unit"].place]
    variable = own_names.canonical(text)
    if variable not in catalogue.observables() or variable == "BB":
        message = f"{text!r} is no known variable; {own_names.suggestion(text)}"
        table.add(line.row, "variable", message, "rename it, or remove the row")
        return None, 1.0
    wanted = catalogue.observables()[variable].unit
    if not unit and wanted != "1":
        table.add(line.row, "unit", "is empty", f"write the unit, such as {wanted}")
        return None, 1.0
    try:
        return variable, own_names.factor(unit, wanted)
    except UsageError as error:
        table.add(line.row, "unit", str(error), f"write a unit such as {wanted}")
        return None, 1.0


def _log_sd(
    variable: str, centre: float, numbers: dict[str, float | None], n: int, is_mean: bool
) -> tuple[float, str]:
    """SD between patients on the log scale, and where it comes from."""
    low, high = numbers.get("q1"), numbers.get("q3")
    if high is not None and low is not None and high > low > 0:
        return math.log(high / low) / (2 * _QUARTILE), "from the quartiles"
    if high is not None and high > centre:
        return math.log(high / centre) / _QUARTILE, "from the upper quartile"
    sd, se = numbers.get("sd"), numbers.get("se")
    if sd is None and se is not None:
        sd = se * math.sqrt(n)
    if sd is not None and sd > 0:
        ratio = (sd / centre) ** 2
        if is_mean:
            return math.sqrt(math.log1p(ratio)), "from the SD"
        # SD^2 = median^2 x (x - 1) with x = exp(log SD^2).
        return math.sqrt(math.log((1 + math.sqrt(1 + 4 * ratio)) / 2)), "from the SD"
    return assumed_log_sd(variable), "assumed: none given"


def _observation(
    table: OwnTable,
    title: str,
    line: Line,
    variable: str,
    value: float,
    comparison: Comparison,
    n: int,
    sampling_log_sd: float,
    note: str,
) -> Observation | None:
    try:
        return Observation(
            file=table.sheet.file,
            row=line.row,
            study=title,
            doi="",
            pmid="",
            arm=line.arm,
            regimen=line.regimen,
            role=Role.FITTED,
            site=site_of(table),
            time_months=line.month,
            variable=variable,
            comparison=comparison,
            value=value,
            unit=Unit(catalogue.observables()[variable].unit),
            reference=Reference.NONE,
            lower=None,
            upper=None,
            interval="",
            n=str(n),
            source_place="own table",
            note=note,
            sampling_log_sd=sampling_log_sd,
        )
    except DataError as error:
        for fault in error.faults:
            table.add(line.row, "variable", fault.message, fault.remedy)
        return None
