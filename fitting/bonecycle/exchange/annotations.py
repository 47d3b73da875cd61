"""What an exported model says of itself: terms, taxon, licence, version, hashes, sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from html import escape
from importlib import metadata

import libsbml

from bonecycle.manifest import content_hash

VERSION = metadata.version("bonecycle")
TERMS = "https://identifiers.org/"
LICENCE = "https://spdx.org/licenses/Apache-2.0.html"
CREATOR = "The bonecycle authors"
NAMESPACE = "urn:bonecycle:model"
_SBO_CONTINUOUS = 293  # non-spatial continuous framework
# Checked in the ontologies: Homo sapiens; bone remodeling; trabecular bone tissue.
_MODEL_TERMS = (
    (libsbml.BQB_HAS_TAXON, "taxonomy:9606"),
    (libsbml.BQB_IS_VERSION_OF, "GO:0046849"),
    (libsbml.BQB_OCCURS_IN, "UBERON:0002483"),
)
# By the beginning of a reaction's id, that is by its module. Bone resorption; bone remodeling.
_REACTION_TERMS = {"resorption_": "GO:0045453", "": "GO:0046849"}
_UNSEALED = "0" * 64
_SEAL = re.compile(r'(<bonecycle:provenance [^>]*contentHash=")([0-9a-f]{64})(")')


def annotate(sbml: str, provenance: Mapping[str, str], sources: Iterable[str]) -> str:
    """Return a model that says what it is, where it comes from and what it holds.

    Parameters
    ----------
    sbml : str
        SBML of any level.
    provenance : mapping of str to str
        Attributes of the `provenance` element: letters only in their names.
    sources : iterable of str
        Sources of the parameters.
    """
    document = libsbml.readSBMLFromString(sbml)
    model = document.getModel()
    model.setMetaId("meta_model")
    model.setSBOTerm(_SBO_CONTINUOUS)
    for qualifier, term in _MODEL_TERMS:
        _identify(model, qualifier, term)
    for reaction in model.getListOfReactions():
        term = next(t for start, t in _REACTION_TERMS.items() if reaction.getId().startswith(start))
        reaction.setMetaId(f"meta_{reaction.getId()}")
        _identify(reaction, libsbml.BQB_IS_PART_OF, term)
    facts = {"version": VERSION, "licence": LICENCE, "creator": CREATOR} | dict(provenance)
    written = " ".join(f'{name}="{escape(value)}"' for name, value in facts.items())
    model.appendAnnotation(
        f'<bonecycle:provenance xmlns:bonecycle="{NAMESPACE}" {written} contentHash="{_UNSEALED}"/>'
    )
    model.setNotes(_notes(facts, sources))
    return seal(str(libsbml.writeSBMLToString(document)))


def seal(text: str) -> str:
    """Write the hash of a file into the file: SHA-256 with zeros where the hash stands."""
    plain = _SEAL.sub(rf"\g<1>{_UNSEALED}\g<3>", text)
    return _SEAL.sub(rf"\g<1>{content_hash(plain)}\g<3>", plain)


def is_sealed(text: str) -> bool:
    """Whether a file is as it was exported."""
    return _SEAL.search(text) is not None and seal(text) == text


def _identify(element: libsbml.SBase, qualifier: int, term: str) -> None:
    cv = libsbml.CVTerm(libsbml.BIOLOGICAL_QUALIFIER)
    cv.setBiologicalQualifierType(qualifier)
    cv.addResource(TERMS + term)
    element.addCVTerm(cv)


def _notes(facts: Mapping[str, str], sources: Iterable[str]) -> str:
    paragraphs = [
        "The bone remodeling cycle of human iliac cancellous bone as fractions of the bone "
        f"surface, by bonecycle {facts['version']}. Time is in days. Drugs in the model: "
        f"{facts['drugs']}. Doses: {facts['regimen']}. Mechanisms turned on: "
        f"{facts['mechanisms']}. Changed parameters: {facts['parameters']}.",
        "The model starts at its untreated steady state, worked out from the parameters: after a "
        "change of a parameter it starts at the new steady state. Names, units, meaning and "
        "source stand with every parameter and observable.",
        f"By {facts['creator']}. Models and code: Apache License 2.0 ({facts['licence']}). "
        "Parameter values of the drugs: CC BY 4.0.",
        f"Sources of parameter values: {'; '.join(sources)}.",
    ]
    body = "".join(f"<p>{escape(paragraph, quote=False)}</p>" for paragraph in paragraphs)
    return f'<body xmlns="http://www.w3.org/1999/xhtml">{body}</body>'
