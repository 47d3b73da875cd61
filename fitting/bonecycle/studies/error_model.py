"""The error model and the encodings of a statement without a number, read from tables."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from importlib.resources.abc import Traversable

import numpy as np
from numpy.typing import NDArray

from bonecycle.errors import DataError, Fault, UsageError, unknown
from bonecycle.studies.table import read_number, read_rows

ANY = "*"
FLOOR_LOG_SD = 0.10
DEFAULT_ENCODING = "soft-0.6"


@dataclass(frozen=True)
class ErrorEntry:
    """One row of the error model.

    Parameters
    ----------
    file, row
        Where it stands; the header is row 1.
    study, variable
        What it applies to; ``*`` stands for any.
    log_sd
        Standard deviation on the natural log scale, at least `FLOOR_LOG_SD`.
    arm_correlation
        Share of that variance common to all rows of an arm, from 0 to below 1.
    reason
        Why, in a sentence.

    Raises
    ------
    DataError
        With every fault of the row.
    """

    file: str
    row: int
    study: str
    variable: str
    log_sd: float
    arm_correlation: float
    reason: str

    def __post_init__(self) -> None:
        findings = []
        if not self.study or not self.variable:
            findings.append(("study", "study or variable is empty", "write a name or *"))
        if not self.log_sd >= FLOOR_LOG_SD:
            message = f"{self.log_sd:g} is below the floor of {FLOOR_LOG_SD:g}"
            findings.append(("log_sd", message, "write a standard deviation on the log scale"))
        if not 0 <= self.arm_correlation < 1:
            message = f"{self.arm_correlation:g} is not from 0 to below 1"
            findings.append(("arm_correlation", message, "write a share such as 0.5"))
        if not self.reason:
            findings.append(("reason", "is empty", "give the reason in a sentence"))
        _raise_if_any([Fault(self.file, self.row, *finding) for finding in findings])


@dataclass(frozen=True)
class ErrorModel:
    """Standard deviations and correlations; the most specific entry wins.

    The order is study and variable, study, variable, default.

    Raises
    ------
    DataError
        When two entries stand for the same, or the default (``*``, ``*``) is missing.
    """

    entries: tuple[ErrorEntry, ...]

    def __post_init__(self) -> None:
        faults = []
        seen: set[tuple[str, str]] = set()
        for entry in self.entries:
            if (entry.study, entry.variable) in seen:
                message = f"a second entry for {entry.study}, {entry.variable}"
                faults.append(Fault(entry.file, entry.row, "study", message, "remove one of them"))
            seen.add((entry.study, entry.variable))
        if (ANY, ANY) not in seen:
            file = self.entries[0].file if self.entries else ""
            faults.append(Fault(file, 1, "study", "there is no default", "add a row with * and *"))
        _raise_if_any(faults)

    @classmethod
    def load(cls, path: Traversable | None = None) -> "ErrorModel":
        """Read an error model; the shipped one when `path` is None.

        Raises
        ------
        DataError
            With every fault of the table.
        """
        table = files("bonecycle_data") / "error_model.csv" if path is None else path
        faults: list[Fault] = []
        entries = []
        columns = ("study", "variable", "log_sd", "arm_correlation", "reason")
        for number, cells in read_rows(table, columns, faults):
            place = (table.name, number)
            log_sd = _number(place, cells, "log_sd", faults)
            correlation = _number(place, cells, "arm_correlation", faults)
            if log_sd is None or correlation is None:
                continue
            names = (cells["study"], cells["variable"])
            try:
                entries.append(ErrorEntry(*place, *names, log_sd, correlation, cells["reason"]))
            except DataError as error:
                faults.extend(error.faults)
        _raise_if_any(faults)
        return cls(tuple(entries))

    def scaled(self, factor: float) -> "ErrorModel":
        """Return the model with all standard deviations multiplied, none below `FLOOR_LOG_SD`."""
        return ErrorModel(
            tuple(
                replace(entry, log_sd=max(FLOOR_LOG_SD, factor * entry.log_sd))
                for entry in self.entries
            )
        )

    def log_sd(self, study: str, variable: str) -> float:
        """Return the standard deviation on the natural log scale."""
        return self._entry(study, variable).log_sd

    def correlation(self, study: str, variable: str) -> float:
        """Return the share of variance common to all rows of an arm, from 0 to below 1."""
        return self._entry(study, variable).arm_correlation

    def covariance(self, rows: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
        """Return the covariance of the log errors of rows of one arm of one trial.

        Rows i and j correlate with sqrt(c_i c_j), the correlation of one shared arm effect.

        Parameters
        ----------
        rows
            Study and variable of each row, `n` pairs; a pair may repeat.

        Returns
        -------
        array
            Shape `(n, n)`, positive definite.
        """
        entries = [self._entry(study, variable) for study, variable in rows]
        log_sd = np.array([entry.log_sd for entry in entries], dtype=np.float64)
        shared = np.sqrt(np.array([entry.arm_correlation for entry in entries], dtype=np.float64))
        correlation = shared[:, None] * shared
        np.fill_diagonal(correlation, 1.0)
        covariance: NDArray[np.float64] = log_sd[:, None] * correlation * log_sd
        return covariance

    @property
    def hash(self) -> str:
        """SHA-256 of all names and numbers in sorted order; reasons do not enter."""
        lines = sorted(
            f"{entry.study},{entry.variable},{entry.log_sd!r},{entry.arm_correlation!r}"
            for entry in self.entries
        )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def check_names(self, studies: Collection[str], observables: Collection[str]) -> None:
        """Check that every entry names a known study and variable.

        Raises
        ------
        DataError
            With every unknown name, which would otherwise silently get the default.
        """
        faults = []
        for entry in self.entries:
            for kind, name, known in (
                ("study", entry.study, studies),
                ("variable", entry.variable, observables),
            ):
                if name != ANY and name not in known:
                    message = str(unknown(kind, name, known))
                    faults.append(Fault(entry.file, entry.row, kind, message, "correct the name"))
        _raise_if_any(faults)

    def _entry(self, study: str, variable: str) -> ErrorEntry:
        table = {(entry.study, entry.variable): entry for entry in self.entries}
        for key in ((study, variable), (study, ANY), (ANY, variable)):
            if key in table:
                return table[key]
        return table[ANY, ANY]


@dataclass(frozen=True)
class Encoding:
    """How ``not_strongly_decreased`` is read: a ratio above a threshold.

    Parameters
    ----------
    name
        Name of the encoding.
    threshold
        Ratio to the reference, from 0 to 1; None drops the statement.
    log_sd
        Width of the crossing on the natural log scale; None when dropped.

    Raises
    ------
    UsageError
        When the threshold or the width is out of range, or only one of them is given.
    """

    name: str
    threshold: float | None
    log_sd: float | None

    def __post_init__(self) -> None:
        if self.threshold is None and self.log_sd is None:
            return
        if self.threshold is None or self.log_sd is None:
            raise UsageError("give both threshold and log_sd, or neither")
        if not 0 < self.threshold <= 1:
            raise UsageError(f"the threshold {self.threshold:g} is not above 0 and at most 1")
        if not self.log_sd > 0:
            raise UsageError(f"log_sd {self.log_sd:g} is not above 0")


def load_encodings(path: Traversable | None = None) -> Mapping[str, Encoding]:
    """Read the encodings by name; the shipped ones when `path` is None.

    Raises
    ------
    DataError
        With every fault of the table.
    """
    table = files("bonecycle_data") / "encodings.csv" if path is None else path
    faults: list[Fault] = []
    encodings: dict[str, Encoding] = {}
    for number, cells in read_rows(table, ("name", "threshold", "log_sd", "reason"), faults):
        place = (table.name, number)
        name = cells["name"]
        if not name or name in encodings:
            message = f"the name {name!r} is empty or used before"
            faults.append(Fault(*place, "name", message, "give each encoding a name of its own"))
        before = len(faults)
        threshold = _number(place, cells, "threshold", faults) if cells["threshold"] else None
        log_sd = _number(place, cells, "log_sd", faults) if cells["log_sd"] else None
        if len(faults) > before:
            continue
        try:
            encodings[name] = Encoding(name, threshold, log_sd)
        except UsageError as error:
            faults.append(Fault(*place, "threshold", str(error), "correct the row"))
    _raise_if_any(faults)
    return encodings


def _number(
    place: tuple[str, int], cells: Mapping[str, str], column: str, faults: list[Fault]
) -> float | None:
    try:
        return read_number(cells[column])
    except ValueError:
        message = f"{cells[column]!r} is not a number"
        faults.append(Fault(*place, column, message, "write digits with a decimal point"))
        return None


def _raise_if_any(faults: Sequence[Fault]) -> None:
    if faults:
        raise DataError(faults)
