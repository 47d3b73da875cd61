"""COPASI (LSODA) through copasi-basico."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.cases import Arm
from benchmarks.competitors.interface import NotMeasured, Run
from bonecycle.engines.interface import Floats


class Copasi:
    name = "COPASI"
    tolerances = (1e-6, 1e-7, 1e-8, 1e-9, 1e-10)
    sets = 2

    def prepare(self, arm: Arm, tolerance: float) -> Callable[[Floats], Floats]:
        try:
            import basico
            import COPASI
        except ImportError as error:
            raise NotMeasured(f"not installed ({error})") from error
        source = basico.load_model_from_string(arm.sbml)
        model = source.getModel()
        quantities = {q.getSBMLId(): q for q in model.getModelValues()}
        chosen = [quantities[name] for name in arm.parameters]

        def one(values: Floats) -> Floats:
            changed = COPASI.ObjectStdVector()
            for quantity, value in zip(chosen, values, strict=True):
                quantity.setInitialValue(float(value))
                changed.append(quantity.getInitialValueReference())
            model.updateInitialValues(changed)
            table = basico.run_time_course(
                values=list(arm.times),
                use_sbml_id=True,
                r_tol=tolerance,
                a_tol=1e-14,
                max_steps=1_000_000,
                update_model=False,
                model=source,
            )
            return np.asarray(table[list(arm.outputs)], dtype=float)

        return lambda sets: np.stack([one(values) for values in sets])

    def derivatives(self, arm: Arm, tolerance: float) -> dict[str, Run]:
        return {}
