"""What an engine knows of a model without generating anything, kept from an earlier time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from bonecycle.cache import kept_json, program
from bonecycle.engines.interface import Floats
from bonecycle.engines.kernel.library import compiler
from bonecycle.engines.kernel.reading import System, read_system
from bonecycle.manifest import content_hash


@dataclass(frozen=True)
class Description:
    """Names and numbers of a model, see `reading.System`.

    Attributes
    ----------
    states, species : tuple of str
    parameters, discrete : dict of str to float
    variables : frozenset of str
        Everything that can be an output.
    stoichiometry : ndarray, shape (n_species, n_reactions)
    chooses : bool
        Whether a rate chooses by something that changes.
    """

    states: tuple[str, ...]
    species: tuple[str, ...]
    parameters: dict[str, float]
    discrete: dict[str, float]
    variables: frozenset[str]
    stoichiometry: Floats
    chooses: bool


def generator() -> str:
    """Content hash of all that turns SBML into machine code: these modules and the compiler."""
    return content_hash(program(__file__), compiler())


@cache
def read(sbml: str, parameters: tuple[str, ...]) -> System:
    """Read a model without events; see `reading.read_system`."""
    return read_system(sbml, parameters)


@cache
def describe(sbml: str, parameters: tuple[str, ...]) -> Description:
    """Describe a model without events.

    Raises
    ------
    NotSupportedError
        See `reading.read_system`.
    """
    key = content_hash(generator(), sbml, *parameters)
    found = kept_json("descriptions", key, lambda: _described(sbml, parameters))
    return Description(
        states=tuple(found["states"]),
        species=tuple(found["species"]),
        parameters=found["parameters"],
        discrete=found["discrete"],
        variables=frozenset(found["variables"]),
        stoichiometry=np.array(found["stoichiometry"]).reshape(found["shape"]),
        chooses=found["chooses"],
    )


def _described(sbml: str, parameters: tuple[str, ...]) -> dict[str, Any]:
    system = read(sbml, parameters)
    return {
        "states": system.states,
        "species": system.species,
        "parameters": system.parameters,
        "discrete": system.discrete,
        "variables": list(system.variables),
        "stoichiometry": system.stoichiometry.tolist(),
        "shape": system.stoichiometry.shape,
        "chooses": system.graph.chooses(),
    }
