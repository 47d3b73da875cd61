"""Commands of the README and scripts of the how-tos run as written and leave what they name."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HOW_TOS = sorted((ROOT / "docs" / "howto").glob("*.md"))


def blocks_in(text: str, language: str) -> list[str]:
    """Return the code blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)


def commands_in(text: str) -> list[str]:
    """Return the bonecycle commands of the shell blocks, continued lines joined."""
    lines = (
        "".join(blocks_in(text, "bash") + blocks_in(text, "sh")).replace("\\\n", " ").splitlines()
    )
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


def test_every_command_works_and_leaves_its_files(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = commands_in(text)
    assert commands
    for command in commands:
        run(["bash", "-c", command], tmp_path)
    for out in re.findall(r"--out[ =](\S+)", "\n".join(commands)):
        # The folder itself, and every file the README says is in it.
        named = re.findall(rf"(?<![\w./-]){re.escape(out.rstrip('/'))}/[\w./-]*\w", text)
        missing = [file for file in [out, *named] if not (tmp_path / file).exists()]
        assert not missing, f"README.md names {missing}, which no command wrote"
    table = text.partition("## What the fit writes")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    promised = re.findall(r"`([\w.*]+)`", " ".join(cells))
    assert len(promised) > 10
    for name in promised:
        assert list((tmp_path / "fit-h0").glob(name)), f"README.md promises {name}"


@pytest.mark.parametrize("page", HOW_TOS, ids=lambda page: page.stem)
def test_the_scripts_of_a_how_to_run(tmp_path: Path, page: Path) -> None:
    for number, script in enumerate(blocks_in(page.read_text(encoding="utf-8"), "python")):
        path = tmp_path / f"script_{number}.py"
        path.write_text(script, encoding="utf-8")
        run([sys.executable, str(path)], tmp_path)
