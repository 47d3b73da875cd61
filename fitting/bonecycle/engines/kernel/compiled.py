"""Generated code of a model, loaded once a process, generated once a machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bonecycle.cache import kept, kept_json
from bonecycle.engines.kernel.description import generator, read
from bonecycle.engines.kernel.library import Library, assembled, compiler
from bonecycle.engines.kernel.model_code import Layout, ModelCode, batch_code, single_code
from bonecycle.manifest import content_hash

_SIMULATION = ("prepare", "step", "outputs")
_DERIVATIVES = (
    "try_step",
    "turn",
    "differentiate",
    "initial_gradient",
    "output_gradient",
    "multiply_output",
    "extended",
)


@dataclass(frozen=True)
class Compiled:
    """Code of one width, with the addresses of its functions; the library has to outlive them."""

    code: Layout
    library: Library
    functions: NDArray[np.int64]

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Outputs, entries of the Jacobian and of its factors."""
        return (self.code.n_outputs, self.code.n_jacobian, self.code.n_factors)


def code_key(sbml: str, parameters: tuple[str, ...], outputs: tuple[str, ...], width: int) -> str:
    """Content hash of everything that generated code follows from."""
    return content_hash(
        generator(), sbml, str(width), "parameters", *parameters, "outputs", *outputs
    )


@cache
def compiled(
    sbml: str, parameters: tuple[str, ...], outputs: tuple[str, ...], width: int
) -> Compiled:
    """Code of a model without events, for one set (width 1) or lanes of them."""

    @cache
    def generated() -> ModelCode:
        generate = single_code if width == 1 else batch_code
        return generate(read(sbml, parameters), parameters, outputs)

    key = code_key(sbml, parameters, outputs, width)
    found = kept_json("layouts", key, lambda: _summary(generated()))
    # By the assembly: a change of the generator that leaves it as it was costs no compilation.
    code = kept(
        "machine-code",
        content_hash(found["assembly"], compiler()),
        lambda: assembled(generated().assembly),
    )
    library = Library(code)
    names = [f"{name}_{width}" for name in _SIMULATION]
    if width == 1:
        names += _DERIVATIVES
    addresses = np.array([library.address(name) for name in names], dtype=np.int64)
    return Compiled(Layout(**found["layout"]), library, addresses)


def _summary(code: ModelCode) -> dict[str, Any]:
    return {"layout": asdict(code.layout), "assembly": content_hash(code.assembly)}
