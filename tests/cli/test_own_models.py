"""Models and problems of one's own on the command line."""

import json
import subprocess
import sys

import pandas as pd
import pytest
from in_process import call
from synthetic import CYCLE_ANT, EVENTS_L2, POOLS_L2, STUDY_HEADER, study_row

# Every command and every model starts anew: minutes in all.
pytestmark = pytest.mark.slow

MAP = """kind,name,model_id,factor,action,center,sd,scale
observable,CTX,C,1,,,,
parameter,,loss,,,,0.5,log
dose,denosumab,block,0.3,set,,,
start,steady_state,,,,,,
"""
REGIMEN = "denosumab 60 mg sc every 6 months for 12 months"


def test_a_model_of_ones_own_is_simulated(tmp_path):
    (tmp_path / "own.xml").write_text(EVENTS_L2, encoding="utf-8")
    answer = call(tmp_path, "simulate", "own.xml", "--duration", "2days", "--out", "run")
    assert answer.returncode == 0, answer.stderr
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {
        "simulation.csv", "simulation.json", "units.json", "model.xml", "manifest.json",
        "time_courses.png", "time_courses.svg",
    }  # fmt: skip
    table = pd.read_csv(tmp_path / "run" / "simulation.csv")
    assert table["time"].iloc[-1] == 48
    assert table["time_days"].iloc[-1] == 2
    assert (
        json.loads((tmp_path / "run" / "units.json").read_text(encoding="utf-8"))["time"] == "hour"
    )
    assert "48 hour" in answer.stdout


def test_what_was_assumed_is_said_and_antimony_is_read(tmp_path):
    (tmp_path / "own.ant").write_text(CYCLE_ANT, encoding="utf-8")
    answer = call(
        tmp_path, "simulate", "own.ant", "--duration", "5days", "--set", "k=0.2", "--output", "P",
        "--out", "run",
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert "days are assumed" in answer.stdout
    assert list(pd.read_csv(tmp_path / "run" / "simulation.csv").columns) == [
        "time", "P", "time_days",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("simulate", "own.xml"), "needs --duration"),
        (("simulate", "own.xml", "--duration", "1day", "--drug", "alendronate"), "--drug"),
        (("simulate", "own.xml", "--duration", "1day", "--output", "Q"), "no output 'Q'"),
        (("simulate", "--output", "Q"), "name its file"),
        (("simulate", "lost.xml", "--duration", "1day"), "no file"),
        (("fit", "--model", "own.xml"), "give both"),
        (("fit", "--petab", "p.yaml", "--data", "x.csv"), "leave out"),
        (("fit", "--petab", "lost.yaml"), "no file"),
        (("export", "petab", "--version", "3"), "version 1 or 2"),
        (("export", "petab", "--mechanism", "H9"), "H9"),
    ],
)
def test_mistakes_are_one_message_and_nothing_is_written(tmp_path, arguments, part):
    (tmp_path / "own.xml").write_text(POOLS_L2, encoding="utf-8")
    answer = call(tmp_path, *arguments, "--out", "results")
    assert answer.returncode == 2
    assert part in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "results").exists()


def test_a_model_whose_events_never_end_is_stopped_with_one_message(tmp_path):
    events = "x = 1; x' = 1; at (x > 1.00001): x = 1;"  # 36.5 million of them in a year
    (tmp_path / "own.ant").write_text(events, encoding="utf-8")
    answer = call(
        tmp_path, "simulate", "own.ant", "--duration", "365days", "--max-seconds", "5",
        "--out", "results",
    )  # fmt: skip
    assert answer.returncode
    assert "no result within 5 s" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert not (tmp_path / "results").exists()


def test_a_model_of_ones_own_is_fitted(tmp_path):
    (tmp_path / "own.xml").write_text(POOLS_L2, encoding="utf-8")
    (tmp_path / "map.csv").write_text(MAP, encoding="utf-8")
    rows = [study_row("CTX", month, 0.4, REGIMEN, "treated") for month in (0.5, 1, 6)]
    (tmp_path / "synthetic.csv").write_text(STUDY_HEADER + "".join(rows), encoding="utf-8")
    options = (
        "fit", "--model", "own.xml", "--map", "map.csv", "--data", "synthetic.csv", "--starts", "2",
        "--workers", "1", "--out", "results",
    )  # fmt: skip
    answer = call(tmp_path, *options)
    assert answer.returncode == 0, answer.stderr
    out = tmp_path / "results"
    names = {path.name for path in out.iterdir()}
    assert names >= {
        "targets.csv", "parameters.csv", "mechanisms.csv", "correlations.csv", "fit.json",
        "manifest.json", "time_courses.png", "residuals.png",
    }  # fmt: skip
    parameters = pd.read_csv(out / "parameters.csv").set_index("parameter")
    assert parameters.loc["loss", "fitted"]
    assert not parameters.loc["birth", "fitted"]
    assert json.loads((out / "manifest.json").read_text(encoding="utf-8"))["hashes"]["map"]
    again = call(tmp_path, *options)
    assert "2/2" in again.stderr
    assert "loss = " in again.stdout


def test_an_exported_problem_is_fitted_with_all_its_terms(tmp_path):
    rows = [
        study_row("CTX", 3, 0.4, REGIMEN, "treated"),
        study_row("P1NP", 3, 0.6, REGIMEN, "treated"),
        study_row("ES_BS", 12, 0.5, REGIMEN, "treated").replace("equal", "below"),
    ]
    (tmp_path / "synthetic.csv").write_text(STUDY_HEADER + "".join(rows), encoding="utf-8")
    answer = call(
        tmp_path, "export", "petab", "--mechanism", "H0", "--data", "synthetic.csv", "--out", "p"
    )
    assert answer.returncode == 0, answer.stderr
    assert "2 of 3 targets" in answer.stdout
    (tmp_path / "synthetic.csv").unlink()
    script = (
        "from pathlib import Path; from bonecycle.problem.petab_problem import petab_spec; "
        "from bonecycle.problem.problem import load_problem; "
        "p = load_problem(petab_spec(Path('p/problem.yaml'))); print(len(p.targets), p.spec.data)"
    )
    found = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert found.stdout.startswith("3 ('p/studies/synthetic.csv',)")
