"""What a problem stands on: the cycle, alone or coupled, cells, metastasis, or one's own model."""

from __future__ import annotations

from pathlib import Path

from bonecycle.errors import UsageError
from bonecycle.problem.arms import Setting
from bonecycle.problem.cells import MODEL, cells_setting
from bonecycle.problem.cycle import cycle_setting, has_cycle
from bonecycle.problem.metastasis import MODEL as METASTASIS
from bonecycle.problem.metastasis import metastasis_setting
from bonecycle.problem.own_model import own_setting
from bonecycle.problem.spec import ProblemSpec

PETAB = (".yaml", ".yml")


def make_setting(spec: ProblemSpec) -> Setting:
    """Set up what a spec asks for.

    Raises
    ------
    UsageError
        For a mapping table without a model of one's own, or such a model without a table.
    """
    if not spec.model:
        if spec.map:
            raise UsageError(f"{spec.map} maps a model: name the model too.")
        return cycle_setting(spec)
    if spec.model == METASTASIS:
        return metastasis_setting(spec)
    if has_cycle(spec.model):
        return cycle_setting(spec)
    if spec.model == MODEL:
        return cells_setting(spec)
    if Path(spec.model).suffix.lower() in PETAB:
        # petab takes a second to import, and only such problems need it.
        from bonecycle.problem.petab_plain import petab_setting

        return petab_setting(spec)
    if not spec.map:
        raise UsageError(f"{spec.model}: a table that maps its variables to observables is needed.")
    return own_setting(spec)
