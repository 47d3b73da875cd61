"""AMICI (CVODES with a sparse solver), models compiled from C++ into the user's cache folder."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import libsbml
import numpy as np
from platformdirs import user_cache_path

from benchmarks.cases import Arm
from benchmarks.competitors.interface import NotMeasured, Run
from bonecycle.engines.interface import Floats
from bonecycle.errors import SimulationError
from bonecycle.manifest import content_hash


class Amici:
    name = "AMICI"
    tolerances = (1e-5, 3e-6, 1e-6, 3e-7, 1e-7, 3e-8, 1e-8, 1e-9, 1e-10)
    sets = 4

    def prepare(self, arm: Arm, tolerance: float) -> Callable[[Floats], Floats]:
        sundials, model, solver = _loaded(arm, tolerance)

        def one(values: Floats) -> Floats:
            _set(model, arm, values)
            found = sundials.run_simulation(model, solver)
            if found.status != sundials.AMICI_SUCCESS:
                raise SimulationError(arm.name, arm.name, {}, f"AMICI ends with {found.status}")
            return np.array(found.y)

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


def _set(model: Any, arm: Arm, values: Floats) -> None:
    for name, value in zip(arm.parameters, values, strict=True):
        model.set_free_parameter_by_id(name, float(value))


def _loaded(arm: Arm, tolerance: float) -> tuple[Any, Any, Any]:
    try:
        import amici
        import amici.sim.sundials as sundials
        from amici.importers.sbml import SbmlImporter
    except ImportError as error:
        raise NotMeasured(f"not installed ({error})") from error
    key = content_hash(arm.sbml, *arm.parameters, *arm.outputs, amici.__version__)
    name = f"bonecycle_{key[:16]}"
    folder = user_cache_path("bonecycle") / "amici" / name
    if not (folder / "built").exists():
        SbmlImporter(arm.sbml, from_file=False).sbml2amici(
            name,
            folder,
            fixed_parameters=_fixed(arm),
            observation_model=[
                amici.MeasurementChannel(f"y_{output}", formula=output, sigma=1.0)
                for output in arm.outputs
            ],
            verbose=logging.ERROR,
            # Simplifying the shared parts of this model takes longer than anything else.
            simplify=None,
            compute_conservation_laws=False,
        )
        (folder / "built").touch()
    model = amici.import_model_module(name, folder).get_model()
    model.set_timepoints(list(arm.times))
    solver = model.create_solver()
    solver.set_relative_tolerance(tolerance)
    solver.set_absolute_tolerance(1e-14)
    solver.set_max_steps(10_000_000)
    return sundials, model, solver


def _fixed(arm: Arm) -> list[str]:
    """Constants that are not varied: no derivatives by them are compiled."""
    model = libsbml.readSBMLFromString(arm.sbml).getModel()
    return [
        p.getId()
        for p in model.getListOfParameters()
        if p.getConstant()
        and p.getId() not in arm.parameters
        and model.getInitialAssignmentBySymbol(p.getId()) is None
    ]
