"""Where the draws of a command come from: posterior files, or fits made on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from bonecycle.errors import UsageError

if TYPE_CHECKING:
    from bonecycle.analysis.draws import Draws
    from bonecycle.problem.problem import ProblemSpec

DEFAULT_MECHANISMS = ("H0", "H1", "H2", "H3", "H4", "H5")
MECHANISM_HELP = (
    "Without --posterior: H0 to H5 or a combination such as H1+H3, fitted on the spot; repeat. "
    "Default: H0 to H5."
)
POSTERIOR_HELP = (
    "posterior.nc of `bonecycle sample`, or its folder; repeat. Without it, draws come from the "
    "Laplace approximation at a fit, and every result says so."
)


def collect(
    posterior: Sequence[Path],
    mechanism: Sequence[str],
    data: Sequence[Path],
    encoding: str,
    count: int,
    starts: int,
    seed: int,
    out: Path,
) -> list[Draws]:
    """Draws of every mechanism, in the order asked for.

    Finished starts of a fit are kept in `out`, so that the same command goes on.

    Raises
    ------
    UsageError
        When both or contradicting sources are named, or a mechanism twice.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
    if posterior and (mechanism or data):
        raise UsageError(
            "--posterior brings its mechanism and its data: leave out --mechanism and --data."
        )
    if missing := [str(path) for path in posterior if not path.exists()]:
        raise UsageError(f"--posterior: no such file or folder: {', '.join(missing)}.")
    if posterior:
        return _from_files(posterior, count, seed)
    from bonecycle.problem.problem import ProblemSpec
    from bonecycle.problem.space import parse_mechanism

    names = dict.fromkeys("+".join(parse_mechanism(m)) for m in mechanism or DEFAULT_MECHANISMS)
    paths = tuple(str(path) for path in data)
    specs = [ProblemSpec(name, encoding, paths) for name in names]
    return [_fitted(spec, count, starts, seed, out) for spec in specs]


def said_of(draws: Sequence[Draws]) -> str:
    """Sources in a sentence: which are no posterior, and which chains have not converged."""
    if any(one.is_laplace for one in draws):
        return (
            f"No posterior: {draws[0].source}, {len(draws[0])} draws a mechanism. "
            "Give --posterior for posterior draws."
        )
    doubted = [one.mechanism for one in draws if one.doubt]
    doubt = f" Chains that have not converged: {', '.join(doubted)}." if doubted else ""
    return f"{len(draws[0])} posterior draws a mechanism.{doubt}"


def posterior_files(paths: Sequence[Path]) -> list[Path]:
    """Files of `sample`, those in folders among them.

    Raises
    ------
    UsageError
        For a folder without any.
    """
    files: list[Path] = []
    for path in paths:
        found = sorted(path.rglob("posterior.nc")) if path.is_dir() else [path]
        if not found:
            raise UsageError(f"{path} holds no posterior.nc: name a file or folder of `sample`.")
        files += found
    return files


def _fitted(spec: ProblemSpec, count: int, starts: int, seed: int, out: Path) -> Draws:
    from tqdm import tqdm

    from bonecycle.analysis.draws import laplace_draws
    from bonecycle.inference.fitting.checkpoints import Checkpoints
    from bonecycle.inference.fitting.least_squares import fit
    from bonecycle.problem.problem import load_problem

    checkpoints = Checkpoints(out / "starts", load_problem(spec), seed)
    with tqdm(total=starts, desc=f"{spec.mechanism}: fit", unit="start") as bar:

        def progress(done: int, _total: int) -> None:
            bar.update(done - bar.n)

        best = fit(
            spec,
            starts=starts,
            seed=seed,
            done=checkpoints.load(),
            progress=progress,
            on_start=checkpoints.save,
        )
    return laplace_draws(best, count, seed)


def _from_files(paths: Sequence[Path], count: int, seed: int) -> list[Draws]:
    from bonecycle.analysis.draws import posterior_draws
    from bonecycle.problem.problem import load_problem

    draws = [posterior_draws(path, count, seed) for path in posterior_files(paths)]
    names = [one.mechanism for one in draws]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UsageError(f"Two posteriors of {', '.join(sorted(twice))}: name one of each.")
    hashes = [load_problem(one.spec).hashes for one in draws]
    for key in ("data", "error_model", "encoding"):
        if len({found[key] for found in hashes}) > 1:
            raise UsageError(f"The posteriors differ in {key}: compare those of one problem.")
    return draws


def announce(draws: Sequence[Draws]) -> None:
    """Say on the console where the draws come from, with the verdict on doubtful chains."""
    doubts = [f"{one.mechanism}: {one.doubt}" for one in draws if one.doubt]
    for line in (said_of(draws), *doubts):
        Console(stderr=True).print(line, highlight=False, soft_wrap=True)
