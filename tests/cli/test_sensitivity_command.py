"""`bonecycle sensitivity`: files, resumption, messages."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from typer.testing import CliRunner

from bonecycle.cli import app
from bonecycle.engines.choice import EngineName
from bonecycle.inference.posterior.files import spec_text, write_posterior
from bonecycle.problem.problem import ProblemSpec, load_problem

# Every command and every model starts anew: minutes in all.
pytestmark = pytest.mark.slow

DATA = Path(__file__).resolve().parents[2] / "data" / "bonecycle_data" / "studies"
# The reference engine has nothing to compile.
ASKED = [
    "--regimen", "denosumab 60 mg sc every 6 months for 6 months", "--engine", "roadrunner",
    "--output", "ES_BS,CTX", "--output", "P1NP", "--months", "1,6", "--measure", "ratio",
]  # fmt: skip
FEW = ["--vary", "denosumab_max_inhibition,arrest_residence"]


@pytest.fixture
def call(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, ["sensitivity", *map(str, arguments)])


def figures(*names):
    return {f"{name}.{ending}" for name in names for ending in ("png", "svg")}


@pytest.mark.parametrize(
    ("kind", "size", "tables", "drawn"),
    [
        ("local", [], {"sensitivities"}, {"tornado", "map"}),
        ("morris", ["--trajectories", "4"], {"screening"}, {"screening", "map"}),
        (
            "sobol",
            ["--samples", "16"],
            {"indices", "convergence", "summary"},
            {"indices", "map", "convergence"},
        ),
    ],
)
def test_tables_figures_and_manifest(call, tmp_path, kind, size, tables, drawn) -> None:
    answer = call(kind, *ASKED, *FEW, *size, "--out", "run")
    assert answer.exit_code == 0, answer.stderr
    names = {path.name for path in (tmp_path / "run").iterdir()} - {"blocks"}
    assert names == {f"{name}.csv" for name in tables} | figures(*drawn) | {"manifest.json"}
    table = pd.read_csv(tmp_path / "run" / f"{sorted(tables)[-1 if kind != 'sobol' else 1]}.csv")
    assert set(table["observable"]) == {"ES_BS", "CTX", "P1NP"}
    assert set(table["months"]) == {1.0, 6.0}
    assert set(table["unit"]) == {"ratio to untreated"}
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text(encoding="utf-8"))
    assert "denosumab" in manifest["extra"]["regimen"]
    assert set(manifest["extra"]["parameters"]) == {"denosumab_max_inhibition", "arrest_residence"}
    assert "denosumab_max_inhibition" in answer.stdout
    # Again: from the finished blocks, with the same numbers.
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").glob("*.csv")}
    again = call(kind, *ASKED, *FEW, *size, "--out", "run")
    assert again.exit_code == 0, again.stderr
    after = {path.name: path.read_bytes() for path in (tmp_path / "run").glob("*.csv")}
    assert before == after


def test_a_posterior_gives_first_indices_with_its_dependence(call, tmp_path) -> None:
    spec = ProblemSpec("H0", data=(str(DATA / "bone_2011.csv"),), engine=EngineName.ROADRUNNER)
    space, hashes = load_problem(spec).space, load_problem(spec).hashes
    draws = np.random.default_rng(0).normal(size=(200, len(space.names)))
    natural = space.to_natural(space.centers + 0.1 * draws).reshape(4, 50, -1)
    values = {name: (("chain", "draw"), natural[..., i]) for i, name in enumerate(space.names)}
    tree = xr.DataTree(children={"posterior": xr.DataTree(xr.Dataset(values))})
    tree.attrs = {f"hash_{name}": value for name, value in hashes.items()}
    tree.attrs |= {"spec": spec_text(spec), "converged": 0, "verdict": "Too few steps."}
    write_posterior(tmp_path / "posterior.nc", tree)
    answer = call("sobol", *ASKED, "--posterior", "posterior.nc", "--draws", "160", "--out", "run")
    assert answer.exit_code == 0, answer.stderr
    assert "there are no totals" in answer.stderr
    assert "have not converged: H0" in answer.stderr and "Too few steps." in answer.stderr
    table = pd.read_csv(tmp_path / "run" / "indices.csv")
    assert set(table["index"]) == {"first"}
    wrong = call("local", *ASKED, "--posterior", "posterior.nc", "--vary", "all")
    assert wrong.exit_code == 2
    assert "leave out --vary" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (
            ["local", "--output", "ES_BSS", "--months", "12", "--vary", "arrest_rat"],
            ["Did you mean 'ES_BS'", "Did you mean 'arrest_rate'"],
        ),
        (["morris", "--output", "ES_BS", "--months", "a"], ["write numbers"]),
        (["sobol", *ASKED, *FEW, "--samples", "100"], ["power of two"]),
        (["sobol", "--output", "ES_BS", "--months", "1", "--posterior", "no.nc"], ["no.nc"]),
    ],
)
def test_a_mistake_gets_one_clear_message(call, arguments, messages) -> None:
    answer = call(*arguments)
    assert answer.exit_code == 2
    assert "Traceback" not in answer.stderr
    for message in messages:
        assert message in answer.stderr
