"""Simulate the cycle in AMICI and add it to docs/simulators.md (`make crosscheck-amici`).

AMICI is built from source, so it has an environment of its own: that of the benchmarks.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from importlib import metadata
from typing import Any

import numpy as np
from benchmarks.competitors.amici import built_model
from tqdm import tqdm

from bonecycle.analysis.simulation import dosed_model
from bonecycle.biology.dosing import Dosing
from bonecycle.exchange.baseline import Baseline
from bonecycle.exchange.sbml_export import export_sbml
from bonecycle.manifest import atomic_write, content_hash
from tools.crosscheck import Floats, compared, doses, in_roadrunner, record_of
from tools.crosscheck_cases import ABSOLUTE_SHARE, DAYS, RELATIVE, STEPS
from tools.crosscheck_page import PAGE, RESULTS, page

# Regimen and days; no output falls on a dose.
CASES = (
    ("alendronate 70 mg oral every 1 week for 1 year", 365.25),
    ("zoledronate 5 mg iv every 12 months for 10 years", DAYS),
)


def in_amici(
    regimen: str, names: Sequence[str], days: float, steps: int
) -> tuple[Floats, dict[str, float]]:
    """Curves (steps + 1, names) of AMICI, and seconds; compiled models are kept.

    AMICI reads a file exported for it: one event a dose, the baseline in numbers.

    Raises
    ------
    RuntimeError
        When AMICI does not reach the end.
    """
    start = time.perf_counter()
    exported = export_sbml(regimen, dosing=Dosing.EXPLICIT, baseline=Baseline.NUMBERS)
    model = built_model(exported.sbml, (), names)
    from amici.sim import sundials

    loaded = time.perf_counter()
    model.set_timepoints(np.linspace(0.0, days, steps + 1))
    solver = model.create_solver()
    solver.set_relative_tolerance(RELATIVE)
    solver.set_absolute_tolerance(ABSOLUTE_SHARE * RELATIVE)
    solver.set_max_steps(10_000_000)
    found = sundials.run_simulation(model, solver)
    if found.status != sundials.AMICI_SUCCESS:
        raise RuntimeError(f"{regimen}: AMICI ends with {found.status}")
    return np.array(found.y), {"load": loaded - start, "run": time.perf_counter() - loaded}


def check(regimen: str, days: float) -> dict[str, Any]:
    """Compare AMICI with libroadrunner, which reads the file with formulas and repeated events."""
    sbml = export_sbml(regimen).sbml
    names = compared(dosed_model(regimen))
    reference, seconds = in_roadrunner(sbml, names, days, STEPS)
    curves, own = in_amici(regimen, names, days, STEPS)
    return {
        "file": content_hash(sbml),
        "days": days,
        "doses": doses(regimen, days),
        "compared": len(names),
        "roadrunner": {"seconds": seconds},
        "amici": record_of(reference[1:], curves[1:], names, own),
    }


def main() -> None:
    """Simulate both regimens anew, and write the results and the page."""
    found = {
        "versions": {name: metadata.version(name) for name in ("amici", "libroadrunner")},
        "cases": {regimen: check(regimen, days) for regimen, days in tqdm(CASES, unit="regimen")},
    }
    results = json.loads(RESULTS.read_text(encoding="utf-8")) | {"amici": found}
    atomic_write(RESULTS, json.dumps(results, indent=1) + "\n")
    atomic_write(PAGE, page(results))


if __name__ == "__main__":
    main()
