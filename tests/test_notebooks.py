"""Every notebook runs from its first cell to its last, on a small budget."""

import re
from importlib.resources import files
from pathlib import Path

import jupytext
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
STUDIES = files("bonecycle_data") / "studies"
# Studies enough to leave one out.
TABLES = tuple(str(STUDIES / f"{name}.csv") for name in ("jensen_2021", "reid_2010", "recker_2008"))
# What a notebook says of its budget, and what it says here.
SMALL = {
    "starts = 4": "starts = 1",
    "trials = 1000": "trials = 100",
    "steps = 200": "steps = 50",
    "draws = 256": "draws = 64",
    "data = ()": f"data = {TABLES!r}",
    "trajectories=64": "trajectories=8",
    "samples=1024": "samples=64",
}
# Budgets of each notebook; a new one says here what makes it small.
BUDGETS = {
    "01_the_cycle": (),
    "02_the_fit": ("starts = 4",),
    "03_the_posterior": ("steps = 200", "draws = 256", "data = ()"),
    "04_sensitivity": ("starts = 4", "trajectories=64", "samples=1024"),
    "05_your_biopsies": ("starts = 4",),
    "06_copasi_petab": (),
    "07_tellurium": (),
    "08_from_marrow_to_trench": ("starts = 4",),
    "09_metastasis_and_trials": ("trials = 1000",),
}
# One in every run, the others with the long tests.
QUICK = "05_your_biopsies"
PATHS = [
    pytest.param(path, marks=() if path.stem == QUICK else pytest.mark.slow, id=path.stem)
    for path in sorted(FOLDER.glob("*.py"))
]


def test_the_notebooks_are_numbered_and_use_public_functions_only() -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py")}
    assert texts.keys() == BUDGETS.keys()
    assert [int(name[:2]) for name in sorted(texts)] == list(range(1, len(texts) + 1))
    for name, text in texts.items():
        assert not re.findall(r"^(?:from|import) bonecycle\.\S+", text, re.MULTILINE), name


@pytest.mark.parametrize("path", PATHS)
def test_a_notebook_runs(tmp_path: Path, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for budget in BUDGETS[path.stem]:
        assert text.count(budget) == 1
        text = text.replace(budget, SMALL[budget])
    notebook = jupytext.reads(text, fmt="py:percent")
    place = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=600, kernel_name="python3", resources=place).execute()
    shown = [
        output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])
    ]
    # Of pandas' figures every cell draws one.
    own = sum(".plot(" in cell.source for cell in notebook.cells if cell.cell_type == "code")
    assert sum("image/png" in data for data in shown) == text.count("show.plot_") + own
