"""What the commands of `bonecycle sensitivity` share: options read, results written and told."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bonecycle.analysis.cycle_responses import Measure, cycle_response, with_prior
from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing
from bonecycle.cli.simulate import settings_of
from bonecycle.cli.source import announce
from bonecycle.engines.choice import EngineName
from bonecycle.errors import UsageError
from bonecycle.manifest import atomic_write, write_manifest
from bonecycle.tasks import worker_pool

# pandas, SALib, xarray and matplotlib are slow to import: in the functions that need them.
if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from bonecycle.analysis.blocks import Run
    from bonecycle.analysis.cycle_responses import CycleResponse
    from bonecycle.engines.interface import Floats


def asked(
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
        from bonecycle.analysis.over_draws import over_draws

        if vary != "fitted" or set_ or mechanism != "H0":
            raise UsageError(
                "--posterior says what varies and where: leave out --vary, --set and --mechanism."
            )
        path = posterior / "posterior.nc" if posterior.is_dir() else posterior
        drawn = posterior_draws(path, draws, seed)
        announce([drawn])
        response, values = over_draws(response, drawn)
    Console(stderr=True).print("Compiling the model ...", highlight=False)
    if response.notice:
        say(response.notice)
    return response, values


def _split(texts: list[str]) -> list[str]:
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


@contextmanager
def run(out: Path, workers: int) -> Iterator[Run]:
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


def write(
    out: Path,
    response: CycleResponse,
    seed: int,
    tables: dict[str, pd.DataFrame],
    figures: dict[str, Callable[[], Figure]],
    counts: dict[str, int],
) -> None:
    """Write tables, figures and manifest; `counts` go into the manifest."""
    from bonecycle import show

    for name, table in tables.items():
        atomic_write(out / f"{name}.csv", table.to_csv(index=False))
    for name, draw in figures.items():
        try:
            show.save(draw(), out / name)
        except UsageError as error:
            say(f"{name}: not drawn. {error}")
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


def report(rows: pd.DataFrame, column: str, out: Path) -> None:
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


def say(text: str) -> None:
    """Print beside the results, on the error stream."""
    Console(stderr=True).print(text, highlight=False, soft_wrap=True)
