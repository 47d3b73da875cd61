"""Which engine simulates a model: the generated kernel where it can, else libroadrunner."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from bonecycle.engines.interface import Engine


class EngineName(StrEnum):
    """Engines that can be asked for."""

    KERNEL = "kernel"
    ROADRUNNER = "roadrunner"


def make_engine(
    name: EngineName,
    sbml: str,
    parameters: Sequence[str],
    outputs: Sequence[str],
    model: str,
    arm: str,
) -> tuple[Engine, str]:
    """Load a model into an engine.

    Returns
    -------
    engine : Engine
    notice : str
        Why libroadrunner simulates although the kernel was asked for; "" otherwise.
    """
    # numba and roadrunner are slow to import: only where they are used.
    if name is EngineName.KERNEL:
        from bonecycle.engines.kernel.engine import KernelEngine
        from bonecycle.engines.kernel.events import NotSupportedError
        from bonecycle.engines.kernel.verification import RefusedError, verify

        try:
            kernel = KernelEngine(sbml, parameters, outputs, model, arm)
            verify(kernel, sbml)
            return kernel, ""
        except (NotSupportedError, RefusedError) as error:
            notice = f"{model}, {arm}: roadrunner is used, the kernel does not take it ({error})"
    else:
        notice = ""
    from bonecycle.engines.event_limit import with_event_limit
    from bonecycle.engines.roadrunner import RoadRunnerEngine

    limited = with_event_limit(sbml)
    return RoadRunnerEngine(limited, parameters, outputs, model, arm), notice
