"""`bonecycle route`: facts about cells under each rule of fusion, and perturbations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from bonecycle.biology import catalogue
from bonecycle.cli.work import finish
from bonecycle.errors import UsageError, unknown_names
from bonecycle.manifest import atomic_write

FIT_EPILOG = """Examples:

bonecycle route fit

bonecycle route fit --rule maturity --rule founder --starts 8 --out results/two_rules
"""

PERTURBATIONS_EPILOG = """Examples:

bonecycle route perturbations

bonecycle route perturbations --row integrin_number --row blocked_less --draws 1000

bonecycle route perturbations --rule random --draws 200 --out results/random_fusion
"""

Out = Annotated[Path, typer.Option(help="Folder of the results.")]


def fit(
    rule: Annotated[
        list[str] | None,
        typer.Option(help="maturity, random, size or founder; repeat. Default: all."),
    ] = None,
    starts: Annotated[int, typer.Option(min=1, help="Starts a fit.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the starts.")] = 0,
    out: Out = Path("results/route_fit"),
) -> None:
    """Fit the route to published facts about cells, under each rule of fusion.

    The share of fusion events is read twice: as printed, and as what is left of 100 %. Writes for
    each reading targets.csv, parameters.csv (with the prior's share) and fit.json; rules.csv with
    the evidence of every rule, and manifest.json. The first run compiles for a minute.
    """
    _check_folder(out)
    rules = _rules(rule)
    import pandas as pd
    from tqdm import tqdm

    from bonecycle.analysis.fusion_rules import fit_rules, rule_table
    from bonecycle.inference.fitting.results import write_tables
    from bonecycle.problem.cells import ENCODINGS
    from bonecycle.problem.problem import load_problem

    tables = []
    with tqdm(total=len(ENCODINGS) * len(rules), desc="rules", unit="fit") as bar:
        for encoding in ENCODINGS:
            fits = fit_rules(rules, encoding, starts, seed, bar.update)
            write_tables(out / encoding, fits)
            tables.append(rule_table(fits).assign(encoding=encoding))
    table = pd.concat(tables, ignore_index=True)
    atomic_write(out / "rules.csv", table.to_csv(index=False))
    finish(out, seed, load_problem(fits[0].spec).hashes, {"rules": rules, "starts": starts})
    shown = Table(title="Rules of fusion: log evidence, and what the fits give")
    for column in table.columns:
        shown.add_column(column, justify="left" if table[column].dtype == object else "right")
    for _, row in table.iterrows():
        shown.add_row(*(f"{v:.3g}" if isinstance(v, float) else str(v) for v in row))
    Console().print(shown)
    Console().print(f"Results in {out}", highlight=False, soft_wrap=True)


def perturbations(
    rule: Annotated[str, typer.Option(help="Rule of fusion.")] = "maturity",
    row: Annotated[
        list[str] | None, typer.Option(help="Id of a row of perturbations.csv; repeat.")
    ] = None,
    draws: Annotated[int, typer.Option(min=20, help="Draws of prior and of posterior.")] = 500,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the draws.")] = 0,
    out: Out = Path("results/perturbations"),
) -> None:
    """Ask the route what follows from each published perturbation, over draws.

    For every row: expected direction and source, the share of prior and of posterior draws that
    obey, and which parameters set apart the draws that do not. Where all prior draws obey the row
    is marked "by construction". The posterior is sampled given the facts about cells; what they
    do not fit is drawn from its prior. Writes perturbations.csv and .json, posterior.csv (with the
    prior's share), a figure and manifest.json. The first run compiles for some minutes.
    """
    _check_folder(out)
    (chosen,) = _rules([rule])
    from bonecycle.biology.perturbations import perturbations as known

    if faults := unknown_names("perturbation", row or [], known()):
        raise UsageError("\n".join(faults))
    from tqdm import tqdm

    from bonecycle.analysis.fusion_rules import posterior_values
    from bonecycle.analysis.perturbations import (
        perturbation_table,
        prior_values,
        run_perturbations,
    )
    from bonecycle.problem.cells import MODEL
    from bonecycle.problem.problem import ProblemSpec, load_problem
    from bonecycle.show import plot_perturbations, save

    switches = catalogue.fusion_rules()[chosen].switches
    Console(stderr=True).print("Compiling, and sampling the posterior ...", highlight=False)
    posterior, learned = posterior_values(chosen, out / "chains" / chosen, draws, seed)
    atomic_write(out / "posterior.csv", learned.to_csv(index=False))
    hashes = load_problem(ProblemSpec(chosen, model=MODEL)).hashes
    prior = prior_values(draws, seed)
    rows = list(row or known())
    with tqdm(total=2 * len(rows), desc="perturbations", unit="row") as bar:
        before = run_perturbations(prior, switches=switches, rows=rows, progress=bar.update)
        after = run_perturbations(
            prior_values(draws, seed, posterior), switches=switches, rows=rows, progress=bar.update
        )
    table = perturbation_table(before, after, prior)
    atomic_write(out / "perturbations.csv", table.to_csv(index=False))
    record = {"rule": chosen, "draws": draws, "rows": json.loads(table.to_json(orient="records"))}
    atomic_write(out / "perturbations.json", json.dumps(record, indent=1) + "\n")
    save(plot_perturbations(table), out / "perturbations")
    finish(out, seed, hashes, {"rule": chosen, "draws": draws})
    shown = Table(title=f"Perturbations; rule of fusion: {chosen}")
    for column in ("perturbation", "observable", "expected", "prior", "posterior", "reversed by"):
        shown.add_column(column, overflow="fold")
    for _, one in table.iterrows():
        shown.add_row(
            one["perturbation"],
            one["observable"],
            one["expected"],
            _share(one["prior_share"]),
            f"{one['posterior_share']:.0%}",
            one["reversing"],
        )
    Console().print(shown)
    Console().print(f"Results in {out}", highlight=False, soft_wrap=True)


def _share(share: float) -> str:
    return "100% (by construction)" if share == 1 else f"{share:.1%}"


def _rules(names: list[str] | None) -> list[str]:
    known = catalogue.fusion_rules()
    chosen = list(dict.fromkeys(names or known))
    if faults := unknown_names("rule of fusion", chosen, known):
        raise UsageError("\n".join(faults))
    return chosen


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
