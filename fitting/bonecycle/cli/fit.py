"""`bonecycle fit`: least squares of each mechanism to the studies."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bonecycle.engines.choice import EngineName
from bonecycle.errors import UsageError
from bonecycle.manifest import atomic_write, write_manifest
from bonecycle.studies.error_model import DEFAULT_ENCODING
from bonecycle.tasks import worker_pool

# lmfit, pandas and roadrunner take seconds to import: in the functions that need them, so that
# help comes at once.
if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from bonecycle.inference.least_squares import Fit
    from bonecycle.problem.problem import ProblemSpec

DEFAULT_MECHANISMS = ("H0", "H1", "H2", "H3", "H4", "H5", "H1+H2", "H1+H3")

EPILOG = """Examples:

bonecycle fit --out results/fit

bonecycle fit --mechanism H0 --mechanism H2+H3 --starts 8 --out results/h23

bonecycle fit --encoding dropped --starts 4 --workers 1 --out results/dropped
"""


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

    from bonecycle.inference.identifiability import pair_table, rank_table
    from bonecycle.inference.results import write_tables
    from bonecycle.inference.summary import dosing_table
    from bonecycle.problem.problem import ProblemSpec, load_problem
    from bonecycle.problem.space import parse_mechanism

    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
    asked = mechanism or DEFAULT_MECHANISMS
    names = list(dict.fromkeys("+".join(parse_mechanism(m)) for m in asked))
    paths = tuple(str(path) for path in data or ())
    specs = [ProblemSpec(name, encoding, paths, engine=engine) for name in names]
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
        fits = [_fit_one(spec, starts, seed, out, executor) for spec in specs]
        verdict = _verdict(fits, executor)
        notes = {"structure": structure, "ranks": ranks, "verdict": verdict}
        for name, table in notes.items():
            atomic_write(out / f"{name}.csv", table.to_csv(index=False))
        console.print("Giving every dose one by one at the best points ...", highlight=False)
        dosing = list((executor.map if executor else map)(dosing_table, fits))
    tables = write_tables(out, fits, dosing) | notes
    _write_patients(out, paths, tables["targets"])
    _write_rest(out, fits, tables, seed)
    _report(tables, out)


def _fit_one(
    spec: ProblemSpec, starts: int, seed: int, out: Path, executor: Executor | None
) -> Fit:
    from tqdm import tqdm

    from bonecycle.inference.checkpoints import Checkpoints
    from bonecycle.inference.least_squares import fit as least_squares
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

    from bonecycle.inference.verdict import variants, verdict_table

    total = len(fits) * len(variants(fits[0].spec))
    with tqdm(total=total, desc="encodings and errors", unit="fit") as bar:

        def progress(done: int, _total: int) -> None:
            bar.update(done - bar.n)

        return verdict_table(fits, executor=executor, progress=progress)


def _write_patients(out: Path, paths: tuple[str, ...], targets: pd.DataFrame) -> None:
    """Of tables of single biopsies: the spread between patients, and a figure."""
    import pandas as pd

    from bonecycle.biology import catalogue
    from bonecycle.inference.patient_table import patient_table
    from bonecycle.problem.patients import estimate
    from bonecycle.show import plot_own_biopsies, save
    from bonecycle.studies.reader import load_studies

    studies = load_studies(catalogue.observables(), map(Path, paths)) if paths else ()
    parts = []
    for study in (study for study in studies if study.biopsies):
        patients = estimate(study.biopsies)
        parts.append(patient_table(study.name, patients))
        own = targets[targets["study"] == study.name]
        save(plot_own_biopsies(patients, own), out / f"biopsies_{Path(study.name).stem}")
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
    write_manifest(
        out,
        command=shlex.join(["bonecycle", *sys.argv[1:]]),
        seed=seed,
        hashes=load_problem(fits[-1].spec).hashes,
        extra={
            "encoding": fits[-1].spec.encoding,
            "starts": len(fits[-1].starts),
            "data": list(fits[-1].spec.data) or "studies shipped with the package",
            "dosing": fits[-1].spec.dosing.value,
            "best": {fit.spec.mechanism: fitted_parameters(fit) for fit in fits},
        },
    )
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


_SIGNS = {
    "below": "< ",
    "above": "> ",
    "not_strongly_decreased": "> ",
    "decreased": "falls",
    "increased": "rises",
    "unchanged": "stays",
}


def _report(tables: Mapping[str, pd.DataFrame], out: Path) -> None:
    from bonecycle.inference.summary import FAR_FROM_CENTER

    # Eight mechanisms side by side need more than the eighty columns of a pipe.
    console = Console(width=max(Console().width, 150))
    mechanisms = tables["mechanisms"]
    names = [str(name) for name in mechanisms["mechanism"]]
    console.print(_target_report(tables["targets"], names))
    console.print(_mechanism_report(mechanisms))
    console.print(
        "* not met; - a direction that no free parameter moves: not predicted. Numbers are met "
        "within two of their committed errors, limits on their side, directions by at least one "
        "error. Intervals are conditional on the parameters that are not fitted.",
        highlight=False,
    )
    parameters = tables["parameters"]
    far = parameters[parameters["prior_sds_from_center"].abs() > FAR_FROM_CENTER]
    for row in far.to_dict("records"):
        console.print(
            f"{row['mechanism']}: {row['parameter']} = {row['value']:.3g} {row['unit']} lies "
            f"{row['prior_sds_from_center']:+.1f} prior SDs from its centre "
            f"{row['prior_center']:g}",
            highlight=False,
        )
    dosing = tables["dosing"]
    far_off = dosing.sort_values("difference", key=abs).to_dict("records")[-1]
    console.print(
        f"Doses up to a month apart act as their time average. Given one by one, predictions move "
        f"by up to {abs(far_off['difference']):.2g} committed errors ({far_off['mechanism']}: "
        f"{far_off['study']} {far_off['variable']}, month {far_off['time_months']:.3g}).",
        highlight=False,
    )
    structure, verdict = tables["structure"], tables["verdict"]
    apart = structure[structure["separated"]]
    pairs = ", ".join(f"{a} and {b}" for a, b in zip(apart["first"], apart["second"], strict=True))
    alike = structure.sort_values("alike").iloc[-1]
    console.print(
        f"Before any fit, in a model with both on, the targets separate the strengths of "
        f"{pairs or 'no pair'} of mechanisms ({len(structure)} pairs; most alike: "
        f"{alike['first']} and {alike['second']}, {alike['alike']:.2f}; structure.csv).",
        highlight=False,
    )
    ranks = tables["ranks"]
    console.print(
        f"Over the prior they inform {ranks['informed'].min()} to {ranks['informed'].max()} "
        f"combinations of {ranks['parameters'].min()} to {ranks['parameters'].max()} parameters "
        "better than the prior does (ranks.csv).",
        highlight=False,
    )
    if mechanisms["validation"].max():
        farthest = [
            f"{row['mechanism']} {row['validation_farthest']:.1f}"
            for row in mechanisms.to_dict("records")
        ]
        console.print(
            f"Rows kept for validation, farthest in committed errors: {', '.join(farthest)}.",
            highlight=False,
        )
    ranges = verdict.groupby("mechanism", sort=False)["behind"].agg(["min", "max"])
    texts = [f"{name} {row['min']:.0f} to {row['max']:.0f}" for name, row in ranges.iterrows()]
    console.print(
        f"Cost above the best one, over {len(verdict) // len(ranges)} readings of 'not strongly "
        f"decreased' and sizes of the errors: {', '.join(texts)} (verdict.csv).",
        highlight=False,
    )
    console.print(
        "A lower cost is no verdict: mechanisms are compared by prediction of studies left out "
        "and by evidence, which this command does not do."
    )
    console.print(f"Results in {out}", highlight=False, soft_wrap=True)


def _target_report(targets: pd.DataFrame, names: list[str]) -> Table:
    table = Table(title="Targets (ratios to untreated) and what each mechanism says")
    for column in ("study", "variable", "months", "observed", *names):
        table.add_column(column, justify="left" if column in ("study", "variable") else "right")
    rows: dict[tuple[object, ...], dict[str, Mapping[Any, Any]]] = {}
    keys = ("study", "arm", "symbol", "time_months", "comparison")
    for row in targets.to_dict("records"):
        rows.setdefault(tuple(row[key] for key in keys), {})[row["mechanism"]] = row
    for by_name in rows.values():
        first = by_name[names[0]]
        role = "" if first["role"] == "fitted" else f" ({first['role']})"
        table.add_row(
            f"{first['study']}{role}",
            str(first["symbol"]),
            f"{first['time_months']:.3g}",
            _observed(first),
            *(_cell(by_name[name]) for name in names),
        )
    return table


def _observed(row: Mapping[Any, Any]) -> str:
    sign = _SIGNS.get(str(row["comparison"]), "")
    if row["comparison"] in ("decreased", "increased", "unchanged"):
        return sign
    if row["role"] == "dropped":
        return "dropped"
    unit = "" if row["unit"] == "ratio to untreated" else f" {row['unit']}"
    read = " (read)" if row["comparison"] == "not_strongly_decreased" else ""
    return f"{sign}{row['observed']:.2f}{unit}{read}"


def _cell(row: Mapping[Any, Any]) -> str:
    mark = "-" if not row["predictable"] else " " if row["met"] in (True, None) else "*"
    return f"{row['fitted']:.2f}{mark}"


def _mechanism_report(mechanisms: pd.DataFrame) -> Table:
    table = Table(title="Mechanisms")
    columns = {
        "mechanism": "{mechanism}",
        "free": "{free_parameters}",
        "cost": "{cost:.1f}",
        "of it priors": "{cost_priors:.1f}",
        "effective": "{effective_parameters:.1f}",
        "chi-square": "{predictive_chi_square:.0f} on {numbers}",
        "p": "{chi_square_p:.2f} {chi_square_flag}",
        "numbers met": "{numbers_met} of {numbers}",
        "limits, directions met": "{limits_and_directions_met} of {limits_and_directions}",
        "starts at the best": "{starts_at_best} of {starts}",
    }
    for column in columns:
        table.add_column(column, justify="right")
    for row in mechanisms.to_dict("records"):
        table.add_row(*(form.format_map(row) for form in columns.values()))
    return table
