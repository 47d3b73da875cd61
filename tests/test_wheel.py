"""The wheel alone, in an empty environment and from any folder, finds its models and data."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    pip = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps"]
    subprocess.run([*pip, "--wheel-dir", folder, ROOT], check=True)
    return next(folder.glob("bonecycle-*.whl"))


def test_the_wheel_holds_three_packages_and_the_licences(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"bonecycle", "bonecycle_models", "bonecycle_data"}
    assert "bonecycle_models/released/cycle.xml" in names
    for licence in ("/LICENSE", "/LICENSE-DATA.md"):
        assert any(name.endswith(licence) for name in names)


def test_the_installed_command_works_from_another_folder(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "-qq"]
    subprocess.run([*pip, "-c", str(ROOT / "constraints.txt"), str(wheel)], check=True)
    # A PYTHONPATH could let the checkout stand in for what the wheel lacks.
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for arguments in (["--help"], ["list", "models"]):
        answer = subprocess.run(
            [environment / "bin" / "bonecycle", *arguments],
            cwd=tmp_path,
            env=outside,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
        assert answer.stdout.strip()
