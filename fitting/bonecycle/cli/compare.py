"""`bonecycle compare`: which mechanism the data require."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bonecycle.cli.fit import fit_one
from bonecycle.cli.work import asked_specs, finish, run_with_bar
from bonecycle.engines.choice import EngineName
from bonecycle.errors import UsageError
from bonecycle.manifest import atomic_write
from bonecycle.studies.error_model import DEFAULT_ENCODING
from bonecycle.tasks import worker_pool

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from bonecycle.problem.problem import ProblemSpec

EPILOG = """Examples:

bonecycle compare --out results/compare

bonecycle compare --mechanism H0 --mechanism H1 --mechanism H3 --out results/h013

bonecycle compare --live-points 1000 --draws 8192 --out results/precise
"""


def compare(
    mechanism: Annotated[
        list[str] | None,
        typer.Option(help="H0 to H5 or a combination such as H1+H3; repeat. At least two."),
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
    starts: Annotated[int, typer.Option(min=1, help="Starts of each fit with all studies.")] = 4,
    draws: Annotated[
        int, typer.Option(min=64, help="First importance draws a mechanism and left-out trial.")
    ] = 2048,
    live_points: Annotated[int, typer.Option(min=50, help="Live points of nested sampling.")] = 500,
    prior_points: Annotated[
        int, typer.Option(min=50, help="Live points of its check over the whole prior.")
    ] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for all cores.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/compare"),
) -> None:
    """Compare mechanisms: leave one trial out, marginal likelihood, and what they hang on.

    By default H0 to H5, H1+H2 and H1+H3. Starts of `bonecycle fit` in the same folder are used.
    Writes left_out.csv (elpd per trial), differences.csv, failing.csv (every row predicted from
    the other trials), residuals.csv (the same rows as fitted), evidence.csv (Laplace, importance
    and nested sampling around the mode, nested sampling over the whole prior), surface.csv (Laplace
    evidence over encodings, errors and priors), loo.csv (PSIS-LOO where
    OUT/<mechanism>/posterior.nc exists), verdict.json, verdict.txt, manifest.json and figures. An
    interrupted run goes on where it stopped when the same command is given again.
    """
    import pandas as pd

    from bonecycle.inference.comparison.conclusion import conclusion, evidence_table
    from bonecycle.inference.comparison.left_out import difference_table, failing_table, trial_table
    from bonecycle.inference.comparison.run import (
        evidence_parts,
        left_out_parts,
        surface_parts,
        whole_prior_parts,
    )
    from bonecycle.inference.comparison.surface import surface_table
    from bonecycle.inference.fitting.summary import target_table

    specs = asked_specs(mechanism, data, encoding, engine, out, at_least=2)
    _check(specs[0])
    parts = out / "parts"
    with worker_pool(workers or os.cpu_count() or 1) as executor:
        fits = [fit_one(spec, starts, seed, out, executor) for spec in specs]
        left = run_with_bar("trials left out", left_out_parts(fits, seed, draws), parts, executor)
        surface = run_with_bar("encodings, errors, priors", surface_parts(fits), parts, executor)
        evidence = run_with_bar(
            "nested sampling", evidence_parts(fits, parts, seed, live_points), parts, executor
        )
        whole_prior = run_with_bar(
            "the whole prior", whole_prior_parts(fits, parts, seed, prior_points), parts, executor
        )
    trials = trial_table(left)
    tables = {
        "left_out": trials,
        "differences": difference_table(trials),
        "failing": failing_table(left, specs),
        "residuals": pd.concat([target_table(fit) for fit in fits], ignore_index=True),
        "evidence": evidence_table(evidence, whole_prior),
        "surface": surface_table(surface),
    }
    loo = _psis_loo(specs, out)
    verdict = conclusion(*(tables[k] for k in ("differences", "evidence", "surface", "failing")))
    _draw(out, tables)
    _write(out, tables | loo, verdict, specs, seed)
    _report(tables, verdict, out)


def _check(spec: ProblemSpec) -> None:
    from bonecycle.inference.comparison.left_out import fitted_trials
    from bonecycle.problem.problem import load_problem

    trials = fitted_trials(load_problem(spec))
    if len(trials) < 3:
        raise UsageError(
            "--data: leaving one trial out needs three trials with fitted rows or more, and there "
            f"is {' and '.join(trials)}."
        )


def _psis_loo(specs: Sequence[ProblemSpec], out: Path) -> dict[str, pd.DataFrame]:
    """PSIS-LOO of every mechanism whose posterior has been sampled into the folder."""
    paths = [out / spec.mechanism / "posterior.nc" for spec in specs]
    sampled = [(spec, path) for spec, path in zip(specs, paths, strict=True) if path.exists()]
    if not sampled:
        return {}
    import pandas as pd
    import xarray as xr

    from bonecycle.inference.sampling.arviz_side import psis_loo
    from bonecycle.problem.problem import load_problem

    found = []
    for spec, path in sampled:
        with xr.open_datatree(path, engine="h5netcdf") as tree:
            hashes = {f"hash_{name}": value for name, value in load_problem(spec).hashes.items()}
            if hashes.items() <= tree.attrs.items():
                found.append(psis_loo(tree.load()).assign(mechanism=spec.mechanism))
            else:
                note = f"{path}: sampled with other data, errors or priors; left aside."
                Console(stderr=True).print(note, highlight=False)
    return {"loo": pd.concat(found, ignore_index=True)} if found else {}


def _write(
    out: Path,
    tables: Mapping[str, pd.DataFrame],
    verdict: Mapping[str, Any],
    specs: Sequence[ProblemSpec],
    seed: int,
) -> None:
    from bonecycle.problem.problem import load_problem

    for name, table in tables.items():
        atomic_write(out / f"{name}.csv", table.to_csv(index=False))
    rows = ("differences", "evidence")
    record = dict(verdict) | {
        name: json.loads(tables[name].to_json(orient="records")) for name in rows
    }
    atomic_write(out / "verdict.json", json.dumps(record, indent=1) + "\n")
    atomic_write(out / "verdict.txt", "\n\n".join(verdict["text"]) + "\n")
    finish(
        out,
        seed,
        load_problem(specs[-1]).hashes,
        {
            "mechanisms": [spec.mechanism for spec in specs],
            "encoding": specs[0].encoding,
            "data": list(specs[0].data) or "studies shipped with the package",
        },
    )


def _draw(out: Path, tables: Mapping[str, pd.DataFrame]) -> None:
    from bonecycle.show import plot_comparison, plot_failing, plot_left_out, plot_surface, save

    figures: dict[str, Callable[[], Figure]] = {
        "comparison": lambda: plot_comparison(tables["differences"], tables["evidence"]),
        "left_out": lambda: plot_left_out(tables["left_out"]),
        "surface": lambda: plot_surface(tables["surface"]),
        "failing": lambda: plot_failing(tables["failing"]),
    }
    for name, draw in figures.items():
        save(draw(), out / name)


def _report(tables: Mapping[str, pd.DataFrame], verdict: Mapping[str, Any], out: Path) -> None:
    console = Console(width=max(Console().width, 120))
    table = Table(title="Behind the best mechanism (log density; 0 is the best)")
    for column in (
        *("mechanism", "left-out trials", "SE", "trials worse", "evidence", "95 %"),
        *("importance", "Laplace", "rows failed"),
    ):
        table.add_column(column, justify="right")
    evidence = {str(row["mechanism"]): row for row in tables["evidence"].to_dict("records")}
    best = max(evidence.values(), key=lambda row: float(row["log_evidence"]))
    failed = verdict["failing"]["per_mechanism"]
    for row in tables["differences"].to_dict("records"):
        name = str(row["mechanism"])
        own = evidence[name]
        table.add_row(
            name,
            f"{abs(row['difference']):.1f}",
            f"{row['standard_error']:.1f}",
            f"{row['trials_worse']} of {row['trials']}",
            f"{own['behind']:.1f}",
            f"{abs(own['behind_lower']):.1f} to {own['behind_upper']:.1f}",
            f"{best['importance'] - own['importance']:.1f}",
            f"{best['laplace'] - own['laplace']:.1f}",
            str(failed[name]),
        )
    console.print(table)
    for line in verdict["text"]:
        console.print(line, highlight=False)
    console.print(f"Written to {out}", highlight=False)
