"""Every notebook runs from its first cell to its last, on a small budget."""

from pathlib import Path

import jupytext
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"


# The first in every run, the others with the long tests.
FIRST, *OTHERS = sorted(FOLDER.glob("*.py"))
PATHS = [FIRST, *(pytest.param(path, marks=pytest.mark.slow) for path in OTHERS)]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count("starts = 4") == 1
    notebook = jupytext.reads(text.replace("starts = 4", "starts = 1"), fmt="py:percent")
    NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
    shown = [
        output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", [])
    ]
    assert sum("image/png" in data for data in shown) == text.count("show.plot_")
