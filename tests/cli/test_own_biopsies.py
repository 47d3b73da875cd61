"""From a template to figures with the commands of the how-to, and virtual biopsies."""

from __future__ import annotations

import csv
import json
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from in_process import call
from typer.testing import CliRunner

from bonecycle.cli import app, biopsy, data
from bonecycle.studies.reader import shipped_studies

STUDIES = [str(path) for path in shipped_studies() if path.stem in ("mcclung_2005", "reid_2010")]
HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "own_biopsies.md"


def commands(text: str) -> list[list[str]]:
    """Arguments of every command in the shell blocks of a page."""
    blocks = re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
    return [shlex.split(line)[1:] for block in blocks for line in block.splitlines()]


def examples(epilog: str) -> list[list[str]]:
    paragraphs = [" ".join(text.split()) for text in epilog.split("\n\n")]
    return [shlex.split(text)[1:] for text in paragraphs if text.startswith("bonecycle ")]


@pytest.mark.slow
def test_the_commands_of_the_how_to_lead_from_template_to_figures(tmp_path):
    steps = commands(HOWTO.read_text(encoding="utf-8"))
    assert [step[0] for step in steps] == ["data", "data", "fit"]
    for step in steps:
        answer = call(tmp_path, *step)
        assert answer.returncode == 0, answer.stderr
    results = tmp_path / "results" / "own"
    names = {path.name for path in results.iterdir()}
    for promised in re.findall(r"^- `(\w+\.\w+)`", HOWTO.read_text(encoding="utf-8"), re.MULTILINE):
        assert promised in names
    with (results / "patients.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["kind"] for row in rows].count("SD between patients") == 3
    assert all(float(row["lower"]) < float(row["value"]) < float(row["upper"]) for row in rows)


@pytest.mark.parametrize("command", examples(data.TEMPLATE_EPILOG))
def test_the_examples_of_template_and_check_run(tmp_path, command):
    assert call(tmp_path, *command).returncode == 0
    file = command[-1]
    answer = call(tmp_path, "data", "check", file, "--out", "results")
    assert answer.returncode == 0, answer.stderr
    assert "No faults." in " ".join(answer.stdout.split())
    record = json.loads((tmp_path / "results" / "check.json").read_text(encoding="utf-8"))
    assert record["rows"]
    # What was understood is itself a study table.
    again = call(tmp_path, "data", "check", "results/study.csv", "--out", "again")
    assert again.returncode == 0, again.stderr
    assert call(tmp_path, *command).returncode == 2  # nothing is overwritten


def test_the_examples_of_check_are_about_files_of_the_template():
    files = {step[2] for step in examples(data.CHECK_EPILOG)}
    assert files <= {step[-1] for step in examples(data.TEMPLATE_EPILOG)}


def test_a_faulty_table_is_one_message_with_every_cell(tmp_path):
    call(tmp_path, "data", "template", "--out", "own.csv")
    text = (tmp_path / "own.csv").read_text(encoding="utf-8")
    text = text.replace("MS/BS (%)", "MS/BSS (%)").replace("control,untreated", "control,untreatd")
    (tmp_path / "own.csv").write_text(text)
    for command in (["data", "check", "own.csv"], ["fit", "--data", "own.csv"]):
        answer = call(tmp_path, *command, "--out", "results")
        assert answer.returncode == 2
        assert "own.csv:9 [MS/BSS (%)]" in answer.stderr
        assert "did you mean 'MS/BS'" in answer.stderr
        assert "own.csv:10 [regimen] 'untreatd' is not a treatment (did you mean 'untreated'?)" in (
            answer.stderr
        )
        # One fault, not one for every row of the arm.
        assert answer.stderr.count("[regimen]") == 1
        assert "Traceback" not in answer.stderr
        assert not (tmp_path / "results").exists()


def test_a_wrong_unit_is_noticed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    check = ["data", "check", "own.csv"]
    CliRunner().invoke(app, ["data", "template", "--out", "own.csv"])
    text = (tmp_path / "own.csv").read_text(encoding="utf-8")
    assert "check the unit" not in CliRunner().invoke(app, check).output
    (tmp_path / "own.csv").write_text(text.replace("MAR (um/d)", "MAR (mm/d)"), encoding="utf-8")
    wrong = CliRunner().invoke(app, check)
    assert wrong.exit_code == 0
    said = " ".join(wrong.output.split())
    assert "control, MAR: 524 um/d is far from 0.53 um/d of the untreated model" in said
    assert said.count("check the unit") == 2  # one of each arm


@pytest.mark.parametrize("command", examples(biopsy.EPILOG)[:2])
def test_virtual_biopsies_are_written_with_their_figure(tmp_path, command):
    answer = call(tmp_path, *command)
    assert answer.returncode == 0, answer.stderr
    folder = tmp_path / command[-1]
    names = {path.name for path in folder.iterdir()}
    assert names == {
        *("biopsies.csv", "summary.csv", "summary.json", "manifest.json"),
        *("biopsies.png", "biopsies.svg"),
    }
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["summary"]
    groups = {row["group"]: row for row in summary if row["variable"] == "MS_BS"}
    assert groups["treated"]["median"] < groups["untreated"]["median"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fit", "nothing"], "no result of `bonecycle fit`"),
        (["--posterior", "nothing"], "no such file or folder: nothing"),
        (["--posterior", "nothing", "--draws", "3"], "needs 20 draws"),
        (["--posterior", "nothing", "--fit", "nothing"], "give one of them"),
    ],
)
def test_sources_that_are_none_are_one_message(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(app, ["biopsy", *arguments, "--out", "results"])
    assert answer.exit_code == 2
    assert message in answer.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.slow
def test_biopsies_of_a_posterior_have_shares_with_intervals(tmp_path):
    table = [part for name in STUDIES for part in ("--data", name)]
    sizes = ["--max-steps", "50", "--walkers", "34", "--workers", "1"]
    answer = call(tmp_path, "sample", *table, *sizes, "--out", "posterior")
    assert answer.returncode == 0, answer.stderr
    options = ["--posterior", "posterior", "--draws", "20", "--n", "40", "--out", "out"]
    answer = call(tmp_path, "biopsy", *options)
    assert answer.returncode == 0, answer.stderr
    assert "have not converged: H1" in answer.stderr
    out = tmp_path / "out"
    shares = pd.read_csv(out / "shares.csv").set_index(["arm", "finding"])
    assert (shares["draws"] == 20).all()
    assert (shares["lower"] < shares["share"]).all() and (shares["share"] < shares["upper"]).all()
    assert shares.loc[("treated", "double"), "share"] < shares.loc[("untreated", "double"), "share"]
    record = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    assert {"shares", "counts", "summary"} < record.keys()
    assert "not converged" in record["source"]
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    assert "posterior/H1/posterior.nc" in manifest["hashes"]
    assert {"counts.csv", "counts.png", "implied.csv", "biopsies.csv"} < {
        path.name for path in out.iterdir()
    }
