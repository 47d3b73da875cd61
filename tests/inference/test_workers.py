"""The same seed gives the same numbers on one worker and on two: a whole sample, and parts."""

from importlib.resources import files

import numpy as np
import pytest

from bonecycle.inference.comparison.run import Evidence, WholePrior, left_out_parts, surface_parts
from bonecycle.inference.comparison.surface import Cell
from bonecycle.inference.fitting.least_squares import Fit, fit
from bonecycle.inference.parts import run_parts
from bonecycle.inference.posterior.tree import posterior_tree
from bonecycle.inference.sampling.run import Settings, sample
from bonecycle.problem.problem import ProblemSpec
from bonecycle.tasks import worker_pool

pytestmark = pytest.mark.slow

STUDIES = ("mcclung_2005", "delmas_2009", "recker_2008")
SPEC = ProblemSpec(
    "H0", data=tuple(str(files("bonecycle_data") / "studies" / f"{s}.csv") for s in STUDIES)
)


@pytest.fixture(scope="module")
def pool():
    with worker_pool(2) as executor:
        yield executor


def test_a_whole_sample(tmp_path, pool):
    settings = Settings(walkers=40, seed=3)
    one = sample(SPEC, tmp_path / "one", settings, max_steps=50)
    two = sample(SPEC, tmp_path / "two", settings, max_steps=50, executor=pool)
    record = (tmp_path / "one" / "run.json").read_bytes()
    assert record == (tmp_path / "two" / "run.json").read_bytes()
    assert (one.draws() == two.draws()).all()
    trees = [posterior_tree(run) for run in (one, two)]
    for group in ("posterior", "posterior_predictive", "prior", "prior_predictive"):
        first, second = (tree[group].to_dataset() for tree in trees)
        assert first.identical(second)


def test_every_part_of_a_comparison(tmp_path, pool):
    found: Fit = fit(SPEC, starts=1, seed=0)
    theta = tuple(found.best.theta.tolist())

    def parts(folder):
        return [
            *left_out_parts([found], draws=128),
            surface_parts([found])[0],
            Cell(SPEC, theta),
            Evidence(SPEC, theta, folder, live_points=50),
            WholePrior(SPEC, folder, live_points=50),
        ]

    one = run_parts(parts(tmp_path / "one"), tmp_path / "one")
    two = run_parts(parts(tmp_path / "two"), tmp_path / "two", executor=pool)
    assert one == two
    assert np.isfinite([row["elpd"] for row in one if "elpd" in row]).all()
