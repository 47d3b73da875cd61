"""The shipped problem, compiled once a worker; PEtab problems of other origin."""

import pytest
from synthetic import CYCLE_ANT

from bonecycle.biology.safe_antimony import antimony_to_sbml
from bonecycle.problem import petab_check, petab_files
from bonecycle.problem.petab_problem import petab_spec
from bonecycle.problem.problem import ProblemSpec, load_problem


@pytest.fixture(scope="session")
def problem():
    return load_problem(ProblemSpec("H1"))


@pytest.fixture
def petab_in_process(monkeypatch, request):
    """petab's checks in this process: another takes seconds to start."""
    if "slow" not in request.keywords:
        monkeypatch.setattr(
            petab_files, "_checked", lambda path, *given: petab_check.faults(*given)
        )


@pytest.fixture
def write_petab(tmp_path):
    """Write the files of a problem with changes, (old, new) by the start of a name; its spec."""

    def written(files, changes, *engine):
        files = {**files, "model.xml": antimony_to_sbml("m", CYCLE_ANT.encode()).decode()}
        for name, (old, new) in changes.items():
            key = next(file for file in files if file.startswith(name))
            assert old in files[key]
            files[key] = files[key].replace(old, new)
        for name, content in files.items():
            (tmp_path / name).write_text(content, encoding="utf-8")
        return petab_spec(tmp_path / "problem.yaml", *engine)

    return written
