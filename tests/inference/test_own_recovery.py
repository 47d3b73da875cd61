"""Parameters of a known truth come back from synthetic tables of single biopsies."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bonecycle.inference.fitting.least_squares import Start, refit
from bonecycle.problem.problem import Problem, ProblemSpec, load_problem
from bonecycle.studies.biopsies import follows_turnover
from bonecycle.studies.error_model import ErrorModel
from bonecycle.studies.own_template import write_template

EACH, LIMIT = 8, 0.1
SHARED, SURFACE, SIZE = 0.5, 0.4, 0.15
HEADS = {
    "ES_BS": "ES/BS (%)",
    "OS_BS": "OS/BS (%)",
    "MS_BS": "MS/BS (%)",
    "MAR": "MAR (um/d)",
    "O_Th": "O.Th (um)",
    "W_Th": "W.Th (um)",
    "Ac_f": "Ac.f (/yr)",
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Problem:
    """The arms and variables of the template; its numbers are not used."""
    path = tmp_path_factory.mktemp("template") / "biopsies.csv"
    write_template(path, per_biopsy=True)
    return load_problem(ProblemSpec("H0", data=(str(path),)))


def synthetic(template: Problem, theta: np.ndarray, path: Path, rng: np.random.Generator) -> None:
    """Write a table drawn at a truth: error of each arm, then patients, then a detection limit."""
    predictions = template.evaluate(theta[None]).predictions[0]
    lines = ["# SYNTHETIC", "# ES includes Oc.S: yes"]
    lines.append("patient,arm,regimen,month," + ",".join(HEADS.values()))
    turnover = np.array([follows_turnover(name) for name in HEADS])
    for arm in dict.fromkeys(target.arm for target in template.targets):
        medians = {
            target.observation.variable: value
            for target, value in zip(template.targets, predictions, strict=True)
            if target.arm == arm
        }
        covariance = ErrorModel.load().covariance([("own", name) for name in HEADS])
        own = np.where(turnover, SURFACE, SIZE) * rng.normal(size=(EACH, len(HEADS)))
        logs = np.log([medians[name] for name in HEADS])
        logs = logs + rng.multivariate_normal(np.zeros(len(HEADS)), covariance)
        values = np.exp(logs + SHARED * rng.normal(size=(EACH, 1)) * turnover + own)
        regimen = next(t.regimen for t in template.targets if t.arm == arm)
        for number, row in enumerate(np.minimum(values, 99.0)):
            cells = [
                f"<{LIMIT}" if name.endswith("_BS") and value < LIMIT else f"{value:.6g}"
                for name, value in zip(HEADS, row, strict=True)
            ]
            lines.append(",".join([f"{arm}{number}", arm, str(regimen), "24", *cells]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def fitted(template: Problem, path: Path, seed: int) -> tuple[np.ndarray, Start]:
    """A truth of the prior, and the fit of a table drawn at it."""
    rng = np.random.default_rng(seed)
    space = template.space
    surfaces = [t.observation.variable.endswith("_BS") for t in template.targets]
    while True:
        theta = space.centers + space.sds * np.clip(rng.normal(size=len(space.names)), -2, 2)
        evaluation = template.evaluate(theta[None])
        # The patients of a wide prior would have more surface than there is.
        if evaluation.ok[0] and evaluation.predictions[0, surfaces].max() < 20:
            break
    synthetic(template, theta, path, rng)
    spec = ProblemSpec("H0", data=(str(path),))
    return theta, refit(spec, [space.centers]).best


def test_a_table_of_single_biopsies_gives_back_its_truth(template, tmp_path):
    theta, start = fitted(template, tmp_path / "own.csv", seed=1)
    sds = np.sqrt(np.diag(start.covariance))
    assert (np.abs(start.theta - theta) < 4 * sds).all()
    births = template.space.names.index("untreated_births")
    # The table tells: the prior of the births spans a factor of 50, its error is 0.25.
    assert sds[births] < 0.4 * template.space.sds[births]


@pytest.mark.slow
def test_intervals_of_parameters_cover_what_they_claim(template, tmp_path):
    """Fifty tables; the truth of each is a draw of the prior, cut at two SDs and where a
    surface is above 20 %."""
    inside = []
    for seed in range(50):
        theta, start = fitted(template, tmp_path / f"own{seed}.csv", seed)
        inside.append(np.abs(start.theta - theta) < 1.96 * np.sqrt(np.diag(start.covariance)))
    shares = np.mean(inside, axis=0)
    # The cut prior and Laplace's normal leave room; 50 tables have a standard error of 0.03.
    assert shares.mean() == pytest.approx(0.95, abs=0.05)
    assert shares.min() >= 0.95 - 4 * (0.95 * 0.05 / 50) ** 0.5
