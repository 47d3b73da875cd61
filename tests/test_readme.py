"""Commands and scripts of README and how-tos run as written and leave the files they name."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOW_TOS = sorted((ROOT / "docs" / "howto").glob("*.md"))
# Its steps need an edit in between: tests/cli/test_own_biopsies.py runs them.
WITH_COMMANDS = [page for page in HOW_TOS if page.stem != "own_biopsies"]


def blocks_in(text: str, language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def commands_in(text: str) -> list[str]:
    """Return the bonecycle commands of the bash blocks, continued lines joined."""
    lines = "".join(blocks_in(text, "bash")).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("bonecycle ")]


def run(command: list[str], folder: Path) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    answer = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert answer.returncode == 0, f"{command}\n{answer.stdout}{answer.stderr}"


@pytest.mark.parametrize("page", [ROOT / "README.md", *WITH_COMMANDS], ids=lambda page: page.stem)
def test_every_command_works_and_leaves_its_files(tmp_path: Path, page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    commands = commands_in(text)
    assert commands, f"{page.name} shows no bonecycle command in a bash block"
    for command in commands:
        run(["bash", "-c", command], tmp_path)
    for out in re.findall(r"--out[ =](\S+)", "\n".join(commands)):
        # The folder itself, and every file the page's text says is in it.
        named = re.findall(rf"(?<![\w./-]){re.escape(out.rstrip('/'))}/[\w./-]*\w", text)
        missing = [file for file in [out, *named] if not (tmp_path / file).exists()]
        assert not missing, f"{page.name} names {missing}, which no command wrote"


@pytest.mark.parametrize("page", HOW_TOS, ids=lambda page: page.stem)
def test_the_scripts_of_a_how_to_run(tmp_path: Path, page: Path) -> None:
    for number, script in enumerate(blocks_in(page.read_text(encoding="utf-8"), "python")):
        path = tmp_path / f"script_{number}.py"
        path.write_text(script, encoding="utf-8")
        run([sys.executable, str(path)], tmp_path)
