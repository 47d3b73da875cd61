"""Derivatives of the problem, and both engines saying the same."""

from dataclasses import replace

import numpy as np
import pytest

from bonecycle.engines.choice import EngineName
from bonecycle.problem.problem import load_problem
from bonecycle.studies.reader import shipped_studies


@pytest.fixture(scope="module")
def point(problem):
    return problem.space.centers + 0.3 * problem.space.sds


def test_slopes_of_the_problem_are_its_differences(problem, point):
    slopes = problem.residual_slopes(point)
    assert slopes.shape == (len(problem.targets), len(point))
    steps = 1e-4 * problem.space.sds
    moved = problem.evaluate(np.vstack([point + np.diag(steps), point - np.diag(steps)])).residuals
    differences = ((moved[: len(point)] - moved[len(point) :]) / (2 * steps[:, None])).T
    size = np.abs(slopes).max(axis=0)
    np.testing.assert_allclose(slopes / size, differences / size, atol=2e-3)


def test_both_engines_predict_the_same(problem, point):
    bone_2011 = next(str(path) for path in shipped_studies() if "bone_2011" in str(path))
    spec = replace(problem.spec, data=(bone_2011,))
    kernel = load_problem(spec)
    reference = load_problem(replace(spec, engine=EngineName.ROADRUNNER))
    assert not kernel.notices
    one, other = (p.evaluate(point_of(p)).predictions for p in (kernel, reference))
    np.testing.assert_allclose(one, other, rtol=1e-6)
    theta = point_of(reference)[0]
    np.testing.assert_allclose(
        kernel.residual_slopes(theta), reference.residual_slopes(theta), rtol=0.02, atol=0.02
    )


def point_of(problem):
    return (problem.space.centers + 0.3 * problem.space.sds)[None]


def test_other_values_are_another_problem(problem, point):
    own = problem.evaluate(point[None])
    other = problem.with_values(own.predictions[0])
    numbers = [i for i, target in enumerate(problem.targets) if target.is_number]
    assert np.abs(other.evaluate(point[None]).residuals[0, numbers]).max() < 1e-9
    np.testing.assert_array_equal(problem.evaluate(point[None]).residuals, own.residuals)
