"""The SBML files that come with the package: the cycle, alone and with each drug."""

from __future__ import annotations

from importlib.resources import files

from bonecycle.biology import catalogue
from bonecycle.exchange.sbml_export import export_sbml


def compiled_models() -> dict[str, str]:
    """SBML of every released model by file name, as the sources give it now.

    No dose is given and no mechanism is on: their strengths are parameters that stand at zero.
    """
    return {
        f"{'_with_'.join((model, *drugs))}.xml": export_sbml(model=model, drugs=drugs).sbml
        for model in catalogue.models()
        for drugs in ((), *(((drug,) for drug in catalogue.drugs()) if model == "cycle" else ()))
    }


def released_models() -> dict[str, str]:
    """SBML of every released model by file name, as the package holds it."""
    folder = files("bonecycle_models") / "released"
    return {
        path.name: path.read_text(encoding="utf-8")
        for path in sorted(folder.iterdir(), key=lambda item: item.name)
        if path.name.endswith(".xml")
    }
