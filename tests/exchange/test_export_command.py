"""`bonecycle export` as a user types it, and the values of a fit in it."""

from __future__ import annotations

import json
from pathlib import Path

import libsbml
import numpy as np
import pytest
from in_process import call

from bonecycle.biology.tables import Scale
from bonecycle.errors import UsageError
from bonecycle.exchange.fitted import fitted_values
from bonecycle.manifest import content_hash
from bonecycle.problem.space import fitted_space


def write_fit(folder: Path) -> dict[str, float]:
    """A record of a fit of H1 with two starts; the values of the better one."""
    space = fitted_space(("H1",), ("alendronate",))
    values = space.to_natural(space.centers[None] + 0.1)[0]
    starts = [
        {"theta": (space.centers + shift).tolist(), "cost": cost}
        for shift, cost in ((0.5, 9.0), (0.1, 4.0))
    ]
    record = {
        "mechanism": "H1",
        "parameters": list(space.names),
        "scales": [str(p.scale) for p in space.parameters],
        "starts": starts,
    }
    folder.mkdir(exist_ok=True)
    (folder / "fit.json").write_text(json.dumps({"fits": [record]}), encoding="utf-8")
    assert {p.scale for p in space.parameters} == {Scale.LOG, Scale.LOGIT}
    return dict(zip(space.names, map(float, values), strict=True))


def test_fitted_values_are_those_of_the_best_start(tmp_path: Path) -> None:
    expected = write_fit(tmp_path)
    found = fitted_values(tmp_path, ["h1"])
    assert found.keys() == expected.keys()
    np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=1e-12)


def test_a_folder_without_that_fit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist: name the folder"):
        fitted_values(tmp_path, ())
    write_fit(tmp_path)
    with pytest.raises(UsageError, match=r"'H0'.*Known: H1"):
        fitted_values(tmp_path, ())
    for broken in ("{", '{"fits": 3}', '{"fits": [{"mechanism": "H1"}]}'):
        (tmp_path / "fit.json").write_text(broken, encoding="utf-8")
        with pytest.raises(UsageError, match="no record of a fit"):
            fitted_values(tmp_path, ("H1",))


def test_sbml_with_doses_and_fitted_values(tmp_path: Path) -> None:
    expected = write_fit(tmp_path / "fit")
    answer = call(
        tmp_path, "export", "sbml", "--drug", "denosumab", "--dose", "60mg", "--interval",
        "6 months", "--stop", "1year", "--mechanism", "H1", "--fit", "fit", "--set",
        "site_factor=0.8", "--level", "L3V1", "--out", "out",
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"model.xml", "model.json", "manifest.json"}
    text = (tmp_path / "out" / "model.xml").read_text(encoding="utf-8")
    model = libsbml.readSBMLFromString(text).getModel()
    share = model.getParameter("osteogenic_share").getValue()
    assert share == pytest.approx(expected["osteogenic_share"], rel=1e-12)
    assert model.getParameter("site_factor").getValue() == 0.8
    assert model.getNumEvents() == 1
    record = json.loads((tmp_path / "out" / "model.json").read_text(encoding="utf-8"))
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert record["file_hash"] == manifest["hashes"]["model.xml"] == content_hash(text)
    assert record["level"] == "L3V1"


def test_a_drug_without_a_dose_is_part_of_the_model(tmp_path: Path) -> None:
    answer = call(tmp_path, "export", "sbml", "--drug", "clodronate", "--out", "out")
    assert answer.returncode == 0, answer.stderr
    text = (tmp_path / "out" / "model.xml").read_text(encoding="utf-8")
    assert "clodronate_oral" in text and "<event " not in text


def test_an_archive_of_own_courses(tmp_path: Path) -> None:
    answer = call(
        tmp_path, "export", "omex", "--course", "plain=untreated", "--duration", "1 year",
        "--observable", "ES_BS", "--out", "out",
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "out" / "bonecycle.omex").stat().st_size > 10_000
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["extra"]["courses"] == {"plain": "untreated"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sbml", "--model", "rout"], "Unknown model 'rout'. Did you mean 'route'"),
        (["sbml", "--drug", "alendronat"], "Unknown drug 'alendronat'. Did you mean 'alendronate'"),
        (["sbml", "--level", "L1V2"], "Unknown SBML level 'L1V2'"),
        (["sbml", "--fit", "nowhere"], "nowhere/fit.json does not exist"),
        (["sbml", "--out", "taken"], "--out taken is a file: name a folder."),
        (["omex", "--course", "plain"], "--course plain: write NAME=regimen"),
        (["omex", "--level", "L1V2"], "Unknown SBML level 'L1V2'"),
    ],
)
def test_a_mistake_is_one_clear_message(tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "taken").write_text("")
    answer = call(tmp_path, "export", *arguments)
    assert answer.returncode == 2
    assert message in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize("command", ["sbml", "omex"])
def test_help_comes_with_examples(tmp_path: Path, command: str) -> None:
    answer = call(tmp_path, "export", command, "--help")
    assert answer.returncode == 0
    assert f"bonecycle export {command}" in answer.stdout
