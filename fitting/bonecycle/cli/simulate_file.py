"""`bonecycle simulate FILE`: a user's own SBML or Antimony model."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bonecycle.errors import UsageError
from bonecycle.manifest import atomic_write, content_hash, write_manifest

if TYPE_CHECKING:
    import xarray as xr

_SHOWN = 12


def simulate_file(
    file: Path,
    duration: str,
    outputs: Sequence[str],
    parameters: dict[str, float],
    points: int,
    time_unit: str,
    max_seconds: float,
    out: Path,
) -> None:
    """Simulate a user's model, write tables, a figure and the model as it was simulated."""
    from bonecycle.analysis.user_model import simulate_model_within
    from bonecycle.biology.foreign import read_model
    from bonecycle.show import save
    from bonecycle.show.user_model import plot_user_model

    if not duration:
        raise UsageError("A model of your own needs --duration, such as --duration 365days.")
    model = read_model(file, time_unit)
    run = simulate_model_within(
        max_seconds, model, duration, outputs=outputs, parameters=parameters, points=points
    )
    figure = plot_user_model(run)
    frame = run.to_dataframe().reset_index().rename(columns={"days": "time_days"})
    units = {"time": model.time_unit, "time_days": "d"}
    units |= {str(name): variable.attrs["units"] for name, variable in run.data_vars.items()}
    record = {
        "attributes": run.attrs,
        "units": units,
        "data": {name: frame[name].tolist() for name in frame.columns},
    }
    atomic_write(out / "simulation.csv", frame.to_csv(index=False))
    atomic_write(out / "simulation.json", json.dumps(record) + "\n")
    atomic_write(out / "units.json", json.dumps(units, indent=1) + "\n")
    atomic_write(out / "model.xml", model.sbml)
    save(figure, out / "time_courses")
    write_manifest(
        out,
        command=shlex.join(["bonecycle", *sys.argv[1:]]),
        seed=0,
        hashes={"model": model.hash, "file": content_hash(file.read_bytes())},
        extra={key: str(value) for key, value in run.attrs.items()},
    )
    _report(run, model.notices, out)


def _report(run: xr.Dataset, notices: Sequence[str], out: Path) -> None:
    console = Console()
    end = f"{float(run.time[-1]):g} {run.attrs['time_unit']}"
    table = Table(title=f"{run.attrs['model']}: first {_SHOWN} variables")
    for column in ("variable", "name", "unit", "start", end):
        table.add_column(column, justify="right" if column in ("start", end) else "left")
    for name in list(run.data_vars)[:_SHOWN]:
        variable = run[name]
        first, last = (f"{float(variable[place]):.5g}" for place in (0, -1))
        table.add_row(str(name), variable.attrs["long_name"], variable.attrs["units"], first, last)
    console.print(table)
    for notice in notices:
        console.print(f"Note: {notice}.", highlight=False)
    console.print(f"Results in {out}", highlight=False, soft_wrap=True)
