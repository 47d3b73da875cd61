"""The one family of exceptions; every message says what to do.

Every constructor hands its arguments to `Exception`, so that errors survive the way back from
a worker process.
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


class BonecycleError(Exception):
    """Base of every error this package raises on purpose."""


class ModelError(BonecycleError):
    """A model does not compose, compile or pass its checks.

    Parameters
    ----------
    module
        The Antimony module or SBML file at fault.
    reason
        What is wrong with it.
    line
        Line in the module, from 1; None when the fault has no line.
    """

    def __init__(self, module: str, reason: str, line: int | None = None) -> None:
        super().__init__(module, reason, line)
        self.module = module
        self.reason = reason
        self.line = line

    def __str__(self) -> str:
        place = self.module if self.line is None else f"{self.module}:{self.line}"
        return f"{place}: {self.reason}"


class SimulationError(BonecycleError):
    """One simulation failed; normal at extreme parameters while sampling.

    Parameters
    ----------
    model, arm
        Names of the model and of the study arm that was simulated.
    parameters
        The parameter values of that simulation, in the units of the model.
    remedy
        What to try.
    """

    def __init__(self, model: str, arm: str, parameters: Mapping[str, float], remedy: str) -> None:
        super().__init__(model, arm, dict(parameters), remedy)
        self.model = model
        self.arm = arm
        self.parameters = dict(parameters)
        self.remedy = remedy

    def __str__(self) -> str:
        values = ", ".join(f"{name}={value:.6g}" for name, value in self.parameters.items())
        return (
            f"model {self.model!r}, arm {self.arm!r} could not be simulated at "
            f"{values or 'its default parameters'} - {self.remedy}"
        )


@dataclass(frozen=True)
class Fault:
    """One fault in a table.

    `row` counts from 1 with the header as row 1; 0 and an empty `column` are the whole of it.
    """

    file: str
    row: int
    column: str
    message: str
    remedy: str

    def __str__(self) -> str:
        row = f":{self.row}" if self.row else ""
        column = f" [{self.column}]" if self.column else ":"
        return f"{self.file}{row}{column} {self.message} - {self.remedy}"


class DataError(BonecycleError):
    """A table is not usable; lists every fault found, one a line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__(self.faults)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


class UsageError(BonecycleError):
    """A request that cannot be met as asked, such as an unknown name."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """Return the error for a name that is not among the known ones.

    Parameters
    ----------
    kind
        What the name should name, for the message: "study", "model".
    name
        The name as given.
    known
        Every name that would have been accepted.
    """
    names = sorted(map(str, known))
    close = difflib.get_close_matches(name, names, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return UsageError(f"Unknown {kind} {name!r}.{hint} Known: {', '.join(names) or 'none'}.")


def unknown_names(kind: str, names: Iterable[str], known: Iterable[str]) -> list[str]:
    """Messages of `unknown` for all names that are not among the known ones."""
    known = list(map(str, known))
    return [str(unknown(kind, name, known)) for name in names if name not in known]
