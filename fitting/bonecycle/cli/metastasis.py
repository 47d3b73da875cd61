"""`bonecycle metastasis`: the clodronate trials by mechanism, and regimens."""

from __future__ import annotations

import json
import os
from concurrent.futures import Executor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from bonecycle.cli.work import finish
from bonecycle.errors import UsageError, unknown_names
from bonecycle.manifest import atomic_write
from bonecycle.tasks import worker_pool

if TYPE_CHECKING:
    import pandas as pd

    from bonecycle.engines.interface import Floats
    from bonecycle.inference.sampling.convergence import Convergence
    from bonecycle.inference.sampling.run import Sample, Settings
    from bonecycle.problem.problem import ProblemSpec

FIT_EPILOG = """Examples:

bonecycle metastasis fit

bonecycle metastasis fit --mechanism indirect --mechanism both --max-steps 500 --out results/two
"""

REGIMENS_EPILOG = """Examples:

bonecycle metastasis regimens --fit results/metastasis

bonecycle metastasis regimens --fit results/metastasis --year 2 --year 5
--regimen "clodronate 1600 mg oral every 1 day for 4 years"
"""

CELLS_EPILOG = """Examples:

bonecycle metastasis cells --fit results/metastasis

bonecycle metastasis cells --fit results/metastasis --mechanism indirect --draws 500 --out cells
"""

REGIMENS = {
    **{
        f"clodronate 1600 mg/d, {years} y": f"clodronate 1600 mg oral every 1 day for {years} years"
        for years in (1, 2, 3, 5)
    },
    "clodronate 800 mg/d, 2 y": "clodronate 800 mg oral every 1 day for 2 years",
    "pamidronate 90 mg/4 wk, 2 y": ("pamidronate 90 mg iv over 2 hours every 4 weeks for 2 years"),
    "pamidronate 60 mg/3 mo, 2 y": ("pamidronate 60 mg iv over 2 hours every 3 months for 2 years"),
    "pamidronate 30 mg/3 mo, 2 y": ("pamidronate 30 mg iv over 2 hours every 3 months for 2 years"),
}
"""Oral continuous against intravenous intervals, palliative against lower doses, one to five
years. The doses are scenarios."""


def fit(
    mechanism: Annotated[
        list[str] | None, typer.Option(help="indirect, direct or both; repeat. Default: all.")
    ] = None,
    max_steps: Annotated[
        int, typer.Option(min=50, help="Steps at most; fewer when the stop rule is met.")
    ] = 3000,
    walkers: Annotated[int, typer.Option(help="Walkers of each of four ensembles.")] = 36,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for all cores.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/metastasis"),
) -> None:
    """Fit the model of metastasis to the clodronate trials, with and without the withheld row.

    Samples each mechanism twice. Writes under withheld/MECHANISM and all/MECHANISM the posterior
    and its tables as `bonecycle sample` does; prediction.csv (the withheld hazard ratio, by
    mechanism and by the pooled null, with log scores), periods.csv (hazard ratios on medication
    and after it), evidence.csv (by Laplace), and manifest.json. An interrupted run goes on with
    the same command. The first run compiles for a minute.
    """
    import pandas as pd

    from bonecycle.analysis.metastasis import period_table, score_withheld
    from bonecycle.inference.posterior.results import write_posterior_results
    from bonecycle.inference.sampling.run import Settings
    from bonecycle.problem.metastasis import ENCODINGS, MODEL
    from bonecycle.problem.problem import ProblemSpec, load_problem

    names = _mechanisms(mechanism, out)
    settings = Settings(walkers=walkers, seed=seed)
    specs = [ProblemSpec(name, encoding, model=MODEL) for encoding in ENCODINGS for name in names]
    for spec in specs:
        settings.check(spec)
    thin: dict[str, dict[str, Floats]] = {encoding: {} for encoding in ENCODINGS}
    rows = []
    with worker_pool(workers or os.cpu_count() or 1) as executor:
        for spec in specs:
            folder = out / spec.encoding / spec.mechanism
            sample = _sampled(spec, folder, settings, max_steps, executor)
            write_posterior_results(folder, sample)
            rows.append(_evidence(sample))
            draws = sample.draws()
            thin[spec.encoding][spec.mechanism] = draws[:: max(1, len(draws) // 2000)]
    evidence = pd.DataFrame(rows)
    prediction = score_withheld(thin["withheld"])
    periods = pd.concat(period_table(own).assign(encoding=name) for name, own in thin.items())
    atomic_write(out / "evidence.csv", evidence.to_csv(index=False))
    atomic_write(out / "periods.csv", periods.to_csv(index=False))
    atomic_write(out / "prediction.csv", prediction.to_csv(index=False))
    tables = {"evidence": evidence, "prediction": prediction, "periods": periods}
    record = {name: json.loads(own.to_json(orient="records")) for name, own in tables.items()}
    atomic_write(out / "metastasis.json", json.dumps(record, indent=1) + "\n")
    finish(out, seed, load_problem(specs[0]).hashes, {"mechanisms": names, "walkers": walkers})
    _show(evidence, "Mechanisms on the counts of the trials")
    _show(periods, "Hazard ratios on medication and after it")
    _show(prediction, "The withheld hazard ratio: Powles, bone, total follow-up")
    Console().print(f"Results in {out}", highlight=False, soft_wrap=True)


def regimens(
    fit: Annotated[Path, typer.Option(help="Folder of `bonecycle metastasis fit`.")] = Path(
        "results/metastasis"
    ),
    mechanism: Annotated[
        list[str] | None, typer.Option(help="indirect, direct or both; repeat. Default: all.")
    ] = None,
    regimen: Annotated[
        list[str] | None, typer.Option(help="Treatments as text; repeat. Default: a set of eight.")
    ] = None,
    year: Annotated[
        list[float] | None, typer.Option(min=0.1, help="When; repeat. Default: 2, 5 and 10.")
    ] = None,
    draws: Annotated[int, typer.Option(min=20, help="Draws of the posterior.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/regimens"),
) -> None:
    """Compare regimens: hazard ratios and patients spared, with bands, by mechanism.

    From the posteriors that saw every row. Writes regimens.csv, regimens.json, deciding.csv
    (events that would tell two mechanisms apart), a figure and manifest.json.
    """
    from tqdm import tqdm

    from bonecycle.analysis.metastasis import deciding_table, regimen_table
    from bonecycle.biology import catalogue
    from bonecycle.biology.regimens import parse_regimen
    from bonecycle.show import plot_regimens, save

    names = _mechanisms(mechanism, out)
    plans = {text: text for text in regimen} if regimen else REGIMENS
    for text in plans.values():
        parse_regimen(text, catalogue.routes())
    thetas, hashes = _posteriors(fit, names, draws, seed)
    years = sorted(year or [2.0, 5.0, 10.0])
    with tqdm(total=len(names) * len(plans), desc="regimens", unit="regimen") as bar:
        table = regimen_table(thetas, plans, years, progress=bar.update)
    deciding = deciding_table(table)
    atomic_write(out / "regimens.csv", table.to_csv(index=False))
    atomic_write(out / "deciding.csv", deciding.to_csv(index=False))
    record = json.loads(table.to_json(orient="records"))
    atomic_write(out / "regimens.json", json.dumps(record, indent=1) + "\n")
    save(plot_regimens(table), out / "regimens")
    finish(out, seed, hashes, {"regimens": plans})
    last = table[table["year"] == years[-1]]
    _show(last[last["endpoint"] == "bone"], f"First bone metastasis, {years[-1]:g} years")
    Console().print(f"Results in {out}", highlight=False, soft_wrap=True)


def cells(
    fit: Annotated[Path, typer.Option(help="Folder of `bonecycle metastasis fit`.")] = Path(
        "results/metastasis"
    ),
    mechanism: Annotated[
        list[str] | None, typer.Option(help="indirect, direct or both; repeat. Default: all.")
    ] = None,
    draws: Annotated[int, typer.Option(min=20, help="Draws of the posterior.")] = 200,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/cells"),
) -> None:
    """Tabulate hazards per kind of patient, by menopause and tumour cells in marrow, with bands.

    From the posteriors that saw every row, for clodronate 1600 mg/d over two years. Menopause
    enters as turnover: more remodeling sites are born, more growth factors are released. Writes
    cells.csv (untreated hazards and hazard ratios on medication and after it; `bonecycle trial
    --cells` draws patients from it), cells.json and manifest.json.
    """
    from tqdm import tqdm

    from bonecycle.analysis.metastasis import cell_table, turnover_states

    names = _mechanisms(mechanism, out)
    thetas, hashes = _posteriors(fit, names, draws, seed)
    with tqdm(total=2 * len(turnover_states()), desc="cells", unit="cell") as bar:
        table = cell_table(thetas, progress=bar.update)
    atomic_write(out / "cells.csv", table.to_csv(index=False))
    record = json.loads(table.to_json(orient="records"))
    atomic_write(out / "cells.json", json.dumps(record, indent=1) + "\n")
    finish(out, seed, hashes, {"draws": draws})
    shown = table[(table["endpoint"] == "bone") & (table["marrow"] == "unselected")]
    _show(shown.drop(columns=["endpoint", "marrow"]), "First bone metastasis by turnover")
    Console().print(f"Results in {out}", highlight=False, soft_wrap=True)


def _posteriors(
    fit: Path, names: list[str], draws: int, seed: int
) -> tuple[dict[str, Floats], dict[str, str]]:
    """Draws by mechanism, of the posteriors that saw every row, and the hashes of their problem."""
    from bonecycle.inference.posterior.files import read_posterior, spec_of, theta_draws
    from bonecycle.problem.problem import load_problem

    trees = {name: read_posterior(fit / "all" / name / "posterior.nc") for name in names}
    thetas = {name: theta_draws(tree, draws, seed) for name, tree in trees.items()}
    return thetas, load_problem(spec_of(trees[names[0]])).hashes


def _mechanisms(asked: list[str] | None, out: Path) -> list[str]:
    from bonecycle.problem.metastasis import MECHANISMS

    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
    names = list(dict.fromkeys(asked or MECHANISMS))
    if faults := unknown_names("mechanism of metastasis", names, MECHANISMS):
        raise UsageError("\n".join(faults))
    return names


def _sampled(
    spec: ProblemSpec,
    folder: Path,
    settings: Settings,
    max_steps: int,
    executor: Executor | None,
) -> Sample:
    from tqdm import tqdm

    from bonecycle.inference.sampling.run import sample

    with tqdm(total=max_steps, desc=f"{spec.encoding} {spec.mechanism}", unit="step") as bar:

        def progress(state: Convergence) -> None:
            bar.update(state.steps - bar.n)

        return sample(
            spec, folder, settings, max_steps=max_steps, executor=executor, progress=progress
        )


def _evidence(sample: Sample) -> dict[str, object]:
    from bonecycle.inference.comparison.laplace import at_mode
    from bonecycle.inference.fitting.least_squares import refit
    from bonecycle.problem.problem import load_problem

    problem = load_problem(sample.spec)
    draws = sample.draws()
    draws = draws[:: max(1, len(draws) // 1000)]
    density = problem.evaluate(draws).log_posterior
    best = refit(sample.spec, [draws[density.argmax()]]).best
    return {
        "encoding": sample.spec.encoding,
        "mechanism": sample.spec.mechanism,
        "log_evidence": at_mode(problem, best).log_evidence,
        "cost": best.cost,
        "converged": sample.state.reached,
        "steps": sample.state.steps,
    }


def _show(table: pd.DataFrame, title: str) -> None:
    shown = Table(title=title)
    for column in table.columns:
        shown.add_column(str(column))
    for row in table.itertuples(index=False):
        shown.add_row(*(f"{v:.3g}" if isinstance(v, float) else str(v) for v in row))
    Console(width=max(Console().width, 130)).print(shown)
