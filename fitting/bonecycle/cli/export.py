"""`bonecycle export`: models for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing
from bonecycle.cli.simulate import plan_of, settings_of
from bonecycle.errors import UsageError, unknown
from bonecycle.exchange.baseline import Baseline
from bonecycle.manifest import atomic_write, content_hash, write_manifest

SBML_EPILOG = """Examples:

bonecycle export sbml --model cycle --out sbml

bonecycle export sbml --drug alendronate --dose 70mg --interval week --stop 2years --out sbml

bonecycle export sbml --regimen "zoledronate 5 mg iv over 15 minutes every 12 months for 3 years"
--mechanism H1 --level L2V4 --out sbml

bonecycle export sbml --regimen "zoledronate 5 mg iv every 12 months for 10 years"
--dosing explicit --baseline numbers --out amici
"""

OMEX_EPILOG = """Examples:

bonecycle export omex --out archive

bonecycle export omex --mechanism H1 --fit results/fit --out archive

bonecycle export omex --course "weekly=alendronate 70 mg oral every 1 week for 5 years"
--course plain=untreated --duration 10years --out archive
"""

Model = Annotated[str, typer.Option(help="Model: see `bonecycle list models`.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Parameter as name=value; repeat.")
]
Mechanisms = Annotated[
    list[str] | None, typer.Option(help="Mechanism to turn on, H1 to H5; repeat.")
]
Fitted = Annotated[
    Path | None,
    typer.Option(help="Result folder of `bonecycle fit`: take the best values of --mechanism."),
]
Wanted = Annotated[str, typer.Option(help="SBML level and version: L3V2, L3V1 or L2V4.")]


def sbml(
    model: Model = "cycle",
    regimen: Annotated[str, typer.Option(help="Treatments as text, or 'untreated'.")] = "",
    drug: Annotated[
        str,
        typer.Option(help="Drug; without --dose it is part of the model and is not given."),
    ] = "",
    dose: Annotated[str, typer.Option(help="Dose with unit, such as 70mg.")] = "",
    interval: Annotated[str, typer.Option(help="day, week, month, year, or '6 months'.")] = "",
    stop: Annotated[str, typer.Option(help="Length of treatment, such as 5years.")] = "",
    route: Annotated[str, typer.Option(help="oral, iv or sc; default: the drug's first.")] = "",
    set_: Settings = None,
    mechanism: Mechanisms = None,
    fit: Fitted = None,
    dosing: Annotated[
        Dosing,
        typer.Option(
            help="Doses as events that reschedule themselves, as one event a dose (explicit), or, "
            "up to a month apart, as their time average, as in fits."
        ),
    ] = Dosing.EVENTS,
    baseline: Annotated[
        Baseline,
        typer.Option(
            help="The untreated start in formulas, which follow a parameter changed later, or, "
            "for programs such as AMICI that write formulas out, in numbers."
        ),
    ] = Baseline.FORMULAS,
    level: Wanted = "L3V2",
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/sbml"),
) -> None:
    """Write a model, with its doses as events, as one SBML file for any simulator.

    The file starts at the untreated steady state of its parameters, also after they are changed
    (with --baseline numbers, and of route and coupled: before).
    Writes model.xml, model.json (what it holds) and manifest.json.
    """
    from bonecycle.exchange.levels import parse_level
    from bonecycle.exchange.sbml_export import export_sbml

    check_folder(out)
    wanted = parse_level(level)
    given = [name for name in (dose, interval, stop, route) if name]
    if drug and drug not in catalogue.drugs():
        raise unknown("drug", drug, catalogue.drugs())
    only_part = bool(drug) and not given
    plan = plan_of(regimen, None, "" if only_part else drug, dose, interval, stop, route)
    drugs = (drug,) if only_part else plan.drugs
    mechanisms = [name.upper() for name in mechanism or []]
    known = compose(model, drugs).parameters
    values = {n: v for n, v in _fitted(fit, mechanisms).items() if n in known}
    exported = export_sbml(
        plan,
        model=model,
        drugs=drugs,
        parameters=values | settings_of(set_ or []),
        mechanisms=mechanisms,
        level=wanted,
        dosing=dosing,
        baseline=baseline,
    )
    record = {
        "level": exported.level,
        "baseline": exported.baseline,
        "regimen": str(exported.regimen),
        "mechanisms": mechanisms,
        "model_hash": exported.model_hash,
        "file_hash": content_hash(exported.sbml),
    }
    atomic_write(out / "model.xml", exported.sbml)
    atomic_write(out / "model.json", json.dumps(record, indent=1) + "\n")
    write_manifest(
        out,
        command=f"bonecycle export sbml: {exported.regimen}",
        seed=0,
        hashes={"model": exported.model_hash, "model.xml": content_hash(exported.sbml)},
        extra={"level": exported.level, "mechanisms": mechanisms},
    )
    Console().print(
        f"SBML {exported.level} in {out / 'model.xml'}", highlight=False, soft_wrap=True
    )


def omex(
    course: Annotated[
        list[str] | None,
        typer.Option(help="NAME=regimen; repeat. Default: untreated and three drugs."),
    ] = None,
    duration: Annotated[str, typer.Option(help="Of every time course.")] = "3 years",
    observable: Annotated[
        list[str] | None, typer.Option(help="What is drawn; repeat. Default: five.")
    ] = None,
    model: Model = "cycle",
    set_: Settings = None,
    mechanism: Mechanisms = None,
    fit: Fitted = None,
    level: Wanted = "L3V2",
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/archive"),
) -> None:
    """Write a COMBINE archive: models, their simulations as SED-ML, curves and data of studies.

    By default time courses of eroded and osteoid surface, activation frequency, CTX and P1NP,
    untreated and under alendronate, denosumab and zoledronate; of a model without drugs, five of
    its observables untreated. Writes bonecycle.omex and
    manifest.json.
    """
    from bonecycle.exchange.levels import parse_level
    from bonecycle.exchange.omex import export_omex

    check_folder(out)
    wanted = parse_level(level)
    courses = dict(_course(text) for text in course or []) or None
    mechanisms = [name.upper() for name in mechanism or []]
    path = out / "bonecycle.omex"
    Console(stderr=True).print("Simulating the courses ...", highlight=False)
    exported = export_omex(
        path,
        courses,
        duration=duration,
        observables=observable,
        model=model,
        parameters=_fitted(fit, mechanisms) | settings_of(set_ or []),
        mechanisms=mechanisms,
        level=wanted,
    )
    write_manifest(
        out,
        command="bonecycle export omex",
        seed=0,
        hashes={name: e.model_hash for name, e in exported.items()},
        extra={
            "level": wanted,
            "mechanisms": mechanisms,
            "courses": {name: str(e.regimen) for name, e in exported.items()},
        },
    )
    Console().print(f"Archive {path}", highlight=False, soft_wrap=True)


def _course(text: str) -> tuple[str, str]:
    name, separator, regimen = text.partition("=")
    if not separator:
        raise UsageError(f"--course {text}: write NAME=regimen, such as plain=untreated.")
    return name.strip(), regimen.strip()


def _fitted(folder: Path | None, mechanisms: list[str]) -> dict[str, float]:
    from bonecycle.exchange.fitted import fitted_values

    return fitted_values(folder, mechanisms) if folder else {}


def check_folder(out: Path) -> None:
    """Refuse a file as the folder of results."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
