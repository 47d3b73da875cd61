"""AMICI (CVODES with a sparse solver), models compiled from C++ into the user's cache folder.

AMICI writes every initial assignment out to the end, and those of the closed-form baseline stand on
each other: its import of the model does not end. It gets the model with numbers in their place, and
the numbers of every parameter set; so its derivatives leave out what goes through the start, which
spares it time. Every dose is an event of its own: AMICI gives one dose too many where an event
reschedules itself. The import has a time limit.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from platformdirs import user_cache_path

from benchmarks.cases import Arm
from benchmarks.competitors.interface import NotMeasured, Run
from bonecycle.engines.initial_values import InitialValues
from bonecycle.engines.interface import Floats
from bonecycle.manifest import content_hash

_BUILD_SECONDS, _RUN_SECONDS = 1200.0, 60.0


class Amici:
    name = "AMICI"
    tolerances = (1e-5, 3e-6, 1e-6, 3e-7, 1e-7, 3e-8, 1e-8, 1e-9, 1e-10)
    sets = 4

    def prepare(self, arm: Arm, tolerance: float) -> Callable[[Floats], Floats]:
        sundials, model, solver = _loaded(arm, tolerance)

        shape = len(arm.times), len(arm.outputs)

        def one(values: Floats) -> Floats:
            _set(model, arm, values)
            found = sundials.run_simulation(model, solver)
            # A set fails at a loose tolerance and not at a tighter one: that counts as its error.
            done = found.status == sundials.AMICI_SUCCESS
            return np.array(found.y) if done else np.full(shape, np.nan)

        return lambda sets: np.stack([one(values) for values in sets])

    def derivatives(self, arm: Arm, tolerance: float) -> dict[str, Run]:
        sundials, model, solver = _loaded(arm, tolerance)
        model.set_parameter_list([model.get_free_parameter_ids().index(p) for p in arm.parameters])
        solver.set_sensitivity_order(sundials.SensitivityOrder.first)
        _set(model, arm, arm.sets[0])
        observed = sundials.ExpData(sundials.run_simulation(model, solver), 1.0, 0.0)

        def run(method: Any) -> Run:
            def timed(sets: Floats) -> object:
                solver.set_sensitivity_method(method)
                _set(model, arm, sets[0])
                found = sundials.run_simulation(model, solver, observed)
                if found.status != sundials.AMICI_SUCCESS:
                    raise NotMeasured(f"AMICI ends with {found.status}")
                return found

            return timed

        return {
            "jacobian": run(sundials.SensitivityMethod.forward),
            "adjoint gradient": run(sundials.SensitivityMethod.adjoint),
        }


@cache
def _initial(explicit: Callable[[], str]) -> InitialValues:
    return InitialValues(explicit())


def _set(model: Any, arm: Arm, values: Floats) -> None:
    given = dict(zip(arm.parameters, map(float, values), strict=True))
    worked_out = _initial(arm.explicit).values(given)
    for name, value in given.items():
        model.set_free_parameter_by_id(name, value)
    states = list(model.get_state_ids())
    start = np.array(model.get_initial_state())
    for name, value in worked_out.items():
        if name in states:
            start[states.index(name)] = value
        else:
            model.set_fixed_parameter_by_id(name, value)
    model.set_initial_state(start.tolist())


def _loaded(arm: Arm, tolerance: float) -> tuple[Any, Any, Any]:
    try:
        import amici.sim.sundials as sundials
    except ImportError as error:
        raise NotMeasured(f"not installed ({error})") from error
    model = built_model(_initial(arm.explicit).plain_sbml, arm.parameters, arm.outputs)
    model.set_timepoints(list(arm.times))
    solver = model.create_solver()
    solver.set_relative_tolerance(tolerance)
    solver.set_absolute_tolerance(1e-14)
    solver.set_max_steps(10_000_000)
    solver.set_max_time(_RUN_SECONDS)
    return sundials, model, solver


def built_model(plain: str, parameters: Sequence[str], outputs: Sequence[str]) -> Any:
    """Model of AMICI, compiled once; without parameters it has no derivatives.

    Parameters
    ----------
    plain : str
        SBML with one event a dose and numbers in place of initial assignments.
    parameters, outputs : sequence of str
        What is set, and what is observed, in this order.

    Raises
    ------
    NotMeasured
        When it cannot be built in time.
    """
    import amici
    import amici.sim.sundials  # or it cannot import models (AMICI-dev/AMICI pull request 3200)

    key = content_hash(plain, *parameters, "", *outputs, amici.__version__)
    name = f"bonecycle_{key[:16]}"
    folder = user_cache_path("bonecycle") / "amici" / name
    if not (folder / "built").exists():
        # What an earlier attempt left would be built upon.
        shutil.rmtree(folder, ignore_errors=True)
        build = [sys.executable, "-m", f"{__name__}_build", name, str(folder)]
        _within(_BUILD_SECONDS, build, json.dumps([plain, parameters, outputs]))
        (folder / "built").touch()
    return amici.import_model_module(name, folder).get_model()


def _within(seconds: float, command: list[str], given: str) -> None:
    """Run a command with its children, and end them all when the time is over."""
    # AMICI's own SWIG stands beside the interpreter: what another version makes does not fit it.
    tools = str(Path(sys.executable).parent)
    process = subprocess.Popen(
        command,
        env={**os.environ, "PATH": os.pathsep.join([tools, os.environ.get("PATH", "")])},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    try:
        _, fault = process.communicate(given, timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise NotMeasured(f"its import did not end within {seconds:g} s") from None
    if process.returncode:
        last = (fault.strip().splitlines() or ["no message"])[-1]
        raise NotMeasured(f"its import ends with {process.returncode} ({last})")
