"""Ctrl-C leaves a usable state, and one line says what is kept and which command goes on."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_budget import TABLES

from bonecycle.cli.interrupted import farewell

BONECYCLE = str(Path(sys.executable).parent / "bonecycle")
DATA = shlex.join(part for table in TABLES for part in ("--data", table))
# Processor time is read from there.
pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="Linux only")
DAILY = "'alendronate 10 mg oral every 1 day for 24 months'"


def test_what_is_kept_is_named_with_the_command_that_goes_on(tmp_path: Path) -> None:
    words = ["fit", "--out", str(tmp_path), "--data", "my table.csv"]
    command = f"bonecycle fit --out {tmp_path} --data 'my table.csv'"
    assert farewell(tmp_path, words) == (
        f"interrupted before anything was finished. To begin again: {command}"
    )
    for name in ("starts/a.json", "starts/b.json", "starts/.c.json.1.tmp", "H1/ensemble-0.h5"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert farewell(tmp_path, words) == (
        f"interrupted. Kept in {tmp_path}: 2 finished start(s), 1 chain(s). To go on: {command}"
    )
    assert farewell(None, ["list", "models"]).endswith("To begin again: bonecycle list models")


def busy_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def interrupt(folder: Path, words: str, when: str) -> str:
    """Last line of a command whose process group gets SIGINT once a file of `when` is there.

    An empty `when`: after three seconds of processor time, when the work has begun.
    """
    with subprocess.Popen(
        [BONECYCLE, *shlex.split(words)],
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        encoding="utf-8",
        start_new_session=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    ) as process:
        end = time.monotonic() + 300
        while not (list(folder.glob(when)) if when else busy_seconds(process.pid) > 3):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < end, f"{words}: no {when}"
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        errors = process.communicate(timeout=120)[1]
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert not list(folder.rglob("*.tmp"))
    return errors.strip().splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "when", "kept"),
    [
        (f"fit --mechanism H0 --starts 3 --workers 1 {DATA}", "out/starts/*.json", "start(s)"),
        (f"fit --mechanism H0 --starts 4 --workers 2 {DATA}", "out/starts/*.json", "start(s)"),
        (
            f"sample --max-steps 100 --walkers 36 --workers 2 {DATA}",
            "out/H1/ensemble-0.h5",
            "chain(s)",
        ),
        (
            f"sensitivity sobol --regimen {DAILY} --output ES_BS --months 24 --samples 64",
            "out/blocks/*.npy",
            "block(s)",
        ),
        (
            f"design --mechanism H0 --mechanism H1 --draws 20 --starts 2 {DATA}",
            "out/starts/*.json",
            "start(s)",
        ),
    ],
    ids=["fit", "fit with two workers", "sample", "sobol", "design"],
)
def test_an_interrupted_command_goes_on(tmp_path: Path, words: str, when: str, kept: str) -> None:
    command = f"{words} --out out"
    line = interrupt(tmp_path, command, when)
    assert line.startswith("bonecycle: interrupted. Kept in out: ")
    assert kept in line
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob(when)}
    again = shlex.split(line.partition("To go on: bonecycle ")[2])
    assert again == shlex.split(command)
    done = subprocess.run(
        [BONECYCLE, *again], cwd=tmp_path, capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "manifest.json").is_file()
    if when.endswith((".json", ".npy")):  # chains grow, finished parts do not
        assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        f"simulate --regimen {DAILY} --duration '20 years' --points 2000",
        "biopsy --n 1000000",
        "pharmacokinetics",
    ],
)
def test_a_command_without_parts_says_how_to_begin_again(tmp_path: Path, words: str) -> None:
    line = interrupt(tmp_path, f"{words} --out out", "")
    assert line.startswith("bonecycle: interrupted before anything was finished. ")
    assert line.endswith(shlex.join(["bonecycle", *shlex.split(words), "--out", "out"]))
    assert not list(tmp_path.rglob("manifest.json"))
