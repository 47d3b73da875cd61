"""Models of the bone remodeling cycle, their simulation and their fit to data.

The names below are loaded when they are first used, so that importing the package is quick.
Figures are in `bonecycle.show`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bonecycle.analysis.curves import fitted_curves, fitted_parameters
    from bonecycle.analysis.simulation import (
        averaging_difference,
        dosed_model,
        relative,
        simulate,
    )
    from bonecycle.biology.compose import Model, compose
    from bonecycle.biology.dosing import Dosing
    from bonecycle.biology.regimens import Regimen, parse_regimen
    from bonecycle.biology.treatments import At, Every, Route, Treatment
    from bonecycle.errors import BonecycleError
    from bonecycle.inference.least_squares import Fit, fit
    from bonecycle.inference.summary import mechanism_table, parameter_table, target_table
    from bonecycle.problem.problem import Problem, ProblemSpec, load_problem
    from bonecycle.studies.regimen_table import read_regimens

__version__ = "0.1.0"

__all__ = [
    "At",
    "BonecycleError",
    "Dosing",
    "Every",
    "Fit",
    "Model",
    "Problem",
    "ProblemSpec",
    "Regimen",
    "Route",
    "Treatment",
    "__version__",
    "averaging_difference",
    "compose",
    "dosed_model",
    "fit",
    "fitted_curves",
    "fitted_parameters",
    "load_problem",
    "mechanism_table",
    "parameter_table",
    "parse_regimen",
    "read_regimens",
    "relative",
    "simulate",
    "target_table",
]

_HOMES = {
    "At": "biology.treatments",
    "BonecycleError": "errors",
    "Dosing": "biology.dosing",
    "Every": "biology.treatments",
    "Fit": "inference.least_squares",
    "Model": "biology.compose",
    "Problem": "problem.problem",
    "ProblemSpec": "problem.problem",
    "Regimen": "biology.regimens",
    "Route": "biology.treatments",
    "Treatment": "biology.treatments",
    "averaging_difference": "analysis.simulation",
    "compose": "biology.compose",
    "dosed_model": "analysis.simulation",
    "fit": "inference.least_squares",
    "fitted_curves": "analysis.curves",
    "fitted_parameters": "analysis.curves",
    "load_problem": "problem.problem",
    "mechanism_table": "inference.summary",
    "parameter_table": "inference.summary",
    "parse_regimen": "biology.regimens",
    "read_regimens": "studies.regimen_table",
    "relative": "analysis.simulation",
    "simulate": "analysis.simulation",
    "target_table": "inference.summary",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
