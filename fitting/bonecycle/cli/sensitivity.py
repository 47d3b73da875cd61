"""`bonecycle sensitivity`: which parameters an observable depends on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bonecycle.analysis.cycle_responses import Measure
from bonecycle.biology.dosing import Dosing
from bonecycle.cli.sensitivity_parts import asked, report, run, say, write
from bonecycle.engines.choice import EngineName

# pandas, SALib, xarray and matplotlib are slow to import: in the functions that need them.
if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

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

    response, values = asked(
        out, regimen, output, months, mechanism, vary, set_, measure, dosing, engine,
        posterior, draws, seed,
    )  # fmt: skip
    table = local_sensitivities(response, values)
    figures = {
        "tornado": lambda: show.plot_tornado(table),
        "map": lambda: show.plot_sensitivity_map(table),
    }
    write(out, response, seed, {"sensitivities": table}, figures, {})
    report(table, "sensitivity", out)


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

    response, values = asked(
        out, regimen, output, months, mechanism, vary, set_, measure, dosing, engine,
        posterior, draws, seed,
    )  # fmt: skip
    with run(out, workers) as place:
        found = screen(response, trajectories, seed=seed, run=place)
    figures = {
        "screening": lambda: show.plot_screening(found.table),
        "map": lambda: show.plot_sensitivity_map(found.table),
    }
    counts = {"trajectories": found.trajectories, "lost": found.lost}
    write(out, response, seed, {"screening": found.table}, figures, counts)
    report(found.table, "mu_star", out)
    say(f"{found.trajectories} trajectories; {found.lost} left out: a set could not be simulated.")
    if values is not None:
        say(
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

    response, values = asked(
        out, regimen, output, months, mechanism, vary, set_, measure, dosing, engine,
        posterior, draws, seed,
    )  # fmt: skip
    if values is not None:
        with run(out, workers) as place:
            given = given_data_indices(response, values, seed=seed, run=place)
        tables = {"indices": given.table}
        write(
            out, response, seed, tables, _index_figures(given.table),
            {"draws": given.draws, "lost": given.lost},
        )  # fmt: skip
        report(given.table, "estimate", out)
        say(
            f"{given.draws} draws; {given.lost} could not be simulated. First indices with the "
            "dependence of the posterior: they need not add up to one, and there are no totals."
        )
        return
    with run(out, workers) as place:
        found = sobol_indices(response, samples, seed=seed, run=place)
    tables = {
        "indices": found.table,
        "convergence": found.convergence,
        "summary": found.summary,
    }
    figures = _index_figures(found.table) | {
        "convergence": lambda: show.plot_convergence(found.convergence)
    }
    counts = {"samples": found.samples, "lost": found.lost}
    write(out, response, seed, tables, figures, counts)
    report(found.table[found.table["index"] == "total"], "estimate", out)
    say(f"{found.samples} base samples; {found.lost} left out: a set could not be simulated.")
    for row in found.summary[~found.summary["converged"]].to_dict("records"):
        say(
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
