"""`bonecycle export`: models for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bonecycle.biology import catalogue
from bonecycle.cli.simulate import plan_of, settings_of
from bonecycle.errors import UsageError, unknown
from bonecycle.manifest import atomic_write, content_hash, write_manifest

SBML_EPILOG = """Examples:

bonecycle export sbml --model cycle --out sbml

bonecycle export sbml --drug alendronate --dose 70mg --interval week --stop 2years --out sbml

bonecycle export sbml --regimen "zoledronate 5 mg iv over 15 minutes every 12 months for 3 years"
--mechanism H1 --level L2V4 --out sbml
"""

Model = Annotated[str, typer.Option(help="Model: see `bonecycle list models`.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Parameter as name=value; repeat.")
]
Mechanisms = Annotated[
    list[str] | None, typer.Option(help="Mechanism to turn on, H1 to H5; repeat.")
]


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
    level: Annotated[str, typer.Option(help="L3V2, L3V1 or L2V4.")] = "L3V2",
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/sbml"),
) -> None:
    """Write a model, with its doses as events, as one SBML file for any simulator.

    The file starts at the untreated steady state of its parameters, also after they are changed.
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
    mechanisms = [name.upper() for name in mechanism or []]
    exported = export_sbml(
        plan,
        model=model,
        drugs=(drug,) if only_part else (),
        parameters=settings_of(set_ or []),
        mechanisms=mechanisms,
        level=wanted,
    )
    record = {
        "level": exported.level,
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


def check_folder(out: Path) -> None:
    """Refuse a file as the folder of results."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
