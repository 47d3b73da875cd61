"""`bonecycle sensitivity`: which parameters an observable depends on."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from bonecycle.analysis.responses import Measure, cycle_response, with_prior
from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing
from bonecycle.cli.simulate import settings_of
from bonecycle.engines.choice import EngineName
from bonecycle.errors import UsageError
from bonecycle.manifest import atomic_write, write_manifest
from bonecycle.tasks import worker_pool

# pandas, SALib, xarray and matplotlib are slow to import: in the functions that need them.
if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from bonecycle.analysis.blocks import Run
    from bonecycle.analysis.responses import CycleResponse
    from bonecycle.engines.interface import Floats

_ASKED = '--regimen "alendronate 10 mg oral every 1 day for 24 months" --output ES_BS,Ac_f'
LOCAL_EPILOG = f"""Examples:

bonecycle sensitivity local {_ASKED} --months 12,24 --out results/local

bonecycle sensitivity local --output BV_rel --months 60 --vary all --out results/local-untreated
"""
MORRIS_EPILOG = f"""Examples:

bonecycle sensitivity morris {_ASKED} --months 24 --measure ratio --out results/morris

bonecycle sensitivity morris {_ASKED} --months 24 --vary all --trajectories 128
--out results/morris-all
"""
SOBOL_EPILOG = f"""Examples:

bonecycle sensitivity sobol {_ASKED} --months 12,24 --measure ratio --out results/sobol

bonecycle sensitivity sobol {_ASKED} --months 24 --mechanism H1
--vary osteogenic_share,arrest_rate,arrest_residence --samples 512 --out results/sobol-h1
"""

Regimen = Annotated[str, typer.Option(help="Treatments as text, or 'untreated'.")]
Outputs = Annotated[
    list[str],
    typer.Option("--output", help="Observables, separated by commas or repeated; see `list`."),
]
Months = Annotated[
    list[str], typer.Option(help="Times in months, separated by commas or repeated.")
]
Mechanism = Annotated[str, typer.Option(help="H0 to H5 or a combination such as H1+H3.")]
Vary = Annotated[
    str, typer.Option(help="'fitted', 'all' (everything with a prior), or names with commas.")
]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="Another centre, as name=value; repeat.")
]
MeasureOption = Annotated[Measure, typer.Option(help="Values, or ratios to untreated.")]
Posterior = Annotated[
    Path | None,
    typer.Option(
        help="posterior.nc of `bonecycle sample`, or its folder: draws instead of priors."
    ),
]
Draws = Annotated[int, typer.Option(min=2, help="Draws taken from the posterior.")]
DosingOption = Annotated[Dosing, typer.Option(help="How doses reach the model.")]
Engine = Annotated[EngineName, typer.Option(help="What simulates.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of designs and intervals.")]
Workers = Annotated[int, typer.Option(min=0, help="Processes; 0 for all cores.")]
Out = Annotated[Path, typer.Option(help="Folder of the results.")]
_OUT = Path("results/sensitivity")


def local(
    output: Outputs,
    months: Months,
    regimen: Regimen = "untreated",
    mechanism: Mechanism = "H0",
    vary: Vary = "fitted",
    set_: Set = None,
    measure: MeasureOption = Measure.VALUE,
    posterior: Posterior = None,
    draws: Draws = 100,
    dosing: DosingOption = Dosing.AVERAGED,
    engine: Engine = EngineName.KERNEL,
    seed: Seed = 0,
    out: Out = _OUT,
) -> None:
    """Per cent change of an output for one per cent more of a parameter (d ln y / d ln p).

    Exact derivatives at the centres of the parameters, or at draws of a posterior with median and
    95 % interval. Writes sensitivities.csv, manifest.json and figures (tornado, map).
    """
    from bonecycle import show
    from bonecycle.analysis.sensitivity_local import local_sensitivities

    response, values = _asked(
        out, regimen, output, months, mechanism, vary, set_, measure, dosing, engine,
        posterior, draws, seed,
    )  # fmt: skip
    table = local_sensitivities(response, values)
    figures = {
        "tornado": lambda: show.plot_tornado(table),
        "map": lambda: show.plot_sensitivity_map(table),
    }
    _write(out, response, seed, {"sensitivities": table}, figures, {})
    _report(table, "sensitivity", out)


def morris(
    output: Outputs,
    months: Months,
    regimen: Regimen = "untreated",
    mechanism: Mechanism = "H0",
    vary: Vary = "fitted",
    set_: Set = None,
    measure: MeasureOption = Measure.VALUE,
    posterior: Posterior = None,
    draws: Draws = 1000,
    dosing: DosingOption = Dosing.AVERAGED,
    engine: Engine = EngineName.KERNEL,
    trajectories: Annotated[int, typer.Option(min=2, help="Walks through the grid.")] = 64,
    seed: Seed = 0,
    workers: Workers = 1,
    out: Out = _OUT,
) -> None:
    """Screen parameters by elementary effects over the central 90 % of each.

    With --posterior over the marginals of the posterior, as if they were independent. A
    trajectory with a set that cannot be simulated is left out and counted. Writes screening.csv,
    manifest.json and figures (screening, map). An interrupted run goes on from its finished
    blocks when the same command is given again.
    """
    from bonecycle import show
    from bonecycle.analysis.screening import screen

    response, values = _asked(
        out, regimen, output, months, mechanism, vary, set_, measure, dosing, engine,
        posterior, draws, seed,
    )  # fmt: skip
    with _run(out, workers) as run:
        found = screen(response, trajectories, seed=seed, run=run)
    figures = {
        "screening": lambda: show.plot_screening(found.table),
        "map": lambda: show.plot_sensitivity_map(found.table),
    }
    counts = {"trajectories": found.trajectories, "lost": found.lost}
    _write(out, response, seed, {"screening": found.table}, figures, counts)
    _report(found.table, "mu_star", out)
    _say(f"{found.trajectories} trajectories; {found.lost} left out: a set could not be simulated.")
    if values is not None:
        _say(
            "The posterior's parameters moved one at a time, as if independent: where they are "
            "correlated, the steps leave what the posterior allows."
        )


def sobol(
    output: Outputs,
    months: Months,
    regimen: Regimen = "untreated",
    mechanism: Mechanism = "H0",
    vary: Vary = "fitted",
    set_: Set = None,
    measure: MeasureOption = Measure.VALUE,
    posterior: Posterior = None,
    draws: Draws = 1000,
    dosing: DosingOption = Dosing.AVERAGED,
    engine: Engine = EngineName.KERNEL,
    samples: Annotated[int, typer.Option(help="Base samples, a power of two.")] = 1024,
    seed: Seed = 0,
    workers: Workers = 1,
    out: Out = _OUT,
) -> None:
    """Shares of the variance of an output: first and total Sobol indices with 95 % intervals.

    Over the priors, which are independent. With --posterior its draws are taken as they are, with
    their dependence, and only first indices exist. A base sample with a set that cannot be
    simulated is left out and counted. Writes indices.csv, over priors also convergence.csv and
    summary.csv, manifest.json and figures (indices, map, convergence). An interrupted run goes on
    from its finished blocks when the same command is given again.
    """
    from bonecycle import show
    from bonecycle.analysis.given_data import given_data_indices
    from bonecycle.analysis.sobol import sobol_indices

    response, values = _asked(
        out, regimen, output, months, mechanism, vary, set_, measure, dosing, engine,
        posterior, draws, seed,
    )  # fmt: skip
    if values is not None:
        with _run(out, workers) as run:
            given = given_data_indices(response, values, seed=seed, run=run)
        tables = {"indices": given.table}
        _write(
            out, response, seed, tables, _index_figures(given.table),
            {"draws": given.draws, "lost": given.lost},
        )  # fmt: skip
        _report(given.table, "estimate", out)
        _say(
            f"{given.draws} draws; {given.lost} could not be simulated. First indices with the "
            "dependence of the posterior: they need not add up to one, and there are no totals."
        )
        return
    with _run(out, workers) as run:
        found = sobol_indices(response, samples, seed=seed, run=run)
    tables = {
        "indices": found.table,
        "convergence": found.convergence,
        "summary": found.summary,
    }
    figures = _index_figures(found.table) | {
        "convergence": lambda: show.plot_convergence(found.convergence)
    }
    counts = {"samples": found.samples, "lost": found.lost}
    _write(out, response, seed, tables, figures, counts)
    _report(found.table[found.table["index"] == "total"], "estimate", out)
    _say(f"{found.samples} base samples; {found.lost} left out: a set could not be simulated.")
    for row in found.summary[~found.summary["converged"]].to_dict("records"):
        _say(
            f"{row['observable']}, month {row['months']:g}: not converged (last doubling moved an "
            f"index by {row['last_change']:.2f}, widest interval +/- "
            f"{row['widest_interval']:.2f}): take more --samples."
        )


def _index_figures(table: pd.DataFrame) -> dict[str, Callable[[], Figure]]:
    from bonecycle import show

    return {
        "indices": lambda: show.plot_indices(table),
        "map": lambda: show.plot_sensitivity_map(table),
    }


def _asked(
    out: Path,
    regimen: str,
    output: list[str],
    months: list[str],
    mechanism: str,
    vary: str,
    set_: list[str] | None,
    measure: Measure,
    dosing: Dosing,
    engine: EngineName,
    posterior: Path | None,
    draws: int,
    seed: int,
) -> tuple[CycleResponse, Floats | None]:
    """Response of the options, and draws of the posterior where one is given."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
    try:
        times = [float(text) for text in _split(months)]
    except ValueError:
        raise UsageError(f"--months {','.join(months)}: write numbers, such as 12,24.") from None
    parameters = {"fitted": None, "all": with_prior(regimen, mechanism)}
    response = cycle_response(
        regimen,
        _split(output),
        times,
        mechanism=mechanism,
        parameters=parameters.get(vary, _split([vary])),
        values=settings_of(set_ or []),
        measure=measure,
        dosing=dosing,
        engine=engine,
    )
    values = None
    if posterior is not None:
        from bonecycle.analysis.draws import posterior_draws
        from bonecycle.analysis.responses import over_draws

        if vary != "fitted" or set_ or mechanism != "H0":
            raise UsageError(
                "--posterior says what varies and where: leave out --vary, --set and --mechanism."
            )
        path = posterior / "posterior.nc" if posterior.is_dir() else posterior
        response, values = over_draws(response, posterior_draws(path, draws, seed))
    Console(stderr=True).print("Compiling the model ...", highlight=False)
    if response.notice:
        _say(response.notice)
    return response, values


def _split(texts: list[str]) -> list[str]:
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


@contextmanager
def _run(out: Path, workers: int) -> Iterator[Run]:
    """Workers, checkpoints below the results, and a progress bar."""
    from tqdm import tqdm

    from bonecycle.analysis.blocks import Run

    with (
        worker_pool(workers or os.cpu_count() or 1) as executor,
        tqdm(desc="simulations", unit="set") as bar,
    ):

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield Run(executor, out / "blocks", progress)


def _write(
    out: Path,
    response: CycleResponse,
    seed: int,
    tables: dict[str, pd.DataFrame],
    figures: dict[str, Callable[[], Figure]],
    counts: dict[str, int],
) -> None:
    from bonecycle import show

    for name, table in tables.items():
        atomic_write(out / f"{name}.csv", table.to_csv(index=False))
    for name, draw in figures.items():
        try:
            show.save(draw(), out / name)
        except UsageError as error:
            _say(f"{name}: not drawn. {error}")
    write_manifest(
        out,
        command=shlex.join(["bonecycle", *sys.argv[1:]]),
        seed=seed,
        hashes={
            "model": compose("cycle", response.regimen.drugs).hash,
            "response": response.key,
        },
        extra={
            "regimen": str(response.regimen),
            "measure": response.measure.value,
            "dosing": response.dosing.value,
            "engine": response.engine.value,
            "fixed": dict(response.fixed),
            "parameters": {
                p.id: {"center": p.value, "unit": p.unit, "scale": p.scale, "sd": p.prior_sd}
                for p in response.space.parameters
            },
            **counts,
        },
    )


def _report(rows: pd.DataFrame, column: str, out: Path) -> None:
    """Five largest parameters of every output."""
    table = Table(title={"sensitivity": "d ln y / d ln p", "mu_star": "mu*"}.get(column, "Indices"))
    for name in ("output", "months", "parameter", "estimate", "95 % interval"):
        table.add_column(name, justify="left" if name in ("output", "parameter") else "right")
    for (observable, months), own in rows.groupby(["observable", "months"], sort=False):
        order = own[column].abs().sort_values(ascending=False).index[:5]
        for row in own.loc[order].to_dict("records"):
            table.add_row(
                str(observable),
                f"{months:g}",
                str(row["parameter"]),
                f"{row[column]:.3g}",
                f"{row['lower']:.3g} to {row['upper']:.3g}",
            )
        table.add_section()
    # Names of parameters are long: more than the eighty columns of a pipe.
    console = Console(width=max(Console().width, 100))
    console.print(table)
    console.print(f"Results in {out}", highlight=False, soft_wrap=True)


def _say(text: str) -> None:
    Console(stderr=True).print(text, highlight=False, soft_wrap=True)
