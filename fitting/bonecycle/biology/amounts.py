"""Doses and times with their units: read from text, and written so that they are read back."""

import re
from collections.abc import Iterable

from bonecycle.errors import BonecycleError, unknown

DAYS_PER_MONTH = 365.25 / 12

_DAYS = {
    "month": DAYS_PER_MONTH,
    "week": 7.0,
    "day": 1.0,
    "hour": 1 / 24,
    "minute": 1 / 1440,
    "year": 365.25,
}
_MILLIGRAMS = {"mg": 1.0, "ug": 1e-3, "g": 1e3}
_SPELLINGS = {
    "d": "day",
    "wk": "week",
    "mo": "month",
    "y": "year",
    "yr": "year",
    "h": "hour",
    "hr": "hour",
    "min": "minute",
    "mcg": "ug",
}
_QUANTITY = re.compile(r"(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?) ?(?P<unit>\S*)")
_CALENDAR = re.compile(r"\d+([-/.])\d+\1\d+\S*")
_LONGEST = 100_000


class RegimenError(BonecycleError):
    """A regimen, dose or duration that cannot be used.

    Parameters
    ----------
    faults
        Every fault found, as (part of the treatment, message); the part is a column of the
        regimen table, or "" where the fault is of the whole.
    """

    def __init__(self, faults: Iterable[tuple[str, str]]) -> None:
        self.faults = tuple(faults)
        super().__init__(self.faults)

    @property
    def messages(self) -> tuple[str, ...]:
        """Every fault in words."""
        return tuple(message for _, message in self.faults)

    def __str__(self) -> str:
        return "\n".join(self.messages)


def parse_duration(text: str) -> float:
    """Return a duration such as ``24 months`` or ``15 minutes`` in days.

    A month is 365.25 / 12 days and a year 365.25 days.

    Raises
    ------
    RegimenError
        When the text is not a number with a unit of time.
    """
    if _CALENDAR.fullmatch(text.strip()):
        fault = (
            f"{text.strip()!r} is a date of the calendar: times count from the start of treatment, "
            "write '6 months'"
        )
        raise RegimenError([("", fault)])
    return _parse(text, "duration", _DAYS, "'24 months'")


def parse_dose(text: str) -> float:
    """Return a dose such as ``70 mg`` or ``60000 ug`` in mg.

    Raises
    ------
    RegimenError
        When the text is not a number with a unit of mass.
    """
    return _parse(text, "dose", _MILLIGRAMS, "'70 mg'")


def parse_dates(text: str) -> tuple[float, ...]:
    """Return times such as ``0, 6 and 18 months`` or ``0 days, 1 year`` in days.

    A number without a unit has that of the next one.

    Raises
    ------
    RegimenError
        With every fault of every time.
    """
    if not text.strip():
        raise RegimenError([("", "no dates are written: write '0, 6 and 18 months'")])
    faults: list[tuple[str, str]] = []
    found: list[float] = []
    unit = ""
    for item in reversed(re.split(r",| and ", text)):
        match = _QUANTITY.fullmatch(item.strip())
        unit = match["unit"] or unit if match else ""
        try:
            found.append(parse_duration(f"{item} {unit}" if match and not match["unit"] else item))
        except RegimenError as error:
            faults.extend(error.faults)
    if faults:
        raise RegimenError(reversed(faults))
    return tuple(reversed(found))


def duration_text(days: float) -> str:
    """Write a duration in the largest unit in which it is a whole number."""
    for unit in ("month", "week", "day", "hour", "minute"):
        count = round(days / _DAYS[unit])
        if 0 < count < _LONGEST and count * _DAYS[unit] == days:
            return f"{count} {unit}" if count == 1 else f"{count} {unit}s"
    return f"{number_text(days)} days"


def dates_text(days: Iterable[float]) -> str:
    """Write times as `parse_dates` reads them."""
    texts = [duration_text(day) for day in days]
    return " and ".join([", ".join(texts[:-1]), texts[-1]] if texts[1:] else texts)


def number_text(number: float) -> str:
    """Write a number so that the same number is read back, without digits of rounding."""
    text = f"{number:.15g}"
    return text if float(text) == number else repr(number)


def _parse(text: str, kind: str, units: dict[str, float], example: str) -> float:
    if not text.strip():
        raise RegimenError([("", f"no {kind} is written: write {example}")])
    match = _QUANTITY.fullmatch(text.strip())
    if match is None:
        raise RegimenError([("", f"{text.strip()!r} is not a {kind}: write {example}")])
    unit = match["unit"].lower().replace("\u00b5", "u").replace("\u03bc", "u")
    unit = unit.removesuffix("s") or unit
    unit = _SPELLINGS.get(unit, unit)
    if not unit:
        fault = f"the {kind} {text.strip()!r} has no unit: write {example}"
        raise RegimenError([("", fault)])
    if unit not in units:
        raise RegimenError([("", str(unknown(f"unit of {kind}", match["unit"], units)))])
    return float(match["number"]) * units[unit]
