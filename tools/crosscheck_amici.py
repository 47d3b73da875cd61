"""Hold AMICI against libroadrunner and the kernel; writes docs/amici.md. See `make crosscheck-amici`.

AMICI is built from source, so this has an environment of its own: that of the benchmarks.
"""

from __future__ import annotations

import importlib.metadata
import time
from pathlib import Path

import numpy as np
from benchmarks.cases import Case, one_regimen
from benchmarks.competitors.amici import Amici
from benchmarks.competitors.interface import NotMeasured

from bonecycle.engines.kernel.engine import disagreement
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.manifest import atomic_write

PAGE = Path(__file__).resolve().parent.parent / "docs" / "amici.md"
ASKED = 1e-6
_TOLERANCE = 1e-10
_REGIMENS = (
    ("alendronate", "alendronate 70 mg oral every 1 week for 1 year", 1.0),
    ("zoledronate", "zoledronate 5 mg iv every 1 year for 10 years", 10.0),
)
_HEAD = """# The cycle in AMICI

Written by `make crosscheck-amici`. Every observable of the catalogue once a year, at the values of the
tables; relative tolerance 1e-10 in AMICI and libroadrunner, the kernel as a fit has it. Differences are from
libroadrunner, relative to max(|x|, 1e-6 of the range of x); asked for: 1e-06.

AMICI writes nested initial assignments out to the end, and those of the closed-form baseline stand on each
other: its import of the released file does not end. It gets the same model with the numbers of the untreated
baseline in their place, and one event a dose, since it gives one dose too many where an event
reschedules itself. So a changed parameter does not re-equilibrate there by itself.

| regimen | AMICI | kernel | s to build AMICI's model |
|---|---|---|---|
"""


def _row(case: Case) -> str:
    arm = case.arms[0]
    values = arm.kernel.own_values[None]
    exact = RoadRunnerEngine(
        arm.sbml, arm.parameters, arm.outputs, relative_tolerance=_TOLERANCE
    ).simulate(values, arm.times)
    kernel = disagreement(arm.kernel.simulate(values, arm.times).values, exact.values)
    began = time.perf_counter()
    try:
        simulate = Amici().prepare(arm, _TOLERANCE)
    except NotMeasured as reason:
        return f"| {case.title} | not measured: {reason} | {kernel:.1e} | |"
    built = time.perf_counter() - began
    found = disagreement(np.asarray(simulate(values)), exact.values)
    if not found < ASKED:
        print(f"{case.title}: AMICI differs by {found:.1e}, more than {ASKED:g}")
    return f"| {case.title} | {found:.1e} | {kernel:.1e} | {built:.0f} |"


def main() -> None:
    """Run both regimens and write the page."""
    rows = [_row(one_regimen(*regimen)) for regimen in _REGIMENS]
    names = ("amici", "libroadrunner", "bonecycle")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    atomic_write(PAGE, _HEAD + "\n".join(rows) + f"\n\n{versions}.\n")
    print(PAGE.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
