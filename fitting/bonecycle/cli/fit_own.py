"""`bonecycle fit` with a user's own model or a PEtab problem."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from bonecycle.cli.fit_report import mechanism_report, target_report
from bonecycle.engines.choice import EngineName
from bonecycle.errors import UsageError
from bonecycle.manifest import write_manifest
from bonecycle.tasks import worker_pool

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from bonecycle.inference.fitting.least_squares import Fit
    from bonecycle.problem.spec import ProblemSpec


def own_spec(
    model: Path | None,
    map_: Path | None,
    petab: Path | None,
    data: tuple[str, ...],
    encoding: str,
    engine: EngineName,
    mechanism: Sequence[str],
) -> ProblemSpec:
    """Return the spec that the options ask for, or say at once what is wrong with them."""
    from bonecycle.problem.spec import ProblemSpec

    faults = []
    if mechanism:
        faults.append("--mechanism is for the cycle; leave it out.")
    if petab and (model or map_ or data):
        faults.append("--petab brings its own model and data: leave out --model, --map and --data.")
    if not petab:
        if not (model and map_):
            faults.append("--model and --map go together: give both, or --model coupled.")
        if not data:
            faults.append("--data is needed with a model of your own: your study tables.")
    if faults:
        raise UsageError("\n".join(faults))
    if petab:
        from bonecycle.problem.petab_problem import petab_spec

        return petab_spec(petab, engine)
    assert model is not None  # or it would be a fault above
    return ProblemSpec(
        model.stem, encoding, data, engine=engine, model=str(model), map=str(map_ or "")
    )


def fit_own(
    spec: ProblemSpec,
    starts: int,
    seed: int,
    workers: int,
    out: Path,
    fit_one: Callable[[ProblemSpec, int, int, Path, Executor | None], Fit],
) -> None:
    """Fit one model of a user's own and write what `bonecycle fit` writes, as far as it applies."""
    from bonecycle.inference.fitting.results import write_tables
    from bonecycle.problem.problem import load_problem

    console = Console(stderr=True)
    console.print("Compiling the model ...", highlight=False)
    problem = load_problem(spec)
    for notice in problem.notices:
        console.print(f"Note: {notice}", highlight=False)
    with worker_pool(workers or os.cpu_count() or 1) as executor:
        found = fit_one(spec, starts, seed, out, executor)
    tables = write_tables(out, [found])
    write_manifest(
        out,
        command=shlex.join(["bonecycle", *sys.argv[1:]]),
        seed=seed,
        hashes=problem.hashes,
        extra={
            "model": spec.model,
            "map": spec.map,
            "data": list(spec.data),
            "starts": len(found.starts),
            "notices": list(problem.notices),
        },
    )
    _draw(found, out)
    wide = Console(width=max(Console().width, 150))
    wide.print(target_report(tables["targets"], [spec.mechanism]))
    wide.print(mechanism_report(tables["mechanisms"]))
    for row in tables["parameters"].query("fitted").to_dict("records"):
        wide.print(
            f"{row['parameter']} = {row['value']:.4g} ({row['lower']:.3g} to {row['upper']:.3g}; "
            f"prior centre {row['prior_center']:g})",
            highlight=False,
        )
    wide.print(f"Results in {out}", highlight=False, soft_wrap=True)


def _draw(found: Fit, out: Path) -> None:
    from bonecycle.analysis.curves import own_curves
    from bonecycle.inference.fitting.summary import target_table
    from bonecycle.problem.problem import load_problem
    from bonecycle.show import plot_fit, plot_residuals, save

    targets, name = load_problem(found.spec).targets, found.spec.mechanism
    figures: dict[str, Callable[[], Figure]] = {
        "residuals": lambda: plot_residuals(target_table(found)),
    }
    if found.spec.map:
        figures["time_courses"] = lambda: plot_fit(targets, {name: own_curves(found)})
    for title, draw in figures.items():
        try:
            save(draw(), out / title)
        except UsageError as error:
            # One's own data need not hold what a figure is about.
            Console(stderr=True).print(f"{title}: not drawn. {error}", highlight=False)
