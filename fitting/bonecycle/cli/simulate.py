"""`bonecycle simulate`: one regimen from the untreated baseline."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
import xarray as xr
from rich.console import Console
from rich.table import Table

from bonecycle.analysis.simulation import simulate as run_simulation
from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.regimens import Regimen, parse_regimen
from bonecycle.errors import UsageError, unknown
from bonecycle.manifest import atomic_write, write_manifest

EPILOG = """Examples:

bonecycle simulate --duration 10years --out untreated

bonecycle simulate --drug alendronate --dose 70mg --interval week --stop 5years
--duration 10years --out alendronate

bonecycle simulate --regimen "denosumab 60 mg sc every 6 months for 2 years" --mechanism H1
--set osteogenic_share=0.9 --out denosumab
"""

_SHOWN = ("Ac_f", "ES_BS", "OS_BS", "MS_BS", "CTX", "P1NP", "BMD_rel")


def simulate(
    model: Annotated[str, typer.Option(help="Model: see `bonecycle list models`.")] = "cycle",
    regimen: Annotated[str, typer.Option(help="Treatments as text, or 'untreated'.")] = "",
    drug: Annotated[str, typer.Option(help="Drug: see `bonecycle list drugs`.")] = "",
    dose: Annotated[str, typer.Option(help="Dose with unit, such as 70mg.")] = "",
    interval: Annotated[str, typer.Option(help="day, week, month, year, or '6 months'.")] = "",
    stop: Annotated[str, typer.Option(help="Length of treatment, such as 5years.")] = "",
    route: Annotated[str, typer.Option(help="oral, iv or sc; default: the drug's usual.")] = "",
    duration: Annotated[
        str, typer.Option(help="How long to simulate; default: until the last treatment stops.")
    ] = "",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Parameter as name=value; repeat.")
    ] = None,
    mechanism: Annotated[
        list[str] | None, typer.Option(help="Mechanism to turn on, H1 to H5; repeat.")
    ] = None,
    points: Annotated[int, typer.Option(min=2, help="Number of times.")] = 200,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/simulation"),
) -> None:
    """Simulate the cycle, untreated or under drugs.

    Writes simulation.csv, simulation.json, units.json, manifest.json and figures.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
    plan = _plan(regimen, drug, dose, interval, stop, route)
    run = run_simulation(
        plan,
        duration=duration or None,
        model=model,
        parameters=_settings(set_ or []),
        mechanisms=[name.upper() for name in mechanism or []],
        points=points,
    )
    _write(run, out, plan)
    _report(run, out)


def _plan(regimen: str, drug: str, dose: str, interval: str, stop: str, route: str) -> Regimen:
    """Regimen of the options; all faults are those of `parse_regimen`."""
    parts = {"--dose": dose, "--interval": interval, "--stop": stop}
    if not drug:
        given = [name for name, value in {**parts, "--route": route}.items() if value]
        if given:
            raise UsageError(f"{', '.join(given)} without --drug: name the drug, or use --regimen.")
        return parse_regimen(regimen or "untreated")
    if regimen:
        raise UsageError("--regimen and --drug say the same: give one of them.")
    if drug not in catalogue.drugs():
        raise unknown("drug", drug, catalogue.drugs())
    missing = [name for name, value in parts.items() if not value]
    if missing:
        raise UsageError(f"--drug {drug} also needs {', '.join(missing)}.")
    every = f"1 {interval}" if interval.isalpha() else interval
    usual = _usual_route(drug)
    return parse_regimen(f"{drug} {dose} {route or usual} every {every} for {stop}")


def _usual_route(drug: str) -> str:
    routes = [route for name, route in compose("cycle", (drug,)).dosing_ports if name == drug]
    # A bisphosphonate with an oral form is mostly taken that way; the note names the others.
    intravenous = "intravenous" in catalogue.drugs()[drug].note.lower()
    return "iv" if intravenous and "iv" in routes else routes[0]


def _settings(texts: list[str]) -> dict[str, float]:
    values = {}
    for text in texts:
        name, separator, number = text.partition("=")
        try:
            values[name.strip()] = float(number)
        except ValueError:
            separator = ""
        if not separator:
            raise UsageError(f"--set {text}: write name=value, such as --set site_factor=0.8.")
    return values


def _write(run: xr.Dataset, out: Path, plan: Regimen) -> None:
    # Drawing libraries are slow to import: only when figures are drawn.
    from bonecycle import show

    frame = run.to_dataframe().reset_index().rename(columns={"time": "time_days"})
    units = {"time_days": "d", "months": "months"}
    units |= {str(name): variable.attrs["units"] for name, variable in run.data_vars.items()}
    record = {
        "attributes": run.attrs,
        "units": units,
        "data": {name: frame[name].tolist() for name in frame.columns},
    }
    figures = {
        "surfaces": show.plot_surfaces(run),
        "time_courses": show.plot_time_courses(run),
        "phases": show.plot_phase_map(compose(run.attrs["model"])),
    }
    if plan.treatments:
        figures["drug"] = show.plot_drug(run)
    atomic_write(out / "simulation.csv", frame.to_csv(index=False))
    atomic_write(out / "simulation.json", json.dumps(record) + "\n")
    atomic_write(out / "units.json", json.dumps(units, indent=1) + "\n")
    for name, figure in figures.items():
        show.save(figure, out / name)
    write_manifest(
        out,
        command=f"bonecycle simulate: {run.attrs['regimen']}",
        seed=0,
        hashes={"model": run.attrs["model_hash"]},
        extra={key: str(value) for key, value in run.attrs.items()},
    )


def _report(run: xr.Dataset, out: Path) -> None:
    table = Table(title=f"{run.attrs['regimen']}; mechanisms: {run.attrs['mechanisms']}")
    end = f"month {float(run.months[-1]):g}"
    for column in ("observable", "unit", "untreated", end, "ratio"):
        table.add_column(column, justify="left" if column in ("observable", "unit") else "right")
    for name in _SHOWN:
        first, last = float(run[name][0]), float(run[name][-1])
        symbol, unit = run[name].attrs["long_name"], run[name].attrs["units"]
        table.add_row(symbol, unit, f"{first:.4g}", f"{last:.4g}", f"{last / first:.3f}")
    console = Console()
    console.print(table)
    console.print(f"Doses: {run.attrs['dosing']}", highlight=False)
    console.print(f"Results in {out}", highlight=False, soft_wrap=True)
