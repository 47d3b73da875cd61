"""Observables of the cycle under a regimen as a response to its parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from importlib.metadata import version

import numpy as np

from bonecycle.analysis.responses import Output
from bonecycle.biology import catalogue
from bonecycle.biology.amounts import DAYS_PER_MONTH
from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing, with_regimen
from bonecycle.biology.regimens import Regimen, check_drugs, parse_regimen
from bonecycle.engines.choice import EngineName, make_engine
from bonecycle.engines.interface import Engine, Floats
from bonecycle.errors import UsageError, unknown, unknown_names
from bonecycle.manifest import content_hash
from bonecycle.problem.space import Space, fitted_space, parse_mechanism


class Measure(StrEnum):
    """An observable as it is, or divided by its untreated value at time zero."""

    VALUE = "value"
    RATIO = "ratio"


@dataclass(frozen=True)
class CycleResponse:
    """Observables of the cycle at given times under one regimen; see `cycle_response`.

    Attributes
    ----------
    regimen : Regimen
    observables : tuple of str
    months : tuple of float
        Increasing.
    space : Space
        The parameters that vary, each with its own distribution.
    fixed : tuple of (str, float)
        Parameters with another value than the table's.
    measure : Measure
    dosing : Dosing
    engine : EngineName
    """

    regimen: Regimen
    observables: tuple[str, ...]
    months: tuple[float, ...]
    space: Space
    fixed: tuple[tuple[str, float], ...] = ()
    measure: Measure = Measure.VALUE
    dosing: Dosing = Dosing.AVERAGED
    engine: EngineName = EngineName.KERNEL

    @property
    def names(self) -> tuple[str, ...]:
        """Ids of the parameters that vary."""
        return self.space.names

    @property
    def labels(self) -> tuple[Output, ...]:
        """Every observable at every time."""
        known = catalogue.observables()
        ratio = "ratio to untreated" if self.measure is Measure.RATIO else ""
        return tuple(
            Output(name, month, ratio or known[name].unit)
            for name in self.observables
            for month in self.months
        )

    @property
    def key(self) -> str:
        """Hash of model, regimen, parameters with their distributions, and what is asked."""
        model = compose("cycle", self.regimen.drugs)
        return content_hash(version("bonecycle"), model.hash, repr(self))

    @property
    def notice(self) -> str:
        """Why another engine simulates than the one asked for; "" otherwise."""
        return _engine(self)[1]

    def from_scores(self, scores: Floats) -> Floats:
        """Values at normal scores, (n_sets, n_parameters); see `Response`."""
        return self.space.to_natural(self.space.centers + scores * self.space.sds)

    def evaluate(self, values: Floats) -> Floats:
        """Outputs at values; see `Response`."""
        batch = _engine(self)[0].simulate(self._sets(values), self._times)
        return self._read(batch.values)

    def gradient(self, values: Floats) -> tuple[Floats, Floats]:
        """Outputs and derivatives by the parameters, exact with the kernel."""
        result = _engine(self)[0].gradient(self._sets(values), self._times)
        outputs = self._read(result.batch.values)
        slopes = self._select(result.slopes)[..., : len(self.names)]
        if self.measure is Measure.RATIO:
            start = np.repeat(result.batch.values[:, 0], len(self.months), axis=1)[..., None]
            at_start = result.slopes[:, 0, :, : len(self.names)]
            slopes = slopes / start - outputs[..., None] * (
                np.repeat(at_start, len(self.months), axis=1) / start
            )
        return outputs, slopes

    @property
    def _times(self) -> tuple[float, ...]:
        return tuple(sorted({0.0, *(month * DAYS_PER_MONTH for month in self.months)}))

    def _sets(self, values: Floats) -> Floats:
        own = np.tile([value for _, value in self.fixed], (len(values), 1))
        return np.hstack([values, own])

    def _read(self, values: Floats) -> Floats:
        """Outputs from those of the engine, (n_sets, n_times, n_observables)."""
        outputs = self._select(values)
        if self.measure is Measure.VALUE:
            return outputs
        return outputs / np.repeat(values[:, 0], len(self.months), axis=1)

    def _select(self, array: Floats) -> Floats:
        """Times and observables as columns, in the order of `labels`."""
        places = [self._times.index(month * DAYS_PER_MONTH) for month in self.months]
        chosen = np.moveaxis(array[:, places], 1, 2)
        return chosen.reshape(len(array), len(self.labels), *array.shape[3:])


def cycle_response(
    regimen: str | Regimen,
    observables: Sequence[str],
    months: Sequence[float],
    *,
    mechanism: str = "H0",
    parameters: Sequence[str] | None = None,
    values: Mapping[str, float] | None = None,
    measure: Measure = Measure.VALUE,
    dosing: Dosing = Dosing.AVERAGED,
    engine: EngineName = EngineName.KERNEL,
) -> CycleResponse:
    """Ask for observables under a regimen, with parameters that vary over their priors.

    Parameters
    ----------
    regimen
        ``untreated``, text such as ``alendronate 70 mg oral every 1 week for 24 months``, or a
        `Regimen`.
    observables
        Names of `bonecycle list observables`.
    months
        Times after the start of the regimen, zero or later.
    mechanism
        ``H0`` to ``H5`` or a combination; its strengths vary with the other fitted parameters.
    parameters
        What varies; None: what a fit of the mechanism frees. `with_prior` names everything that
        could vary.
    values
        Parameters with another value than the table's. Of one that varies it is the centre.
    measure
        Values in the observables' own units, or ratios to untreated.
    dosing
        How doses reach the model; doses up to a month apart as their time average by default, as
        in a fit.
    engine
        What simulates.

    Raises
    ------
    UsageError, RegimenError
        With everything that cannot be met.
    """
    plan = parse_regimen(regimen, catalogue.routes()) if isinstance(regimen, str) else regimen
    check_drugs(plan, catalogue.routes())
    parts = parse_mechanism(mechanism)
    model = compose("cycle", plan.drugs)
    fitted = fitted_space(parts, plan.drugs)
    freed = [name for name in fitted.names if name in model.parameters]
    names = tuple(freed if parameters is None else dict.fromkeys(parameters))
    wanted, given = tuple(dict.fromkeys(observables)), dict(values or {})
    faults = _faults(wanted, months, names, given, _variable(plan))
    if faults:
        raise UsageError("\n".join(faults))
    strengths = {name: model.parameters[name].value for p in parts for name in _strengths(p)}
    own = strengths | given
    chosen = (model.parameters[name] for name in names)
    varied = tuple(replace(p, value=own.get(p.id, p.value)) for p in chosen)
    return CycleResponse(
        plan,
        wanted,
        tuple(sorted({float(month) for month in months})),
        Space(varied),
        tuple((name, value) for name, value in own.items() if name not in names),
        measure,
        dosing,
        engine,
    )


def with_prior(regimen: str | Regimen, mechanism: str = "H0") -> tuple[str, ...]:
    """Every parameter with a prior that a regimen and a mechanism bring, fitted or not."""
    plan = parse_regimen(regimen, catalogue.routes()) if isinstance(regimen, str) else regimen
    known, parts = catalogue.parameters(), parse_mechanism(mechanism)
    off = {name for name, p in known.items() if p.mechanism and p.mechanism not in parts}
    return tuple(name for name in _variable(plan) if name not in off)


def _variable(regimen: Regimen) -> tuple[str, ...]:
    parameters = compose("cycle", regimen.drugs).parameters
    return tuple(name for name, parameter in parameters.items() if parameter.scale)


def _strengths(part: str) -> tuple[str, ...]:
    return catalogue.mechanisms()[part]


def _faults(
    observables: Sequence[str],
    months: Sequence[float],
    names: Sequence[str],
    values: Mapping[str, float],
    variable: Sequence[str],
) -> list[str]:
    known = catalogue.observables()
    faults = unknown_names("observable", observables, known)
    if not observables or not len(months):
        faults.append("Name one observable or more and one time or more, in months.")
    if bad := [f"{month:g}" for month in months if not (np.isfinite(month) and month >= 0)]:
        faults.append(f"Months must be finite, zero or later: {', '.join(bad)}.")
    if not names:
        faults.append("Name one parameter or more.")
    for name in (*names, *values):
        if name not in variable:
            faults.append(str(unknown("parameter with a prior", name, variable)))
    if bad := [f"{name}={v:g}" for name, v in values.items() if not (np.isfinite(v) and v >= 0)]:
        faults.append(f"Values must be finite, zero or above: {', '.join(bad)}.")
    if bad := [f"{name}={values[name]:g}" for name in names if values.get(name) == 0]:
        faults.append(f"A parameter that varies needs a centre above zero: {', '.join(bad)}.")
    return faults


@cache
def _engine(response: CycleResponse) -> tuple[Engine, str]:
    """Load a response once per process."""
    return _load(
        response.engine,
        response.regimen,
        response.dosing,
        (*response.names, *(name for name, _ in response.fixed)),
        response.observables,
    )


@cache
def _load(
    name: EngineName,
    regimen: Regimen,
    dosing: Dosing,
    parameters: tuple[str, ...],
    outputs: tuple[str, ...],
) -> tuple[Engine, str]:
    model = with_regimen(compose("cycle", regimen.drugs), regimen, dosing)
    return make_engine(name, model.sbml, parameters, outputs, model.name, str(regimen))
