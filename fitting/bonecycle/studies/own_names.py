"""Common spellings of histomorphometric names, and units as people write them."""

from __future__ import annotations

import difflib
import math
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from bonecycle.biology import catalogue
from bonecycle.biology.tables import read_rows
from bonecycle.errors import UsageError

if TYPE_CHECKING:
    import pint

_HEADER = re.compile(r"(?P<name>.*?)\s*(?:[(\[](?P<unit>[^)\]]*)[)\]]|,\s*(?P<plain>[^,]+))?\s*")
_PLAIN = str.maketrans({"\u00b5": "u", "\u03bc": "u", "\u00b2": "2", "\u00b3": "3"})
_TOKEN = re.compile(r"(?P<word>[a-z]+|%|#)(?:\^|\*\*)?(?P<power>-?[1-3])?|(?P<mark>[/*.\u00b7])")
# What people write, and what pint calls it. Cells are counted, not measured.
_WORDS = {
    "%": "percent", "percent": "percent", "pct": "percent", "fraction": "", "ratio": "",
    "um": "micrometer", "mcm": "micrometer", "micron": "micrometer", "microns": "micrometer",
    "micrometer": "micrometer", "micrometre": "micrometer", "mm": "millimeter",
    "cm": "centimeter", "nm": "nanometer", "d": "day", "day": "day", "days": "day", "h": "hour",
    "hour": "hour", "hours": "hour", "w": "week", "wk": "week", "week": "week", "weeks": "week",
    "month": "month", "months": "month", "mo": "month", "y": "year", "yr": "year", "a": "year",
    "yrs": "year", "year": "year", "years": "year", "annum": "year", "cell": "", "cells": "",
    "#": "", "nuclei": "",
}  # fmt: skip


def split_header(text: str) -> tuple[str, str]:
    """Name and unit of a column head: ``ES/BS (%)``, ``MAR [um/d]`` or ``MAR, um/d``."""
    match = _HEADER.fullmatch(text)
    if match is None:
        return text, ""
    return match["name"], (match["unit"] or match["plain"] or "").strip()


def plain(text: str) -> str:
    """A name without case, spaces and marks: ``ES/BS``, ``ES_BS`` and ``es bs`` are one."""
    return re.sub(r"[^a-z0-9:]", "", text.translate(_PLAIN).lower())


@cache
def spellings() -> dict[str, str]:
    """Ids of columns and observables by plain spelling."""
    found = {}
    for row in read_rows(files("bonecycle_data") / "spellings.csv"):
        for text in [row["id"], *row["spellings"].split(";")]:
            found[plain(text)] = row["id"]
    for observable in catalogue.observables().values():
        for text in (observable.id, observable.symbol):
            found.setdefault(plain(text), observable.id)
    return found


def canonical(name: str) -> str | None:
    """Id of a column or observable, or None when nothing is spelled so."""
    return spellings().get(plain(name))


def suggestion(name: str) -> str:
    """A question with the closest known names, or where to find them."""
    close = difflib.get_close_matches(plain(name), spellings(), n=2, cutoff=0.6)
    ids = list(dict.fromkeys(spellings()[word] for word in close))
    symbols = [
        catalogue.observables()[i].symbol if i in catalogue.observables() else i for i in ids
    ]
    if symbols:
        return f"did you mean {' or '.join(map(repr, symbols))}?"
    return "see `bonecycle list observables`"


def factor(text: str, wanted: str) -> float:
    """What a number in one unit is multiplied by to be in another.

    Parameters
    ----------
    text
        A unit as people write it: ``%``, ``mm2/mm2``, ``per year``, ``/d``, ``mcm3/mcm2/d``.
    wanted
        A unit of the catalogue, such as ``um/yr``.

    Raises
    ------
    UsageError
        For an unknown unit, or one that measures something else.
    """
    given, target = _quantity(text), _quantity(wanted)
    if given.dimensionality != target.dimensionality:
        raise UsageError(f"the unit {text!r} does not measure what {wanted!r} does")
    result = float((1 * given / target).to_base_units().magnitude)
    nearest = float(f"{result:.12g}")
    # Chains of conversions leave 99.99999999999999 where 100 is meant.
    return nearest if math.isclose(result, nearest, rel_tol=1e-12) else result


def _quantity(text: str) -> pint.Quantity[float]:
    registry = _registry()
    rest = re.sub(r"\bper\b", "/", text.translate(_PLAIN).lower().strip())
    rest = re.sub(r"\s*([/*.])\s*", r"\1", rest)
    rest = re.sub(r"\s+", "*", rest).removeprefix("1") if rest != "1" else ""
    result, sign, end = registry.Quantity(1.0), 1, 0
    # Only words of the list above reach pint: its own parser would also calculate.
    while end < len(rest):
        match = _TOKEN.match(rest, end)
        if match is None:
            raise _unknown_unit(text, rest[end : end + 8])
        end = match.end()
        if match["mark"]:
            sign = -1 if match["mark"] == "/" else 1
        elif match["word"] in _WORDS:
            name = _WORDS[match["word"]]
            one = registry.Quantity(1.0, name) if name else registry.Quantity(1.0)
            result = result * one ** (sign * int(match["power"] or 1))
        else:
            raise _unknown_unit(text, match["word"])
    return result


def _unknown_unit(text: str, part: str) -> UsageError:
    close = difflib.get_close_matches(part, [word for word in _WORDS if len(word) > 1], n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return UsageError(f"the unit {text!r} is not known ({part!r}){hint}")


@cache
def _registry() -> pint.UnitRegistry[float]:
    import pint

    return pint.UnitRegistry()
