from .autocorrelation import plot_autocorrelation
from .calibration import plot_calibration
from .comparison import plot_comparison, plot_failing, plot_left_out
from .cycle import plot_surfaces, plot_time_courses
from .design import plot_design
from .drug import plot_drug
from .drugs_cycle import plot_drugs_cycle
from .learned import plot_learned
from .metastasis import plot_bone_beside_tumour, plot_forest, plot_regimens
from .osteoclasts import plot_nuclei, plot_osteoclasts
from .own_biopsies import plot_own_biopsies
from .pairs import plot_pairs
from .perturbations import plot_perturbations
from .pharmacokinetics import plot_experiments, plot_overview
from .phase_map import plot_phase_map
from .plane import plot_plane
from .population import plot_population
from .prediction import plot_prediction, plot_validation
from .profiles import plot_profiles
from .ranks import plot_ranks
from .recovery import plot_recovery
from .residuals import plot_residuals
from .sensitivity import (
    plot_convergence,
    plot_indices,
    plot_screening,
    plot_sensitivity_map,
    plot_tornado,
)
from .style import save
from .surface import plot_surface
from .time_courses import plot_fit
from .traces import plot_traces
from .trials import plot_kaplan_meier, plot_trials
from .verdict import plot_verdict
from .virtual_biopsies import plot_label_counts, plot_virtual_biopsies

__all__ = [
    "plot_autocorrelation",
    "plot_bone_beside_tumour",
    "plot_calibration",
    "plot_comparison",
    "plot_convergence",
    "plot_design",
    "plot_drug",
    "plot_drugs_cycle",
    "plot_experiments",
    "plot_failing",
    "plot_fit",
    "plot_forest",
    "plot_indices",
    "plot_kaplan_meier",
    "plot_label_counts",
    "plot_learned",
    "plot_left_out",
    "plot_nuclei",
    "plot_osteoclasts",
    "plot_overview",
    "plot_own_biopsies",
    "plot_pairs",
    "plot_perturbations",
    "plot_phase_map",
    "plot_plane",
    "plot_population",
    "plot_prediction",
    "plot_profiles",
    "plot_ranks",
    "plot_recovery",
    "plot_regimens",
    "plot_residuals",
    "plot_screening",
    "plot_sensitivity_map",
    "plot_surface",
    "plot_surfaces",
    "plot_time_courses",
    "plot_tornado",
    "plot_traces",
    "plot_trials",
    "plot_validation",
    "plot_verdict",
    "plot_virtual_biopsies",
    "save",
]
