"""Figures; every function returns a matplotlib figure, and `save` writes it.

The figures do not go through pyplot: nothing stays open, and a notebook shows them after
``%matplotlib inline``.
"""

from bonecycle.show.cycle import plot_surfaces, plot_time_courses
from bonecycle.show.drug import plot_drug
from bonecycle.show.drugs_cycle import plot_drugs_cycle
from bonecycle.show.own_biopsies import plot_own_biopsies
from bonecycle.show.pharmacokinetics import plot_experiments, plot_overview
from bonecycle.show.phase_map import plot_phase_map
from bonecycle.show.plane import plot_plane
from bonecycle.show.residuals import plot_residuals
from bonecycle.show.style import save
from bonecycle.show.time_courses import plot_fit
from bonecycle.show.verdict import plot_verdict
from bonecycle.show.virtual_biopsies import plot_label_counts, plot_virtual_biopsies

__all__ = [
    "plot_drug",
    "plot_drugs_cycle",
    "plot_experiments",
    "plot_fit",
    "plot_label_counts",
    "plot_overview",
    "plot_own_biopsies",
    "plot_phase_map",
    "plot_plane",
    "plot_residuals",
    "plot_surfaces",
    "plot_time_courses",
    "plot_verdict",
    "plot_virtual_biopsies",
    "save",
]
