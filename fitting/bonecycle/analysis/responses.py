"""What sensitivity is asked of: outputs as a function of parameters with a distribution."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from bonecycle.engines.interface import Floats


class Output(NamedTuple):
    """An output: an observable, months after the start of the regimen, and its unit."""

    observable: str
    months: float
    unit: str


class Response(Protocol):
    """A function of parameters, in batches.

    Attributes
    ----------
    names : tuple of str
        Parameters.
    labels : tuple of Output
        Outputs, in the order of the columns.
    key : str
        What determines the values, as a hash: results on disk are found by it.
    """

    @property
    def names(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def labels(self) -> tuple[Output, ...]: ...  # noqa: D102
    @property
    def key(self) -> str: ...  # noqa: D102

    def from_scores(self, scores: Floats) -> Floats:
        """Values of the parameters at normal scores, both (n_sets, n_parameters).

        A score is the distance from the median of a parameter's own distribution, as the normal
        distribution with the same quantile would have it in standard deviations.
        """
        ...

    def evaluate(self, values: Floats) -> Floats:
        """Outputs (n_sets, n_outputs) at values (n_sets, n_parameters); NaN where it failed."""
        ...


class SmoothResponse(Response, Protocol):
    """A response with derivatives."""

    def gradient(self, values: Floats) -> tuple[Floats, Floats]:
        """Outputs (n_sets, n_outputs) and derivatives (n_sets, n_outputs, n_parameters)."""
        ...
