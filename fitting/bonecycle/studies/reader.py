"""Reading study tables; every fault of every file is reported at once."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from enum import StrEnum
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

from bonecycle.biology.regimens import Regimen, RegimenError, parse_regimen
from bonecycle.errors import DataError, Fault, unknown
from bonecycle.studies.own_reader import is_own_table, read_own_table
from bonecycle.studies.schema import Comparison, Observation, Reference, Role, Study, Unit
from bonecycle.studies.table import read_number, read_rows

COLUMNS = (
    "study",
    "doi",
    "pmid",
    "arm",
    "regimen",
    "role",
    "site",
    "time_months",
    "variable",
    "comparison",
    "value",
    "unit",
    "reference",
    "lower",
    "upper",
    "interval",
    "n",
    "source_place",
    "note",
)
OPTIONAL = ("trial", "trial_source")

_Choice = TypeVar("_Choice", bound=StrEnum)


def shipped_studies() -> tuple[Traversable, ...]:
    """Return the study tables that come with the package, sorted by name."""
    folder = files("bonecycle_data") / "studies"
    tables = [path for path in folder.iterdir() if path.name.endswith(".csv")]
    return tuple(sorted(tables, key=lambda path: path.name))


def read_study(path: Traversable, observables: Collection[str]) -> Study:
    """Read one study table.

    Parameters
    ----------
    path
        A `pathlib.Path` or packaged file, CSV with the columns of `COLUMNS`, and `OPTIONAL` ones.
    observables
        Code names of the variables a model can predict.

    Raises
    ------
    DataError
        With every fault of the file.
    """
    return load_studies(observables, [path])[0]


def load_studies(
    observables: Collection[str], paths: Iterable[Traversable] | None = None
) -> tuple[Study, ...]:
    """Read several study tables, or users' own tables of biopsies (see `own_reader`).

    Parameters
    ----------
    observables
        Code names of the variables a model can predict.
    paths
        The tables; all shipped ones when None.

    Raises
    ------
    DataError
        With every fault of every file.
    """
    tables = shipped_studies() if paths is None else tuple(paths)
    faults: list[Fault] = []
    studies: dict[str, Study] = {}
    for path in tables:
        found: list[Fault] = []
        name = path.name.removesuffix(".csv")
        study = _read_one(path, name, observables, found)
        if name in studies:
            remedy = "rename one file: the error model refers to studies by file name"
            found.append(Fault(path.name, 0, "", "two tables have this name", remedy))
        if study is not None and not found:
            studies[name] = study
        faults.extend(found)
    faults.extend(_trial_faults(studies.values()))
    if faults:
        raise DataError(faults)
    return tuple(studies.values())


def _read_one(
    path: Traversable, name: str, observables: Collection[str], faults: list[Fault]
) -> Study | None:
    if is_own_table(path, COLUMNS):
        try:
            return read_own_table(path, observables)
        except DataError as error:
            faults.extend(error.faults)
            return None
    observations = _read_observations(path, observables, faults)
    faults.extend(_file_faults(observations))
    if faults:
        return None
    first = observations[0]
    return Study(name, first.study, first.doi, first.pmid, tuple(observations))


def _read_observations(
    path: Traversable, observables: Collection[str], faults: list[Fault]
) -> list[Observation]:
    observations = []
    for number, cells in read_rows(path, COLUMNS, faults, OPTIONAL):
        row = _Row(path.name, number, cells)
        try:
            observation = row.observation()
        except DataError as error:
            faults.extend(error.faults)
            continue
        if observation.role is not Role.CONTEXT and observation.variable not in observables:
            message = str(unknown("variable", observation.variable, observables))
            remedy = "write a known name, or give the row the role context"
            faults.append(Fault(path.name, number, "variable", message, remedy))
        observations.append(observation)
    return observations


class _Row:
    """The cells of one row, read into typed values while their faults are collected."""

    def __init__(self, file: str, number: int, cells: dict[str, str]) -> None:
        self._file = file
        self._number = number
        self._cells = cells
        self._faults: list[Fault] = []

    def observation(self) -> Observation:
        """Return the row as an observation; DataError holds every fault of its cells."""
        texts: dict[str, Any] = {name: self._cells[name] for name in _TEXTS}
        time = self._read_number("time_months")
        value, lower, upper = (self._read_number(name) for name in ("value", "lower", "upper"))
        regimen = self._read_regimen()
        role = self._read_choice("role", Role)
        comparison = self._read_choice("comparison", Comparison)
        unit = self._read_choice("unit", Unit)
        reference = self._read_choice("reference", Reference)
        if time is None and not self._cells["time_months"]:
            self._add("time_months", "is empty", "write months since the start of the regimen")
        if self._faults or not (role and comparison and reference) or unit is None or time is None:
            raise DataError(self._faults)
        return Observation(
            file=self._file,
            row=self._number,
            regimen=regimen,
            role=role,
            time_months=time,
            comparison=comparison,
            value=value,
            unit=unit,
            reference=reference,
            lower=lower,
            upper=upper,
            **texts,
        )

    def _add(self, column: str, message: str, remedy: str) -> None:
        self._faults.append(Fault(self._file, self._number, column, message, remedy))

    def _read_number(self, column: str) -> float | None:
        text = self._cells[column]
        if not text:
            return None
        try:
            return read_number(text)
        except ValueError:
            self._add(column, f"{text!r} is not a number", "write digits with a decimal point")
            return None

    def _read_choice(self, column: str, choices: type[_Choice]) -> _Choice | None:
        text = self._cells[column]
        for choice in choices:
            if text == choice:
                return choice
        self._add(column, str(unknown(column, text, choices)), "write one of the known words")
        return None

    def _read_regimen(self) -> Regimen | None:
        text = self._cells["regimen"]
        if not text:
            return None
        try:
            return parse_regimen(text)
        except RegimenError as error:
            for message in error.messages:
                self._add("regimen", message, "correct the treatment of the arm")
            return None


_TEXTS = (
    "study",
    "doi",
    "pmid",
    "arm",
    "site",
    "variable",
    "interval",
    "n",
    "source_place",
    "note",
    *OPTIONAL,
)


def _file_faults(rows: Sequence[Observation]) -> Iterator[Fault]:
    """Yield what only shows when the rows of one file are compared."""
    for column in ("study", "doi", "pmid", "trial"):
        remedy = "one file holds one study: put the other rows into a file of their own"
        yield from _differing(rows, column, lambda row: "file", remedy)
    remedy = "all rows of an arm share one regimen: name another arm or write the same regimen"
    yield from _differing(rows, "regimen", lambda row: row.arm, remedy)
    numeric = [row for row in rows if row.value is not None]
    remedy = "write one variable of an arm in one unit"
    yield from _differing(numeric, "unit", lambda row: f"{row.variable} of {row.arm}", remedy)
    seen: dict[tuple[str, str, float, str], int] = {}
    for row in rows:
        key = (row.arm, row.variable, row.time_months, row.comparison)
        if key in seen:
            message = f"repeats row {seen[key]}: same arm, variable, time and comparison"
            yield Fault(row.file, row.row, "variable", message, "remove one of the two rows")
        seen.setdefault(key, row.row)


def _differing(
    rows: Sequence[Observation], column: str, group: Callable[[Observation], str], remedy: str
) -> Iterator[Fault]:
    first: dict[str, Observation] = {}
    for row in rows:
        earlier = first.setdefault(group(row), row)
        if getattr(row, column) != getattr(earlier, column):
            message = f"differs from row {earlier.row}"
            yield Fault(row.file, row.row, column, message, remedy)


def _trial_faults(studies: Iterable[Study]) -> Iterator[Fault]:
    """Yield arms of one trial that two studies give one name and different regimens."""
    first: dict[tuple[str, str], Observation] = {}
    for study in studies:
        for arm in study.arms(tuple(Role)):
            row = arm.observations[0]
            earlier = first.setdefault((study.trial, arm.name), row)
            if row.regimen != earlier.regimen:
                message = f"differs from {earlier.file}, row {earlier.row}, of the same trial"
                remedy = "write the same regimen, or name another arm"
                yield Fault(row.file, row.row, "regimen", message, remedy)
