"""Commands of the help and of the documentation on a small budget."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from bonecycle.cli import app
from bonecycle.inference.checks import recovery
from bonecycle.inference.comparison import surface

STUDIES = files("bonecycle_data") / "studies"
# Enough for a fit with directions, and for leaving one study out.
TABLES = [str(STUDIES / f"{name}.csv") for name in ("jensen_2021", "reid_2010", "recker_2008")]
TWO = ["--mechanism", "H0", "--mechanism", "H1"]
ONE_START = ["--starts", "1"]
ALONE = ["--workers", "1"]
# Options that make a command small; given last, they win over those of an example.
SMALL = {
    "simulate": ["--points", "20"],
    "fit": [*ONE_START, *ALONE],
    "sample": ["--max-steps", "50", "--walkers", "36", *ALONE],
    "predict": ["--draws", "20", *ONE_START],
    "population": ["--draws", "20", "--patients", "4", *ONE_START],
    "design": ["--draws", "20", *ONE_START],
    "compare": ["--draws", "64", "--live-points", "50", *ONE_START, *ALONE],
    "recovery": ["--data-sets", "1", "--live-points", "50", *ONE_START, *ALONE],
    "calibrate": ["--draws", "2", "--steps", "50", *ALONE],
    "profile": ["--parameter", "site_factor", *ONE_START, *ALONE],
    "biopsy": ["--draws", "20", "--n", "20"],
    "sensitivity morris": ["--trajectories", "2"],
    "sensitivity sobol": ["--samples", "16"],
    "pharmacokinetics": [],
    "report": [],
    "list": [],
    "data template": [],
    "data check": [],
    "export sbml": [],
    "export omex": ["--duration", "1 year"],
    "export petab": [],
    "sensitivity local": [],
    "route fit": ONE_START,
    "trial": ["--trials", "20", *ALONE],
    "metastasis fit": ["--max-steps", "50"],
    "metastasis regimens": [],
    "metastasis cells": ["--draws", "20"],
    "route perturbations": ["--draws", "20"],
}


def commands() -> dict[str, Any]:
    """Every command by its words, as typer makes it."""

    def walk(group: Any, words: str) -> Iterator[tuple[str, Any]]:
        for name, command in getattr(group, "commands", {}).items():
            inner = f"{words} {name}".strip()
            yield from walk(command, inner) if hasattr(command, "commands") else [(inner, command)]

    return dict(walk(typer.main.get_command(app), ""))


COMMANDS = commands()


def examples(command: str) -> list[list[str]]:
    """Arguments of the examples in a command's help."""
    paragraphs = (COMMANDS[command].epilog or "").split("\n\n")
    joined = [" ".join(text.split()) for text in paragraphs]
    return [shlex.split(text)[1:] for text in joined if text.startswith("bonecycle ")]


def smaller(command: str, arguments: list[str]) -> list[str]:
    """An example on a small budget: three studies and two mechanisms where it names none."""
    options = {option for parameter in COMMANDS[command].params for option in parameter.opts}
    given = [*arguments, *SMALL[command]]
    elsewhere = {"--posterior", "--petab", "--model"} & set(arguments)
    if "--data" in options and not elsewhere and "--data" not in arguments:
        given += [part for table in TABLES for part in ("--data", table)]
    many = command in ("fit", "predict", "population", "design", "compare", "recovery")
    if many and not elsewhere and "--mechanism" not in arguments:
        given += TWO
    return given


def lighten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the refits and nested runs that are alike, leave one."""
    monkeypatch.setattr(surface, "ERROR_SCALES", ())
    monkeypatch.setattr(surface, "PRIOR_SCALES", (1.0,))
    monkeypatch.setattr(recovery, "CHECKED_CELLS", 1)


def fault_of(arguments: list[str]) -> str:
    """Run a command on a small budget, in this process; what went wrong, or nothing."""
    command = max((name for name in COMMANDS if " ".join(arguments).startswith(name)), key=len)
    given = smaller(command, arguments)
    answer = CliRunner().invoke(app, given)
    if not answer.exit_code:
        return ""
    return f"{shlex.join(given)}\n{answer.output}\n{answer.exception!r}"
