"""`bonecycle calibrate`: whether the sampler is right about data whose truth is known."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bonecycle.cli.work import asked_specs, finish, run_with_bar
from bonecycle.engines.choice import EngineName
from bonecycle.errors import SimulationError
from bonecycle.manifest import atomic_write
from bonecycle.studies.error_model import DEFAULT_ENCODING
from bonecycle.tasks import worker_pool

EPILOG = """Examples:

bonecycle calibrate --out results/calibration

bonecycle calibrate --mechanism H3 --data mine.csv --draws 100 --out results/calibration

bonecycle calibrate --assumed-errors 0.5 --out results/wrong
"""


def calibrate(
    mechanism: Annotated[str, typer.Option(help="H0 to H5 or a combination such as H1+H3.")] = "H1",
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Study tables; repeat. Default: the published studies shipped."),
    ] = None,
    encoding: Annotated[
        str, typer.Option(help="How 'not strongly decreased' is read: see encodings.csv.")
    ] = DEFAULT_ENCODING,
    draws: Annotated[int, typer.Option(min=1, help="Draws of the prior, a data set each.")] = 200,
    steps: Annotated[
        int, typer.Option(min=50, help="Steps of the two ensembles on each data set.")
    ] = 150,
    assumed_errors: Annotated[
        float,
        typer.Option(
            min=0.01,
            help="Error SDs that the sampler assumes over those of the data; other than 1 is a "
            "wrong likelihood, which must fail.",
        ),
    ] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for all cores.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/calibration"),
) -> None:
    """Sample the posteriors of synthetic data, and rank the truths in them.

    A study of the method, not of the data; it takes hours (simulation-based calibration). Truths
    are drawn from the prior, observations from the error model; ranks are uniform when prior,
    likelihood and sampler fit together. Writes ranks.csv (a row a draw), calibration.csv (a row a
    quantity), verdict.txt, manifest.json and a figure with simultaneous 95 % bands. An interrupted
    run goes on from its finished draws when the same command is given again, and more --draws
    are added to those that are there.
    """
    from bonecycle.inference.checks.calibration import trials
    from bonecycle.inference.checks.uniformity import calibration_table, passed, rank_table, verdict
    from bonecycle.problem.problem import load_problem
    from bonecycle.show import plot_calibration, save

    spec = asked_specs([mechanism], data, encoding, EngineName.KERNEL, out)[0]
    asked = trials(spec, draws, seed, steps, assumed_errors)
    with worker_pool(workers or os.cpu_count() or 1) as executor:
        ranks = rank_table(run_with_bar("draws", asked, out / "parts", executor))
    atomic_write(out / "ranks.csv", ranks.to_csv(index=False))
    if (ranks["failed"] != "").all():
        remedy = f"no draw has a posterior ({ranks['failed'].iloc[0]}); check the priors"
        raise SimulationError("cycle", "synthetic data", {}, remedy)
    table = calibration_table(ranks)
    words = verdict(ranks, table)
    atomic_write(out / "calibration.csv", table.to_csv(index=False))
    atomic_write(out / "verdict.txt", words + "\n")
    save(plot_calibration(ranks, table, spec.mechanism), out / "calibration")
    finish(
        out,
        seed,
        load_problem(spec).hashes,
        {
            "mechanism": spec.mechanism,
            "encoding": encoding,
            "data": list(spec.data) or "studies shipped with the package",
            "draws": draws,
            "steps": steps,
            "assumed_errors": assumed_errors,
            "calibrated": passed(ranks, table),
        },
    )
    console = Console(width=max(Console().width, 120))
    console.print(table.to_string(index=False, float_format="{:.3g}".format), highlight=False)
    console.print(words, highlight=False)
    console.print(f"Written to {out}", highlight=False, soft_wrap=True)
