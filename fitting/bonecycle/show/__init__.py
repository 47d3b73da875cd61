"""Figures; every function returns a matplotlib figure, and `save` writes it.

The figures do not go through pyplot: nothing stays open, and a notebook shows them after
``%matplotlib inline``.
"""

from bonecycle.show.autocorrelation import plot_autocorrelation
from bonecycle.show.calibration import plot_calibration
from bonecycle.show.comparison import plot_comparison, plot_failing, plot_left_out
from bonecycle.show.cycle import plot_surfaces, plot_time_courses
from bonecycle.show.design import plot_design
from bonecycle.show.drug import plot_drug
from bonecycle.show.drugs_cycle import plot_drugs_cycle
from bonecycle.show.learned import plot_learned
from bonecycle.show.own_biopsies import plot_own_biopsies
from bonecycle.show.pairs import plot_pairs
from bonecycle.show.pharmacokinetics import plot_experiments, plot_overview
from bonecycle.show.phase_map import plot_phase_map
from bonecycle.show.plane import plot_plane
from bonecycle.show.population import plot_population
from bonecycle.show.prediction import plot_prediction, plot_validation
from bonecycle.show.profiles import plot_profiles
from bonecycle.show.ranks import plot_ranks
from bonecycle.show.recovery import plot_recovery
from bonecycle.show.residuals import plot_residuals
from bonecycle.show.sensitivity import (
    plot_convergence,
    plot_indices,
    plot_screening,
    plot_sensitivity_map,
    plot_tornado,
)
from bonecycle.show.style import save
from bonecycle.show.surface import plot_surface
from bonecycle.show.time_courses import plot_fit
from bonecycle.show.traces import plot_traces
from bonecycle.show.verdict import plot_verdict
from bonecycle.show.virtual_biopsies import plot_label_counts, plot_virtual_biopsies

__all__ = [
    "plot_autocorrelation",
    "plot_calibration",
    "plot_comparison",
    "plot_convergence",
    "plot_design",
    "plot_drug",
    "plot_drugs_cycle",
    "plot_experiments",
    "plot_failing",
    "plot_fit",
    "plot_indices",
    "plot_label_counts",
    "plot_learned",
    "plot_left_out",
    "plot_overview",
    "plot_own_biopsies",
    "plot_pairs",
    "plot_phase_map",
    "plot_plane",
    "plot_population",
    "plot_prediction",
    "plot_profiles",
    "plot_ranks",
    "plot_recovery",
    "plot_residuals",
    "plot_screening",
    "plot_sensitivity_map",
    "plot_surface",
    "plot_surfaces",
    "plot_time_courses",
    "plot_tornado",
    "plot_traces",
    "plot_validation",
    "plot_verdict",
    "plot_virtual_biopsies",
    "save",
]
