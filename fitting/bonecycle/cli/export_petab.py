"""`bonecycle export petab`: a fitting problem for other programs."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bonecycle.biology.dosing import Dosing
from bonecycle.cli.export import check_folder
from bonecycle.errors import UsageError
from bonecycle.manifest import write_manifest
from bonecycle.studies.error_model import DEFAULT_ENCODING

EPILOG = """Examples:

bonecycle export petab --mechanism H1 --out petab

bonecycle export petab --mechanism H1+H3 --version 2 --out petab2

bonecycle export petab --mechanism H0 --data STUDY.csv --out own

The problem is fitted by any tool that reads PEtab, and by bonecycle fit --petab petab/problem.yaml,
which restores what PEtab cannot say.
"""


def petab(
    mechanism: Annotated[str, typer.Option(help="H0 to H5 or a combination such as H1+H3.")] = "H1",
    version: Annotated[int, typer.Option(help="Version of PEtab: 1 or 2.")] = 1,
    data: Annotated[
        list[Path] | None,
        typer.Option(help="Study tables; repeat. Default: the published studies shipped."),
    ] = None,
    encoding: Annotated[
        str, typer.Option(help="How 'not strongly decreased' is read: see encodings.csv.")
    ] = DEFAULT_ENCODING,
    dosing: Annotated[
        Dosing, typer.Option(help="How doses reach the model: see `bonecycle simulate --help`.")
    ] = Dosing.AVERAGED,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/petab"),
) -> None:
    """Write a fitting problem as PEtab: model, conditions, measurements, noise and priors.

    Writes problem.yaml, model.xml and the tables of PEtab; limits.csv (what PEtab cannot say and
    what was done about it), terms.csv (every target and where it went), bonecycle.json with the
    studies (from which the whole problem is restored) and manifest.json.
    """
    from bonecycle.exchange.petab_export import export_petab
    from bonecycle.exchange.petab_tables import Version
    from bonecycle.problem.problem import ProblemSpec, load_problem
    from bonecycle.problem.space import parse_mechanism

    check_folder(out)
    if version not in list(Version):
        raise UsageError(f"--version {version}: PEtab is written in version 1 or 2.")
    name = "+".join(parse_mechanism(mechanism))
    paths = tuple(str(path) for path in data or ())
    problem = load_problem(ProblemSpec(name, encoding, paths, dosing=dosing))
    found = export_petab(problem, out, Version(version))
    inside = int(found.inside.sum())
    write_manifest(
        out,
        command=shlex.join(["bonecycle", *sys.argv[1:]]),
        seed=0,
        hashes=problem.hashes,
        extra={
            "mechanism": name,
            "encoding": encoding,
            "dosing": dosing.value,
            "petab_version": version,
            "measurements": inside,
            "targets": len(found.inside),
        },
    )
    table = Table(title=f"What PEtab cannot say of {name}")
    for column in ("what", "handling", "count"):
        table.add_column(column, justify="right" if column == "count" else "left")
    for row in found.limits:
        if row["count"]:
            table.add_row(str(row["what"]), str(row["handling"]), str(row["count"]))
    console = Console()
    console.print(table)
    console.print(
        f"PEtab {version} in {out / 'problem.yaml'}: {inside} of {len(found.inside)} targets are "
        "measurements; limits.csv says where the others went.",
        highlight=False,
        soft_wrap=True,
    )
