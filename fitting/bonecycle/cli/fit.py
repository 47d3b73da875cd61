"""`bonecycle fit`: least squares of each mechanism to the studies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from tqdm import tqdm

from bonecycle.errors import UsageError
from bonecycle.inference.checkpoints import Checkpoints
from bonecycle.inference.least_squares import Fit
from bonecycle.inference.least_squares import fit as least_squares
from bonecycle.inference.results import write_tables
from bonecycle.manifest import atomic_write, write_manifest
from bonecycle.problem.problem import ProblemSpec, load_problem
from bonecycle.studies.error_model import DEFAULT_ENCODING
from bonecycle.tasks import worker_pool

EPILOG = """Examples:

bonecycle fit --out results/fit

bonecycle fit --mechanism H0 --mechanism H2+H3 --starts 8 --out results/h23

bonecycle fit --encoding dropped --workers 1 --out results/dropped
"""


def fit(
    mechanism: Annotated[
        list[str] | None,
        typer.Option(help="H0 to H5 or a combination such as H1+H3; repeat. Default: H0 and H1."),
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Study tables; repeat. Default: the published studies shipped."),
    ] = None,
    encoding: Annotated[
        str, typer.Option(help="How 'not strongly decreased' is read: see encodings.csv.")
    ] = DEFAULT_ENCODING,
    starts: Annotated[int, typer.Option(min=1, help="Starts per mechanism.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the starts.")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for all cores.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/fit"),
) -> None:
    """Fit mechanisms to the studies by least squares, from several starts.

    Writes targets.csv, parameters.csv, mechanisms.csv, untreated.csv, fit.json, manifest.json
    and figures. An interrupted run goes on from its finished starts when the same command is
    given again.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
    names = list(dict.fromkeys(name.upper() for name in mechanism or ["H0", "H1"]))
    paths = tuple(str(path) for path in data or ())
    specs = [ProblemSpec(name, encoding, paths) for name in names]
    console = Console(stderr=True)
    console.print("Compiling the models ...", highlight=False)
    for spec in specs:
        load_problem(spec)
    count = workers or os.cpu_count() or 1
    # More processes than starts would only compile models for nothing.
    with worker_pool(min(count, starts)) as executor:
        fits = [_fit_one(spec, starts, seed, out, executor) for spec in specs]
    tables = write_tables(out, fits)
    _write_rest(out, fits, seed)
    _report(tables, out)


def _fit_one(spec: ProblemSpec, starts: int, seed: int, out: Path, executor) -> Fit:  # type: ignore[no-untyped-def]
    problem = load_problem(spec)
    checkpoints = Checkpoints(out / "starts", problem, seed)
    with tqdm(total=starts, desc=f"{spec.mechanism}: starts", unit="start") as bar:

        def progress(done: int, _total: int) -> None:
            bar.update(done - bar.n)

        return least_squares(
            spec,
            starts=starts,
            seed=seed,
            executor=executor,
            done=checkpoints.load(),
            progress=progress,
            on_start=checkpoints.save,
        )


def _write_rest(out: Path, fits: list[Fit], seed: int) -> None:
    # matplotlib takes half a second to import: only when figures are drawn.
    from bonecycle.analysis.curves import fitted_curves, fitted_parameters
    from bonecycle.analysis.untreated import compare_untreated
    from bonecycle.show.fits import plot_fit, plot_plane
    from bonecycle.show.style import save

    untreated = compare_untreated()
    atomic_write(out / "untreated.csv", untreated.to_csv(index=False))
    curves = {fit.spec.mechanism: fitted_curves(fit) for fit in fits}
    targets = load_problem(fits[-1].spec).targets
    save(plot_fit(targets, curves), out / "time_courses")
    save(plot_plane(targets, curves), out / "plane")
    write_manifest(
        out,
        command="bonecycle fit " + " ".join(f"--mechanism {f.spec.mechanism}" for f in fits),
        seed=seed,
        hashes=load_problem(fits[-1].spec).hashes,
        extra={
            "encoding": fits[-1].spec.encoding,
            "data": list(fits[-1].spec.data) or "studies shipped with the package",
            "dosing": "intervals up to 31 days as their time average, longer ones dose by dose",
            "best": {fit.spec.mechanism: fitted_parameters(fit) for fit in fits},
        },
    )


def _report(tables: dict[str, object], out: Path) -> None:
    import pandas as pd

    console = Console()
    targets, mechanisms = tables["targets"], tables["mechanisms"]
    assert isinstance(targets, pd.DataFrame) and isinstance(mechanisms, pd.DataFrame)
    names = list(mechanisms.mechanism)
    table = Table(title="Targets (ratios to untreated) and what each mechanism says (* = not met)")
    for column in ("study", "variable", "months", "observed", *names):
        table.add_column(column, justify="left" if column in ("study", "variable") else "right")
    keys = ["study", "arm", "symbol", "time_months", "comparison", "role"]
    signs = {
        "below": "< ",
        "not_strongly_decreased": "> ",
        "decreased": "falls",
        "increased": "rises",
        "unchanged": "stays",
    }
    for key, rows in targets.groupby(keys, sort=False):
        study, _, symbol, months, comparison, role = key
        first = rows.iloc[0]
        unit = "" if first.unit == "ratio to untreated" else f" {first.unit}"
        number = (
            ""
            if comparison in ("decreased", "increased", "unchanged")
            else ("dropped" if pd.isna(first.observed) else f"{first.observed:.2f}{unit}")
        )
        by_name = rows.set_index("mechanism")
        cells = [
            f"{by_name.loc[name, 'fitted']:.2f}{' ' if by_name.loc[name, 'met'] else '*'}"
            for name in names
        ]
        marked = study if role == "fitted" else f"{study} ({role})"
        table.add_row(
            marked, symbol, f"{months:.3g}", f"{signs.get(comparison, '')}{number}", *cells
        )
    console.print(table)
    summary = Table(title="Mechanisms")
    for column in (
        "mechanism",
        "free",
        "cost",
        "of it priors",
        "numbers met",
        "limits and directions met",
        "starts at the best",
    ):
        summary.add_column(column, justify="right")
    for row in mechanisms.itertuples():
        summary.add_row(
            row.mechanism,
            str(row.free_parameters),
            f"{row.cost:.1f}",
            f"{row.cost_priors:.1f}",
            f"{row.numbers_met} of {row.numbers}",
            f"{row.limits_and_directions_met} of {row.limits_and_directions}",
            f"{row.starts_at_best} of {row.starts}",
        )
    console.print(summary)
    console.print(
        "Numbers count as met within two of their committed errors, limits on their side, "
        "directions by at least one error.\nA lower cost is no verdict: mechanisms are compared "
        "by prediction of studies left out and by evidence, which this command does not do."
    )
    console.print(f"Results in {out}", highlight=False, soft_wrap=True)
