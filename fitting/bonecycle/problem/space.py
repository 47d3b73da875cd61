"""The parameters that a problem frees, and their priors."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.tables import Parameter, Scale
from bonecycle.engines.interface import Floats
from bonecycle.errors import UsageError, unknown


@dataclass(frozen=True)
class Space:
    """Free parameters on the scales of their priors.

    A point theta has one number a parameter: its logarithm or its logit, on which the prior is
    normal with `centers` and `sds`, shape (n_parameters,).
    """

    parameters: tuple[Parameter, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Ids in the order of theta."""
        return tuple(parameter.id for parameter in self.parameters)

    @property
    def centers(self) -> Floats:
        """Prior means on the scale of theta."""
        values = np.array([[p.value for p in self.parameters]])
        return np.asarray(self.from_natural(values)[0], dtype=float)

    @property
    def sds(self) -> Floats:
        """Prior SDs on the scale of theta."""
        return np.array([p.prior_sd for p in self.parameters], dtype=float)

    def to_natural(self, theta: Floats) -> Floats:
        """Theta (n_sets, n_parameters) to values in the parameters' own units."""
        return np.asarray(np.where(self._is_log, np.exp(theta), expit(theta)))

    def from_natural(self, values: Floats) -> Floats:
        """Values in the parameters' own units to theta, both (n_sets, n_parameters)."""
        safe = np.where(self._is_log, 0.5, values)
        return np.asarray(np.where(self._is_log, np.log(values), logit(safe)))

    def slopes_to_natural(self, theta: Floats) -> Floats:
        """Derivatives of `to_natural`, (n_sets, n_parameters)."""
        natural = self.to_natural(theta)
        return np.asarray(np.where(self._is_log, natural, natural * (1 - natural)))

    def standardized(self, theta: Floats) -> Floats:
        """Distance from the prior centre in prior SDs, (n_sets, n_parameters)."""
        return np.asarray((theta - self.centers) / self.sds)

    def log_prior(self, theta: Floats) -> Floats:
        """Log prior density of theta per parameter, (n_sets, n_parameters)."""
        return np.asarray(
            -0.5 * self.standardized(theta) ** 2 - np.log(self.sds) - 0.5 * np.log(2 * np.pi)
        )

    def within(self, names: Collection[str]) -> Space:
        """Space of the parameters that are among `names`."""
        return Space(tuple(p for p in self.parameters if p.id in names))

    def with_strengths_scaled(self, factor: float) -> Space:
        """Space with the prior SDs of the mechanisms' strengths multiplied."""
        return Space(
            tuple(
                replace(p, prior_sd=factor * p.prior_sd)
                if p.mechanism and p.prior_sd is not None
                else p
                for p in self.parameters
            )
        )

    @property
    def _is_log(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return np.array([p.scale is Scale.LOG for p in self.parameters])


def parse_mechanism(text: str) -> tuple[str, ...]:
    """Split a mechanism such as ``H1`` or ``H2+H4`` into its parts, in a fixed order.

    Raises
    ------
    UsageError
        For an unknown part, or H0 together with another.
    """
    known = catalogue.mechanisms()
    parts = [part.strip().upper() for part in text.split("+")]
    for part in parts:
        if part not in known:
            raise unknown("mechanism", part, known)
    if "H0" in parts and len(parts) > 1:
        raise UsageError(f"{text}: H0 is coupling alone and part of every mechanism; leave it out.")
    return tuple(name for name in known if name in parts)


def fitted_space(mechanism: Sequence[str], drugs: Sequence[str]) -> Space:
    """Free what the tables mark as fitted: shared, of the drugs, and the mechanism's strengths."""
    strengths = {name for part in mechanism for name in catalogue.mechanisms()[part]}
    own = catalogue.parameters()
    shared = [
        p
        for p in compose("cycle", tuple(drugs)).parameters.values()
        if p.id in own and p.fitted and (not p.mechanism or p.id in strengths)
    ]
    of_drugs = [p for drug in drugs for p in catalogue.drugs()[drug].parameters if p.fitted]
    return Space(tuple(shared + of_drugs))
