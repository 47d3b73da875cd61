"""The report of a run holds what its folder holds, and nothing from elsewhere."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from bonecycle.cli.work import inputs
from bonecycle.errors import UsageError
from bonecycle.problem.problem import ProblemSpec
from bonecycle.show.run_limits import ERRORS_ASSUMED, NOTHING_AFTER
from bonecycle.show.run_report import NO_VERDICT, run_report, write_report


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    manifest = {"command": "bonecycle fit", "seed": 0, "extra": {"encoding": "soft-0.6"}}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    table = {"mechanism": ["<b>H1</b>"], "cost": [51.4829], "note": [None]}
    pd.DataFrame(table).to_csv(tmp_path / "mechanisms.csv", index=False)
    for name in ("plane", "something_else"):
        Figure().savefig(tmp_path / f"{name}.png")
    return tmp_path


def test_question_limits_data_errors_and_results_stand_in_it(folder: Path) -> None:
    page = run_report(folder)
    assert NO_VERDICT in page
    for line in ("ES/BS under alendronate is reported as", ERRORS_ASSUMED, NOTHING_AFTER):
        assert line in page
    assert page.index("Limits") < page.index("<h2>Data") < page.index("<h2>Error model")
    assert page.index("<h2>Error model") < page.index("<h2>Fit") < page.index("Provenance")
    assert "soft-0.6" in page and "51.5" in page
    assert "Chavassieux" in page
    assert page.count("data:image/png;base64,") == 2


@pytest.mark.parametrize(
    ("month", "comparison", "expected"),
    [
        (6, "decreased", [NOTHING_AFTER]),
        (12, "decreased", []),
        (12, "not_strongly_decreased", ["Ac.f under zoledronate is reported as"]),
    ],
)
def test_limits_are_those_of_the_rows_that_were_read(
    folder: Path, month: int, comparison: str, expected: list[str]
) -> None:
    row = {
        "study": "own", "doi": "", "pmid": "", "arm": "treated",
        "regimen": "zoledronate 5 mg iv every 3 months for 6 months", "role": "fitted",
        "site": "iliac crest", "time_months": month, "variable": "Ac_f", "comparison": comparison,
        "value": "", "unit": "", "reference": "baseline", "lower": "", "upper": "",
        "interval": "", "n": "", "source_place": "own", "note": "",
    }  # fmt: skip
    pd.DataFrame([row]).to_csv(folder / "own.csv", index=False)
    extra = inputs(ProblemSpec(data=(str(folder / "own.csv"),)))
    manifest = {"command": "bonecycle predict", "extra": extra}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    page = run_report(folder)
    shown = page.partition("<b>Limits</b>")[2].partition("</ul>")[0]
    assert shown.count("<li>") == len(expected)
    assert all(line in shown for line in expected)


def test_nothing_is_loaded_from_elsewhere_and_text_is_escaped(folder: Path) -> None:
    page = run_report(folder)
    assert all(source.startswith("data:") for source in re.findall(r'src="([^"]+)"', page))
    assert not re.search(r"<(script|link|iframe)", page)
    assert "<b>H1</b>" not in page and "&lt;b&gt;H1" in page


def test_a_verdict_comes_first_where_the_run_has_one(folder: Path) -> None:
    (folder / "verdict.txt").write_text("H1 and H2 cannot be told apart.\n\nNeither overrules.\n")
    page = write_report(folder).read_text(encoding="utf-8")
    assert NO_VERDICT not in page
    assert (
        page.index("cannot be told apart") < page.index("Neither overrules") < page.index("Limits")
    )


def test_every_posterior_of_the_run_has_its_part(folder: Path) -> None:
    for name in ("H1", "H3"):
        (folder / name).mkdir()
        (folder / name / "diagnosis.json").write_text(json.dumps({"verdict": f"{name} converged"}))
        (folder / name / "unlearned.txt").write_text("Nothing is learned of the floor.\n")
        pd.DataFrame({"parameter": ["x"], "median": [1.0]}).to_csv(
            folder / name / "posterior.csv", index=False
        )
    page = run_report(folder)
    assert page.index("H1 converged") < page.index("H3 converged")
    assert page.count("Nothing is learned of the floor.") == 2


@pytest.mark.parametrize("content", [None, "{", "[]", "{}"])
def test_a_folder_that_no_command_wrote_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(UsageError, match="name the --out folder"):
        run_report(tmp_path)
