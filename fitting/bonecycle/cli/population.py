"""`bonecycle population`: which correlations between patients each mechanism reproduces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from bonecycle.biology import catalogue
from bonecycle.biology.regimens import parse_regimen
from bonecycle.cli.source import MECHANISM_HELP, POSTERIOR_HELP, announce, collect, said_of
from bonecycle.cli.work import finish, inputs
from bonecycle.errors import UsageError
from bonecycle.manifest import atomic_write
from bonecycle.studies.error_model import DEFAULT_ENCODING

if TYPE_CHECKING:
    import pandas as pd

EPILOG = """Examples:

bonecycle population --posterior results/posterior --out results/population

bonecycle population --mechanism H1 --mechanism H3 --patients 20 --draws 50 --out results/two
"""

# That of the arm of jensen_2021.csv, whose dose and duration are assumed there.
_REGIMEN = "alendronate 10 mg oral every 1 day for 24 months"
_MARKS = {"reproduced": "", "undecided": " ?", "contradicted": " x"}


def population(
    posterior: Annotated[list[Path] | None, typer.Option(help=POSTERIOR_HELP)] = None,
    mechanism: Annotated[list[str] | None, typer.Option(help=MECHANISM_HELP)] = None,
    regimen: Annotated[str, typer.Option(help="Of the treated patients.")] = _REGIMEN,
    month: Annotated[float, typer.Option(min=0, help="Month of the biopsy.")] = 24.0,
    patients: Annotated[
        int, typer.Option(min=4, help="Patients an arm; the number of Jensen 2021 is not known.")
    ] = 30,
    data: Annotated[
        list[Path] | None, typer.Option(help="Study tables of a fit on the spot; repeat.")
    ] = None,
    encoding: Annotated[
        str, typer.Option(help="Of a fit on the spot: how 'not strongly decreased' is read.")
    ] = DEFAULT_ENCODING,
    draws: Annotated[int, typer.Option(min=20, help="Draws a mechanism.")] = 100,
    starts: Annotated[int, typer.Option(min=1, help="Starts of a fit on the spot.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Seed of starts, draws and patients.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/population"),
) -> None:
    """Correlate measures of one biopsy across virtual patients, treated and untreated.

    Patients differ as population.csv says. Jensen 2021 reports in words that low reversal-cell
    density, remoteness, canopy, activation frequency and formative per eroded surface correlate
    with each other; the signs are those implied by their directions. Writes correlations.csv,
    manifest.json and a figure.
    """
    from tqdm import tqdm

    from bonecycle.analysis import population as virtual
    from bonecycle.problem.problem import load_problem
    from bonecycle.show import plot_population, save

    plan = parse_regimen(regimen, catalogue.routes())
    if not plan.treatments:
        raise UsageError("--regimen: name a treatment; the other arm is untreated.")
    chosen = collect(
        posterior or [], mechanism or [], data or [], encoding, draws, starts, seed, out
    )
    announce(chosen)
    outputs = list(dict.fromkeys(n for p in virtual.reported_pairs() for n in (p.first, p.second)))
    frames = []
    for one in chosen:
        total = 2 * patients * len(one)
        with tqdm(total=total, desc=f"{one.mechanism}: patients", unit="patient") as bar:
            found = virtual.simulate_population(one, plan, month, outputs, patients, bar.update)
        frames.append(virtual.correlation_table(one, found))
    import pandas as pd

    table = pd.concat(frames, ignore_index=True)
    atomic_write(out / "correlations.csv", table.to_csv(index=False))
    source = said_of(chosen)
    save(plot_population(table, source), out / "correlations")
    finish(
        out,
        seed,
        load_problem(chosen[0].spec).hashes,
        {
            **inputs(chosen[0].spec),
            "regimen": str(plan),
            "month": month,
            "patients_an_arm": patients,
            "source": source,
            "draws": {one.mechanism: one.source for one in chosen},
            "laplace": any(one.is_laplace for one in chosen),
            "spreads": {name: s.sd for name, s in virtual.spreads()[0].items()},
            "biopsy_log_sd": virtual.spreads()[1],
        },
    )
    _report(table, patients, source, out)


def _report(table: pd.DataFrame, patients: int, source: str, out: Path) -> None:
    console = Console(width=max(Console().width, 130))
    names = list(dict.fromkeys(table.mechanism))
    for group, part in table.groupby("group", sort=False):
        title = f"{group}: Spearman's rho (share of draws with the reported sign)"
        shown = Table(title=title)
        for column in ("pair", "reported", *names):
            shown.add_column(column)
        for (first, second), rows in part.groupby(["first", "second"], sort=False):
            sign = rows.reported_sign.iloc[0]
            cells = [
                f"{row['rho']:+.2f}"
                + (f" ({row['share_sign']:.2f}){_MARKS[row['verdict']]}" if sign == sign else "")
                for row in rows.to_dict("records")
            ]
            said = {1.0: "+", -1.0: "-"}.get(sign, "no")
            shown.add_row(f"{first}, {second}", said, *cells)
        console.print(shown)
    console.print(
        f"{patients} patients an arm, one biopsy each; the number of Jensen 2021 is not known. "
        "? undecided, x contradicted. Most spreads between patients are assumed: population.csv.",
        highlight=False,
    )
    failed = table.groupby("mechanism").failed.max()
    console.print(f"Draws left out: {', '.join(f'{k} {v}' for k, v in failed.items())}. {source}")
    console.print(f"Results in {out}", highlight=False, soft_wrap=True)
