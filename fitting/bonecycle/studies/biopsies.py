"""Single biopsies of an arm, and the constants that reading a section needs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from bonecycle.biology import catalogue
from bonecycle.biology.tables import Parameter, read_parameters, read_rows

# Beside the surfaces: what rises and falls with the number of remodeling sites.
_WITH_TURNOVER = frozenset({"BFR_BS", "Rs_R", "OV_BV", "Ac_f", "onset_flux", "birth_rate"})


@dataclass(frozen=True, eq=False)
class BiopsyArm:
    """Biopsies of one arm.

    Attributes
    ----------
    name : str
        The arm.
    patients : tuple of str, length n_patients
    cells : tuple of (str, float), length n_cells
        Code name of the observable and month of the biopsy.
    values : ndarray, shape (n_patients, n_cells)
        In the units of the observables; NaN where nothing was measured, zero where nothing was
        found.
    limits : ndarray, shape (n_patients, n_cells)
        Detection limit, in the same units, where `values` is zero; NaN elsewhere.
    """

    name: str
    patients: tuple[str, ...]
    cells: tuple[tuple[str, float], ...]
    values: NDArray[np.float64]
    limits: NDArray[np.float64]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BiopsyArm) and self._content == other._content

    def __hash__(self) -> int:
        return hash(self._content)

    @property
    def _content(self) -> tuple[object, ...]:
        numbers = self.values.tobytes(), self.limits.tobytes()
        return self.name, self.patients, self.cells, *numbers

    @property
    def with_turnover(self) -> NDArray[np.bool_]:
        """Which cells rise and fall with the turnover of a patient, shape (n_cells,)."""
        return np.array([follows_turnover(name) for name, _ in self.cells], dtype=np.bool_)


def follows_turnover(variable: str) -> bool:
    """Whether an observable counts sites (surfaces, rates per bone surface) and is no size."""
    surface = catalogue.observables()[variable].kind == "surface" and variable != "Q_S_BS"
    return surface or variable in _WITH_TURNOVER


@cache
def constants() -> dict[str, Parameter]:
    """Rows of ``biopsy.csv`` by id: sections, labels and the spread between patients."""
    path = files("bonecycle_data") / "biopsy.csv"
    units = {unit.display for unit in catalogue.units().values()} | {"mm", "1"}
    return {p.id: p for p in read_parameters(path.name, read_rows(path), units)}


def assumed_log_sd(variable: str) -> float:
    """SD between patients on the natural log scale where a table does not show it."""
    known = constants()
    if follows_turnover(variable):
        return math.hypot(known["patient_log_sd"].value, known["surface_log_sd"].value)
    return known["size_log_sd"].value
