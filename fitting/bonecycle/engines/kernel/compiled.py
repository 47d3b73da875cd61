"""Generated code of a model, compiled once a process and shared by its regimens."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from bonecycle.engines.kernel.library import Library, load
from bonecycle.engines.kernel.model_code import ModelCode, batch_code, single_code
from bonecycle.engines.kernel.reading import System, read_system

_SIMULATION = ("prepare", "step", "outputs")
_DERIVATIVES = (
    "try_step",
    "differentiate",
    "initial_gradient",
    "output_gradient",
    "multiply_output",
    "extended",
)


@dataclass(frozen=True)
class Compiled:
    """Code of one width, with the addresses of its functions; the library has to outlive them."""

    code: ModelCode
    library: Library
    functions: NDArray[np.int64]

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Outputs, entries of the Jacobian and of its factors."""
        return (self.code.n_outputs, self.code.n_jacobian, self.code.n_factors)


@cache
def read(sbml: str, parameters: tuple[str, ...]) -> System:
    """Read a model without events."""
    return read_system(sbml, parameters)


@cache
def compiled(
    sbml: str, parameters: tuple[str, ...], outputs: tuple[str, ...], width: int
) -> Compiled:
    """Generate and compile a model without events, one set (width 1) or lanes of them."""
    generate = single_code if width == 1 else batch_code
    code = generate(read(sbml, parameters), parameters, outputs)
    library = load(code.assembly)
    names = [f"{name}_{width}" for name in _SIMULATION]
    if width == 1:
        names += _DERIVATIVES
    addresses = np.array([library.address(name) for name in names], dtype=np.int64)
    return Compiled(code, library, addresses)
