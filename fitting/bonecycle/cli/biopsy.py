"""`bonecycle biopsy`: what a pathologist would see of the modelled bone."""

from __future__ import annotations

import json
import shlex
import sys
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from bonecycle.biology import catalogue
from bonecycle.biology.regimens import DAYS_PER_MONTH, parse_regimen
from bonecycle.cli.biopsy_parts import (
    CENTRE,
    Points,
    draw,
    engine_for,
    points_at,
    points_of,
    shares,
    states_of,
    summaries,
)
from bonecycle.cli.source import announce, collect, posterior_files, said_of
from bonecycle.errors import UsageError
from bonecycle.manifest import atomic_write, content_hash, write_manifest
from bonecycle.studies.error_model import DEFAULT_ENCODING

# pandas takes a second to import: in the functions that need it, so that help comes at once.
if TYPE_CHECKING:
    import pandas as pd

EPILOG = """Examples:

bonecycle biopsy --out results/biopsy

bonecycle biopsy --regimen "denosumab 60 mg sc every 6 months for 2 years" --n 45
--out results/denosumab

bonecycle biopsy --regimen "alendronate 70 mg oral every 1 week for 2 years"
--fit results/fit --out results/alendronate

bonecycle biopsy --posterior results/posterior --draws 200 --out results/shares
"""

DEFAULT_REGIMEN = "alendronate 10 mg oral every 1 day for 24 months"
# Intervals of 95 % from fewer draws are their extremes.
_FEWEST = 20


def biopsy(
    regimen: Annotated[
        str, typer.Option(help="Treatments as text; untreated biopsies are drawn beside them.")
    ] = DEFAULT_REGIMEN,
    month: Annotated[
        float | None, typer.Option(min=0, help="When; default: when the last treatment stops.")
    ] = None,
    n: Annotated[int, typer.Option(min=1, help="Virtual biopsies of each group.")] = 200,
    fit: Annotated[
        Path | None,
        typer.Option(help="Folder of `bonecycle fit`: its mechanisms, and the published counts."),
    ] = None,
    posterior: Annotated[
        list[Path] | None,
        typer.Option(help="posterior.nc of `bonecycle sample`, or its folder; repeat."),
    ] = None,
    draws: Annotated[
        int, typer.Option(min=0, help="Draws about each best point, or of each posterior.")
    ] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/biopsy"),
) -> None:
    """Draw virtual biopsies: finite sections, two tetracycline courses, labels that escape.

    At the centre of the priors, with --fit at the best point of each mechanism, or with
    --posterior each biopsy at a draw of its own. Writes biopsies.csv (one row a biopsy),
    summary.csv (medians, zeros, missing values), summary.json, manifest.json and a figure; with
    --fit or --posterior also shares.csv (expected shares of biopsies with a label, with intervals
    over the draws), counts.csv (published counts of biopsies with a label against the virtual
    biopsy), implied.csv (the labeled sites that the counts ask for) and their figure.
    """
    from bonecycle.show import plot_virtual_biopsies, save

    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
    if fit is not None and posterior:
        raise UsageError("--fit and --posterior are two sources of parameters: give one of them.")
    if posterior and draws < _FEWEST:
        raise UsageError(f"--draws {draws}: a posterior needs {_FEWEST} draws or more.")
    plan = parse_regimen(regimen, catalogue.routes())
    stop = max((t.stop_days for t in plan.treatments), default=0.0) / DAYS_PER_MONTH
    when = stop if month is None else month
    best = not posterior
    if posterior:
        chosen = collect(posterior, [], [], DEFAULT_ENCODING, draws, 1, seed, out)
        announce(chosen)
        points, source = points_of(chosen, plan), said_of(chosen)
    else:
        points, source = points_at(fit, draws, seed), str(fit or CENTRE)
    states = states_of(points, plan, when, best=best)
    table = draw(states, n, seed, best=best)
    summary = summaries(table)
    tables = {"biopsies": table, "summary": summary}
    if any(len(sets) > 1 for sets in points.values()):
        tables["shares"] = shares(states, seed, best=best)
    if fit is not None or posterior:
        tables |= _counts(points, best, seed, out)
    for name, frame in tables.items():
        atomic_write(out / f"{name}.csv", frame.to_csv(index=False))
    # Untreated, mechanisms hardly differ: one of them is drawn.
    drawn = table[(table["arm"] == "treated") | (table["mechanism"] == table["mechanism"].iloc[0])]
    save(plot_virtual_biopsies(drawn), out / "biopsies")
    records: dict[str, object] = {"regimen": str(plan), "month": when, "source": source}
    records |= {
        name: json.loads(tables[name].to_json(orient="records"))
        for name in ("summary", "shares", "counts")
        if name in tables
    }
    atomic_write(out / "summary.json", json.dumps(records, indent=1) + "\n")
    write_manifest(
        out,
        command=shlex.join(["bonecycle", *sys.argv[1:]]),
        seed=seed,
        hashes=_hashes(fit, posterior or []),
        extra={"regimen": str(plan), "month": when, "source": source, "draws": draws},
    )
    _report(tables, source if posterior else "", out)


def _hashes(fit: Path | None, posterior: list[Path]) -> dict[str, str]:
    names = ("biopsy.csv", "label_counts.csv")
    found = {n: content_hash((files("bonecycle_data") / n).read_bytes()) for n in names}
    if fit is not None:
        found["fit.json"] = content_hash((fit / "fit.json").read_bytes())
    return found | {
        str(path): content_hash(path.read_bytes()) for path in posterior_files(posterior)
    }


def _counts(points: Points, best: bool, seed: int, out: Path) -> dict[str, pd.DataFrame]:
    from tqdm import tqdm

    from bonecycle.analysis.label_counts import compare_counts, implied_sites, read_counts
    from bonecycle.show import plot_label_counts, save

    with tqdm(total=len(read_counts()), desc="published counts", unit="count") as bar:

        def progress(done: int, _total: int) -> None:
            bar.update(done - bar.n)

        counts = compare_counts(
            points, best=best, seed=seed, engine=engine_for(points), progress=progress
        )
    save(plot_label_counts(counts), out / "counts")
    return {"counts": counts, "implied": implied_sites()}


def _report(tables: dict[str, pd.DataFrame], source: str, out: Path) -> None:
    console = Console(width=max(Console().width, 120))
    summary = tables["summary"]
    shown = Table(title="Virtual biopsies: medians of those measured")
    variables = list(dict.fromkeys(summary["variable"]))
    known = catalogue.observables()
    heads = [f"{known[v].symbol} ({known[v].unit})" for v in variables]
    for head in ("group", "double label", "any label", *heads):
        left = head == "group"
        shown.add_column(head, justify="left" if left else "right", no_wrap=left)
    for group, own in summary.groupby("group", sort=False):
        first = own.iloc[0]
        percents = [f"{100 * first[name]:.0f} %" for name in ("double_label", "any_label")]
        shown.add_row(str(group), *percents, *(f"{value:.3g}" for value in own["median"]))
    console.print(shown)
    if "shares" in tables:
        console.print(_share_report(tables["shares"]))
    if "counts" in tables:
        console.print(_count_report(tables["counts"]))
    console.print(
        "The constants of a section are assumed (biopsy.csv); shares of labels depend on them.",
        highlight=False,
    )
    if source:
        console.print(source, highlight=False)
    console.print(f"Results in {out}", highlight=False, soft_wrap=True)


def _share_report(shares: pd.DataFrame) -> Table:
    table = Table(title="Expected share of biopsies: median and 95 % over the draws")
    for head in ("mechanism", "arm", "finding", "share", "95 %", "95 %, section drawn too"):
        table.add_column(head, justify="right" if "%" in head or head == "share" else "left")
    for row in shares.to_dict("records"):
        table.add_row(
            row["mechanism"],
            row["arm"],
            row["finding"],
            f"{row['share']:.2f}",
            f"{row['lower']:.2f} to {row['upper']:.2f}",
            f"{row['lower_section']:.2f} to {row['upper_section']:.2f}",
        )
    return table


def _count_report(counts: pd.DataFrame) -> Table:
    table = Table(title="Published counts and predicted probabilities (* disagrees: p < 0.05)")
    mechanisms = list(dict.fromkeys(counts["mechanism"]))
    for head in ("arm", "finding", "published", *mechanisms):
        table.add_column(head, justify="left" if head in ("arm", "finding") else "right")
    for (arm, finding), own in counts.groupby(["arm", "finding"], sort=False):
        first = own.iloc[0]
        cells = [
            f"{row['probability']:.2f}{'*' if row['disagrees'] else ' '}"
            for row in own.to_dict("records")
        ]
        table.add_row(str(arm), str(finding), f"{first['count']} of {first['n']}", *cells)
    return table
