"""A model with its regimen as one SBML file for any simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bonecycle.analysis.simulation import dosed_model
from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing
from bonecycle.biology.regimens import Regimen, parse_regimen
from bonecycle.exchange.annotations import annotate
from bonecycle.exchange.baseline import Baseline, with_baseline
from bonecycle.exchange.levels import Level, at_level


@dataclass(frozen=True)
class Exported:
    """An SBML text and what it holds."""

    sbml: str
    level: Level
    regimen: Regimen
    model_hash: str
    baseline: Baseline


def export_sbml(
    regimen: str | Regimen = "untreated",
    *,
    model: str = "cycle",
    drugs: Sequence[str] = (),
    parameters: Mapping[str, float] | None = None,
    mechanisms: Sequence[str] = (),
    level: Level = Level.L3V2,
    dosing: Dosing = Dosing.EVENTS,
    baseline: Baseline = Baseline.FORMULAS,
) -> Exported:
    """Write a model with its doses for any simulator.

    The file is flat SBML core with units, terms, sources, version and hashes inside. It gives
    what `simulate` gives with the same arguments, and starts at the untreated steady state of its
    parameters also when these are changed in another program; with numbers for a baseline (route
    and coupled always), at that of the values it is written with.

    Parameters
    ----------
    regimen, model, parameters, mechanisms, dosing
        As in `simulate`.
    drugs
        Drugs to be part of the model though the regimen does not give them.
    level
        SBML level and version.
    baseline
        Numbers suit a program that writes initial assignments out, such as AMICI.

    Raises
    ------
    UsageError, RegimenError
        For an unknown name, and for what the level cannot say.
    ModelError
        When libsbml's full check, units included, reports anything.
    """
    plan = parse_regimen(regimen, catalogue.routes()) if isinstance(regimen, str) else regimen
    held = tuple(sorted({*plan.drugs, *drugs}))
    text = dosed_model(
        plan,
        model=model,
        drugs=held,
        parameters=parameters,
        mechanisms=mechanisms,
        dosing=dosing,
    )
    composed = compose(model, held)
    changed = ", ".join(f"{name}={value!r}" for name, value in (parameters or {}).items())
    provenance = {
        "model": model,
        "drugs": ", ".join(held) or "none",
        "regimen": str(plan),
        "mechanisms": ", ".join(mechanisms) or "none",
        "parameters": changed or "none",
        "dosing": dosing.value,
        "modelHash": composed.hash,
    }
    portable_text, said = with_baseline(text, baseline)
    if said is Baseline.NUMBERS:
        provenance["baseline"] = said.value
    written = annotate(at_level(portable_text, level, plan, dosing), provenance, composed.sources)
    return Exported(written, level, plan, composed.hash, said)
