"""`bonecycle pharmacokinetics`: the drugs against every published number."""

from __future__ import annotations

import json
import math
import shlex
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bonecycle import __version__
from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.errors import UsageError, unknown
from bonecycle.manifest import atomic_write, content_hash, write_manifest

# pandas and roadrunner take seconds to import: in the functions that need them.
if TYPE_CHECKING:
    import pandas as pd

EPILOG = """Examples:

bonecycle pharmacokinetics --out pharmacokinetics

bonecycle pharmacokinetics --drug zoledronate --drug alendronate --out two-drugs
"""


def pharmacokinetics(
    drug: Annotated[
        list[str] | None, typer.Option(help="Drug; repeat. Default: all of the evidence.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(
        "results/pharmacokinetics"
    ),
) -> None:
    """Compare the drugs with published urine, retention, clearances and half-lives.

    Writes report.html, pharmacokinetics.csv and .json, manifest.json and figures.
    """
    from bonecycle.analysis.pharmacokinetics import validate

    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
    for name in drug or []:
        if name not in catalogue.drugs():
            raise unknown("drug", name, catalogue.drugs())
    Console(stderr=True).print("Simulating the published experiments ...", highlight=False)
    table = validate(drugs=drug or ())
    _write(table, out)
    _report(table, out)


def _write(table: pd.DataFrame, out: Path) -> None:
    from bonecycle.analysis.experiments import experiments
    from bonecycle.analysis.pharmacokinetics import summarize
    from bonecycle.show.pharmacokinetics import plot_experiments, plot_overview
    from bonecycle.show.report import pharmacokinetics_report
    from bonecycle.show.style import save

    drugs = [name for name in dict.fromkeys(table.drug) if name in catalogue.drugs()]
    overview = plot_overview(table)
    figures = {name: plot_experiments(name, experiments(name)) for name in drugs}
    data = (files("bonecycle_data") / "pharmacokinetics.csv").read_bytes()
    hashes = {"model": compose("cycle", tuple(drugs)).hash, "data": content_hash(data)}
    summary = summarize(table)
    record = {
        "summary": summary.to_dict("index"),
        "rows": json.loads(table.to_json(orient="records")),
    }
    atomic_write(out / "pharmacokinetics.csv", table.to_csv(index=False))
    atomic_write(out / "pharmacokinetics.json", json.dumps(record, indent=1) + "\n")
    save(overview, out / "overview")
    for name, figure in figures.items():
        save(figure, out / name)
    facts = {
        "version": __version__,
        "model_hash": hashes["model"],
        "data_hash": hashes["data"],
    }
    html = pharmacokinetics_report(table, overview, figures, facts)
    atomic_write(out / "report.html", html)
    write_manifest(
        out,
        command=shlex.join(["bonecycle", *sys.argv[1:]]),
        seed=0,
        hashes=hashes,
        extra={"summary": record["summary"]},
    )


def _report(table: pd.DataFrame, out: Path) -> None:
    from bonecycle.analysis.pharmacokinetics import summarize

    console = Console()
    summary = summarize(table)
    total = summary.loc["all"]
    console.print(_counts(summary))
    if total["outside"]:
        console.print(_outside(table))
    console.print(
        f"Of {total['rows']} published numbers the model says {total['said']}: "
        f"{total['within']} within their spread, {total['outside']} outside; "
        f"{total['not_said']} it cannot say. A goodness of fit: {total['estimation']} set the "
        f"estimates and {total['taken_over']} are taken over; of the {total['checks']} checks, "
        f"which set nothing, {total['checks_within']} lie within.",
        highlight=False,
    )
    console.print(f"Results in {out}: open report.html", highlight=False, soft_wrap=True)


_COUNTED = ("rows", "said", "within", "outside", "checks", "checks_within")


def _counts(summary: pd.DataFrame) -> Table:
    table = Table(title="Published pharmacokinetics and what the model says of them")
    table.add_column("drug", no_wrap=True)
    for column in _COUNTED:
        table.add_column(column.replace("_", " "), justify="right")
    for name, row in summary.iterrows():
        table.add_row(str(name), *(str(row[column]) for column in _COUNTED))
    return table


def _outside(table: pd.DataFrame) -> Table:
    shown = Table(title="Outside the spread (* spread assumed)")
    shown.add_column("drug", no_wrap=True)
    # This column alone gives way in a narrow console; its cells cut what does not fit.
    shown.add_column("published number")
    for column in ("model", "spread"):
        shown.add_column(column, justify="right", no_wrap=True)
    rows: list[dict[Any, Any]] = table[table.within == False].to_dict("records")  # noqa: E712
    for row in rows:
        mark = "*" if row["spread"] == "assumed" else ""
        unit = "" if row["unit"] == "1" else f" {row['unit']}"
        upper = f"-{row['upper']:.4g}" if math.isfinite(row["upper"]) else " or more"
        spread = f"{row['lower']:.4g}{upper}{unit}{mark}"
        fact = Text(row["fact"], no_wrap=True, overflow="ellipsis")
        shown.add_row(row["drug"], fact, f"{row['model']:.4g}", spread)
    return shown
