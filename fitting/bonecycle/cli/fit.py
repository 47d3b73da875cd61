"""`bonecycle fit`: least squares of each mechanism to the studies."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from bonecycle.cli.fit_own import fit_own, own_spec
from bonecycle.cli.fit_report import report
from bonecycle.cli.work import DEFAULT_MECHANISMS, finish
from bonecycle.engines.choice import EngineName
from bonecycle.errors import UsageError
from bonecycle.manifest import atomic_write
from bonecycle.studies.error_model import DEFAULT_ENCODING
from bonecycle.tasks import worker_pool

# lmfit, pandas and roadrunner take seconds to import: in the functions that need them, so that
# help comes at once.
if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from bonecycle.inference.fitting.least_squares import Fit
    from bonecycle.problem.problem import ProblemSpec

EPILOG = """Examples:

bonecycle fit --out results/fit

bonecycle fit --mechanism H0 --mechanism H2+H3 --starts 8 --out results/h23

bonecycle fit --encoding dropped --starts 4 --workers 1 --out results/dropped

The cycle driven by the route of osteoclasts; a model of your own; a PEtab problem:

bonecycle fit --model coupled --mechanism H0 --data ALENDRONATE.csv --out results/coupled

bonecycle fit --model FILE.xml --map FILE.csv --data STUDY.csv --out results/own

bonecycle fit --petab problem.yaml --out results/petab

A map is a CSV file with the columns kind, name, model_id and, where of use, factor, action, center,
sd, scale, unit, note. Kinds: observable (name: ours, see `bonecycle list observables`), parameter
(model_id is freed; prior center, sd, scale log or logit), dose (name: drug; action add, rate or set
on model_id; factor: effect), start (name: initial_state or steady_state), time (name: unit).
"""
# What a spec says for our models that have the surfaces and markers of the studies.
_OURS = {"cycle": "", "coupled": "coupled"}


def fit(
    mechanism: Annotated[
        list[str] | None,
        typer.Option(help="H0 to H5 or a combination such as H1+H3; repeat. Default: see below."),
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            help="Study tables or tables of one's own biopsies (`bonecycle data template`), CSV or "
            "Excel; repeat. Default: the published studies shipped."
        ),
    ] = None,
    encoding: Annotated[
        str, typer.Option(help="How 'not strongly decreased' is read: see encodings.csv.")
    ] = DEFAULT_ENCODING,
    engine: Annotated[
        EngineName, typer.Option(help="What simulates; roadrunner is the slow reference.")
    ] = EngineName.KERNEL,
    model: Annotated[
        Path | None,
        typer.Option(
            help="`coupled`: the cycle driven by the route. Or a model of your own: SBML or "
            "Antimony; with --map."
        ),
    ] = None,
    map_: Annotated[
        Path | None, typer.Option("--map", help="Table that maps the model of your own: see below.")
    ] = None,
    petab: Annotated[
        Path | None, typer.Option(help="A PEtab problem (.yaml), ours or of your own.")
    ] = None,
    starts: Annotated[int, typer.Option(min=1, help="Starts per mechanism.")] = 50,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the starts.")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for all cores.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/fit"),
) -> None:
    """Fit mechanisms to the studies by least squares, from several starts.

    By default H0 to H5 and the combinations H1+H2 and H1+H3. Writes targets.csv, parameters.csv,
    mechanisms.csv, correlations.csv, structure.csv and ranks.csv (what the targets could tell
    apart, and how many combinations of parameters they inform), verdict.csv (refits with other
    encodings and errors), dosing.csv (predictions with every dose given one by one),
    untreated.csv, fit.json, manifest.json and figures; of a table of single biopsies also
    patients.csv (spread between patients, median patients) and a figure of them. An interrupted
    run goes on from its finished starts when the same command is given again.
    """
    import pandas as pd

    from bonecycle.inference.fitting.identifiability import pair_table, rank_table
    from bonecycle.inference.fitting.results import write_tables
    from bonecycle.inference.fitting.summary import dosing_table
    from bonecycle.problem.problem import ProblemSpec, load_problem
    from bonecycle.problem.space import parse_mechanism

    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
    paths = tuple(str(path) for path in data or ())
    ours = _OURS.get(str(model or "cycle"))
    if ours is None or map_ or petab:
        spec = own_spec(model, map_, petab, paths, encoding, engine, mechanism or [])
        if spec.model:
            fit_own(spec, starts, seed, workers, out, fit_one)
            return
        specs = [spec]
    else:
        asked = mechanism or DEFAULT_MECHANISMS
        names = list(dict.fromkeys("+".join(parse_mechanism(m)) for m in asked))
        specs = [ProblemSpec(name, encoding, paths, engine=engine, model=ours) for name in names]
    console = Console(stderr=True)
    console.print("Compiling the models ...", highlight=False)
    for spec in specs:
        load_problem(spec)
    for notice in load_problem(specs[0]).notices:
        console.print(notice, highlight=False)
    console.print("Asking what the targets could tell apart ...", highlight=False)
    structure = pair_table(specs[0])
    ranks = pd.concat(map(rank_table, specs), ignore_index=True)
    count = workers or os.cpu_count() or 1
    with worker_pool(count) as executor:
        fits = [fit_one(spec, starts, seed, out, executor) for spec in specs]
        verdict = _verdict(fits, executor)
        notes = {"structure": structure, "ranks": ranks, "verdict": verdict}
        for name, table in notes.items():
            atomic_write(out / f"{name}.csv", table.to_csv(index=False))
        console.print("Giving every dose one by one at the best points ...", highlight=False)
        dosing = list((executor.map if executor else map)(dosing_table, fits))
    tables = write_tables(out, fits, dosing) | notes
    _write_patients(out, paths, tables["targets"])
    _write_rest(out, fits, tables, seed)
    report(tables, out)


def fit_one(spec: ProblemSpec, starts: int, seed: int, out: Path, executor: Executor | None) -> Fit:
    """Fit one mechanism with a progress bar; starts that finished earlier in `out` are kept."""
    from tqdm import tqdm

    from bonecycle.inference.fitting.checkpoints import Checkpoints
    from bonecycle.inference.fitting.least_squares import fit as least_squares
    from bonecycle.problem.problem import load_problem

    problem = load_problem(spec)
    checkpoints = Checkpoints(out / "starts", problem, seed)
    with tqdm(total=starts, desc=f"{spec.mechanism}: starts", unit="start") as bar:

        def progress(done: int, _total: int) -> None:
            bar.update(done - bar.n)

        return least_squares(
            spec,
            starts=starts,
            seed=seed,
            executor=executor,
            done=checkpoints.load(),
            progress=progress,
            on_start=checkpoints.save,
        )


def _verdict(fits: list[Fit], executor: Executor | None) -> pd.DataFrame:
    from tqdm import tqdm

    from bonecycle.inference.fitting.verdict import variants, verdict_table

    total = len(fits) * len(variants(fits[0].spec))
    with tqdm(total=total, desc="encodings and errors", unit="fit") as bar:

        def progress(done: int, _total: int) -> None:
            bar.update(done - bar.n)

        return verdict_table(fits, executor=executor, progress=progress)


def _write_patients(out: Path, paths: tuple[str, ...], targets: pd.DataFrame) -> None:
    """Of tables of single biopsies: the spread between patients, and a figure."""
    import pandas as pd

    from bonecycle.inference.fitting.patient_table import patient_table, read_patients
    from bonecycle.show import plot_own_biopsies, save

    parts = []
    for study, patients in read_patients(map(Path, paths)).items():
        parts.append(patient_table(study, patients))
        own = targets[targets["study"] == study]
        save(plot_own_biopsies(patients, own), out / f"biopsies_{Path(study).stem}")
    if parts:
        atomic_write(out / "patients.csv", pd.concat(parts).to_csv(index=False))


def _write_rest(out: Path, fits: list[Fit], tables: Mapping[str, pd.DataFrame], seed: int) -> None:
    from bonecycle.analysis.curves import fitted_curves, fitted_parameters
    from bonecycle.analysis.untreated import compare_untreated
    from bonecycle.problem.problem import load_problem
    from bonecycle.show import (
        plot_drugs_cycle,
        plot_fit,
        plot_plane,
        plot_residuals,
        plot_verdict,
        save,
    )

    untreated = compare_untreated()
    atomic_write(out / "untreated.csv", untreated.to_csv(index=False))
    curves = {fit.spec.mechanism: fitted_curves(fit) for fit in fits}
    targets = load_problem(fits[-1].spec).targets
    best = min(fits, key=lambda fit: fit.best.cost).spec.mechanism
    shown = {name: curves[name] for name in dict.fromkeys((fits[0].spec.mechanism, best))}
    figures: dict[str, Callable[[], Figure]] = {
        "time_courses": lambda: plot_fit(targets, curves),
        "plane": lambda: plot_plane(targets, curves),
        "residuals": lambda: plot_residuals(tables["targets"]),
        "cycle": lambda: plot_drugs_cycle(targets, shown),
        "verdict": lambda: plot_verdict(tables["verdict"]),
    }
    for name, draw in figures.items():
        try:
            save(draw(), out / name)
        except UsageError as error:
            # One's own data need not hold what a figure is about.
            Console(stderr=True).print(f"{name}: not drawn. {error}", highlight=False)
    finish(
        out,
        seed,
        load_problem(fits[-1].spec).hashes,
        {
            "model": fits[-1].spec.model or "cycle",
            "encoding": fits[-1].spec.encoding,
            "starts": len(fits[-1].starts),
            "data": list(fits[-1].spec.data) or "studies shipped with the package",
            "dosing": fits[-1].spec.dosing.value,
            "best": {fit.spec.mechanism: fitted_parameters(fit) for fit in fits},
        },
    )
