"""`bonecycle list`: what there is."""

from __future__ import annotations

import json
import math
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bonecycle.biology import catalogue
from bonecycle.biology.published import published_models
from bonecycle.biology.tables import Parameter, Scale
from bonecycle.studies.reader import load_studies
from bonecycle.studies.schema import Role

EPILOG = """Examples:

bonecycle list observables

bonecycle list parameters --json

bonecycle list studies
"""


class Kind(StrEnum):
    """What can be listed."""

    MODELS = "models"
    OBSERVABLES = "observables"
    PARAMETERS = "parameters"
    DRUGS = "drugs"
    STUDIES = "studies"
    MECHANISMS = "mechanisms"


def show_list(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """List models, observables, parameters, drugs, studies or mechanisms."""
    rows = _ROWS[kind]()
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    table = Table(title=kind.value.capitalize())
    for column in rows[0]:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)


def _models() -> list[dict[str, object]]:
    own = [(m.name, m.meaning) for m in catalogue.models().values()]
    others = [(m.name, f"{m.meaning}. {m.source}") for m in published_models().values()]
    return [{"model": name, "meaning": meaning} for name, meaning in own + others]


def _observables() -> list[dict[str, object]]:
    models: dict[catalogue.Observable, list[str]] = {}
    for model in catalogue.models():
        for observable in catalogue.observables_of(model).values():
            models.setdefault(observable, []).append(model)
    return [
        {
            "name": o.id,
            "symbol": o.symbol,
            "unit": o.unit,
            "meaning": o.meaning,
            "models": ", ".join(names),
        }
        for o, names in models.items()
    ]


def _parameters() -> list[dict[str, object]]:
    own = list(catalogue.parameters().values())
    return [
        {
            "name": p.id,
            "value": f"{p.value:g}",
            "unit": p.unit,
            "prior (95 %)": _prior(p),
            "fitted": p.mechanism or ("yes" if p.fitted else "no"),
            "status": p.status,
            "source": f"{p.source}; {p.place}" if p.place else p.source,
        }
        for p in [*own, *(p for drug in catalogue.drugs().values() for p in drug.parameters)]
    ]


def _prior(parameter: Parameter) -> str:
    if parameter.prior_sd is None:
        return "constant"
    reach = 1.96 * parameter.prior_sd
    if parameter.scale is Scale.LOG:
        low, high = (parameter.value * math.exp(sign * reach) for sign in (-1, 1))
    else:
        odds = parameter.value / (1 - parameter.value)
        low, high = (1 / (1 + math.exp(-sign * reach) / odds) for sign in (-1, 1))
    return f"{low:.3g} to {high:.3g}, {parameter.scale}-normal"


def _drugs() -> list[dict[str, object]]:
    return [
        {"name": d.name, "module": d.module, "what": d.note, "identifier": d.identifier}
        for d in catalogue.drugs().values()
    ]


def _studies() -> list[dict[str, object]]:
    return [
        {
            "name": study.name,
            "citation": study.citation,
            "arms": "; ".join(dict.fromkeys(row.arm for row in study.observations)),
            **{role.value: sum(row.role is role for row in study.observations) for role in Role},
        }
        for study in load_studies(catalogue.observables())
    ]


def _mechanisms() -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for name, strengths in catalogue.mechanisms().items():
        meanings = [catalogue.parameters()[strength].name for strength in strengths]
        rows.append(
            {
                "mechanism": name,
                "strength": ", ".join(strengths) or "none: coupling, part of every mechanism",
                "meaning": "; ".join(meanings),
            }
        )
    return rows


_ROWS = {
    Kind.MODELS: _models,
    Kind.OBSERVABLES: _observables,
    Kind.PARAMETERS: _parameters,
    Kind.DRUGS: _drugs,
    Kind.STUDIES: _studies,
    Kind.MECHANISMS: _mechanisms,
}
