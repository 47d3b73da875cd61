"""Where the time of one step goes: `python -m benchmarks.step`.

Every generated function of the kernel is called by its address, as a step calls it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from time import perf_counter

import numpy as np

from benchmarks.cases import one_regimen
from bonecycle.engines.interface import Floats
from bonecycle.engines.kernel.compiled import compiled
from bonecycle.engines.kernel.library import Library
from bonecycle.engines.kernel.tableau import STAGES

LANES = 8
_CALLS, _ROUNDS = 500, 200


def main() -> None:
    """Print microseconds of a step of eight lanes, and the share of each of its parts."""
    arm = one_regimen("zoledronate", "zoledronate 5 mg iv every 1 year for 2 years", 3).arms[0]
    code = compiled(arm.undosed, arm.parameters, arm.outputs, LANES)
    layout, library = code.code, code.library

    def room(rows: int) -> Floats:
        return np.zeros((rows, LANES))

    states, constants = room(layout.n_states), room(layout.n_constants)
    rates, jacobian = room(layout.n_states), room(layout.n_jacobian)
    factors, argument = room(layout.n_factors), room(layout.n_states)
    stages, shift = room(STAGES * layout.n_states), np.full((1, LANES), 1.0)
    inverse, smallest = np.full((1, LANES), 1.0), np.full((1, LANES), 0.0)
    _call(library, "prepare", np.repeat(arm.sets[:1].T, LANES, axis=1), constants, states)
    _call(library, "jacobian", states, constants, rates, jacobian)
    _call(library, "factor", jacobian, shift, factors, smallest)
    whole = (states, constants, inverse, argument, stages, rates, jacobian, factors, shift)
    parts = {
        "Jacobian and rates": (1, "jacobian", (states, constants, rates, jacobian)),
        "factorization": (1, "factor", (jacobian, shift, factors, smallest)),
        "substitutions": (STAGES, "solve", (factors, rates)),
        "rates of the later stages": (STAGES - 1, "rates", (states, constants, rates)),
    }
    step = _microseconds(library, "step", (*whole, smallest))
    print(f"a step of {LANES} lanes, {layout.n_states} states: {step:.1f} microseconds")
    rest = step
    for name, (times, function, arrays) in parts.items():
        own = times * _microseconds(library, function, arrays)
        rest -= own
        print(f"{name}: {own:.1f} ({own / step:.0%})")
    print(f"sums over stages and calls: {rest:.1f} ({rest / step:.0%})")


def _call(library: Library, name: str, *arrays: Floats) -> None:
    _function(library.address(f"{name}_{LANES}"), len(arrays))(*(a.ctypes.data for a in arrays))


def _function(address: int, arguments: int) -> Callable[..., None]:
    return ctypes.CFUNCTYPE(None, *[ctypes.c_int64] * arguments)(address)


def _microseconds(library: Library, name: str, arrays: Sequence[Floats]) -> float:
    """Of one call, less what calling from Python takes; the least of some rounds."""
    places = [ctypes.c_int64(array.ctypes.data) for array in arrays]
    nothing = ctypes.cast(ctypes.CDLL(None).abs, ctypes.c_void_p).value or 0
    addresses = (library.address(f"{name}_{LANES}"), nothing)
    functions = [_function(address, len(arrays)) for address in addresses]
    least = [np.inf, np.inf]
    for _ in range(_ROUNDS):
        for i, function in enumerate(functions):
            start = perf_counter()
            for _ in range(_CALLS):
                function(*places)
            least[i] = min(least[i], perf_counter() - start)
    return 1e6 * (least[0] - least[1]) / _CALLS


if __name__ == "__main__":
    main()
