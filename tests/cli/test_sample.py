"""`bonecycle sample` as a user types it: results, going on, one clear message for a mistake."""

import inspect
import json
import subprocess
import sys
from pathlib import Path

import pytest

from bonecycle.cli.sample import DEFAULT_MECHANISM, sample
from bonecycle.studies.reader import shipped_studies

BONECYCLE = str(Path(sys.executable).parent / "bonecycle")
DATA = [str(path) for path in shipped_studies() if path.stem in ("mcclung_2005", "reid_2010")]


def call(folder, *arguments):
    data = [part for path in DATA for part in ("--data", path)]
    return subprocess.run(
        [BONECYCLE, "sample", *data, "--workers", "1", "--out", "run", *arguments],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sample")


@pytest.fixture(scope="module")
def answer(folder):
    return call(folder, "--max-steps", "50", "--walkers", "34")


def test_tables_figures_verdict_and_manifest(folder, answer):
    assert answer.returncode == 0, answer.stderr
    own = {path.name for path in (folder / "run" / "H1").iterdir()}
    tables = ("posterior", "learned", "combinations", "coverage", "autocorrelation")
    figures = ("traces", "ranks", "pairs", "learned", "autocorrelation")
    assert own >= {f"{name}.csv" for name in tables} | {f"{name}.png" for name in figures}
    assert own >= {"posterior.nc", "unlearned.txt", "diagnosis.json", "ensemble-0.h5"}
    diagnosis = json.loads((folder / "run" / "H1" / "diagnosis.json").read_text(encoding="utf-8"))
    assert diagnosis["converged"] is False
    assert "Not converged after 50 steps" in " ".join(answer.stdout.split())
    assert "R-hat" in answer.stderr
    manifest = json.loads((folder / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["extra"]["mechanisms"]["H1"]["steps"] == 50


def test_the_same_command_goes_on_and_another_one_is_refused(folder, answer):
    chain = (folder / "run" / "H1" / "ensemble-0.h5").stat().st_mtime_ns
    again = call(folder, "--max-steps", "50", "--walkers", "34", "--resume")
    assert again.returncode == 0, again.stderr
    assert (folder / "run" / "H1" / "ensemble-0.h5").stat().st_mtime_ns == chain
    other = call(folder, "--max-steps", "50", "--walkers", "34", "--seed", "7")
    assert other.returncode == 2
    assert "has the chains of another run: settings was" in other.stderr
    assert "Traceback" not in other.stderr


def test_nothing_to_resume_is_said_before_anything_is_compiled(folder):
    answer = call(folder, "--mechanism", "H3", "--resume")
    assert answer.returncode == 2
    assert "has no chains of H3" in answer.stderr
    assert "Compiling" not in answer.stderr


def test_the_help_names_the_default_and_makes_no_claim_about_it():
    parameters = inspect.signature(sample, eval_str=True).parameters
    (option,) = parameters["mechanism"].annotation.__metadata__
    assert option.help.endswith(f"repeat. Default: {DEFAULT_MECHANISM}.")
