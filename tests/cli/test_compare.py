"""Commands of the comparison on three small studies, with few variants: files and resuming."""

import json
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest

from bonecycle.cli import compare, profile
from bonecycle.inference.comparison import surface

pytestmark = pytest.mark.slow

STUDIES = ("jensen_2021", "reid_2010", "recker_2008")


def tables():
    folder = files("bonecycle_data") / "studies"
    return [folder / f"{name}.csv" for name in STUDIES]


def run(out, **changed):
    settings = {
        "mechanism": ["H0", "H1"], "data": tables(), "encoding": "soft-0.6",
        "engine": compare.EngineName.KERNEL, "starts": 1, "draws": 256, "live_points": 50,
        "prior_points": 50,
        "seed": 0, "workers": 1, "out": out,
    }  # fmt: skip
    compare.compare(**(settings | changed))


@pytest.fixture(scope="module")
def patched():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surface, "ERROR_SCALES", ())
        patch.setattr(surface, "PRIOR_SCALES", (1.0, 2.0))
        patch.setattr(surface, "variants", lambda spec: [spec])
        yield patch


@pytest.fixture(scope="module")
def compared(tmp_path_factory, patched):
    out = tmp_path_factory.mktemp("compare")
    run(out)
    return out


def test_compare_writes_tables_figures_and_a_verdict(compared):
    names = {path.name for path in compared.iterdir()}
    for table in ("left_out", "differences", "failing", "residuals", "evidence", "surface"):
        assert f"{table}.csv" in names
    for figure in ("comparison", "left_out", "failing", "surface"):
        assert {f"{figure}.png", f"{figure}.svg"} <= names
    assert {"verdict.json", "verdict.txt", "manifest.json"} <= names
    verdict = json.loads((compared / "verdict.json").read_text(encoding="utf-8"))
    assert verdict["predictive"]["best"] in ("H0", "H1")
    assert verdict["text"] == (compared / "verdict.txt").read_text(encoding="utf-8").strip().split(
        "\n\n"
    )
    left = pd.read_csv(compared / "left_out.csv")
    assert set(left["trial"]) == {*STUDIES[:2], "HORIZON-PFT"} and len(left) == 6
    evidence = pd.read_csv(compared / "evidence.csv")
    gap = (evidence["nested"] - evidence["importance"]).abs()
    assert (gap < 4 * evidence["nested_error"] + 0.1).all()
    gap = (evidence["nested"] - evidence["whole_prior"]).abs()
    assert (gap < 4 * np.hypot(evidence["nested_error"], evidence["whole_prior_error"])).all()
    # H0 has no strength whose prior could be wider.
    own = pd.read_csv(compared / "surface.csv").set_index(["mechanism", "prior_scale"])
    by_width = own["log_evidence"]
    assert by_width["H0", 1.0] == pytest.approx(by_width["H0", 2.0], abs=1e-3)
    assert by_width["H1", 1.0] != pytest.approx(by_width["H1", 2.0], abs=1e-3)
    assert not list((compared / "parts").glob("*.dynesty"))


def test_finished_parts_are_not_done_again(compared, monkeypatch):
    before = (compared / "left_out.csv").read_bytes()
    monkeypatch.setattr("bonecycle.inference.parts._run", lambda *_: pytest.fail("done again"))
    run(compared)
    assert (compared / "left_out.csv").read_bytes() == before


def test_too_few_studies_are_one_clear_message(tmp_path):
    with pytest.raises(compare.UsageError, match="three trials"):
        run(tmp_path / "out", data=tables()[:1])
    assert not (tmp_path / "out").exists()


def test_profile_writes_curves_intervals_and_a_figure(tmp_path):
    settings = {
        "mechanism": ["H0"], "parameter": ["site_factor"], "data": tables(),
        "encoding": "soft-0.6", "engine": compare.EngineName.KERNEL, "starts": 1, "seed": 0,
        "workers": 1, "out": tmp_path / "out",
    }  # fmt: skip
    profile.profile(**settings)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"profiles.csv", "intervals.csv", "profiles_H0.png", "manifest.json"} <= names
    curve = pd.read_csv(tmp_path / "out" / "profiles.csv")
    assert curve["rise"].min() == 0 and curve["rise"].max() > 3.84
    # The prior of the parameter alone keeps its posterior closed.
    row = pd.read_csv(tmp_path / "out" / "intervals.csv").iloc[0]
    assert row["lower"] < row["best"] < row["upper"]
    with pytest.raises(compare.UsageError, match="Did you mean 'site_factor'"):
        profile.profile(**(settings | {"parameter": ["site_facto"], "out": tmp_path / "no"}))
    assert not (tmp_path / "no").exists()
