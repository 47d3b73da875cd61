"""Simulate every model in three simulators and write docs/simulators.md (`make crosscheck`).

libroadrunner and COPASI read the exported SBML file as any user would; the kernel reads the
composed model. Finished regimens are kept in docs/simulators.json and done again only when their
file changes. `tools.crosscheck_amici` adds a fourth simulator.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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

from bonecycle.analysis.simulation import dosed_model
from bonecycle.biology import catalogue
from bonecycle.biology.regimens import parse_regimen
from bonecycle.engines.kernel.engine import KernelEngine
from bonecycle.exchange.sbml_export import export_sbml
from bonecycle.manifest import atomic_write, content_hash

Floats = NDArray[np.float64]

DOCS = Path(__file__).resolve().parent.parent / "docs"
RESULTS, PAGE = DOCS / "simulators.json", DOCS / "simulators.md"

# Ten years. A prime number of steps, so that no output falls on a dose: there simulators differ in
# what they show, the amount before the dose or after it.
DAYS, STEPS = 3652.5, 397
RELATIVE = 1e-10
ABSOLUTE_SHARE = 1e-4  # absolute tolerance as a share of the relative one
# Agreement asked for, relative to max(|x|, 1e-6 of the range of x).
ASKED, FLOOR = 1e-6, 1e-6


@dataclass(frozen=True)
class Case:
    """A regimen, over ten years where no days are given, with mechanisms turned on."""

    regimen: str
    mechanisms: tuple[str, ...] = ()
    relative: float = RELATIVE
    model: str = "cycle"
    days: float = DAYS

    @property
    def name(self) -> str:
        """Regimen and mechanisms in words, and what differs from most: model, days, tolerance."""
        model = "" if self.model == "cycle" else f"{self.model}: "
        own = [] if self.days == DAYS else [f"{self.days:g} days"]
        own += [] if self.relative == RELATIVE else [f"tolerance {self.relative:g}"]
        return ", ".join([f"{model}{self.regimen}", *self.mechanisms, *own])

    def exported(self) -> str:
        """SBML file as any user gets it."""
        return export_sbml(self.regimen, model=self.model, mechanisms=self.mechanisms).sbml

    def composed(self) -> str:
        """SBML that the engine gets."""
        return dosed_model(self.regimen, model=self.model, mechanisms=self.mechanisms)


# Doses in use of every drug, what studies gave, one of each kind of schedule. Daily doses take
# minutes each and stand last.
CASES = (
    Case("untreated"),
    Case("untreated", ("H1", "H2", "H3", "H4", "H5")),
    Case("alendronate 70 mg oral every 1 week for 10 years"),
    Case("alendronate 70 mg oral every 1 week for 10 years", ("H1", "H2", "H3", "H4", "H5")),
    Case("zoledronate 5 mg iv every 12 months for 10 years"),
    Case("zoledronate 5 mg iv over 15 minutes every 12 months for 10 years"),
    Case("zoledronate 5 mg iv over 15 minutes at 0 and 18 months"),
    Case("denosumab 60 mg sc every 6 months for 10 years"),
    Case("denosumab 60 mg sc every 6 months for 10 years missing doses 3, 7-9"),
    Case("risedronate 35 mg oral every 1 week for 10 years"),
    Case("ibandronate 150 mg oral every 1 month for 10 years"),
    Case("ibandronate 3 mg iv every 3 months for 10 years"),
    Case("pamidronate 90 mg iv over 2 hours every 1 month for 10 years"),
    Case(
        "denosumab 60 mg sc every 6 months for 2 years; "
        "zoledronate 5 mg iv over 15 minutes every 12 months from 2 years for 3 years",
        # One output falls where the logarithm of bone volume, which starts at zero, comes back to
        # it (-1e-5 of a range of 0.06): at 1e-10 libroadrunner itself is 1.7e-6 off there.
        relative=1e-12,
    ),
    Case("untreated", model="route"),
    # Cells in a dish die out: ten years would compare nothing with nothing.
    Case("untreated", model="culture", days=28.0),
    Case("untreated", model="coupled"),
    Case("alendronate 70 mg oral every 1 week for 10 years", model="coupled"),
    Case("zoledronate 5 mg iv every 12 months for 10 years", model="coupled"),
    Case("untreated", model="metastasis"),
    Case("zoledronate 4 mg iv over 15 minutes every 1 month for 10 years", model="metastasis"),
    Case(
        "alendronate 5 mg oral every 1 day for 730 days; "
        "alendronate 10 mg oral every 1 day from 730 days for 1095 days"
    ),
    Case("alendronate 10 mg oral every 1 day for 10 years"),
    Case("clodronate 1600 mg oral every 1 day for 10 years"),
)


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


def page(results: Mapping[str, Any]) -> str:
    """Markdown page of the results."""
    worst = {
        simulator: max(case[simulator]["difference"] for case in results["cases"].values())
        for simulator in ("copasi", "kernel")
    }
    lines = [
        "# The same numbers in other simulators",
        "",
        "Written by `make crosscheck` from `docs/simulators.json`.",
        "",
        "libroadrunner (CVODE) and COPASI (LSODA) each read the exported L3V2 file of the cycle "
        "or of the model named and simulate ten years (cells in a dish: 28 days), both with "
        f"relative tolerance {RELATIVE:g} unless the regimen names another, "
        f"and an absolute one of {ABSOLUTE_SHARE:g} of it. The kernel, which fits use, reads the "
        "composed model, at the tolerance that it chooses for fits. Compared at "
        f"{STEPS} times are all states and observables in COPASI, the observables in the kernel. "
        "Differences are from libroadrunner, relative to max(|x|, "
        f"1e-6 of the range of x). Asked for: {ASKED:g}; largest found: COPASI "
        f"{worst['copasi']:.1e}, kernel {worst['kernel']:.1e}.",
        "",
        f"{_versions(results)}. Seconds are load + run on a machine that others use.",
        "",
        "| regimen | doses | COPASI | kernel | s libroadrunner | s COPASI | s kernel |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, case in results["cases"].items():
        differences = [_cell(case[s]) for s in ("copasi", "kernel")]
        times = [_seconds(case[s]) for s in ("roadrunner", "copasi", "kernel")]
        lines.append(f"| {' | '.join([name, str(case['doses']), *differences, *times])} |")
    if missing := [case.name for case in CASES if case.name not in results["cases"]]:
        lines += ["", f"Not simulated yet: {'; '.join(missing)}."]
    return "\n".join([*lines, *_amici_section(results.get("amici")), ""])


def _amici_section(found: Mapping[str, Any] | None) -> list[str]:
    if found is None:
        return ["", "AMICI is not simulated yet (`make crosscheck-amici`)."]
    lines = [
        "",
        "## AMICI",
        "",
        "Written by `make crosscheck-amici`, which builds AMICI from source. libroadrunner reads "
        "the file of `bonecycle export sbml`, AMICI (CVODES) that of `--dosing explicit --baseline "
        "numbers`: it writes nested initial assignments out to the end, and with those of the "
        "closed-form baseline its import does not end, so a changed parameter does not "
        "re-equilibrate there by itself; and it gives one dose too many where an event reschedules "
        f"itself. All states and observables at {STEPS} times, tolerances and differences as "
        "above.",
        "",
        f"{_versions(found)}. Seconds of AMICI to load are those of its compiler, or of reading "
        "what it had compiled before.",
        "",
        "| regimen | years | doses | AMICI | s libroadrunner | s AMICI |",
        "|---|---|---|---|---|---|",
    ]
    for name, case in found["cases"].items():
        times = [_seconds(case[s]) for s in ("roadrunner", "amici")]
        cells = [name, f"{case['days'] / 365.25:g}", str(case["doses"]), _cell(case["amici"])]
        lines.append(f"| {' | '.join([*cells, *times])} |")
    return lines


def _versions(found: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in found["versions"].items())


def _cell(record: Mapping[str, Any]) -> str:
    return f"{record['difference']:.1e} ({record['variable']})"


def _seconds(record: Mapping[str, Any]) -> str:
    return "{load:.1f} + {run:.1f}".format(**record["seconds"])


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
