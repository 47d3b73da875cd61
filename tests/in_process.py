"""A command within the process of the tests, which has imported everything once."""

from contextlib import chdir
from pathlib import Path
from types import SimpleNamespace

from typer.testing import CliRunner

from bonecycle.cli import app


def call(folder: Path, *arguments: str) -> SimpleNamespace:
    """What `bonecycle ARGUMENTS` in a folder answers: returncode, stdout, stderr."""
    with chdir(folder):
        answer = CliRunner().invoke(app, arguments)
    if answer.exception and not isinstance(answer.exception, SystemExit):
        raise answer.exception
    return SimpleNamespace(returncode=answer.exit_code, stdout=answer.stdout, stderr=answer.stderr)
