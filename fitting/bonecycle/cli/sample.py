"""`bonecycle sample`: the posterior of each mechanism by independent ensembles."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from bonecycle.cli.work import finish, inputs
from bonecycle.engines.choice import EngineName
from bonecycle.errors import UsageError
from bonecycle.studies.error_model import DEFAULT_ENCODING
from bonecycle.tasks import worker_pool

# emcee, ArviZ, lmfit and pandas take seconds to import: in the functions that need them.
if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.figure import Figure

    from bonecycle.inference.sampling.convergence import Convergence
    from bonecycle.inference.sampling.run import Sample, Settings
    from bonecycle.problem.problem import ProblemSpec

DEFAULT_MECHANISM = "H1"

EPILOG = """Examples:

bonecycle sample --out results/posterior

bonecycle sample --mechanism H1 --mechanism H3 --out results/posterior

bonecycle sample --mechanism H1 --max-steps 10000 --resume --out results/posterior

bonecycle sample --mechanism H1+H3 --encoding dropped --seed 1 --out results/dropped
"""


def sample(
    mechanism: Annotated[
        list[str] | None,
        typer.Option(
            help=f"H0 to H5 or a combination such as H1+H3; repeat. Default: {DEFAULT_MECHANISM}."
        ),
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
    ensembles: Annotated[int, typer.Option(help="Independent ensembles, at least four.")] = 4,
    walkers: Annotated[
        int, typer.Option(help="Walkers of an ensemble: even, twice the parameters or more.")
    ] = 48,
    max_steps: Annotated[
        int, typer.Option(min=1, help="Steps at most; fewer when the stop rule is met.")
    ] = 5000,
    resume: Annotated[
        bool,
        typer.Option(help="Only go on with chains that are there; an error when there are none."),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for all cores.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/posterior"),
) -> None:
    """Sample the posterior of a mechanism until it has converged.

    Independent ensembles run until each has more than 50 autocorrelation times and R-hat between
    them is below 1.01, or until --max-steps; the verdict says which. In a folder for each
    mechanism: posterior.nc (for xarray and ArviZ), posterior.csv, learned.csv and combinations.csv
    (posterior against prior), unlearned.txt (what the data cannot inform), coverage.csv (studies
    against their predictive intervals), autocorrelation.csv, diagnosis.json and figures;
    manifest.json beside them. An interrupted run goes on from its last checkpoint (50 steps) when
    the same command is given again, with the same numbers. About two minutes a mechanism on two
    cores.
    """
    from bonecycle.inference.sampling.run import Settings, has_chains
    from bonecycle.problem.problem import ProblemSpec, load_problem
    from bonecycle.problem.space import parse_mechanism

    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
    asked = mechanism or [DEFAULT_MECHANISM]
    names = list(dict.fromkeys("+".join(parse_mechanism(m)) for m in asked))
    missing = [name for name in names if not has_chains(out / name)]
    if resume and missing:
        raise UsageError(f"--resume: {out} has no chains of {', '.join(missing)}.")
    paths = tuple(str(path) for path in data or ())
    specs = [ProblemSpec(name, encoding, paths, engine=engine) for name in names]
    settings = Settings(ensembles, walkers, seed)
    console = Console(stderr=True)
    console.print("Compiling the models ...", highlight=False)
    for spec in specs:
        settings.check(spec)
    for notice in load_problem(specs[0]).notices:
        console.print(notice, highlight=False)
    with worker_pool(workers or os.cpu_count() or 1) as executor:
        samples = [_sample_one(spec, settings, out, max_steps, executor) for spec in specs]
    _write(out, samples, seed)


def _sample_one(
    spec: ProblemSpec, settings: Settings, out: Path, max_steps: int, executor: Executor | None
) -> Sample:
    from tqdm import tqdm

    from bonecycle.inference.sampling.run import sample as run

    with tqdm(total=max_steps, desc=f"{spec.mechanism}: steps", unit="step") as bar:

        def progress(state: Convergence) -> None:
            bar.set_postfix_str(
                f"tau {state.tau.max():.1f}, N/tau {state.steps_per_tau.min():.0f} of 50, "
                f"R-hat {state.rhat.max():.3f}",
                refresh=False,
            )
            bar.update(state.steps - bar.n)

        return run(
            spec,
            out / spec.mechanism,
            settings,
            max_steps=max_steps,
            executor=executor,
            progress=progress,
        )


def _write(out: Path, samples: list[Sample], seed: int) -> None:
    from bonecycle.inference.posterior.results import diagnosis, write_posterior_results
    from bonecycle.problem.problem import load_problem

    Console(stderr=True).print("Evaluating the draws, writing ...", highlight=False)
    console = Console(width=max(Console().width, 150))
    for done in samples:
        folder = out / done.spec.mechanism
        tree, tables = write_posterior_results(folder, done)
        _draw(folder, tree, tables)
        _report(console, done, tables)
    first = samples[0].spec
    finish(
        out,
        seed,
        load_problem(first).hashes,
        {
            **inputs(first),
            "mechanisms": {done.spec.mechanism: diagnosis(done.state) for done in samples},
        },
    )
    console.print(f"Results in {out}", highlight=False, soft_wrap=True)


def _draw(folder: Path, tree: xr.DataTree, tables: Mapping[str, pd.DataFrame]) -> None:
    from bonecycle.show import (
        plot_autocorrelation,
        plot_learned,
        plot_pairs,
        plot_ranks,
        plot_traces,
        save,
    )

    figures: dict[str, Callable[[], Figure]] = {
        "traces": lambda: plot_traces(tree),
        "ranks": lambda: plot_ranks(tree),
        "pairs": lambda: plot_pairs(tree),
        "autocorrelation": lambda: plot_autocorrelation(tables["autocorrelation"]),
        "learned": lambda: plot_learned(tree, tables["learned"]),
    }
    for name, draw in figures.items():
        save(draw(), folder / name)


def _report(console: Console, done: Sample, tables: Mapping[str, pd.DataFrame]) -> None:
    from bonecycle.inference.posterior.results import coverage_counts

    posterior = tables["posterior"].merge(tables["learned"][["parameter", "sd_ratio", "bits"]])
    table = Table(title=f"{done.spec.mechanism}: posterior with 95 % intervals")
    columns = {
        "parameter": "{parameter}",
        "median": "{median:.3g}",
        "95 % interval": "{lower:.3g} to {upper:.3g}",
        "unit": "{unit}",
        "SD / prior SD": "{sd_ratio:.2f}",
        "bits": "{bits:.2f}",
        "R-hat": "{rhat:.4f}",
        "effective draws": "{ess:.0f}",
    }
    for column in columns:
        table.add_column(column, justify="left" if column in ("parameter", "unit") else "right")
    for row in posterior.to_dict("records"):
        table.add_row(*(form.format_map(row) for form in columns.values()))
    console.print(table)
    for role, counts in coverage_counts(tables["coverage"]).items():
        beside = f"; {counts['arm_fitted']} given fitted rows of their arm"
        console.print(
            f"Numbers ({role}) inside their predictive intervals: {counts['inside_50']} of "
            f"{counts['numbers']} in 50 %, {counts['inside_95']} in 95 % (coverage.csv)"
            f"{beside if role == 'validation' else ''}.",
            highlight=False,
        )
    text = (tables["learned"]["verdict"] == "hardly").sum()
    console.print(
        f"The data say next to nothing about {text} of {len(tables['learned'])} parameters "
        "(unlearned.txt).",
        highlight=False,
    )
    console.print(done.state.verdict, highlight=False)
