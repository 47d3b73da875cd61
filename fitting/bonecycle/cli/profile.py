"""`bonecycle profile`: how far each parameter can be moved while the others follow."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from bonecycle.cli.fit import fit_one
from bonecycle.cli.work import asked_specs, finish, inputs, run_with_bar
from bonecycle.engines.choice import EngineName
from bonecycle.errors import UsageError, unknown_names
from bonecycle.manifest import atomic_write
from bonecycle.studies.error_model import DEFAULT_ENCODING
from bonecycle.tasks import worker_pool

if TYPE_CHECKING:
    import pandas as pd

    from bonecycle.problem.problem import ProblemSpec

EPILOG = """Examples:

bonecycle profile --mechanism H1 --out results/profile

bonecycle profile --mechanism H3 --parameter arrest_residence --parameter site_factor
"""


def profile(
    mechanism: Annotated[
        list[str] | None,
        typer.Option(help="H0 to H5 or a combination such as H1+H3; repeat. Default: H1."),
    ] = None,
    parameter: Annotated[
        list[str] | None, typer.Option(help="Free parameter; repeat. Default: all of them.")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Study tables; repeat. Default: the published studies shipped."),
    ] = None,
    encoding: Annotated[
        str, typer.Option(help="How 'not strongly decreased' is read: see encodings.csv.")
    ] = DEFAULT_ENCODING,
    engine: Annotated[
        EngineName, typer.Option(help="What simulates; roadrunner is the slow reference.")
    ] = EngineName.KERNEL,
    starts: Annotated[int, typer.Option(min=1, help="Starts of the fit.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the starts.")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for all cores.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/profile"),
) -> None:
    """Profile the posterior and the likelihood along each parameter.

    Writes profiles.csv (the curves), intervals.csv (95 % intervals and which are open),
    manifest.json and a figure profiles_<mechanism>. An interrupted run goes on from its finished
    parameters when the same command is given again.
    """
    import pandas as pd

    from bonecycle.inference.fitting.profiles import Profile, curve_table, interval_table
    from bonecycle.problem.problem import load_problem
    from bonecycle.show import plot_profiles, save

    specs = asked_specs(mechanism, data, encoding, engine, out, default=["H1"])
    chosen = _chosen(specs, parameter)
    curves, intervals = [], []
    with worker_pool(workers or os.cpu_count() or 1) as executor:
        for spec in specs:
            best = fit_one(spec, starts, seed, out, executor).best
            names = load_problem(spec).space.names
            parts = [
                Profile(
                    spec,
                    name,
                    tuple(best.theta.tolist()),
                    float(best.covariance[names.index(name), names.index(name)] ** 0.5),
                )
                for name in chosen[spec.mechanism]
            ]
            found = run_with_bar(f"{spec.mechanism}: profiles", parts, out / "parts", executor)
            curves.append(curve_table(found))
            intervals.append(interval_table(curves[-1], spec))
    tables = {"profiles": pd.concat(curves), "intervals": pd.concat(intervals)}
    for name, table in tables.items():
        atomic_write(out / f"{name}.csv", table.to_csv(index=False))
    for spec, curve, interval in zip(specs, curves, intervals, strict=True):
        save(plot_profiles(curve, interval), out / f"profiles_{spec.mechanism}")
    finish(
        out,
        seed,
        load_problem(specs[-1]).hashes,
        {"mechanisms": [spec.mechanism for spec in specs], **inputs(specs[0])},
    )
    _report(tables["intervals"], out)


def _chosen(specs: list[ProblemSpec], parameters: list[str] | None) -> dict[str, list[str]]:
    """Parameters to profile per mechanism; one that no mechanism frees is a mistake."""
    from bonecycle.problem.problem import load_problem

    names = {spec.mechanism: load_problem(spec).space.names for spec in specs}
    known = sorted({name for own in names.values() for name in own})
    wrong = unknown_names("parameter", parameters or (), known)
    if wrong:
        raise UsageError("\n".join(wrong))
    return {
        mechanism: [name for name in own if not parameters or name in parameters]
        for mechanism, own in names.items()
    }


def _report(intervals: pd.DataFrame, out: Path) -> None:
    console = Console()
    table = Table(title="95 % intervals from profiles")
    for column in ("mechanism", "parameter", "unit", "best", "posterior", "likelihood"):
        table.add_column(column)
    for row in intervals.to_dict("records"):
        table.add_row(
            str(row["mechanism"]),
            str(row["parameter"]),
            str(row["unit"]),
            f"{row['best']:.3g}",
            f"{_end(row['lower'])} to {_end(row['upper'])}",
            f"{_end(row['likelihood_lower'])} to {_end(row['likelihood_upper'])}",
        )
    console.print(table)
    opened = intervals[intervals["data_say"] == "nothing"]
    for name, own in opened.groupby("mechanism", sort=False):
        console.print(
            f"{name}: without its own prior the data do not limit {', '.join(own['parameter'])}.",
            highlight=False,
        )
    console.print(f"Written to {out}", highlight=False)


def _end(value: float | None) -> str:
    return "open" if value is None or value != value else f"{value:.3g}"
