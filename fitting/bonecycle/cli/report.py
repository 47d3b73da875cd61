"""`bonecycle report`: the folder of a run as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

EPILOG = """Examples:

bonecycle report results/fit

bonecycle report results/compare
"""


def report(
    folder: Annotated[Path, typer.Argument(help="The --out folder of fit, sample, compare, ...")],
) -> None:
    """Write report.html: question, verdict with its limits, data, errors, results of a run.

    The file has all figures inside and loads nothing. Every command that fits, samples or
    compares writes it; give this command to write it again, for instance after adding to a folder.
    """
    # pandas and matplotlib are slow to import.
    from bonecycle.show.run_report import write_report

    typer.echo(f"Written: {write_report(folder)}")
