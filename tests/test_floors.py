"""No room imports a room above it, and starting up stays light."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import bonecycle

PACKAGE = Path(bonecycle.__file__).parent
# From the ground up. `bonecycle` is the public surface in the package's own __init__.
FLOORS = [
    {"errors", "tasks", "manifest", "cache"},
    {"biology"},
    {"studies"},
    {"engines"},
    {"problem"},
    {"inference", "analysis", "exchange"},
    {"show"},
    {"bonecycle"},
    {"cli"},
]
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
MODULES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


def room_of(dotted: str) -> str:
    """Return the room of an absolute module name inside the package."""
    _, _, inside = dotted.partition(".")
    return inside.split(".")[0] or "bonecycle"


def dotted_name(module: str) -> str:
    return ".".join(["bonecycle", *Path(module).with_suffix("").parts]).removesuffix(".__init__")


def imported(module: str) -> Iterator[str]:
    """Yield the absolute names inside the package that a module imports, anywhere in it."""
    package = ["bonecycle", *Path(module).parent.parts]
    for node in ast.walk(ast.parse((PACKAGE / module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            # `from bonecycle import studies` enters a room, `import __version__` the surface.
            rooms = [alias.name for alias in node.names if alias.name in FLOOR_OF]
            names = [f"{source}.{room}" for room in rooms] if source == "bonecycle" else [source]
            names = names or [source]
        else:
            continue
        yield from (name for name in names if name.split(".")[0] == "bonecycle")


@pytest.mark.parametrize("module", MODULES)
def test_no_import_climbs(module: str) -> None:
    room = room_of(dotted_name(module))
    assert room in FLOOR_OF, f"{room} has no floor: give it one in FLOORS"
    climbs = [name for name in imported(module) if FLOOR_OF[room_of(name)] > FLOOR_OF[room]]
    assert not climbs, f"{module} (floor {FLOOR_OF[room]}) climbs to {climbs}"


@pytest.mark.parametrize("module", ["bonecycle", "bonecycle.cli"])
def test_starting_up_loads_nothing_slow(module: str) -> None:
    script = f"import {module}, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", check=True
    ).stdout.split()
    slow = {"tellurium", "matplotlib.pyplot", "lmfit", "pandas", "roadrunner", "xarray"}
    assert not slow & set(loaded)
