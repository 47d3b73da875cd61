"""Models of the bone remodeling cycle, their simulation and their fit to data.

The names below are loaded when they are first used, so that importing the package is quick.
Figures are in `bonecycle.show`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bonecycle.analysis.curves import fitted_curves, fitted_parameters
    from bonecycle.analysis.cycle_responses import Measure, cycle_response
    from bonecycle.analysis.draws import Draws, laplace_draws, posterior_draws
    from bonecycle.analysis.population import correlation_table, simulate_population
    from bonecycle.analysis.prediction import predict, prediction_table
    from bonecycle.analysis.screening import screen
    from bonecycle.analysis.sensitivity_local import local_sensitivities
    from bonecycle.analysis.simulation import (
        averaging_difference,
        dosed_model,
        relative,
        simulate,
    )
    from bonecycle.analysis.sobol import sobol_indices
    from bonecycle.analysis.user_model import simulate_model
    from bonecycle.analysis.validation import validation_table
    from bonecycle.analysis.virtual_biopsy import virtual_biopsies
    from bonecycle.biology.compose import Model, compose
    from bonecycle.biology.dosing import Dosing
    from bonecycle.biology.regimens import Regimen, parse_regimen
    from bonecycle.biology.treatments import (
        At,
        Every,
        Route,
        Treatment,
    )
    from bonecycle.errors import BonecycleError
    from bonecycle.exchange.omex import export_omex
    from bonecycle.exchange.petab_export import export_petab
    from bonecycle.exchange.sbml_export import export_sbml
    from bonecycle.inference.least_squares import Fit, fit
    from bonecycle.inference.posterior import read_posterior, theta_draws
    from bonecycle.inference.posterior_results import write_posterior_results
    from bonecycle.inference.sampling import Sample, sample
    from bonecycle.inference.summary import mechanism_table, parameter_table, target_table
    from bonecycle.problem.problem import Problem, ProblemSpec, load_problem
    from bonecycle.show.run_report import write_report
    from bonecycle.studies.regimen_table import read_regimens

__version__ = "0.1.0"

__all__ = [
    "At",
    "BonecycleError",
    "Dosing",
    "Draws",
    "Every",
    "Fit",
    "Measure",
    "Model",
    "Problem",
    "ProblemSpec",
    "Regimen",
    "Route",
    "Sample",
    "Treatment",
    "__version__",
    "averaging_difference",
    "compose",
    "correlation_table",
    "cycle_response",
    "dosed_model",
    "export_omex",
    "export_petab",
    "export_sbml",
    "fit",
    "fitted_curves",
    "fitted_parameters",
    "laplace_draws",
    "load_problem",
    "local_sensitivities",
    "mechanism_table",
    "parameter_table",
    "parse_regimen",
    "posterior_draws",
    "predict",
    "prediction_table",
    "read_posterior",
    "read_regimens",
    "relative",
    "sample",
    "screen",
    "simulate",
    "simulate_model",
    "simulate_population",
    "sobol_indices",
    "target_table",
    "theta_draws",
    "validation_table",
    "virtual_biopsies",
    "write_posterior_results",
    "write_report",
]

_HOMES = {
    "At": "biology.treatments",
    "BonecycleError": "errors",
    "Dosing": "biology.dosing",
    "Draws": "analysis.draws",
    "Every": "biology.treatments",
    "Fit": "inference.least_squares",
    "Measure": "analysis.cycle_responses",
    "Model": "biology.compose",
    "Problem": "problem.problem",
    "ProblemSpec": "problem.problem",
    "Regimen": "biology.regimens",
    "Route": "biology.treatments",
    "Sample": "inference.sampling",
    "Treatment": "biology.treatments",
    "averaging_difference": "analysis.simulation",
    "compose": "biology.compose",
    "correlation_table": "analysis.population",
    "cycle_response": "analysis.cycle_responses",
    "dosed_model": "analysis.simulation",
    "export_omex": "exchange.omex",
    "export_petab": "exchange.petab_export",
    "export_sbml": "exchange.sbml_export",
    "fit": "inference.least_squares",
    "fitted_curves": "analysis.curves",
    "fitted_parameters": "analysis.curves",
    "laplace_draws": "analysis.draws",
    "load_problem": "problem.problem",
    "local_sensitivities": "analysis.sensitivity_local",
    "mechanism_table": "inference.summary",
    "parameter_table": "inference.summary",
    "parse_regimen": "biology.regimens",
    "posterior_draws": "analysis.draws",
    "predict": "analysis.prediction",
    "prediction_table": "analysis.prediction",
    "read_posterior": "inference.posterior",
    "read_regimens": "studies.regimen_table",
    "relative": "analysis.simulation",
    "sample": "inference.sampling",
    "screen": "analysis.screening",
    "simulate": "analysis.simulation",
    "simulate_model": "analysis.user_model",
    "simulate_population": "analysis.population",
    "sobol_indices": "analysis.sobol",
    "target_table": "inference.summary",
    "theta_draws": "inference.posterior",
    "validation_table": "analysis.validation",
    "virtual_biopsies": "analysis.virtual_biopsy",
    "write_posterior_results": "inference.posterior_results",
    "write_report": "show.run_report",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
