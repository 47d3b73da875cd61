"""The pinned versions are the installed ones, and tellurium imports in a clean environment."""

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LINES = [
    line
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def test_every_line_is_a_name_a_version_and_at_most_a_marker() -> None:
    line_of = re.compile(r"[a-z0-9.-]+==[^\s;/@]+( ; python_version .*)?")
    assert [line for line in LINES if not line_of.fullmatch(line)] == []


def test_what_is_installed_has_the_pinned_version() -> None:
    pins = [Requirement(line) for line in LINES]
    wanted = {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in pins
        if pin.marker is None or pin.marker.evaluate()
    }
    installed = {
        canonicalize_name(found.metadata["Name"]): found.version
        for found in metadata.distributions()
    }
    other = {
        name: (installed[name], version)
        for name, version in wanted.items()
        if name in installed and installed[name] != version
    }
    assert other == {}, "installed and pinned differ; run make clean, then make test"
    direct = {
        canonicalize_name(Requirement(line).name) for line in metadata.requires("bonecycle") or []
    }
    assert direct - wanted.keys() == set(), "not pinned; run make constraints"


def test_tellurium_imports() -> None:
    subprocess.run([sys.executable, "-c", "import tellurium"], check=True, capture_output=True)
