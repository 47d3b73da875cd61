"""`bonecycle design`: what to measure next to tell the mechanisms apart."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from bonecycle.biology import catalogue
from bonecycle.biology.amounts import DAYS_PER_MONTH
from bonecycle.biology.regimens import Regimen, parse_regimen
from bonecycle.cli.source import MECHANISM_HELP, POSTERIOR_HELP, announce, collect, said_of
from bonecycle.cli.work import finish, inputs
from bonecycle.errors import UsageError, unknown_names
from bonecycle.manifest import atomic_write
from bonecycle.studies.error_model import DEFAULT_ENCODING

if TYPE_CHECKING:
    import pandas as pd

    from bonecycle.analysis.design import Candidates
    from bonecycle.analysis.draws import Draws

EPILOG = """Examples:

bonecycle design --posterior results/posterior --out results/design

bonecycle design --mechanism H1 --mechanism H2 --months 3 --months 24 --patients 40
--quantity ES_BS --quantity Rv_D --out results/h1_h2

bonecycle design --regimen "zoledronate 5 mg iv every 12 months for 36 months" --months 6
--months 36 --out results/zoledronate
"""

_REGIMEN = "alendronate 10 mg oral every 1 day for 24 months"
# Early, late and after the end of treatment.
_MONTHS = (1.0, 3.0, 6.0, 12.0, 24.0, 30.0, 36.0)
_SHOWN = 12


def design(
    posterior: Annotated[list[Path] | None, typer.Option(help=POSTERIOR_HELP)] = None,
    mechanism: Annotated[list[str] | None, typer.Option(help=MECHANISM_HELP)] = None,
    regimen: Annotated[str, typer.Option(help="Of the treated arm.")] = _REGIMEN,
    months: Annotated[
        list[float] | None,
        typer.Option(help="Month of a biopsy; repeat. Default: 1, 3, 6, 12, 24, 30, 36."),
    ] = None,
    quantity: Annotated[
        list[str] | None, typer.Option(help="Observable to measure; repeat. Default: eight.")
    ] = None,
    patients: Annotated[
        int, typer.Option(min=2, help="Patients an arm at which measurements are ranked.")
    ] = 20,
    data: Annotated[
        list[Path] | None, typer.Option(help="Study tables of a fit on the spot; repeat.")
    ] = None,
    encoding: Annotated[
        str, typer.Option(help="Of a fit on the spot: how 'not strongly decreased' is read.")
    ] = DEFAULT_ENCODING,
    draws: Annotated[int, typer.Option(min=20, help="Draws a mechanism.")] = 300,
    starts: Annotated[int, typer.Option(min=1, help="Starts of a fit on the spot.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Seed of starts, draws and errors.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/design"),
) -> None:
    """Rank measurements by what they are expected to tell about the mechanism.

    The gain is the mutual information between the mechanism (equal weights) and the mean of the
    treated arm over that of an untreated one, read with the between-study error of the error model
    and the spread between patients of population.csv. Biopsies of different months are of
    different patients, so pairs and studies are compared by patients in total. Writes
    ranking.csv, pairs.csv, studies.csv (how often studies decide, by number of patients),
    mechanisms.csv (what separates every two), manifest.json and figures.
    """
    from bonecycle.analysis.design import QUANTITIES, candidates

    plan = parse_regimen(regimen, catalogue.routes())
    known = catalogue.observables()
    names = list(dict.fromkeys(quantity or QUANTITIES))
    wrong = unknown_names("observable", names, known)
    times = sorted(set(months or _MONTHS))
    if wrong or min(times) <= 0:
        raise UsageError(" ".join([*wrong, *["--months must be above zero."] * (min(times) <= 0)]))
    if mechanism and len(set(mechanism)) < 2:
        raise UsageError("One mechanism cannot be told apart: name two or more.")
    chosen = collect(
        posterior or [], mechanism or [], data or [], encoding, draws, starts, seed, out
    )
    announce(chosen)
    from tqdm import tqdm

    total = sum(map(len, chosen))
    with tqdm(total=total, desc="candidate measurements", unit="draw") as bar:
        found = candidates(chosen, plan, times, names, bar.update)
    _write(found, chosen, plan, patients, seed, out)


def _write(
    found: Candidates, chosen: list[Draws], plan: Regimen, patients: int, seed: int, out: Path
) -> None:
    from tqdm import tqdm

    from bonecycle.analysis import design_tables
    from bonecycle.analysis.design import PATIENTS
    from bonecycle.analysis.population import spreads
    from bonecycle.problem.problem import load_problem
    from bonecycle.show import plot_design, save

    with tqdm(total=len(found.measurements), desc="gains", unit="measurement") as bar:
        ranking = design_tables.ranking_table(found, patients, seed, bar.update)
    pairs = design_tables.pairs_table(found, ranking, seed=seed)
    total = len(PATIENTS) * len(design_tables.studies(found))
    with tqdm(total=total, desc="deciding studies", unit="study") as bar:
        studies, mechanisms = design_tables.deciding_tables(found, seed, bar.update)
    tables = {"ranking": ranking, "pairs": pairs, "studies": studies, "mechanisms": mechanisms}
    for name, table in tables.items():
        atomic_write(out / f"{name}.csv", table.to_csv(index=False))
    source = said_of(chosen)
    end = max((t.stop_days for t in plan.treatments), default=math.inf) / DAYS_PER_MONTH
    save(plot_design(ranking, mechanisms, str(plan), source, end), out / "design")
    finish(
        out,
        seed,
        load_problem(chosen[0].spec).hashes,
        {
            **inputs(chosen[0].spec),
            "regimen": str(plan),
            "source": source,
            "draws": {one.mechanism: one.source for one in chosen},
            "laplace": any(one.is_laplace for one in chosen),
            "failed_draws": found.failed,
            "between_study_sd": float(found.study[0, 0] ** 0.5),
            "between_patients": {name: s.sd for name, s in spreads()[0].items()},
            "biopsy_log_sd": spreads()[1],
        },
    )
    _report(tables, found, source, out)


def _report(tables: dict[str, pd.DataFrame], found: Candidates, source: str, out: Path) -> None:
    from bonecycle.analysis.design_tables import smallest_deciding

    console = Console(width=max(Console().width, 110))
    ranking, pairs = tables["ranking"], tables["pairs"]
    patients = ranking["patients_an_arm"].iloc[0]
    title = f"Gain of one measurement, {patients:g} patients an arm, of {ranking['of'][0]:.2f} bits"
    shown = Table(title=title)
    for column in ("measurement", "bits", "with patients without end"):
        shown.add_column(column)
    for row in ranking.head(_SHOWN).to_dict("records"):
        gain = f"{row['bits']:.3f} +/- {row['error']:.3f}"
        shown.add_row(row["measurement"], gain, f"{row['limit']:.3f}")
    console.print(shown)
    best = pairs.iloc[0]
    console.print(
        f"Best pair with the same patients in total: {best['first']} with {best['second']}, "
        f"{best['bits']:.3f} bits.",
        highlight=False,
    )
    (row,) = smallest_deciding(tables["studies"]).to_dict("records")
    reached = row["decided_least"] >= 0.9
    begin = "Smallest deciding study" if reached else "No study decides; the nearest"
    console.print(
        f"{begin}: {row['study']}, {row['patients_total']:g} patients in total "
        f"({row['patients_a_month']:g} of each arm at each month); a posterior "
        f"probability above 0.9 in {100 * row['decided_least']:.0f} % when {row['least']} is true "
        f"(the least), {100 * row['decided_mean']:.0f} % on average.",
        highlight=False,
    )
    apart = Table(title="Smallest study with a Bayes factor above 10 in 90 %, whichever is true")
    for column in ("mechanisms", "patients in total", "study", "chance"):
        apart.add_column(column)
    for row in tables["mechanisms"].to_dict("records"):
        number = f"{row['patients_total']:g}" if row["decides"] else "none"
        pair = f"{row['first']}, {row['second']}"
        apart.add_row(pair, number, row["study"], f"{row['chance']:.2f}")
    console.print(apart)
    console.print(
        f"Errors: between studies log SD {found.study[0, 0] ** 0.5:.2f}, which no number of "
        f"patients removes; between patients population.csv, mostly assumed. {found.failed} draws "
        f"failed. {source}",
        highlight=False,
    )
    console.print(f"Results in {out}", highlight=False, soft_wrap=True)
