"""Models and engines that several files of tests share: loading one takes about a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, logit

from bonecycle import cache as store
from bonecycle.biology import catalogue
from bonecycle.biology.compose import Model, compose
from bonecycle.biology.dosing import Dosing, with_regimen
from bonecycle.biology.regimens import parse_regimen
from bonecycle.biology.tables import Parameter, Scale
from bonecycle.engines.roadrunner import RoadRunnerEngine

DRUGS = ("alendronate", "denosumab", "zoledronate")
Load = Callable[..., RoadRunnerEngine]
Draw = Callable[..., np.ndarray]


def _central(parameters: Mapping[str, Parameter], mechanisms: bool) -> dict[str, float]:
    """Prior centres of all parameters with a prior; mechanisms are off unless asked for."""
    return {
        p.id: 0.0 if p.mechanism and not mechanisms else p.value
        for p in parameters.values()
        if p.scale
    }


@pytest.fixture(scope="session")
def central() -> Callable[[Mapping[str, Parameter], bool], dict[str, float]]:
    return _central


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Draws from the prior, one row a draw, in the order of `central`."""

    def drawn(
        parameters: Mapping[str, Parameter], count: int, seed: int, mechanisms: bool
    ) -> np.ndarray:
        centre = _central(parameters, mechanisms)
        result = np.empty((count, len(centre)))
        noise = np.random.default_rng(seed).normal(size=result.shape)
        for column, (name, value) in enumerate(centre.items()):
            step = noise[:, column] * float(parameters[name].prior_sd or 0.0)
            on_logit = parameters[name].scale is Scale.LOGIT and value > 0
            result[:, column] = expit(logit(value) + step) if on_logit else value * np.exp(step)
        return result

    return drawn


@pytest.fixture(scope="session")
def model() -> Model:
    return compose()


@pytest.fixture(scope="session")
def full_model() -> Model:
    return compose("cycle", DRUGS)


@pytest.fixture(scope="session")
def load() -> Load:
    """Engine for (regimen, parameters, outputs, dosing), loaded once."""

    @cache
    def engine(
        regimen: str = "untreated",
        parameters: tuple[str, ...] = (),
        outputs: tuple[str, ...] = tuple(catalogue.observables()),
        dosing: Dosing = Dosing.AVERAGED,
    ) -> RoadRunnerEngine:
        treatments = parse_regimen(regimen)
        dosed = with_regimen(compose("cycle", treatments.drugs), treatments, dosing)
        return RoadRunnerEngine(dosed.sbml, parameters, outputs, arm=regimen)

    return engine


@pytest.fixture(scope="session")
def untreated(model: Model, load: Load) -> RoadRunnerEngine:
    """The untreated cycle with every parameter that has a prior, and all observables."""
    return load("untreated", tuple(_central(model.parameters, False)))


@pytest.fixture
def no_records(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Nothing has been composed, generated, checked or calibrated on this machine yet."""
    monkeypatch.setattr(store, "folder", lambda: tmp_path)
    return tmp_path
