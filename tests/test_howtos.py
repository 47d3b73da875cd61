"""Every command of the how-tos runs in a fresh folder and leaves the files that the page names."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from small_budget import fault_of, lighten
from test_readme import HOW_TOS, ROOT, commands_in

# Whole pages of commands take minutes, also when they are small.
pytestmark = pytest.mark.slow

# Its steps need an edit in between, and tests/cli/test_own_biopsies.py runs them.
PAGES = [page for page in HOW_TOS if page.stem != "own_biopsies"]
PAGES += [ROOT / "docs" / f"{name}.md" for name in ("exchange", "virtual_biopsy")]
_FILE = re.compile(r"`((?:[\w-]+/)*[\w-]+\.(?:csv|png|nc|txt|json|html|xml|omex))`")
# Named as what the package ships or somebody has, not as what a command leaves.
_SHIPPED = {"biopsy.csv", "posterior.nc"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_commands_of_a_page_leave_the_files_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    lighten(monkeypatch)
    text = page.read_text(encoding="utf-8")
    faults = []
    for section in re.split(r"^## ", text, flags=re.MULTILINE):
        arguments = [shlex.split(line)[1:] for line in commands_in(section)]
        faults += filter(None, map(fault_of, arguments))
        folders = [Path(a[a.index("--out") + 1]) for a in arguments if "--out" in a]
        faults += [f"{folder} has no manifest" for folder in folders if not _made(folder)]
        for name in set(_FILE.findall(section)) - _SHIPPED:
            if folders and not any((place / name).exists() for place in (*folders, Path())):
                faults.append(f"{page.name} names {name}, which no command of its section wrote")
    assert commands_in(text)
    assert not faults, "\n\n".join(faults)


def _made(folder: Path) -> bool:
    """Whether a folder says what made it; a file needs not."""
    return folder.is_file() or (folder / "manifest.json").is_file()
