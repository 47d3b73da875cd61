"""`bonecycle simulate`: one regimen from the untreated baseline."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing
from bonecycle.biology.published import published_models
from bonecycle.biology.regimens import Regimen, RegimenError, parse_regimen
from bonecycle.biology.treatment_parts import read_treatment
from bonecycle.biology.treatments import Route
from bonecycle.cli.simulate_file import simulate_file
from bonecycle.errors import UsageError, unknown
from bonecycle.manifest import atomic_write, content_hash, write_manifest
from bonecycle.studies.regimen_table import COLUMNS, read_regimens

# xarray and roadrunner take a second to import: in the functions that need them, so that help
# comes at once.
if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

EPILOG = f"""A table of regimens (--regimens) is a CSV file, one treatment a row, with the columns
{", ".join(COLUMNS)}, either interval, stop and, if not 0, start, or dates, and, where of use,
infusion, missed, adherence, seed. Rows with the same regimen are its treatments.

Examples:

bonecycle simulate --duration 10years --out untreated

bonecycle simulate route --set rankl_supply=0 --duration 1year --out no_rankl

bonecycle simulate --drug alendronate --dose 70mg --interval week --stop 5years
--duration 10years --out alendronate

bonecycle simulate --regimen "denosumab 60 mg sc every 6 months for 2 years" --mechanism H1
--set osteogenic_share=0.9 --out denosumab

bonecycle simulate --regimen "zoledronate 5 mg iv over 15 minutes at 0 and 18 months"
--duration 3years --out zoledronate

A model of your own (SBML or Antimony):

bonecycle simulate FILE.xml --duration 365days --output S1 --output S2 --out own

A published model, read in the same way:

bonecycle simulate ayati_2010 --duration 1200days --set drug_on_tumour=0.008 --out ayati
"""

_SHOWN = ("Ac_f", "ES_BS", "OS_BS", "MS_BS", "CTX", "P1NP", "BMD_rel")
_SHOWN_CELLS = ("Fo_R", "N_Oc", "Nc_Oc", "Oc_trench", "Oc_S_Rs", "Oc_sequential", "Fu_mono_dish")


def simulate(
    file: Annotated[
        Path | None,
        typer.Argument(
            help="A model of `bonecycle list models`, or a file of your own: SBML (.xml, .sbml) "
            "or Antimony (.ant)."
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="Model: see `bonecycle list models`.")] = "cycle",
    regimen: Annotated[
        str, typer.Option(help="Treatments as text, or 'untreated'; with --regimens, a name.")
    ] = "",
    regimens: Annotated[
        Path | None, typer.Option(help="CSV table of regimens; --regimen names one of them.")
    ] = None,
    drug: Annotated[str, typer.Option(help="Drug: see `bonecycle list drugs`.")] = "",
    dose: Annotated[str, typer.Option(help="Dose with unit, such as 70mg.")] = "",
    interval: Annotated[str, typer.Option(help="day, week, month, year, or '6 months'.")] = "",
    stop: Annotated[str, typer.Option(help="Length of treatment, such as 5years.")] = "",
    route: Annotated[str, typer.Option(help="oral, iv or sc; default: the drug's first.")] = "",
    duration: Annotated[
        str, typer.Option(help="How long to simulate; default: until the last treatment stops.")
    ] = "",
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="Parameter as name=value; repeat.")
    ] = None,
    mechanism: Annotated[
        list[str] | None, typer.Option(help="Mechanism to turn on, H1 to H5; repeat.")
    ] = None,
    dosing: Annotated[
        Dosing,
        typer.Option(
            help="Doses as events that reschedule themselves, as one event a dose (explicit), or, "
            "up to a month apart, as their time average."
        ),
    ] = Dosing.EVENTS,
    points: Annotated[
        int,
        typer.Option(min=2, help="Number of equally spaced times; more are added around doses."),
    ] = 200,
    output: Annotated[
        list[str] | None,
        typer.Option(help="Of a model of your own: an id to keep; repeat. Default: all that move."),
    ] = None,
    time_unit: Annotated[
        str, typer.Option(help="Of a model of your own: its unit of time, if the file is silent.")
    ] = "",
    max_seconds: Annotated[
        float, typer.Option(min=1, help="Of a model of your own: stop after so many seconds.")
    ] = 300,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/simulation"),
) -> None:
    """Simulate the cycle or another model, untreated or under drugs, or a model of your own.

    Writes simulation.csv, simulation.json, units.json, model.xml (the model with its doses),
    manifest.json and figures.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
    if str(file) in catalogue.models():
        model, file = str(file), None
    elif str(file) in published_models():
        file = published_models()[str(file)].file
    if file is not None:
        ours: dict[str, object] = {
            "--regimen": regimen,
            "--regimens": regimens,
            "--drug": drug,
            "--dose": dose,
        }
        ours |= {"--interval": interval, "--stop": stop, "--route": route}
        ours |= {"--mechanism": mechanism}
        if given := [name for name, value in ours.items() if value]:
            raise UsageError(f"{', '.join(given)}: not for a model of your own; see `fit --map`.")
        settings = settings_of(set_ or [])
        simulate_file(file, duration, output or [], settings, points, time_unit, max_seconds, out)
        return
    if output or time_unit:
        raise UsageError("--output and --time-unit are for a model of your own: name its file.")
    from bonecycle.analysis import simulation

    plan = plan_of(regimen, regimens, drug, dose, interval, stop, route)
    parameters = settings_of(set_ or [])
    mechanisms = [name.upper() for name in mechanism or []]
    simulate_with = partial(
        simulation.simulate,
        plan,
        duration=duration or None,
        model=model,
        parameters=parameters,
        mechanisms=mechanisms,
        points=points,
    )
    run = simulate_with(dosing=dosing)
    differences = {}
    if dosing is Dosing.AVERAGED and run.attrs["averaged"] != "none":
        events = simulate_with(dosing=Dosing.EVENTS)
        differences = simulation.averaging_difference(run, events)
    sbml = simulation.dosed_model(
        plan, model=model, parameters=parameters, mechanisms=mechanisms, dosing=dosing
    )
    own = compose(model).parameters  # without those of the drugs
    untreated = simulation.simulate(
        duration=float(run.time[-1]),
        model=model,
        parameters={name: value for name, value in parameters.items() if name in own},
        mechanisms=mechanisms,
        points=points,
    )
    _write(run, untreated, out, sbml, differences)
    _report(run, out, differences)


def plan_of(
    regimen: str,
    regimens: Path | None,
    drug: str,
    dose: str,
    interval: str,
    stop: str,
    route: str,
) -> Regimen:
    """Regimen of the options; raises every fault of text, table or options at once."""
    parts = {"dose": dose, "interval": interval, "stop": stop, "route": route}
    given = {part: text for part, text in parts.items() if text}
    routes = catalogue.routes()
    if not drug:
        if given:
            names = ", ".join(f"--{part}" for part in given)
            raise UsageError(f"{names} without --drug: name the drug, or use --regimen.")
        return (
            _chosen(regimens, regimen)
            if regimens
            else parse_regimen(regimen or "untreated", routes)
        )
    if regimen or regimens:
        raise UsageError("--regimen and --drug say the same: give one of them.")
    missing = [part for part in ("dose", "interval", "stop") if part not in given]
    # The usual route of an unknown drug: any, so that the other faults are still found.
    usual = next(iter(routes.get(drug.lower(), Route)))
    try:
        return Regimen((read_treatment({"drug": drug, "route": usual, **given}, routes),))
    except RegimenError as error:
        faults = [(p, f"--{p}: {message}") for p, message in error.faults if p not in missing]
        if missing:
            needed = ", ".join(f"--{part}" for part in missing)
            faults.append(("", f"--drug {drug} also needs {needed}."))
        raise RegimenError(faults) from None


def _chosen(path: Path, name: str) -> Regimen:
    known = read_regimens(path)
    if not name and len(known) > 1:
        raise UsageError(f"{path} holds {len(known)} regimens: add --regimen {' or '.join(known)}.")
    if name and name not in known:
        raise unknown("regimen", name, known)
    return known[name or next(iter(known))]


def settings_of(texts: list[str]) -> dict[str, float]:
    """Parameter values of options written name=value."""
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


def _write(
    run: xr.Dataset, untreated: xr.Dataset, out: Path, sbml: str, differences: dict[str, float]
) -> None:
    # Drawing libraries are slow to import: only when figures are drawn.
    from bonecycle import show

    frame = run.to_dataframe().reset_index().rename(columns={"time": "time_days"})
    units = {"time_days": "d", "months": "months"}
    units |= {str(name): variable.attrs["units"] for name, variable in run.data_vars.items()}
    record = {
        "attributes": run.attrs,
        "units": units,
        "averaging_differences": differences,
        "data": {name: frame[name].tolist() for name in frame.columns},
    }
    figures: dict[str, Figure] = {}
    if "Q_S_BS" in run:
        figures |= {
            "surfaces": show.plot_surfaces(run),
            "time_courses": show.plot_time_courses(run, untreated=untreated),
            "phases": show.plot_phase_map(compose(run.attrs["model"])),
        }
    if "N_Oc" in run:
        figures["osteoclasts"] = show.plot_osteoclasts(run)
    if _given(run):
        figures["drug"] = show.plot_drug(run)
    atomic_write(out / "simulation.csv", frame.to_csv(index=False))
    atomic_write(out / "simulation.json", json.dumps(record) + "\n")
    atomic_write(out / "model.xml", sbml)
    atomic_write(out / "units.json", json.dumps(units, indent=1) + "\n")
    for name, figure in figures.items():
        show.save(figure, out / name)
    write_manifest(
        out,
        command=f"bonecycle simulate: {run.attrs['regimen']}",
        seed=0,
        hashes={"model": run.attrs["model_hash"], "model.xml": content_hash(sbml)},
        extra={key: str(value) for key, value in run.attrs.items()},
    )


def _given(run: xr.Dataset) -> bool:
    """Whether any dose is given within the run."""
    given = [name for name in map(str, run.data_vars) if name.endswith("_given")]
    return any(float(run[name].max()) > 0 for name in given)


def _report(run: xr.Dataset, out: Path, differences: dict[str, float]) -> None:
    table = Table(title=f"{run.attrs['regimen']}; mechanisms: {run.attrs['mechanisms']}")
    end = f"month {float(run.months[-1]):g}"
    for column in ("observable", "unit", "untreated", end, "ratio"):
        table.add_column(column, justify="left" if column in ("observable", "unit") else "right")
    for name in filter(run.data_vars.__contains__, (*_SHOWN, *_SHOWN_CELLS)):
        first, last = float(run[name][0]), float(run[name][-1])
        symbol, unit = run[name].attrs["long_name"], run[name].attrs["units"]
        ratio = f"{last / first:.3f}" if first else "-"
        table.add_row(symbol, unit, f"{first:.4g}", f"{last:.4g}", ratio)
    console = Console()
    console.print(table)
    if run.attrs["regimen"] != "untreated" and not _given(run):
        console.print("No dose is given before the end of the run.")
    if run.attrs["dosing"] == Dosing.AVERAGED and run.attrs["averaged"] == "none":
        console.print(
            "Nothing is averaged: no doses are regular and at most 31 days apart. "
            "All are given one by one."
        )
    if differences:
        name, largest = next(iter(differences.items()))
        console.print(
            f"Doses as their time average: {run.attrs['averaged']}. Given one by one, {name} "
            f"differs most, by {largest:.2g} of its largest value.",
            highlight=False,
        )
    console.print(f"Results in {out}", highlight=False, soft_wrap=True)
