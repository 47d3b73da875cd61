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
from bonecycle.biology.regimens import DAYS_PER_MONTH, Regimen, parse_regimen
from bonecycle.engines.choice import EngineName
from bonecycle.errors import UsageError
from bonecycle.manifest import atomic_write, content_hash, write_manifest

# pandas takes a second to import: in the functions that need it, so that help comes at once.
if TYPE_CHECKING:
    import pandas as pd

EPILOG = """Examples:

bonecycle biopsy --out results/biopsy

bonecycle biopsy --regimen "denosumab 60 mg sc every 6 months for 2 years" --n 45
--out results/denosumab

bonecycle biopsy --regimen "alendronate 70 mg oral every 1 week for 2 years"
--fit results/fit --out results/alendronate
"""

DEFAULT_REGIMEN = "alendronate 10 mg oral every 1 day for 24 months"
_CENTRE = "prior centre"
# Compiling the kernel takes longer than so many simulations with roadrunner.
_COMPILE_ABOVE = 100


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
    draws: Annotated[int, typer.Option(min=0, help="Parameter draws about each best point.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/biopsy"),
) -> None:
    """Draw virtual biopsies: finite sections, two tetracycline courses, labels that escape.

    At the centre of the priors, or with --fit at the best point of each mechanism. Writes
    biopsies.csv (one row a biopsy), summary.csv (medians, zeros, missing values), summary.json,
    manifest.json and a figure; with --fit also counts.csv (published counts of biopsies with a
    label against the virtual biopsy), implied.csv (the labeled sites that the counts ask for) and
    their figure.
    """
    from bonecycle.show import plot_virtual_biopsies, save

    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
    plan = parse_regimen(regimen, catalogue.routes())
    stop = max((t.stop_days for t in plan.treatments), default=0.0) / DAYS_PER_MONTH
    when = stop if month is None else month
    points = _points(fit, draws, seed)
    table = _draw(points, plan, when, n, seed)
    summary = _summaries(table)
    atomic_write(out / "biopsies.csv", table.to_csv(index=False))
    atomic_write(out / "summary.csv", summary.to_csv(index=False))
    # Untreated, mechanisms hardly differ: one of them is drawn.
    drawn = table[(table["arm"] == "treated") | (table["mechanism"] == table["mechanism"].iloc[0])]
    save(plot_virtual_biopsies(drawn), out / "biopsies")
    records = {"regimen": str(plan), "month": when, "summary": _records(summary)}
    counts = _counts(points, seed, out) if fit is not None else None
    if counts is not None:
        records["counts"] = _records(counts)
    atomic_write(out / "summary.json", json.dumps(records, indent=1) + "\n")
    write_manifest(
        out,
        command=shlex.join(["bonecycle", *sys.argv[1:]]),
        seed=seed,
        hashes=_hashes(fit),
        extra={"regimen": str(plan), "month": when, "fit": str(fit or _CENTRE), "draws": draws},
    )
    _report(table, summary, counts, out)


def _hashes(fit: Path | None) -> dict[str, str]:
    tables = ("biopsy.csv", "label_counts.csv")
    found = {n: content_hash((files("bonecycle_data") / n).read_bytes()) for n in tables}
    if fit is not None:
        found["fit.json"] = content_hash((fit / "fit.json").read_bytes())
    return found


def _points(fit: Path | None, draws: int, seed: int) -> dict[str, pd.DataFrame]:
    import pandas as pd

    from bonecycle.inference.fitting.points import fitted_points

    if fit is None:
        return {_CENTRE: pd.DataFrame(index=[0])}
    return fitted_points(fit, draws, seed)


def _draw(
    points: dict[str, pd.DataFrame], plan: Regimen, month: float, n: int, seed: int
) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    from bonecycle.analysis.label_counts import predict_states
    from bonecycle.analysis.virtual_biopsy import virtual_biopsies

    best = pd.concat([sets.iloc[:1] for sets in points.values()], ignore_index=True)
    arms = {"untreated": (Regimen(()), 0.0)} | (
        {"treated": (plan, month)} if plan.treatments else {}
    )
    parts = []
    seeds = iter(np.random.SeedSequence(seed).spawn(len(arms) * len(points)))
    for arm, (given, time) in arms.items():
        state = predict_states(best, given, time, EngineName.ROADRUNNER)
        for i, mechanism in enumerate(points):
            own = {name: float(values[i]) for name, values in state.items()}
            group = arm if len(points) == 1 else f"{mechanism} {arm}"
            drawn = virtual_biopsies(own, n, seed=next(seeds))
            parts.append(drawn.assign(group=group, mechanism=mechanism, arm=arm, month=time))
    table = pd.concat(parts, ignore_index=True)
    first = ["mechanism", "arm", "month"]
    return table[[*first, *table.columns.drop(first)]]


def _summaries(table: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    from bonecycle.analysis.virtual_biopsy import summarize

    parts = []
    for group, own in table.groupby("group", sort=False):
        part = summarize(own)
        part.insert(0, "group", group)
        part.insert(1, "double_label", float((own["label"] == "double").mean()))
        part.insert(2, "any_label", float((own["label"] != "none").mean()))
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _counts(points: dict[str, pd.DataFrame], seed: int, out: Path) -> pd.DataFrame:
    from tqdm import tqdm

    from bonecycle.analysis.label_counts import compare_counts, implied_sites, read_counts
    from bonecycle.show import plot_label_counts, save

    sets = sum(map(len, points.values()))
    engine = EngineName.KERNEL if sets > _COMPILE_ABOVE else EngineName.ROADRUNNER
    with tqdm(total=len(read_counts()), desc="published counts", unit="count") as bar:

        def progress(done: int, _total: int) -> None:
            bar.update(done - bar.n)

        counts = compare_counts(points, seed=seed, engine=engine, progress=progress)
    atomic_write(out / "counts.csv", counts.to_csv(index=False))
    atomic_write(out / "implied.csv", implied_sites().to_csv(index=False))
    save(plot_label_counts(counts), out / "counts")
    return counts


def _records(table: pd.DataFrame) -> list[object]:
    return list(json.loads(table.to_json(orient="records")))


def _report(
    table: pd.DataFrame, summary: pd.DataFrame, counts: pd.DataFrame | None, out: Path
) -> None:
    console = Console(width=max(Console().width, 120))
    shown = Table(title="Virtual biopsies: medians of those measured")
    variables = list(dict.fromkeys(summary["variable"]))
    known = catalogue.observables()
    heads = [f"{known[v].symbol} ({known[v].unit})" for v in variables]
    for head in ("group", "double label", "any label", *heads):
        left = head == "group"
        shown.add_column(head, justify="left" if left else "right", no_wrap=left)
    for group, own in summary.groupby("group", sort=False):
        first = own.iloc[0]
        shares = [f"{100 * first[name]:.0f} %" for name in ("double_label", "any_label")]
        shown.add_row(str(group), *shares, *(f"{value:.3g}" for value in own["median"]))
    console.print(shown)
    if counts is not None:
        console.print(_count_report(counts))
    console.print(
        "The constants of a section are assumed (biopsy.csv); shares of labels depend on them.",
        highlight=False,
    )
    console.print(f"Results in {out}", highlight=False, soft_wrap=True)


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
