"""What is simulated: the fitting problem, one regimen over ten years, and what grows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import libsbml
import numpy as np

from bonecycle.biology import catalogue
from bonecycle.biology.compose import Build, compose
from bonecycle.biology.dosing import Dosing, with_regimen
from bonecycle.biology.regimens import Regimen, parse_regimen
from bonecycle.engines.interface import Floats
from bonecycle.engines.kernel.draws import prior_draws
from bonecycle.engines.kernel.engine import KernelEngine
from bonecycle.problem.problem import ProblemSpec, load_problem

YEAR = 365.25
SETS = 64


@dataclass(frozen=True)
class Arm:
    """One regimen: a model, what is set and read, when, and the parameter sets.

    `sets` has the shape (n_sets, n_parameters). `explicit` gives the SBML with one event a dose,
    for simulators that cannot reschedule an event.
    """

    name: str
    sbml: str
    parameters: tuple[str, ...]
    outputs: tuple[str, ...]
    times: tuple[float, ...]
    sets: Floats
    explicit: Callable[[], str]

    @cached_property
    def kernel(self) -> KernelEngine:
        """The generated engine, with its own choice of tolerance."""
        return KernelEngine(self.sbml, self.parameters, self.outputs, arm=self.name)

    @cached_property
    def undosed(self) -> str:
        """The model without its events."""
        document = libsbml.readSBMLFromString(self.sbml)
        document.getModel().getListOfEvents().clear()
        return str(libsbml.writeSBMLToString(document))


@dataclass(frozen=True)
class Case:
    """Arms that are simulated together; the time of a case is that of all of them."""

    name: str
    title: str
    arms: tuple[Arm, ...]


def fitting_problem(dosing: Dosing, regimens: int | None = None) -> Case:
    """All regimens of the shipped studies at draws from the prior, all mechanisms free."""
    mechanisms = "+".join(name for name in catalogue.mechanisms() if name != "H0")
    problem = load_problem(ProblemSpec(mechanism=mechanisms, dosing=dosing))
    noise = np.random.default_rng(7).standard_normal((4 * SETS, len(problem.space.names)))
    theta = problem.space.centers + problem.space.sds * noise
    averaged = load_problem(ProblemSpec(mechanism=mechanisms))
    theta = theta[averaged.evaluate(theta).ok][:SETS]
    natural = problem.space.to_natural(theta)
    arms = []
    for regimen, part in zip(problem.regimens, problem.arms, strict=True):
        model = with_regimen(compose("cycle", regimen.drugs), regimen, dosing)
        engine = part.engine
        values = part.values(natural)
        arms.append(
            Arm(
                str(regimen),
                model.sbml,
                engine.parameters,
                engine.outputs,
                part.times,
                values,
                partial(_explicit, regimen),
            )
        )
    title = f"fitting problem, {len(arms[:regimens])} regimens, doses {dosing.value}"
    return Case(f"fit_{dosing.value}", title, tuple(arms[:regimens]))


def one_regimen(
    name: str, text: str, years: float, build: Build | None = None, free: int | None = None
) -> Case:
    """One regimen, every dose an event, observed once a year; `free` parameters vary."""
    regimen = parse_regimen(text)
    return Case(name, text, (_arm(text, regimen, years, build, free),))


def _arm(text: str, regimen: Regimen, years: float, build: Build | None, free: int | None) -> Arm:
    model = with_regimen(compose("cycle", regimen.drugs, build), regimen, Dosing.EVENTS)
    # What the shipped fit frees; the strengths of mechanisms stay at the table's values.
    parameters = tuple(
        p.id for p in model.parameters.values() if p.fitted and not p.mechanism and p.value > 0
    )[:free]
    own = np.array([model.parameters[p].value for p in parameters])
    times = tuple(YEAR * np.linspace(0, years, max(2, round(years) + 1)))
    outputs = tuple(catalogue.observables())
    sets = prior_draws(parameters, own, SETS)
    explicit = partial(_explicit, regimen, build)
    return Arm(text, model.sbml, parameters, outputs, times, sets, explicit)


def _explicit(regimen: Regimen, build: Build | None = None) -> str:
    return with_regimen(compose("cycle", regimen.drugs, build), regimen, Dosing.EXPLICIT).sbml


def ten_years(interval: str, dose: float) -> Case:
    """Alendronate for ten years; daily and weekly give the same amount."""
    text = f"alendronate {dose:g} mg oral every {interval} for 10 years"
    return one_regimen(f"ten_years_{interval.replace('1 ', '')}", text, 10)
