"""Measure the engines and write `results.json` and the table made from it.

python -m benchmarks.run [--quick] [--rounds 9] [--peers diffrax,AMICI] [--parts sampling]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks import growth, sampling
from benchmarks.cases import Case, fitting_problem, one_regimen, ten_years
from benchmarks.competitors.amici import Amici
from benchmarks.competitors.copasi import Copasi
from benchmarks.competitors.diffrax import Diffrax
from benchmarks.competitors.interface import Competitor, NotMeasured
from benchmarks.competitors.lsoda import Lsoda
from benchmarks.competitors.ours import Ours
from benchmarks.competitors.roadrunner import RoadRunner
from benchmarks.measure import Entry, interleave, prepare, reference_difference
from benchmarks.table import table
from bonecycle.biology.dosing import Dosing
from bonecycle.manifest import atomic_write

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
DOCUMENT = HERE.parent / "docs" / "benchmarks.md"
COMPETITORS: tuple[type[Competitor], ...] = (Ours, RoadRunner, Lsoda, Copasi, Amici, Diffrax)
PARTS: dict[str, Callable[[int, bool], object]] = {
    "growth": growth.series,
    "processes": growth.processes,
    "warm_start": growth.warm_start,
    "sampling": sampling.effective_samples,
}
_PACKAGES = (
    "bonecycle",
    "numba",
    "llvmlite",
    "numpy",
    "scipy",
    "libroadrunner",
    "copasi-basico",
    "python-copasi",
    "amici",
    "jax",
    "diffrax",
)


@dataclass(frozen=True)
class Plan:
    """How to make a case, who simulates it, and whether derivatives are timed too.

    diffrax and AMICI compile every regimen for minutes, and COPASI takes minutes for a thousand
    doses: they are measured where that can be waited for.
    """

    make: Callable[[], Case]
    competitors: tuple[type[Competitor], ...]
    derivatives: bool = False


_ZOLEDRONATE = "zoledronate 5 mg iv every 1 year for"
_WEEKS = "alendronate 70 mg oral every 1 week for 4 weeks"
CASES = {
    "zoledronate": Plan(
        partial(one_regimen, "zoledronate", f"{_ZOLEDRONATE} 2 years", 3), COMPETITORS, True
    ),
    "ten_years_zoledronate": Plan(
        partial(one_regimen, "ten_years_zoledronate", f"{_ZOLEDRONATE} 10 years", 10),
        COMPETITORS[:5],
        True,
    ),
    "fit_averaged": Plan(partial(fitting_problem, Dosing.AVERAGED), COMPETITORS[:4], True),
    "ten_years_week": Plan(partial(ten_years, "1 week", 70), COMPETITORS[:4]),
    "ten_years_day": Plan(partial(ten_years, "1 day", 10), COMPETITORS[:2]),
    "fit_events": Plan(partial(fitting_problem, Dosing.EVENTS), COMPETITORS[:2]),
}
QUICK = {
    "four_weeks": Plan(partial(one_regimen, "four_weeks", _WEEKS, 0.25), COMPETITORS[:3], True)
}


def measure(plan: Plan, names: Sequence[str], rounds: int) -> dict[str, object]:
    """What was measured of a case, interleaved, as JSON values."""
    case = plan.make()
    entries: dict[str, Entry] = {}
    competitors: dict[str, object] = {}
    for make in COMPETITORS:
        competitor = make()
        if competitor.name not in names or make not in plan.competitors:
            reason = "not asked for" if make in plan.competitors else "too slow to set up here"
            competitors[competitor.name] = {"not_measured": reason}
            continue
        try:
            entries[competitor.name] = prepare(case, competitor, plan.derivatives)
        except NotMeasured as absent:
            competitors[competitor.name] = {"not_measured": str(absent)}
    load = interleave(list(entries.values()), rounds)
    return {
        "title": case.title,
        "regimens": len(case.arms),
        "states": [len(arm.kernel.state_names) for arm in case.arms],
        "free_parameters": [len(arm.parameters) for arm in case.arms],
        "references_differ": reference_difference(case, RoadRunner()),
        "load": load,
        "competitors": {name: entry.record() for name, entry in entries.items()} | competitors,
    }


def machine() -> dict[str, object]:
    """Processor, cores and versions."""
    processor = platform.processor()
    if (info := Path("/proc/cpuinfo")).exists():
        match = re.search(r"model name\s*: (.+)", info.read_text(encoding="utf-8"))
        processor = match[1] if match else processor
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "absent"
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": versions,
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Run from the command line."""
    names = [make().name for make in COMPETITORS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="interleaved rounds")
    parser.add_argument("--peers", default=",".join(names), help=f"of: {', '.join(names)}")
    parser.add_argument(
        "--parts",
        default=",".join([*CASES, *PARTS]),
        help="measure these alone, the results keep the others; of: %(default)s",
    )
    parser.add_argument("--quick", action="store_true", help="one tiny case, for a look")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--document", type=Path, default=DOCUMENT)
    parser.add_argument("--table", action="store_true", help="write the table again, nothing else")
    chosen = parser.parse_args(arguments)
    asked, parts = chosen.peers.split(","), chosen.parts.split(",")
    if wrong := set(asked) - set(names) | set(parts) - {*CASES, *PARTS}:
        parser.error(f"unknown: {', '.join(sorted(wrong))} (see --help)")
    results: dict[str, Any] = {"cases": {}}
    if chosen.table or set(parts) < {*CASES, *PARTS}:
        results = json.loads(chosen.results.read_text(encoding="utf-8"))
    if chosen.table:
        atomic_write(chosen.document, table(results))
        return
    results |= {"machine": machine(), "rounds": chosen.rounds}

    def keep() -> None:
        # After every part: what was measured survives an interruption.
        cases = results["cases"]
        results["cases"] = {name: cases[name] for name in [*QUICK, *CASES] if name in cases}
        atomic_write(chosen.results, json.dumps(results, indent=1) + "\n")
        atomic_write(chosen.document, table(results))

    for name, plan in (QUICK if chosen.quick else CASES).items():
        if chosen.quick or name in parts:
            results["cases"][name] = measure(plan, asked, chosen.rounds)
            keep()
            print(f"{name} measured", flush=True)
    for part in [name for name in PARTS if name in parts]:
        results[part] = PARTS[part](chosen.rounds, chosen.quick)
        keep()
        print(f"{part} measured", flush=True)


if __name__ == "__main__":
    main()
