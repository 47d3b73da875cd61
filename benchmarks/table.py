"""The Markdown page that `results.json` gives."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

_WAYS = ("single", "batch", "jacobian", "adjoint gradient")


def table(results: Mapping[str, Any]) -> str:
    """Return the page."""
    return "\n".join(
        [
            *_head(results),
            *_cases(results),
            *_growth(results),
            *_sampling(results),
            *_rest(results),
            "",
        ]
    )


def _head(results: Mapping[str, Any]) -> Iterator[str]:
    machine = results["machine"]
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    yield "# Speed"
    yield ""
    yield "Written by `make bench` from `benchmarks/results.json`, which keeps every round."
    yield ""
    yield (
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}, "
        f"Python {machine['python']}; {versions}."
    )
    loads = [load for case in results["cases"].values() for load in case["load"]]
    yield (
        f"{results['rounds']} interleaved rounds, three of what takes over five seconds; "
        f"one process each; load of the machine {min(loads):.1f} to {max(loads):.1f} meanwhile "
        "(a busy machine shifts times, ratios of the same round less)."
    )
    yield ""
    yield (
        "Every competitor takes its loosest tolerance with an error below 1e-6 of the observables, "
        "relative to max(|x|, 1e-6 of the range), against the kernel at 1e-10. Times are medians "
        'per parameter set over all regimens of the case. "Slower" is the median over the rounds '
        "of competitor / ours (smallest to largest). A batch has the number of sets in brackets; "
        "without one, a plain loop over single sets would take the same time a set."
    )


def _cases(results: Mapping[str, Any]) -> Iterator[str]:
    for case in results["cases"].values():
        states = "-".join(str(n) for n in sorted({min(case["states"]), max(case["states"])}))
        free = "-".join(
            str(n) for n in sorted({min(case["free_parameters"]), max(case["free_parameters"])})
        )
        yield ""
        yield f"## {case['title'][0].upper()}{case['title'][1:]}"
        yield ""
        yield (
            f"{case['regimens']} regimens, {states} states, {free} free parameters each; kernel "
            f"and roadrunner, both at 1e-10, differ by {case['references_differ']:.0e}."
        )
        yield ""
        yield "| competitor | error | what | ms a set | slower |"
        yield "|---|---|---|---|---|"
        ours = case["competitors"].get("ours", {}).get("seconds_per_set", {})
        for name, entry in case["competitors"].items():
            if "not_measured" in entry:
                yield f"| {name} | | not measured: {entry['not_measured']} | | |"
                continue
            for way in _WAYS:
                if way in entry["seconds_per_set"]:
                    yield _row(name, way, entry, ours)


def _row(name: str, way: str, entry: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    seconds = entry["seconds_per_set"][way]
    sets = entry["sets"][way]
    against = ours.get("jacobian" if way == "adjoint gradient" else way)
    slower = "" if name == "ours" or not against else _ratio(seconds, against)
    what = f"{way} ({sets})" if way == "batch" else way
    return f"| {name} | {entry['error']:.0e} | {what} | {_ms(seconds)} | {slower} |"


def _growth(results: Mapping[str, Any]) -> Iterator[str]:
    titles = {
        "states": "States (longer chains), zoledronate for three years",
        "doses": "Weekly doses within ten years",
        "parameters": "Free parameters, zoledronate for three years",
        "batch": "Sets in a batch, zoledronate for three years",
    }
    for axis, points in results.get("growth", {}).items():
        yield ""
        yield f"## {titles[axis]}"
        yield ""
        names = list(dict.fromkeys(point["competitor"] for point in points))
        columns = [
            (name, way)
            for name in names
            for way in _WAYS
            if any(p["competitor"] == name and way in p["seconds_per_set"] for p in points)
        ]
        yield f"| {axis} | " + " | ".join(f"{n}, {way}, ms a set" for n, way in columns) + " |"
        yield "|---" * (len(columns) + 1) + "|"
        for x in dict.fromkeys(point["x"] for point in points):
            here = {p["competitor"]: p["seconds_per_set"] for p in points if p["x"] == x}
            cells = [_ms(here[n][way]) if way in here.get(n, {}) else "" for n, way in columns]
            yield f"| {x:g} | " + " | ".join(cells) + " |"


def _sampling(results: Mapping[str, Any]) -> Iterator[str]:
    if "sampling" not in results:
        return
    found = results["sampling"]
    per_step = found["walkers"] / found["tau"]
    yield ""
    yield "## Effective samples a second"
    yield ""
    yield (
        f"The sampler of `bonecycle sample`, mechanism {found['mechanism']}, "
        f"{found['parameters']} parameters, one ensemble of {found['walkers']} walkers drawn from "
        f"the posterior, longest autocorrelation time {found['tau']:.1f} steps. The same sampler "
        "with either engine inside; for roadrunner the simulations alone are counted."
    )
    yield ""
    yield "| doses | engine | s a step | effective samples a second | slower |"
    yield "|---|---|---|---|---|"
    for doses, times in found["seconds_per_step"].items():
        ours = times["ours"]
        for engine, seconds in times.items():
            slower = "" if engine == "ours" else _ratio(seconds, ours)
            rate = f"{per_step / median(seconds):.3g}"
            yield f"| {doses} | {engine} | {median(seconds):.3g} | {rate} | {slower} |"
    yield ""
    yield f"Log densities of the two differ by {found['log_density_differs']:.0e} at most."


def _rest(results: Mapping[str, Any]) -> Iterator[str]:
    if "processes" not in results or "warm_start" not in results:
        return
    processes = results["processes"]
    clock = _ratio(processes["one"], processes["two"])
    yield ""
    yield "## Processes and start"
    yield ""
    yield f"Two processes do the work of one {clock} times as fast by the clock."
    if "one_processor" in processes:
        own = _ratio(processes["one_processor"], processes["two_processor"])
        yield f"By the time that processors spend on it, whatever else they do: {own} times."
    parts = ", ".join(
        f"{name} {median(seconds):.2f} s" for name, seconds in results["warm_start"].items()
    )
    yield f"A fresh process with the kernel compiled before: {parts}."


def _ms(seconds: Sequence[float]) -> str:
    return f"{1e3 * median(seconds):.3g}"


def _ratio(above: Sequence[float], below: Sequence[float]) -> str:
    # What takes long has the first rounds only.
    ratios = [a / b for a, b in zip(above, below, strict=False)]
    return f"{median(ratios):.3g} ({min(ratios):.3g} to {max(ratios):.3g})"
