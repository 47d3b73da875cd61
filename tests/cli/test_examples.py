"""Every example of every command's help runs, on a small budget, one after the other."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import click
import pytest
import typer
from synthetic import STUDY_HEADER, study_row
from typer.testing import CliRunner

from bonecycle.biology.safe_antimony import antimony_to_sbml
from bonecycle.cli import app
from bonecycle.inference.checks import recovery
from bonecycle.inference.comparison import surface

# petab uses what pandas has come to deprecate.
pytestmark = pytest.mark.filterwarnings("ignore:The (inplace keyword|'float_precision')")

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
}
# In the order in which one leaves what the next needs; each chain has a folder of its own.
CHAINS = {
    "tables": ["list", "data template", "data check"],
    "models": ["simulate", "export sbml", "export omex", "export petab"],
    "inference": [
        *("fit", "sample", "predict", "population", "design", "biopsy"),
        *("profile", "compare", "report"),
    ],
    "checks": ["calibrate", "recovery"],
    "sensitivity": ["sensitivity local", "sensitivity morris", "sensitivity sobol"],
    "drugs": ["pharmacokinetics"],
}
QUICK = ("tables",)
OWN_MODEL = b"""model own()
  S1 = 1; S2 = 0; loss = 0.1; block = 0;
  -> S1; loss * (1 - block);
  S1 -> S2; loss * S1;
end"""
OWN_MAP = """kind,name,model_id,factor,action,center,sd,scale
observable,CTX,S1,1,,,,
parameter,,loss,,,0.1,0.5,log
dose,denosumab,block,0.3,set,,,
start,initial_state,,,,,,
"""
REGIMEN = "denosumab 60 mg sc every 6 months for 12 months"


def commands() -> dict[str, click.Command]:
    """Every command by its words."""

    def walk(group: click.Command, words: str) -> Iterator[tuple[str, click.Command]]:
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


def prepare(folder: Path) -> None:
    """Write the files of one's own that examples name."""
    (folder / "FILE.xml").write_bytes(antimony_to_sbml("own.ant", OWN_MODEL))
    (folder / "FILE.csv").write_text(OWN_MAP, encoding="utf-8")
    rows = [study_row("CTX", month, 0.4, REGIMEN, "treated") for month in (0.5, 1, 6)]
    (folder / "STUDY.csv").write_text(STUDY_HEADER + "".join(rows), encoding="utf-8")
    shutil.copy(TABLES[1], folder / "mine.csv")


def test_every_command_has_examples_that_some_chain_runs() -> None:
    assert sorted(name for chain in CHAINS.values() for name in chain) == sorted(COMMANDS)
    assert SMALL.keys() == COMMANDS.keys()
    for name in COMMANDS:
        assert examples(name), f"{name} --help shows no example"
        assert all(" ".join(words).startswith(name) for words in examples(name))


@pytest.mark.parametrize(
    "chain", [pytest.param(c, marks=() if c in QUICK else pytest.mark.slow) for c in CHAINS]
)
def test_the_examples_of_the_help_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chain: str
) -> None:
    monkeypatch.chdir(tmp_path)
    # Of the refits and nested runs that are alike, one.
    monkeypatch.setattr(surface, "ERROR_SCALES", ())
    monkeypatch.setattr(surface, "PRIOR_SCALES", (1.0,))
    monkeypatch.setattr(recovery, "CHECKED_CELLS", 1)
    prepare(tmp_path)
    if chain == "inference":
        # What `fit --petab problem.yaml` reads.
        export = ["export", "petab", "--mechanism", "H0", "--data", "STUDY.csv", "--out", "."]
        assert CliRunner().invoke(app, export).exit_code == 0
    faults = []
    for command in CHAINS[chain]:
        for arguments in examples(command):
            given = smaller(command, arguments)
            answer = CliRunner().invoke(app, given)
            if answer.exit_code:
                faults.append(f"{shlex.join(given)}\n{answer.output}\n{answer.exception!r}")
                continue
            if "--out" in arguments:
                assert (tmp_path / arguments[arguments.index("--out") + 1]).exists()
    assert not faults, "\n\n".join(faults)
