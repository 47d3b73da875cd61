"""What the long commands share: checked options, and parts with a progress bar."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING

from bonecycle.engines.choice import EngineName
from bonecycle.errors import UsageError
from bonecycle.manifest import write_manifest

if TYPE_CHECKING:
    from bonecycle.inference.parts import Part, Record
    from bonecycle.problem.problem import ProblemSpec

DEFAULT_MECHANISMS = ("H0", "H1", "H2", "H3", "H4", "H5", "H1+H2", "H1+H3")


def asked_specs(
    mechanism: list[str] | None,
    data: list[Path] | None,
    encoding: str,
    engine: EngineName,
    out: Path,
    default: Sequence[str] = DEFAULT_MECHANISMS,
    at_least: int = 1,
) -> list[ProblemSpec]:
    """Check the options that say what is fitted, and compile the models.

    Raises
    ------
    UsageError
        When `out` is a file, a mechanism or an encoding is unknown, or there are fewer mechanisms
        than `at_least`.
    """
    from rich.console import Console

    from bonecycle.problem.problem import ProblemSpec, load_problem
    from bonecycle.problem.space import parse_mechanism

    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
    names = dict.fromkeys("+".join(parse_mechanism(name)) for name in mechanism or default)
    if len(names) < at_least:
        raise UsageError(f"--mechanism: give {at_least} or more different ones to compare.")
    paths = tuple(str(path) for path in data or ())
    specs = [ProblemSpec(name, encoding, paths, engine=engine) for name in names]
    Console(stderr=True).print("Compiling the models ...", highlight=False)
    for spec in specs:
        load_problem(spec)
    return specs


def run_with_bar(
    title: str, parts: Sequence[Part], folder: Path, executor: Executor | None
) -> list[Record]:
    """Run all parts that are not yet in the folder, with a progress bar."""
    from tqdm import tqdm

    from bonecycle.inference.parts import run_parts

    with tqdm(total=len(parts), desc=title, unit="part") as bar:

        def progress(done: int, _total: int) -> None:
            bar.update(done - bar.n)

        return run_parts(parts, folder, executor=executor, progress=progress)


def inputs(spec: ProblemSpec) -> dict[str, object]:
    """Reading and tables of a problem for its manifest, from which the report reads them again."""
    return {
        "encoding": spec.encoding,
        "data": list(spec.data) or "studies shipped with the package",
    }


def finish(
    out: Path, seed: int, hashes: Mapping[str, str], extra: Mapping[str, object] | None = None
) -> None:
    """Write manifest.json and report.html of a run whose tables and figures are in `out`."""
    # pandas is slow to import.
    from bonecycle.show.run_report import write_report

    command = shlex.join(["bonecycle", *sys.argv[1:]])
    write_manifest(out, command=command, seed=seed, hashes=hashes, extra=extra)
    write_report(out)
