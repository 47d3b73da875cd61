from .analysis.curves import fitted_curves, fitted_parameters
from .analysis.cycle_responses import Measure, cycle_response
from .analysis.draws import Draws, laplace_draws, posterior_draws
from .analysis.population import correlation_table, simulate_population
from .analysis.prediction import predict, prediction_table
from .analysis.screening import screen
from .analysis.sensitivity_local import local_sensitivities
from .analysis.simulation import (
    averaging_difference,
    dosed_model,
    relative,
    simulate,
)
from .analysis.sobol import sobol_indices
from .analysis.user_model import simulate_model
from .analysis.validation import validation_table
from .analysis.virtual_biopsy import virtual_biopsies
from .biology.compose import Model, compose
from .biology.dosing import Dosing
from .biology.regimens import Regimen, parse_regimen
from .biology.treatments import (
    At,
    Every,
    Route,
    Treatment,
)
from .errors import BonecycleError
from .exchange.omex import export_omex
from .exchange.petab_export import export_petab
from .exchange.sbml_export import export_sbml
from .inference.fitting.least_squares import Fit, fit
from .inference.fitting.summary import mechanism_table, parameter_table, target_table
from .inference.posterior.files import read_posterior, theta_draws
from .inference.posterior.results import write_posterior_results
from .inference.sampling.run import Sample, sample
from .problem.problem import Problem, ProblemSpec, load_problem
from .show.run_report import write_report
from .studies.regimen_table import read_regimens

__version__: str
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
