"""The page docs/simulators.md, from docs/simulators.json."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.crosscheck_cases import ABSOLUTE_SHARE, ASKED, CASES, RELATIVE, STEPS

DOCS = Path(__file__).resolve().parent.parent / "docs"
RESULTS, PAGE = DOCS / "simulators.json", DOCS / "simulators.md"


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
