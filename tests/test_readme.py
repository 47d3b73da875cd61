"""The commands of the README run as written, in its order, and leave the files it names."""

import os
import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "README.md"


def commands_in(text: str) -> list[str]:
    """Return the bonecycle commands of the bash blocks, continued lines joined."""
    blocks = re.findall(r"^```bash\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("bonecycle ")]


def test_every_command_of_the_readme_works(tmp_path: Path) -> None:
    text = README.read_text(encoding="utf-8")
    commands = commands_in(text)
    assert commands, "the README shows no bonecycle command in a bash block"
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in commands:
        answer = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, f"{command}\n{answer.stdout}{answer.stderr}"
    for out in re.findall(r"--out[ =](\S+)", "\n".join(commands)):
        # The folder itself, and every file the README's text says is in it.
        named = re.findall(rf"(?<![\w./-]){re.escape(out.rstrip('/'))}/[\w./-]*\w", text)
        missing = [file for file in [out, *named] if not (tmp_path / file).exists()]
        assert not missing, f"the README names {missing}, which no command wrote"
