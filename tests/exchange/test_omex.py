"""Archives: what is in them, and that tellurium executes them to our curves."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import libcombine
import numpy as np
import pandas as pd
import pytest

from bonecycle.errors import BonecycleError
from bonecycle.exchange.annotations import is_sealed
from bonecycle.exchange.levels import Level
from bonecycle.exchange.omex import DEFAULT_COURSES, export_omex

COURSES = {
    "untreated": "untreated",
    "denosumab": "denosumab 60 mg sc every 6 months for 1 year",
}
OBSERVABLES = ("ES_BS", "CTX")
# In a process of its own: tellurium loads libsedml, after which libsbml cannot be used.
EXECUTE = """
import json, sys
import numpy as np
from tellurium.sedml import tesedml
results = tesedml.executeCombineArchive(sys.argv[1], createOutputs=False)
(found,) = results.values()
json.dump({n: np.asarray(v)[:, 0].tolist() for n, v in found["dataGenerators"].items()},
          open(sys.argv[2], "w"))
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("archive") / "small.omex"
    export_omex(path, COURSES, duration="1 year", observables=OBSERVABLES)
    return path


def test_the_manifest_lists_what_the_archive_holds(archive: Path) -> None:
    opened = libcombine.CombineArchive()
    assert opened.initializeFromArchive(str(archive))
    zipped = zipfile.ZipFile(archive)
    stored = set(zipped.namelist()) - {"manifest.xml"}
    manifest = ElementTree.fromstring(zipped.read("manifest.xml"))
    assert {entry.get("location") for entry in manifest} == stored
    # libcombine reads the metadata and no longer lists them.
    assert {str(place) for place in opened.getAllLocations()} == stored - {"metadata.rdf"}
    assert {"simulations.sedml", "metadata.rdf", "README.md"} < stored
    assert {"models/untreated.xml", "models/denosumab.xml", "curves/denosumab.csv"} < stored
    assert {"data/bone_2011.csv", "data/reid_2010.csv"} < stored
    assert "data/recker_2008.csv" not in stored  # zoledronate
    assert opened.getMasterFile().getLocation() == "simulations.sedml"
    opened.cleanUp()


def test_models_are_sealed_and_curves_have_the_times_of_the_simulation(archive: Path) -> None:
    zipped = zipfile.ZipFile(archive)
    for name in COURSES:
        assert is_sealed(zipped.read(f"models/{name}.xml").decode())
        curves = pd.read_csv(io.BytesIO(zipped.read(f"curves/{name}.csv")))
        assert list(curves.columns) == ["months", *OBSERVABLES]
        np.testing.assert_allclose(curves["months"], np.linspace(0, 12, 49), atol=1e-6)
    assert curves["CTX"].min() < 0.5 * curves["CTX"].iloc[0]


def test_libsedml_reads_the_simulations_without_a_word(archive: Path) -> None:
    text = zipfile.ZipFile(archive).read("simulations.sedml").decode()
    script = (
        "import sys; from bonecycle.exchange.sedml import check; print(check(sys.stdin.read()))"
    )
    answer = subprocess.run(
        [sys.executable, "-c", script],
        input=text,
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert answer.stdout.strip() == "[]"
    root = ElementTree.fromstring(text)
    sources = {model.get("source") for model in root.iter() if model.get("source")}
    assert sources == {f"models/{name}.xml" for name in COURSES}


def test_the_metadata_name_licence_creator_and_taxon(archive: Path) -> None:
    text = zipfile.ZipFile(archive).read("metadata.rdf").decode()
    assert 'license rdf:resource="https://spdx.org/licenses/Apache-2.0.html"' in text
    assert "The bonecycle authors" in text
    assert "https://identifiers.org/taxonomy:9606" in text
    description = libcombine.OmexDescription()
    assert description.parseString(text)[0].getDescription().startswith("The bone remodeling cycle")


def test_parameters_go_to_the_models_that_have_them(tmp_path: Path) -> None:
    values = {"site_factor": 0.8, "denosumab_clearance": 0.2}
    exported = export_omex(
        tmp_path / "a.omex", COURSES, duration="1 month", parameters=values, level=Level.L2V4
    )
    assert "site_factor=0.8, denosumab_clearance=0.2" in exported["denosumab"].sbml
    assert 'parameters="site_factor=0.8"' in exported["untreated"].sbml


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"observables": ("ESBS",)}, "Unknown observable 'ESBS'"),
        ({"courses": {"../up": "untreated"}}, "name courses with letters"),
        ({"courses": {}}, "one course"),
        ({"parameters": {"births": 1.0}}, "Unknown parameter 'births'"),
        ({"model": "kidney"}, "Unknown model 'kidney'"),
        ({"duration": "soon"}, "'soon' is not a duration"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(BonecycleError, match=message):
        export_omex(tmp_path / "a.omex", **arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_tellurium_executes_the_archive_to_our_curves(tmp_path: Path) -> None:
    path, found = tmp_path / "full.omex", tmp_path / "found.json"
    export_omex(path)
    subprocess.run([sys.executable, "-c", EXECUTE, path, found], check=True, capture_output=True)
    values = json.loads(found.read_text(encoding="utf-8"))
    zipped = zipfile.ZipFile(path)
    for name in DEFAULT_COURSES:
        curves = pd.read_csv(io.BytesIO(zipped.read(f"curves/{name}.csv")))
        np.testing.assert_allclose(values[f"{name}_time"], curves.pop("months"), rtol=1e-9)
        for observable in curves:
            np.testing.assert_allclose(
                values[f"{name}_{observable}"], curves[observable], rtol=1e-7, err_msg=name
            )
