"""scipy's LSODA on the kernel's own compiled rates, started anew after every dose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from scipy.integrate import odeint

from benchmarks.cases import Arm
from benchmarks.competitors.interface import Run
from bonecycle.engines.interface import Floats
from bonecycle.engines.kernel.calls import call
from bonecycle.engines.kernel.rosenbrock import change


@njit(cache=True)
def _three(address: int, a: Any, b: Any, c: Any) -> None:
    call(address, (a.ctypes.data, b.ctypes.data, c.ctypes.data))


class Lsoda:
    name = "scipy LSODA"
    tolerances = (1e-5, 3e-6, 1e-6, 3e-7, 1e-7, 3e-8, 1e-8, 1e-9, 1e-10)
    sets = 2

    def prepare(self, arm: Arm, tolerance: float) -> Callable[[Floats], Floats]:
        kernel = arm.kernel
        compiled = kernel.single
        prepare, rates, outputs = (
            compiled.library.address(f"{name}_1") for name in ("prepare", "rates", "outputs")
        )
        changes = kernel._changes(arm.times[-1])
        stops = sorted({*arm.times, *changes.moments})

        def one(values: Floats) -> Floats:
            c = kernel.start_constants(compiled.code, 1)
            y = np.empty((compiled.code.n_states, 1))
            _three(prepare, np.ascontiguousarray(values[:, None]), c, y)
            rate, read = np.empty(len(y)), np.empty((compiled.code.n_outputs, 1))

            def slope(state: Floats, _: float) -> Floats:
                _three(rates, state, c, rate)
                return rate

            found, t, due = [], 0.0, 0
            for stop in stops:
                if stop > t:
                    y[:, 0] = odeint(
                        slope, y[:, 0], [t, stop], rtol=tolerance, atol=1e-14, mxstep=100_000
                    )[-1]
                    t = stop
                while due < len(changes.moments) and changes.moments[due] <= t:
                    span = (changes.first[due], changes.first[due + 1])
                    change(y, c, 0, span, changes.targets, changes.values)
                    due += 1
                if t in arm.times:
                    _three(outputs, y, c, read)
                    found.append(read[: len(arm.outputs), 0].copy())
            return np.array(found)

        return lambda sets: np.stack([one(values) for values in sets])

    def derivatives(self, arm: Arm, tolerance: float) -> dict[str, Run]:
        return {}
