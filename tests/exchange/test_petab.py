"""PEtab export: lint clean, the same likelihood, restored exactly; what it cannot say is told."""

import json
import logging
import os
import shutil
import subprocess
from pathlib import Path

import libsbml
import numpy as np
import pandas as pd
import petab.v1
import petab.v2
import pytest
from petab.v2.lint import lint_problem as lint_v2

from bonecycle.biology.sbml import check
from bonecycle.biology.tables import Scale
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.errors import DataError, UsageError
from bonecycle.exchange.annotations import VERSION, is_sealed
from bonecycle.exchange.petab_export import export_petab
from bonecycle.exchange.petab_limits import LIMITS, Handling
from bonecycle.exchange.petab_model import LOGIT, UNTREATED
from bonecycle.exchange.petab_tables import Names, Version
from bonecycle.problem.likelihood import terms
from bonecycle.problem.petab_problem import EXTENSION, petab_spec
from bonecycle.problem.problem import ProblemSpec, load_problem
from bonecycle.studies.reader import shipped_studies

# petab 0.8.2 uses what pandas has come to deprecate.
pytestmark = pytest.mark.filterwarnings("ignore:The (inplace keyword|'float_precision')")
DOCS = Path(__file__).parents[2] / "docs"
CHOSEN = ("bone_2011.csv", "jensen_2021.csv", "reid_2010.csv")


@pytest.fixture(scope="module")
def problem():
    paths = tuple(str(path) for path in shipped_studies() if path.name in CHOSEN)
    return load_problem(ProblemSpec("H1+H3", data=paths, error_scale=2.0, prior_scale=1.5))


@pytest.fixture(scope="module")
def both(problem, tmp_path_factory):
    made = {}
    for version in Version:
        folder = tmp_path_factory.mktemp(f"petab{version}")
        made[version] = version, folder, export_petab(problem, folder, version)
    return made


@pytest.fixture(params=list(Version))
def exported(both, request):
    return both[request.param]


@pytest.fixture
def copied(both, tmp_path):
    """A folder of version 1 that a test may spoil."""
    return Path(shutil.copytree(both[Version.V1][1], tmp_path / "copy"))


def test_the_model_says_what_it_is_and_is_sealed(problem, exported):
    _, folder, _ = exported
    text = (folder / "model.xml").read_text(encoding="utf-8")
    assert is_sealed(text)
    assert not is_sealed(text.replace('value="', 'value="1', 1))
    assert check(text) == []
    for part in ("Apache License 2.0", "Mechanisms turned on: H1+H3", f'version="{VERSION}"'):
        assert part in text
    for regimen in problem.regimens:
        assert not regimen.treatments or str(regimen) in text


def diagonal(problem, predictions):
    """Our terms with independent errors, and which of them PEtab holds."""
    kept = np.array([t.fitted and t.is_number for t in problem.targets])
    values = np.array([np.nan if t.value is None else t.value for t in problem.targets])
    sds = np.diag([t.log_sd for t in problem.targets])
    sides = np.array([t.side for t in problem.targets])
    own, _ = terms(predictions, values, sides, sds)
    return own[:, kept], values[kept]


def test_petabs_own_checks_report_nothing(exported, caplog):
    version, folder, _ = exported
    path = folder / "problem.yaml"
    with caplog.at_level(logging.INFO):
        if version is Version.V1:
            assert petab.v1.lint_problem(petab.v1.Problem.from_yaml(path)) is False
        else:
            found = lint_v2(petab.v2.Problem.from_yaml(path))
            assert not [issue for issue in found if issue.level >= logging.ERROR]
    wrong = [r.getMessage() for r in caplog.records if r.levelno >= logging.WARNING]
    # petab says of every extension, also of one that is not required, that it cannot check it.
    assert [
        text for text in wrong if "extensions" not in text and "Visualization" not in text
    ] == []


def test_an_exported_problem_is_restored_exactly(problem, exported):
    _, folder, _ = exported
    restored = load_problem(petab_spec(folder / "problem.yaml"))
    assert restored is not problem
    theta = problem.space.centers + 0.3 * problem.space.sds * np.array([[0], [1], [-1]])
    own, other = problem.evaluate(theta), restored.evaluate(theta)
    np.testing.assert_allclose(other.log_likelihood, own.log_likelihood, rtol=0, atol=1e-9)
    np.testing.assert_allclose(other.log_posterior, own.log_posterior, rtol=0, atol=1e-9)
    assert restored.hashes == problem.hashes


def test_the_tables_hold_our_terms(problem, both):
    _, folder, _ = both[Version.V1]
    theta = problem.space.centers[None] + 0.1
    predictions = problem.evaluate(theta).predictions
    ours, values = diagonal(problem, predictions)
    tables = petab.v1.Problem.from_yaml(folder / "problem.yaml")
    kept = [t.fitted and t.is_number for t in problem.targets]
    simulated = tables.measurement_df.rename(columns={"measurement": "simulation"})
    simulated["simulation"] = predictions[0, kept]
    found = petab.v1.calculate_llh(
        tables.measurement_df, simulated, tables.observable_df, tables.parameter_df
    )
    # PEtab's density is that of the value, ours that of its logarithm.
    assert found == pytest.approx(ours.sum() - np.log(values).sum(), abs=1e-9)


def test_a_condition_turns_one_regimen_on(problem, both):
    _, folder, _ = both[Version.V1]
    model = libsbml.readSBMLFromFile(str(folder / "model.xml")).getModel()
    tables = petab.v1.Problem.from_yaml(folder / "problem.yaml")
    switches = list(tables.condition_df.columns.drop("conditionName"))
    for _, row in tables.condition_df.iterrows():
        assert sorted(row[switches]) == [*[0.0] * (len(switches) - 1), 1.0]
    for event in model.getListOfEvents():
        gate = event.getTrigger().getMath().getChild(0)
        # Between off (0) and on (1).
        assert gate.getChild(0).getName() in switches
        assert gate.getType() == libsbml.AST_RELATIONAL_GEQ
        assert gate.getChild(1).getValue() == 0.5


# libroadrunner takes half a minute to load a model whose baseline is in closed form.
@pytest.mark.slow
def test_the_model_predicts_in_every_condition_what_the_problem_does(problem, both):
    _, folder, one = both[Version.V1]
    assert one.files["model.xml"] == both[Version.V2][2].files["model.xml"]
    tables = petab.v1.Problem.from_yaml(folder / "problem.yaml")
    targets = [t for t in problem.targets if t.fitted and t.is_number]
    names = Names.of(targets)
    variables = sorted({t.observation.variable for t in targets})
    outputs = (*variables, *(f"{name}{UNTREATED}" for name in variables))
    theta = problem.space.centers + 0.4 * problem.space.sds
    predicted = problem.evaluate(theta[None]).predictions[0]
    natural = problem.space.to_natural(theta[None])[0]
    free = [p.id if p.scale is Scale.LOG else f"{p.id}{LOGIT}" for p in problem.space.parameters]
    values = [
        x if p.scale is Scale.LOG else t
        for p, x, t in zip(problem.space.parameters, natural, theta, strict=True)
    ]
    expected = {id(target): x for target, x in zip(problem.targets, predicted, strict=True)}
    document = tables.model.sbml_document.clone()
    for name, value in zip(free, values, strict=True):
        document.getModel().getParameter(name).setValue(float(value))
    sbml = libsbml.writeSBMLToString(document)
    conditions = tables.condition_df.drop(columns="conditionName")
    engine = RoadRunnerEngine(sbml, tuple(conditions.columns), outputs, relative_tolerance=1e-10)
    for condition, row in conditions.iterrows():
        mine = [t for t in targets if names.condition(t) == condition]
        times = sorted({0.0, *(t.time_days for t in mine)})
        batch = engine.simulate(row.to_numpy(dtype=float)[None], times)
        assert batch.ok.all()
        for target in mine:
            found = batch.values[0, times.index(target.time_days)]
            ratio = found[: len(variables)] / found[len(variables) :]
            chosen = ratio if target.is_ratio else found
            value = chosen[variables.index(target.observation.variable)]
            assert value == pytest.approx(expected[id(target)], rel=2e-6)


def test_every_target_is_a_measurement_or_told_of(problem, exported):
    _, folder, files = exported
    rows = pd.read_csv(folder / "terms.csv")
    assert len(rows) == len(problem.targets) + len(problem.held)
    rows_in = rows.observableId.notna()[: len(problem.targets)]
    assert rows_in.tolist() == files.inside.tolist()
    limits = pd.read_csv(folder / "limits.csv").set_index("id")
    left_out = limits.loc[["limits", "directions"], "count"].sum()
    fitted = rows[rows.fitted == "yes"]
    assert left_out == (fitted.observableId.isna()).sum() > 0
    assert limits.loc["correlated_errors", "count"] == (rows.correlated_with > 0).sum() > 0
    assert limits.loc["validation", "count"] == (rows.role == "validation").sum()


def test_the_catalogue_of_the_docs_is_the_one_of_the_export():
    text = (DOCS / "petab.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith("| `")]
    told = {row[1].strip(" `"): row[3].strip() for row in rows}
    assert told == {limit.id: limit.handling.value for limit in LIMITS}
    assert set(told.values()) == {handling.value for handling in Handling}


def test_a_changed_file_is_not_restored_silently(copied):
    measurements = copied / "measurements.tsv"
    measurements.write_text(measurements.read_text(encoding="utf-8").replace("0.67", "0.76", 1))
    (copied / "studies" / "jensen_2021.csv").unlink()
    with pytest.raises(DataError) as refused:
        petab_spec(copied / "problem.yaml")
    assert {fault.file for fault in refused.value.faults} == {
        "measurements.tsv", "studies/jensen_2021.csv",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["../secret.csv", "/etc/passwd", "https://localhost/x.csv"])
def test_files_outside_the_folder_are_not_read(copied, name):
    path = copied / EXTENSION
    record = json.loads(path.read_text(encoding="utf-8"))
    record["studies"], record["files"] = [name], {}
    path.write_text(json.dumps(record))
    with pytest.raises(UsageError, match="only files in the folder"):
        petab_spec(copied / "problem.yaml")


def test_another_model_than_the_exported_one_is_refused(copied):
    path = copied / EXTENSION
    record = json.loads(path.read_text(encoding="utf-8"))
    record["hashes"]["priors"] = "0" * 64
    path.write_text(json.dumps(record))
    with pytest.raises(UsageError, match="priors differ"):
        petab_spec(copied / "problem.yaml")


PESTO = os.environ.get("BONECYCLE_PYPESTO", "")


@pytest.mark.slow
@pytest.mark.skipif(
    not PESTO,
    reason="name in BONECYCLE_PYPESTO the Python of an environment with pypesto and libroadrunner",
)
def test_pypesto_finds_our_log_likelihood(tmp_path):
    """All shipped studies: pyPESTO simulates the exported problem with libroadrunner.

    Loading takes libroadrunner a minute and more. Independent errors; the constant between the
    densities of a value and of its logarithm is added.
    """
    problem = load_problem(ProblemSpec("H1"))
    export_petab(problem, tmp_path)
    space = problem.space
    noise = np.random.default_rng(1).standard_normal((3, len(space.names)))
    theta = np.vstack([space.centers, space.centers + 0.5 * space.sds * noise])
    names = [p.id if p.scale is Scale.LOG else f"{p.id}{LOGIT}" for p in space.parameters]
    own = [problem.evaluate(theta).predictions, exact_predictions(problem, theta)]
    (ours, values), (exact, _) = (diagonal(problem, predictions) for predictions in own)
    points = [dict(zip(names, map(float, row), strict=True)) for row in theta]
    (tmp_path / "points.json").write_text(json.dumps(points))
    script = Path(__file__).with_name("pypesto_log_likelihood.py")
    answer = subprocess.run(
        [PESTO, script, tmp_path / "problem.yaml", tmp_path / "points.json"],
        capture_output=True,
        encoding="utf-8",
        check=False,
        env={**os.environ, "PYTHONPATH": ""},
    )
    assert answer.returncode == 0, answer.stderr
    found = np.array(json.loads(answer.stdout.splitlines()[-1]))
    constant = np.log(values).sum()
    # As a fit has them, good to 1e-6 in every prediction; then with tight steps.
    np.testing.assert_allclose(found, ours.sum(axis=1) - constant, rtol=1e-6)
    print("pyPESTO less ours:", found - ours.sum(axis=1) + constant)
    print("with tight steps:", found - exact.sum(axis=1) + constant)
    np.testing.assert_allclose(found, exact.sum(axis=1) - constant, rtol=0, atol=1e-6)


def exact_predictions(problem, theta):
    """Predictions at a tolerance far below what a fit needs."""
    natural = problem.space.to_natural(theta)
    predictions = np.full((len(theta), len(problem.targets)), np.nan)
    for arm in problem.arms:
        batch = arm.engine.simulate_all(arm.values(natural), arm.times, 1e-9)
        predictions[:, arm.targets] = arm.predictions(batch)
    return predictions
