"""COMBINE archives: models, their simulations, our curves, study data and metadata in one file."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

import libcombine
import numpy as np
import xarray as xr

from bonecycle.analysis.simulation import simulate
from bonecycle.biology import catalogue
from bonecycle.biology.amounts import parse_duration
from bonecycle.biology.compose import compose
from bonecycle.biology.regimens import Regimen, parse_regimen
from bonecycle.errors import ModelError, UsageError, unknown
from bonecycle.exchange.annotations import CREATOR, LICENCE, TERMS, VERSION
from bonecycle.exchange.levels import Level
from bonecycle.exchange.sbml_export import Exported, export_sbml
from bonecycle.manifest import atomic_write
from bonecycle.studies.reader import load_studies, shipped_studies

DEFAULT_COURSES = {
    "untreated": "untreated",
    "alendronate": "alendronate 70 mg oral every 1 week for 3 years",
    "denosumab": "denosumab 60 mg sc every 6 months for 3 years",
    "zoledronate": "zoledronate 5 mg iv over 15 minutes every 12 months for 3 years",
}
_UNTREATED = {"untreated": "untreated"}
_OF_CYCLE = ("ES_BS", "OS_BS", "Ac_f", "CTX", "P1NP")
_OF_CELLS = ("Fo_R", "N_Oc", "Nc_Oc", "Oc_trench", "Oc_S_Rs")
_DEFAULT_OBSERVABLES = (*_OF_CYCLE, *_OF_CELLS)
SEDML = "simulations.sedml"
_NAME = re.compile(r"[a-z][a-z0-9_]*", re.IGNORECASE)
_STEPS_PER_YEAR = 48
_OMEX = "http://identifiers.org/combine.specifications/"
_CSV = "https://purl.org/NET/mediatypes/text/csv"
_MARKDOWN = "https://purl.org/NET/mediatypes/text/markdown"
_NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dcterms": "http://purl.org/dc/terms/",
    "vCard": "http://www.w3.org/2006/vcard/ns#",
    "bqbiol": "http://biomodels.net/biology-qualifiers/",
}


def export_omex(
    path: Path,
    courses: Mapping[str, str] | None = None,
    *,
    duration: str = "3 years",
    observables: Sequence[str] | None = None,
    model: str = "cycle",
    parameters: Mapping[str, float] | None = None,
    mechanisms: Sequence[str] = (),
    level: Level = Level.L3V2,
) -> dict[str, Exported]:
    """Write a COMBINE archive that other programs open and run.

    It holds an SBML file for every course, a SED-ML file with their time courses (a plot for each
    observable, a table for each course), the same curves as we simulate them, the data of studies
    with the drugs, and metadata.

    Parameters
    ----------
    path : Path
        Of the archive; replaced whole.
    courses : mapping of str to str, optional
        Regimens by the name of the course. None: untreated, alendronate, denosumab, zoledronate.
    duration : str
        Of every time course.
    observables : sequence of str
        Plotted and tabulated.
    model, parameters, mechanisms, level
        As in `export_sbml`; parameters that a course's model does not have are left out there.

    Returns
    -------
    dict of str to Exported
        Models by course.

    Raises
    ------
    UsageError, RegimenError, ModelError
        As `export_sbml`.
    """
    drugs = model not in catalogue.models() or catalogue.models()[model].drugs
    courses = (DEFAULT_COURSES if drugs else _UNTREATED) if courses is None else courses
    observables = default_observables(model) if observables is None else observables
    _check_names(courses, observables, model)
    plans = {name: parse_regimen(text, catalogue.routes()) for name, text in courses.items()}
    own = _parameters(plans, model, parameters or {})
    days = parse_duration(duration)
    steps = max(1, round(days / 365.25 * _STEPS_PER_YEAR))
    exported: dict[str, Exported] = {}
    content: dict[str, tuple[str, str]] = {}
    for name, plan in plans.items():
        exported[name] = export_sbml(
            plan, model=model, parameters=own[name], mechanisms=mechanisms, level=level
        )
        language = "sbml.level-{}.version-{}".format(*level.numbers)
        content[f"models/{name}.xml"] = (exported[name].sbml, f"{_OMEX}{language}")
        run = simulate(
            plan,
            duration=days,
            model=model,
            parameters=own[name],
            mechanisms=mechanisms,
            points=steps + 1,
            outputs=observables,
        )
        content[f"curves/{name}.csv"] = (_curves(run, days, steps), _CSV)
    content[SEDML] = (
        _sedml(exported, observables, days, steps),
        f"{_OMEX}sed-ml.level-1.version-3",
    )
    content |= _studies({drug for plan in plans.values() for drug in plan.drugs})
    content["README.md"] = (_readme(exported, days), _MARKDOWN)
    content["metadata.rdf"] = (_metadata(exported), f"{_OMEX}omex-metadata")
    atomic_write(path, _zipped(content))
    return exported


def default_observables(model: str) -> tuple[str, ...]:
    """Five observables of a model.

    Raises
    ------
    UsageError
        For an unknown model.
    """
    if model not in catalogue.models():
        raise unknown("model", model, catalogue.models())
    own = catalogue.observables_of(model)
    known = tuple(name for name in _DEFAULT_OBSERVABLES if name in own)
    return known[:5] or tuple(own)[:5]


def _check_names(courses: Mapping[str, str], observables: Sequence[str], model: str) -> None:
    if not courses or not observables:
        raise UsageError("An archive holds one course and one observable at least.")
    for name in observables:
        if name not in catalogue.observables_of(model):
            raise unknown("observable", name, catalogue.observables_of(model))
    if strange := [name for name in courses if not _NAME.fullmatch(name)]:
        raise UsageError(f"{', '.join(strange)}: name courses with letters, digits, underscores.")


def _parameters(
    plans: Mapping[str, Regimen], model: str, parameters: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """Parameter values by course: those that its model has."""
    everywhere = set(catalogue.parameters())
    everywhere |= {p.id for drug in catalogue.drugs().values() for p in drug.parameters}
    for name in parameters:
        if name not in everywhere:
            raise unknown("parameter", name, everywhere)
    known = {name: compose(model, plan.drugs).parameters for name, plan in plans.items()}
    return {
        course: {name: value for name, value in parameters.items() if name in own}
        for course, own in known.items()
    }


def _sedml(
    exported: Mapping[str, Exported], observables: Sequence[str], days: float, steps: int
) -> str:
    """Simulations of all courses; libsedml needs a process of its own, see `sedml`."""
    courses = []
    for name, e in exported.items():
        level, version = e.level.numbers
        course = {"id": name, "file": f"models/{name}.xml", "label": str(e.regimen)}
        courses.append(course | {"level": level, "version": version})
    request = {"courses": courses, "observables": list(observables), "days": days, "steps": steps}
    answer = subprocess.run(
        [sys.executable, "-m", "bonecycle.exchange.sedml"],
        input=json.dumps(request),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if answer.returncode:
        raise ModelError("SED-ML", answer.stderr.strip().rpartition("\n")[2])
    return answer.stdout


def _curves(run: xr.Dataset, days: float, steps: int) -> str:
    """Table of a simulation at the times of the SED-ML file."""
    wanted = run.sel(time=np.linspace(0.0, days, steps + 1), method="nearest")
    frame = wanted.to_dataframe().reset_index(drop=True).drop(columns="months")
    frame.insert(0, "months", wanted["months"].to_numpy())
    return str(frame.to_csv(index=False))


def _studies(drugs: Collection[str]) -> dict[str, tuple[str, str]]:
    """Tables of the shipped studies that gave one of the drugs."""
    giving = {
        study.name
        for study in load_studies(catalogue.observables())
        for row in study.observations
        if row.regimen is not None and set(row.regimen.drugs) & set(drugs)
    }
    return {
        f"data/{path.name}": (path.read_text(encoding="utf-8"), _CSV)
        for path in shipped_studies()
        if path.name.removesuffix(".csv") in giving
    }


def _readme(exported: Mapping[str, Exported], days: float) -> str:
    lines = [
        "# The bone remodeling cycle under drugs",
        "",
        f"Written by bonecycle {VERSION}. Open `{SEDML}` in a program that runs SED-ML; it "
        f"simulates {days:g} days of each model and draws them together.",
        "",
        *(f"- `models/{name}.xml`: {e.regimen}" for name, e in exported.items()),
        "- `curves/`: the same time courses as bonecycle simulates them, at the same times",
        "- `data/`: studies that gave the drugs; every number names its source",
        "",
        f"Models: Apache License 2.0, {LICENCE}. Data and parameter values of drugs: CC BY 4.0.",
        "",
    ]
    return "\n".join(lines)


def _metadata(exported: Mapping[str, Exported]) -> str:
    """OMEX metadata of the archive; that of libcombine 0.2 has no licence and escapes nothing."""
    for prefix, uri in _NAMESPACES.items():
        ElementTree.register_namespace(prefix, uri)
    root = ElementTree.Element(_tag("rdf:RDF"))
    about = ElementTree.SubElement(root, _tag("rdf:Description"), {_tag("rdf:about"): "."})
    regimens = "; ".join(str(e.regimen) for e in exported.values())
    title = "The bone remodeling cycle under drugs"
    for name, text in (
        ("dcterms:title", title),
        ("dcterms:description", f"{title}: time courses of {regimens}"),
    ):
        ElementTree.SubElement(about, _tag(name)).text = text
    for name, uri in (
        ("dcterms:license", LICENCE),
        ("bqbiol:hasTaxon", f"{TERMS}taxonomy:9606"),
        ("bqbiol:isVersionOf", f"{TERMS}GO:0046849"),
    ):
        ElementTree.SubElement(about, _tag(name), {_tag("rdf:resource"): uri})
    resource = {_tag("rdf:parseType"): "Resource"}
    creator = ElementTree.SubElement(about, _tag("dcterms:creator"), resource)
    ElementTree.SubElement(creator, _tag("vCard:organization-name")).text = CREATOR
    created = ElementTree.SubElement(about, _tag("dcterms:created"), resource)
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    ElementTree.SubElement(created, _tag("dcterms:W3CDTF")).text = now
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _tag(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{_NAMESPACES[prefix]}}}{local}"


def _zipped(content: Mapping[str, tuple[str, str]]) -> bytes:
    """Archive of texts by place, each with its format."""
    with TemporaryDirectory() as folder:
        archive = libcombine.CombineArchive()
        for number, (place, (text, form)) in enumerate(content.items()):
            source = Path(folder) / str(number)
            source.write_text(text, encoding="utf-8", newline="")
            if not archive.addFile(str(source), place, form, place == SEDML):
                raise ModelError("archive", f"libcombine does not take {place}")
        written = Path(folder) / "archive.omex"
        if not archive.writeToFile(str(written)):
            raise ModelError("archive", "libcombine cannot write it")
        return written.read_bytes()
