"""`bonecycle data`: a template for one's own biopsies, and a check of the filled table."""

from __future__ import annotations

import csv
import io
import json
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bonecycle.biology import catalogue
from bonecycle.errors import UsageError
from bonecycle.manifest import atomic_write, content_hash, write_manifest
from bonecycle.studies.own_template import write_template
from bonecycle.studies.reader import COLUMNS, load_studies
from bonecycle.studies.schema import Observation, Study

TEMPLATE_EPILOG = """Examples:

bonecycle data template --out biopsies.csv

bonecycle data template --out biopsies.xlsx

bonecycle data template --summary --out means.csv
"""
CHECK_EPILOG = """Examples:

bonecycle data check biopsies.csv

bonecycle data check biopsies.xlsx --out results/check
"""


def template(
    per_biopsy: Annotated[
        bool,
        typer.Option("--per-biopsy/--summary", help="One row a biopsy, or one a mean or median."),
    ] = True,
    out: Annotated[Path, typer.Option(help="The file to write: .csv or .xlsx.")] = Path(
        "biopsies.csv"
    ),
) -> None:
    """Write a table to fill in: heads, units, and ten synthetic rows named EXAMPLE.

    The rows run as they are, so that each step can be tried. Then put your own in their place.
    """
    write_template(out, per_biopsy=per_biopsy)
    Console().print(
        f"{out}: put your numbers in place of the EXAMPLE rows, then: bonecycle data check {out}",
        highlight=False,
        soft_wrap=True,
    )


def check(
    file: Annotated[Path, typer.Argument(help="Table of biopsies: CSV or Excel.")],
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/check"),
) -> None:
    """Say how a table of one's own is understood, or name every fault with its cell.

    Values that are far from any bone are named: most often their unit is wrong. Writes study.csv
    (the table as rows of a study, with the columns of the shipped studies),
    check.json and manifest.json.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
    from bonecycle.analysis.plausible import implausible

    study = load_studies(catalogue.observables(), [file])[0]
    notices = [*study.notices, *implausible(study.observations)]
    atomic_write(out / "study.csv", _study_csv(study))
    rows = [_record(row) for row in study.observations]
    record = {"study": study.citation, "rows": rows, "notices": notices}
    atomic_write(out / "check.json", json.dumps(record, indent=1) + "\n")
    write_manifest(
        out,
        command=shlex.join(["bonecycle", *sys.argv[1:]]),
        seed=0,
        hashes={"data": content_hash(file.read_bytes())},
    )
    console = Console()
    table = Table(title=f"{study.citation}: what a fit compares with the model")
    for column in ("arm", "month", "variable", "value", "unit", "biopsies", "use"):
        table.add_column(column, justify="right" if column in ("month", "value") else "left")
    for row in study.observations:
        sign = {"below": "< ", "above": "> "}.get(row.comparison.value, "")
        value = row.comparison.value if row.value is None else f"{sign}{row.value:.4g}"
        symbol = _symbol(row.variable)
        month = f"{row.time_months:g}"
        table.add_row(row.arm, month, symbol, value, row.unit.value, row.n, row.role.value)
    console.print(table)
    for arm in study.biopsies:
        zeros, missing = (arm.values == 0).sum(), (arm.values != arm.values).sum()
        console.print(
            f"{arm.name}: {len(arm.patients)} patients, {zeros} values below their detection "
            f"limit, {missing} missing.",
            highlight=False,
        )
    for notice in notices:
        console.print(notice, highlight=False)
    console.print(
        f"No faults. Next: bonecycle fit --data {file} (results in {out})",
        highlight=False,
        soft_wrap=True,
    )


def _symbol(variable: str) -> str:
    known = catalogue.observables()
    return known[variable].symbol if variable in known else variable


def _record(row: Observation) -> dict[str, object]:
    """A row with the columns of a study table."""
    texts: dict[str, object] = {name: getattr(row, name) for name in COLUMNS}
    return texts | {
        "regimen": "" if row.regimen is None else str(row.regimen),
        "sampling_log_sd": row.sampling_log_sd,
    }


def _study_csv(study: Study) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(_record(row) for row in study.observations)
    return stream.getvalue()
