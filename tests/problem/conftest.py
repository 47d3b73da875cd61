"""The shipped problem, compiled once a worker."""

import pytest

from bonecycle.problem.problem import ProblemSpec, load_problem


@pytest.fixture(scope="session")
def problem():
    return load_problem(ProblemSpec("H1"))
