"""How the time grows: states, doses, parameters, batch, processes; and a warm start."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from multiprocessing import get_context
from multiprocessing.sharedctypes import SynchronizedArray
from multiprocessing.synchronize import Barrier
from time import perf_counter, process_time

from benchmarks.cases import Case, one_regimen
from benchmarks.competitors.interface import Competitor, NotMeasured
from benchmarks.competitors.ours import Ours
from benchmarks.competitors.roadrunner import RoadRunner
from benchmarks.measure import Entry, interleave, prepare
from bonecycle.biology.compose import Build

# Seconds after which a worker that does not come counts as dead.
_PATIENCE = 600.0
_ZOLEDRONATE = "zoledronate 5 mg iv every 1 year for 3 years"


def _states(quick: bool) -> dict[float, Case]:
    found = {}
    for factor in (1,) if quick else (1, 2, 4):
        build = Build(**{name: factor * length for name, length in asdict(Build()).items()})
        case = one_regimen(f"chains x {factor}", _ZOLEDRONATE, 3, build)
        found[float(len(case.arms[0].kernel.state_names))] = case
    return found


def _doses(quick: bool) -> dict[float, Case]:
    weeks = (52,) if quick else (0, 26, 104, 520)
    text = "alendronate 70 mg oral every 1 week for {} weeks"
    none = "alendronate 70 mg oral at 3652 days"
    return {float(w): one_regimen(f"{w} doses", text.format(w) if w else none, 10) for w in weeks}


def _parameters(quick: bool) -> dict[float, Case]:
    counts = (2,) if quick else (1, 4, 8, 12)
    return {float(n): one_regimen(f"{n} free", _ZOLEDRONATE, 3, free=n) for n in counts}


def series(rounds: int, quick: bool) -> dict[str, list[dict[str, object]]]:
    """Ours and roadrunner along each axis, interleaved."""
    made = {"states": _states(quick), "doses": _doses(quick), "parameters": _parameters(quick)}
    points: list[tuple[str, float, str, Entry]] = []
    for axis, cases in made.items():
        competitors: list[Competitor] = [Ours(), RoadRunner()]
        for x, case in cases.items():
            for competitor in competitors[: 1 if axis == "parameters" else 2]:
                try:
                    entry = prepare(case, competitor, derivatives=axis == "parameters")
                except NotMeasured:
                    continue
                points.append((axis, x, competitor.name, entry))
    points += [("batch", float(size), "ours", entry) for size, entry in _batches(quick).items()]
    interleave([entry for *_, entry in points], rounds)
    found: dict[str, list[dict[str, object]]] = {}
    for axis, x, name, entry in points:
        found.setdefault(axis, []).append({"x": x, "competitor": name, **entry.record()})
    return found


def _batches(quick: bool) -> dict[int, Entry]:
    case = one_regimen("batch", _ZOLEDRONATE, 3)
    arm = case.arms[0]
    arm = replace(arm, sets=arm.sets.repeat(4, axis=0))
    entries = {}
    for size in (1, 8) if quick else (1, 2, 4, 8, 16, 64, 256):

        def run(count: int = size) -> object:
            return arm.kernel.simulate(arm.sets[:count], arm.times)

        run()
        entries[size] = Entry(0.0, [], {"batch": (run, size)})
    return entries


def _worker(
    meet: Barrier, rounds: int, shares: Sequence[int], used: SynchronizedArray[float], place: int
) -> None:
    """Do so many batches a round for each of `shares`, all workers from the same moment on.

    The seconds that a processor spent on them go into `used`.
    """
    arm = one_regimen("worker", _ZOLEDRONATE, 3).arms[0]
    arm.kernel.simulate(arm.sets, arm.times)
    for _ in range(rounds):
        for share in shares:
            meet.wait(_PATIENCE)
            start = process_time()
            for _ in range(share):
                arm.kernel.simulate(arm.sets, arm.times)
            used[place] = process_time() - start
            meet.wait(_PATIENCE)


def processes(rounds: int, quick: bool) -> dict[str, list[float]]:
    """Seconds of the same batches in one process and shared by two, both long started.

    By the clock, and by the processor: of the worker that needed longest. Other work on the machine
    shortens what two processes gain by the clock, and what they cost each other shows in both.
    """
    context = get_context("spawn")
    batches = 8 if quick else 80
    meet = context.Barrier(3)
    used = context.Array("d", 2)
    workers = [
        context.Process(target=_worker, args=(meet, rounds, shares, used, place), daemon=True)
        for place, shares in enumerate([(batches, batches // 2), (0, batches // 2)])
    ]
    for worker in workers:
        worker.start()
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name in ("one", "two"):
            meet.wait(_PATIENCE)
            start = perf_counter()
            meet.wait(_PATIENCE)
            found.setdefault(name, []).append(perf_counter() - start)
            found.setdefault(f"{name}_processor", []).append(max(used))
    for worker in workers:
        worker.join()
    return found


_START = """
import json, sys
from time import perf_counter
begin = perf_counter()
import numpy as np
from bonecycle.engines.kernel.engine import KernelEngine
case = json.load(sys.stdin)
imported = perf_counter()
engine = KernelEngine(case["sbml"], case["parameters"], case["outputs"])
loaded = perf_counter()
engine.simulate(np.array(case["sets"]), case["times"])
print(json.dumps({"imports": imported - begin, "load": loaded - imported,
                  "first batch": perf_counter() - loaded}))
"""


def warm_start(rounds: int, quick: bool) -> dict[str, list[float]]:
    """Seconds of a fresh process up to its first batch, its kernel compiled before."""
    arm = one_regimen("start", _ZOLEDRONATE, 3).arms[0]
    case = json.dumps(
        {
            "sbml": arm.sbml,
            "parameters": arm.parameters,
            "outputs": arm.outputs,
            "times": arm.times,
            "sets": arm.sets[:8].tolist(),
        }
    )
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        done = subprocess.run(
            [sys.executable, "-c", _START],
            input=case,
            capture_output=True,
            encoding="utf-8",
            check=True,
        )
        for name, value in json.loads(done.stdout).items():
            found.setdefault(name, []).append(value)
    return found
