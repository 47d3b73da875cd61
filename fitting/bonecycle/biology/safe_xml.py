"""XML from strangers, looked through before any other library reads it.

No entity is expanded and no other file or address is opened. Size, number and nesting of elements
are limited, so that a hostile file is refused within seconds.
"""

from __future__ import annotations

from pathlib import Path
from xml.parsers import expat

from bonecycle.errors import ModelError

MAX_BYTES = 20_000_000
"""Largest file; the largest SBML models in use have about this size."""
MAX_ELEMENTS = 200_000
MAX_DEPTH = 200
"""Deepest nesting: other parsers call themselves once a level."""


def read_bytes(path: Path) -> bytes:
    """Return what a file holds.

    Raises
    ------
    ModelError
        When it cannot be read or is larger than `MAX_BYTES`.
    """
    try:
        if not path.is_file():
            raise ModelError(str(path), "is no file: check the path")
        with path.open("rb") as handle:
            content = handle.read(MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(str(path), f"cannot be read: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise ModelError(str(path), f"is larger than {MAX_BYTES // 1_000_000} MB: not read")
    return content


def check_xml(name: str, content: bytes, root: str) -> None:
    """Look through XML once.

    Parameters
    ----------
    name : str
        Name of the file, for messages.
    content : bytes
    root : str
        Name that the outermost element must have.

    Raises
    ------
    ModelError
        For XML that is not well formed, declares a document type or entities, is larger than the
        limits of this module, or has another root.
    """
    parser = expat.ParserCreate(namespace_separator=" ")
    depth = count = 0

    def refuse(reason: str) -> None:
        raise ModelError(name, reason, parser.CurrentLineNumber)

    def start(element: str, _attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if count == 1 and element.rpartition(" ")[2] != root:
            refuse(f"begins with <{element.rpartition(' ')[2]}> and not with <{root}>")
        if count > MAX_ELEMENTS:
            refuse(f"holds more than {MAX_ELEMENTS} elements: not read")
        if depth > MAX_DEPTH:
            refuse(f"elements are nested more than {MAX_DEPTH} deep: not read")

    def end(_element: str) -> None:
        nonlocal depth
        depth -= 1

    def declared(*_: object) -> None:
        refuse("declares a document type or entities, which may expand or open other files: remove")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = declared
    parser.EntityDeclHandler = declared
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        reason = f"is not whole or not XML: {expat.ErrorString(error.code)}"
        raise ModelError(name, reason, error.lineno) from error
    except (ValueError, LookupError) as error:
        raise ModelError(name, f"its encoding cannot be read: {error}") from error
