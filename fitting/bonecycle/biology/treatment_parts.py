"""A treatment read from the texts of its parts, every fault at once: for text, table, options."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal
from typing import TypeVar

from bonecycle.biology.amounts import RegimenError, parse_dates, parse_dose, parse_duration
from bonecycle.biology.treatments import MAX_DOSES, At, Every, Route, Treatment
from bonecycle.errors import unknown

# In the order in which their faults are reported.
PARTS = (
    *("drug", "dose", "route", "interval", "start", "stop", "dates"),
    *("infusion", "missed", "adherence", "seed"),
)
Routes = Mapping[str, Collection[str]]
_ADHERENCE = re.compile(r"(?P<percent>\d+(?:\.\d+)?) ?%")
_NUMBERS = re.compile(r"(?P<first>\d{1,9})(?: ?- ?(?P<last>\d{1,9}))?")
_SEED = re.compile(r"\d{1,18}")
_T = TypeVar("_T")


def read_treatment(cells: Mapping[str, str], routes: Routes | None = None) -> Treatment:
    """Return a treatment from the texts of its parts.

    Parameters
    ----------
    cells
        Text by part of `PARTS`; a part that may be left out is absent and not empty. ``lasts``,
        counted from the start, may stand for ``stop``.
    routes
        Routes by drug, as `catalogue.routes` gives them. None: any drug will do.

    Raises
    ------
    RegimenError
        With every fault of every part, in the order of `PARTS`.
    """
    faults: list[tuple[str, str]] = []
    drug = cells.get("drug", "").lower()
    # Harmless values in place of faults, so that the other parts are still checked.
    dose = _read(faults, "dose", parse_dose, cells.get("dose", ""), 1.0)
    route = _read(faults, "route", parse_route, cells.get("route", ""), None)
    infusion = _read(faults, "infusion", parse_duration, cells.get("infusion", "0 days"), 0.0)
    missed: tuple[int, ...] = ()
    if "missed" in cells:
        missed = _read(faults, "missed", parse_numbers, cells["missed"], missed)
    share = _read(faults, "adherence", parse_adherence, cells.get("adherence", "100 %"), 1.0)
    seed = _read(faults, "seed", _parse_seed, cells.get("seed", "0"), 0)
    schedule = _schedule(cells, faults)
    if schedule is None:
        missed = ()
    with collected(faults):
        treatment = Treatment(
            drug,
            dose,
            route or Route.IV,
            schedule or At((0.0,)),
            infusion,
            missed,
            share,
            seed,
        )
    if routes is not None and not any(part == "drug" for part, _ in faults):
        faults += drug_faults(drug, route, routes)
    if faults:
        raise RegimenError(sorted(faults, key=lambda fault: PARTS.index(fault[0])))
    return treatment


def drug_faults(drug: str, route: Route | None, routes: Routes) -> Iterator[tuple[str, str]]:
    """Yield the fault of a drug that is not known, or is not given by a route (None: any)."""
    if drug not in routes:
        yield "drug", str(unknown("drug", drug, routes))
    elif route is not None and route not in routes[drug]:
        yield "route", f"{drug} is not given {route.value}: use {' or '.join(routes[drug])}"


def parse_route(text: str) -> Route:
    """Return a route by its name.

    Raises
    ------
    RegimenError
        For another word.
    """
    if text.lower() not in list(Route):
        raise RegimenError([("route", str(unknown("route", text, list(Route))))])
    return Route(text.lower())


def parse_numbers(text: str) -> tuple[int, ...]:
    """Return numbers of doses such as ``3, 7-10``, sorted.

    Raises
    ------
    RegimenError
        For anything else, and for a range that runs backwards.
    """
    numbers: set[int] = set()
    for part in text.split(","):
        match = _NUMBERS.fullmatch(part.strip())
        first, last = (
            (int(match["first"]), int(match["last"] or match["first"])) if match else (1, 0)
        )
        if match is None or last > MAX_DOSES:
            fault = f"{text!r} are no numbers of doses: write '3, 7-10'"
            raise RegimenError([("missed", fault)])
        if last < first:
            fault = f"the doses {part.strip()!r} run backwards: write '{last}-{first}'"
            raise RegimenError([("missed", fault)])
        numbers |= set(range(first, last + 1))
    return tuple(sorted(numbers))


def parse_adherence(text: str) -> float:
    """Return a share of doses taken such as ``80 %``, as a fraction.

    Raises
    ------
    RegimenError
        For anything else.
    """
    match = _ADHERENCE.fullmatch(text)
    if match is None:
        raise RegimenError([("adherence", f"{text!r} is not a share of doses: write '80 %'")])
    return float(Decimal(match["percent"]) / 100)


@contextmanager
def collected(faults: list[tuple[str, str]], part: str = "") -> Iterator[None]:
    """Add the faults raised inside to a list; `part` names what had them where they do not."""
    try:
        yield
    except RegimenError as error:
        faults.extend((named or part, message) for named, message in error.faults)


def _read(
    faults: list[tuple[str, str]], part: str, parse: Callable[[str], _T], text: str, harmless: _T
) -> _T:
    with collected(faults, part):
        return parse(text)
    return harmless


def _schedule(cells: Mapping[str, str], faults: list[tuple[str, str]]) -> Every | At | None:
    if "dates" in cells:
        beside = [part for part in ("interval", "start", "stop") if part in cells]
        message = "stands beside dates: give dates, or interval, start and stop"
        faults += [(part, message) for part in beside]
        with collected(faults, "dates"):
            dates = At(parse_dates(cells["dates"]))
            return None if beside else dates
        return None
    unread: list[tuple[str, str]] = []
    interval = _read(unread, "interval", _parse_interval, cells.get("interval", ""), 1.0)
    start = _read(unread, "start", parse_duration, cells.get("start", "0 days"), 0.0)
    length = cells.get("lasts", cells.get("stop", ""))
    stop = _read(unread, "stop", parse_duration, length, 1.0)
    if "lasts" in cells:
        stop += start
    wrong: list[tuple[str, str]] = []
    with collected(wrong):
        every = Every(interval, start, stop)
    # A harmless value has no faults of its own.
    parts = {part for part, _ in unread}
    found = unread + [fault for fault in wrong if fault[0] not in parts]
    faults += found
    return None if found or wrong else every


def _parse_interval(text: str) -> float:
    """Return an interval such as ``6 months`` or ``week`` in days."""
    return parse_duration(f"1 {text}" if text.isalpha() else text)


def _parse_seed(text: str) -> int:
    if not _SEED.fullmatch(text):
        raise RegimenError([("seed", f"{text!r} is not a whole number of up to 18 digits")])
    return int(text)
