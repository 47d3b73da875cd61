"""Simulate every model in three simulators and write docs/simulators.md (`make crosscheck`).

libroadrunner and COPASI read the exported SBML file as any user would; the kernel reads the
composed model. Finished regimens are kept in docs/simulators.json and done again only when their
file changes. `tools.crosscheck_amici` adds a fourth simulator.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import basico  # type: ignore[import-untyped]
import libsbml
import numpy as np
import roadrunner
from numpy.typing import NDArray
from tqdm import tqdm

from bonecycle.biology import catalogue
from bonecycle.biology.regimens import parse_regimen
from bonecycle.engines.kernel.engine import KernelEngine
from bonecycle.manifest import atomic_write, content_hash
from tools.crosscheck_cases import ABSOLUTE_SHARE, CASES, FLOOR, RELATIVE, STEPS, Case
from tools.crosscheck_page import PAGE, RESULTS, page

Floats = NDArray[np.float64]


def compared(sbml: str, family: str = "cycle") -> tuple[str, ...]:
    """Names that are compared: all states of a composed model, and the observables."""
    model = libsbml.readSBMLFromString(sbml).getModel()
    states = [species.getId() for species in model.getListOfSpecies()]
    states += [rule.getVariable() for rule in model.getListOfRules() if rule.isRate()]
    return (*states, *catalogue.observables_of(family))


def in_roadrunner(
    sbml: str, names: Sequence[str], days: float, steps: int, relative: float = RELATIVE
) -> tuple[Floats, dict[str, float]]:
    """Curves (steps + 1, names) of bare libroadrunner, and seconds."""
    start = time.perf_counter()
    simulator = roadrunner.RoadRunner(sbml)
    loaded = time.perf_counter()
    simulator.integrator.relative_tolerance = relative
    simulator.integrator.absolute_tolerance = ABSOLUTE_SHARE * relative
    simulator.integrator.maximum_num_steps = 1_000_000
    simulator.integrator.initial_time_step = 1e-9
    simulator.timeCourseSelections = list(names)
    curves = np.array(simulator.simulate(0, days, steps + 1))
    return curves, {"load": loaded - start, "run": time.perf_counter() - loaded}


def in_copasi(
    sbml: str, names: Sequence[str], days: float, steps: int, relative: float = RELATIVE
) -> tuple[Floats, dict[str, float]]:
    """Curves (steps + 1, names) of COPASI's LSODA, and seconds."""
    start = time.perf_counter()
    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.xml"
        path.write_text(sbml, encoding="utf-8")
        model = basico.load_model(str(path))
    loaded = time.perf_counter()
    try:
        frame = basico.run_time_course(
            start_time=0,
            duration=days,
            intervals=steps,
            automatic=False,
            method="deterministic",
            use_sbml_id=True,
            use_numbers=True,
            r_tol=relative,
            a_tol=ABSOLUTE_SHARE * relative,
            max_steps=10_000_000,
            model=model,
        )
    finally:
        basico.remove_datamodel(model)
    curves = frame[list(names)].to_numpy()
    return curves, {"load": loaded - start, "run": time.perf_counter() - loaded}


def in_kernel(
    sbml: str, names: Sequence[str], days: float, steps: int
) -> tuple[Floats, dict[str, float]]:
    """Curves (steps + 1, names) of our kernel as fits use it, and seconds (code is built once)."""
    start = time.perf_counter()
    engine = KernelEngine(sbml, (), names)
    loaded = time.perf_counter()
    batch = engine.simulate(np.empty((1, 0)), np.linspace(0.0, days, steps + 1).tolist())
    if not batch.ok[0]:
        raise RuntimeError(batch.messages[0])
    return batch.values[0], {"load": loaded - start, "run": time.perf_counter() - loaded}


def largest_difference(first: Floats, second: Floats, names: Sequence[str]) -> tuple[float, str]:
    """Largest difference relative to max(|first|, 1e-6 of its range), and its variable."""
    scale = np.maximum(np.abs(first), FLOOR * np.ptp(first, axis=0))
    difference = np.abs(first - second)
    # What is zero throughout must be zero in both.
    ratio = np.divide(difference, scale, out=np.where(difference > 0, np.inf, 0.0), where=scale > 0)
    worst = int(ratio.max(axis=0).argmax())
    return float(ratio.max()), names[worst]


def check(case: Case, steps: int = STEPS) -> dict[str, Any]:
    """Simulate a case in all simulators and compare them with libroadrunner.

    The kernel is compared on the observables, for which it chooses its tolerance, as in fits.
    """
    exported, source = case.exported(), case.composed()
    names = compared(source, case.model)
    reference, seconds = in_roadrunner(exported, names, case.days, steps, case.relative)
    record: dict[str, Any] = {"file": content_hash(exported), "compared": len(names)}
    record["doses"] = doses(case.regimen, case.days)
    record["roadrunner"] = {"seconds": seconds}
    # The first row is the start: some simulators show it before a dose at time zero.
    curves, seconds = in_copasi(exported, names, case.days, steps, case.relative)
    record["copasi"] = record_of(reference[1:], curves[1:], names, seconds)
    outputs = tuple(catalogue.observables_of(case.model))
    observed = reference[:, [names.index(name) for name in outputs]]
    curves, seconds = in_kernel(source, outputs, case.days, steps)
    record["kernel"] = record_of(observed[1:], curves[1:], outputs, seconds)
    return record


def doses(regimen: str, days: float) -> int:
    """Number of doses up to a day."""
    treatments = parse_regimen(regimen).treatments
    return sum(int((t.dose_times() <= days).sum()) for t in treatments)


def record_of(
    first: Floats, second: Floats, names: Sequence[str], seconds: Mapping[str, float]
) -> dict[str, Any]:
    """Largest difference of curves from the first ones, its variable, and seconds."""
    value, where = largest_difference(first, second, names)
    return {"difference": value, "variable": where, "seconds": dict(seconds)}


def main() -> None:
    """Do every case whose file is new, and write the results and the page."""
    packages = ("libroadrunner", "copasi-basico", "python-copasi", "bonecycle")
    stored = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    kept = stored.get("cases", {})
    results: dict[str, Any] = {
        **stored,
        "versions": {name: metadata.version(name) for name in packages},
        "cases": {},
    }
    for case in tqdm(CASES, unit="regimen"):
        known = kept.get(case.name, {})
        same = known.get("file") == content_hash(case.exported())
        results["cases"][case.name] = known if same else check(case)
        wanted = {case.name for case in CASES} - results["cases"].keys()
        rest = {name: record for name, record in kept.items() if name in wanted}
        merged = {**results, "cases": results["cases"] | rest}
        atomic_write(RESULTS, json.dumps(merged, indent=1) + "\n")
        atomic_write(PAGE, page(merged))


if __name__ == "__main__":
    main()
