from .analysis.curves import fitted_curves, fitted_parameters
from .analysis.cycle_responses import Measure, cycle_response, with_prior
from .analysis.draws import Draws, laplace_draws, posterior_draws
from .analysis.fusion_rules import fit_rules, rule_table
from .analysis.given_data import given_data_indices
from .analysis.metastasis import cell_table, published_ratio, regimen_table, trial_rows
from .analysis.nuclei import nuclei_distribution
from .analysis.over_draws import over_draws
from .analysis.perturbations import perturbation_table, prior_values, run_perturbations
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
from .analysis.trials.curves import kaplan_meier
from .analysis.trials.design import Endpoint
from .analysis.trials.heterogeneity import by_difference, cochran_q, q_table
from .analysis.trials.run import operating_characteristics, simulate_trials
from .analysis.trials.tables import shipped_designs
from .analysis.user_model import simulate_model
from .analysis.validation import validation_table
from .analysis.virtual_biopsy import virtual_biopsies
from .biology.catalogue import fusion_rules
from .biology.compose import Model, compose
from .biology.dosing import Dosing
from .biology.published import published_model
from .biology.regimens import Regimen, parse_regimen
from .biology.treatments import (
    At,
    Every,
    Route,
    Treatment,
)
from .engines.choice import EngineName
from .errors import BonecycleError
from .exchange.omex import export_omex
from .exchange.petab_export import export_petab
from .exchange.sbml_export import export_sbml
from .inference.comparison.conclusion import evidence_table
from .inference.comparison.left_out import difference_table, failing_table, trial_table
from .inference.comparison.run import evidence_parts, left_out_parts
from .inference.fitting.least_squares import Fit, fit
from .inference.fitting.patient_table import patient_table, read_patients
from .inference.fitting.summary import mechanism_table, parameter_table, target_table
from .inference.parts import run_parts
from .inference.posterior.files import read_posterior, theta_draws
from .inference.posterior.results import write_posterior_results
from .inference.sampling.run import Sample, sample
from .problem.metastasis import trial_space
from .problem.petab_problem import petab_spec
from .problem.problem import Problem, ProblemSpec, load_problem
from .show.run_report import write_report
from .studies.own_template import write_template
from .studies.regimen_table import read_regimens

__version__: str
__all__ = [
    "At",
    "BonecycleError",
    "Dosing",
    "Draws",
    "Endpoint",
    "EngineName",
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
    "by_difference",
    "cell_table",
    "cochran_q",
    "compose",
    "correlation_table",
    "cycle_response",
    "difference_table",
    "dosed_model",
    "evidence_parts",
    "evidence_table",
    "export_omex",
    "export_petab",
    "export_sbml",
    "failing_table",
    "fit",
    "fit_rules",
    "fitted_curves",
    "fitted_parameters",
    "fusion_rules",
    "given_data_indices",
    "kaplan_meier",
    "laplace_draws",
    "left_out_parts",
    "load_problem",
    "local_sensitivities",
    "mechanism_table",
    "nuclei_distribution",
    "operating_characteristics",
    "over_draws",
    "parameter_table",
    "parse_regimen",
    "patient_table",
    "perturbation_table",
    "petab_spec",
    "posterior_draws",
    "predict",
    "prediction_table",
    "prior_values",
    "published_model",
    "published_ratio",
    "q_table",
    "read_patients",
    "read_posterior",
    "read_regimens",
    "regimen_table",
    "relative",
    "rule_table",
    "run_parts",
    "run_perturbations",
    "sample",
    "screen",
    "shipped_designs",
    "simulate",
    "simulate_model",
    "simulate_population",
    "simulate_trials",
    "sobol_indices",
    "target_table",
    "theta_draws",
    "trial_rows",
    "trial_space",
    "trial_table",
    "validation_table",
    "virtual_biopsies",
    "with_prior",
    "write_posterior_results",
    "write_report",
    "write_template",
]
