"""`bonecycle recovery`: which mechanism is chosen when each is true."""

from __future__ import annotations

import os
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bonecycle.cli.fit import fit_one
from bonecycle.cli.work import asked_specs, finish, run_with_bar
from bonecycle.engines.choice import EngineName
from bonecycle.manifest import atomic_write
from bonecycle.studies.error_model import DEFAULT_ENCODING
from bonecycle.tasks import worker_pool

if TYPE_CHECKING:
    import pandas as pd

    from bonecycle.inference.checks.recovery import Candidate
    from bonecycle.problem.problem import ProblemSpec

EPILOG = """Examples:

bonecycle recovery --out results/recovery

bonecycle recovery --mechanism H0 --mechanism H1 --data-sets 3 --live-points 100
"""


def recovery(
    mechanism: Annotated[
        list[str] | None,
        typer.Option(help="H0 to H5 or a combination such as H1+H3; repeat. At least two."),
    ] = None,
    encoding: Annotated[
        str, typer.Option(help="How 'not strongly decreased' is read: see encodings.csv.")
    ] = DEFAULT_ENCODING,
    data_sets: Annotated[
        int, typer.Option(min=1, help="Synthetic data sets of each true mechanism.")
    ] = 20,
    live_points: Annotated[
        int, typer.Option(min=50, help="Live points of nested sampling in ten checked cells.")
    ] = 500,
    starts: Annotated[int, typer.Option(min=1, help="Starts of each fit to the studies.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for all cores.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/recovery"),
) -> None:
    """Make synthetic data under each mechanism, and choose by Laplace evidence.

    A study of the method, not of the data; it takes an hour or more. Parameters are drawn from
    the normal approximation of each mechanism's posterior, observations from the error model.
    Writes choices.csv, confusion.csv, confusion_strong.csv (leads of 3 or more), checked.csv (ten
    cells by Laplace, importance and nested sampling), manifest.json and a figure. An interrupted
    run goes on from its finished data sets when the same command is given again.
    """
    import pandas as pd

    from bonecycle.inference.checks.recovery import (
        checked_cells,
        choice_table,
        confusion_table,
    )
    from bonecycle.inference.checks.recovery import (
        data_sets as make_sets,
    )
    from bonecycle.problem.problem import load_problem
    from bonecycle.show import plot_recovery, save

    specs = asked_specs(mechanism, None, encoding, EngineName.KERNEL, out, at_least=2)
    parts = out / "parts"
    with worker_pool(workers or os.cpu_count() or 1) as executor:
        candidates = [_candidate(spec, starts, seed, out, executor) for spec in specs]
        sets = make_sets(candidates, data_sets, seed)
        chosen = choice_table(run_with_bar("data sets", sets, parts, executor))
        cells = checked_cells(sets, live_points, parts)
        checked = pd.DataFrame(run_with_bar("checked cells", cells, parts, executor))
    names = [spec.mechanism for spec in specs]
    strong = confusion_table(chosen[chosen["strong"]], names)
    confusion = confusion_table(chosen, names)
    tables = {
        "choices": chosen,
        "confusion": confusion,
        "confusion_strong": strong,
        "checked": checked,
    }
    for name, table in tables.items():
        atomic_write(out / f"{name}.csv", table.to_csv(index=False))
    save(plot_recovery(confusion, strong), out / "confusion")
    finish(
        out,
        seed,
        load_problem(specs[-1]).hashes,
        {"mechanisms": names, "encoding": encoding, "data_sets": data_sets},
    )
    _report(chosen, checked, confusion, out)


def _candidate(
    spec: ProblemSpec, starts: int, seed: int, out: Path, executor: Executor | None
) -> Candidate:
    from bonecycle.inference.checks.recovery import Candidate
    from bonecycle.inference.comparison.laplace import at_mode
    from bonecycle.problem.problem import load_problem

    best = fit_one(spec, starts, seed, out, executor).best
    return Candidate.of(spec, at_mode(load_problem(spec), best))


def _report(
    chosen: pd.DataFrame, checked: pd.DataFrame, confusion: pd.DataFrame, out: Path
) -> None:
    from bonecycle.inference.checks.recovery import UNDETERMINED

    console = Console(width=max(Console().width, 120))
    console.print(confusion.to_string(index=False), highlight=False)
    right = chosen["chosen"] == chosen["truth"]
    strong = chosen["strong"]
    console.print(
        f"The true mechanism is chosen in {right.sum()} of {len(chosen)} data sets; with a lead of "
        f"3 or more in {(right & strong).sum()}, and a wrong one with such a lead in "
        f"{(~right & strong).sum()}. {(chosen['chosen'] == UNDETERMINED).sum()} are undetermined: "
        "the evidence of a candidate is not known.",
        highlight=False,
    )
    gap = (checked["laplace"] - checked["nested"]).abs()
    noise = checked["nested_error"].median()
    console.print(
        f"In {len(checked)} cells Laplace differs from nested sampling by {gap.median():.2f} "
        f"(median) and {gap.max():.2f} (largest) in log evidence; nested sampling's own error is "
        f"{noise:.2f}.",
        highlight=False,
    )
    console.print(f"Written to {out}", highlight=False)
