"""`bonecycle predict`: any regimen forwarded through the draws of every mechanism."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from bonecycle.biology import catalogue
from bonecycle.biology.amounts import DAYS_PER_MONTH, parse_duration
from bonecycle.biology.regimens import Regimen, parse_regimen
from bonecycle.cli.source import MECHANISM_HELP, POSTERIOR_HELP, announce, collect, said_of
from bonecycle.cli.work import finish, inputs
from bonecycle.errors import UsageError, unknown_names
from bonecycle.manifest import atomic_write
from bonecycle.studies.error_model import DEFAULT_ENCODING

if TYPE_CHECKING:
    import pandas as pd

    from bonecycle.analysis.draws import Draws
    from bonecycle.analysis.prediction import Prediction

EPILOG = """Examples:

bonecycle predict --regimen "alendronate 70 mg oral every 1 week for 5 years"
--duration "10 years" --posterior results/posterior --out results/stop

bonecycle predict --regimen "alendronate 70 mg oral every 1 week for 2 years; denosumab 60 mg sc
every 6 months from 2 years for 2 years" --mechanism H1 --mechanism H2 --out results/switch

bonecycle predict --regimen "alendronate 70 mg oral every 1 week for 3 years taking 50 % (seed 1)"
--output CTX --output Ac_f --months 3 --months 12 --months 36 --out results/adherence
"""

# A point a month up to this many months, then fewer.
_MONTHLY = 120


def predict(
    regimen: Annotated[str, typer.Option(help="Treatments as text, as for `simulate`.")],
    posterior: Annotated[list[Path] | None, typer.Option(help=POSTERIOR_HELP)] = None,
    mechanism: Annotated[list[str] | None, typer.Option(help=MECHANISM_HELP)] = None,
    output: Annotated[
        list[str] | None,
        typer.Option(help="Observable, such as Ac_f or CTX; repeat. Default: thirteen of them."),
    ] = None,
    months: Annotated[
        list[float] | None,
        typer.Option(help="Month to report; repeat. Default: every month up to ten years."),
    ] = None,
    duration: Annotated[
        str, typer.Option(help="How long; default: until the last treatment stops.")
    ] = "",
    data: Annotated[
        list[Path] | None, typer.Option(help="Study tables of a fit on the spot; repeat.")
    ] = None,
    encoding: Annotated[
        str, typer.Option(help="Of a fit on the spot: how 'not strongly decreased' is read.")
    ] = DEFAULT_ENCODING,
    draws: Annotated[int, typer.Option(min=20, help="Draws a mechanism.")] = 500,
    starts: Annotated[int, typer.Option(min=1, help="Starts of a fit on the spot.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the starts and draws.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/predict"),
) -> None:
    """Predict a regimen with bands of 50 and 95 %, and the rows kept for validation.

    Writes prediction.csv (long format; where no data inform a value, it says so and why),
    spread.csv (how far the mechanisms are apart), validation.csv and coverage.csv where rows are
    kept for validation, manifest.json and the figures prediction and validation.
    """
    plan = parse_regimen(regimen, catalogue.routes())
    outputs = _outputs(output or [])
    times = _months(plan, months or [], duration)
    chosen = collect(
        posterior or [], mechanism or [], data or [], encoding, draws, starts, seed, out
    )
    announce(chosen)
    _run(chosen, plan, times, outputs, seed, out)


def _outputs(names: list[str]) -> list[str]:
    known = catalogue.observables()
    wrong = unknown_names("observable", names, known)
    if wrong:
        raise UsageError(" ".join(wrong))
    return list(dict.fromkeys(names))


def _months(plan: Regimen, months: list[float], duration: str) -> list[float]:
    if months and duration:
        raise UsageError("--months and --duration both say how long: give one of them.")
    if months:
        if any(not 0 <= month < float("inf") for month in months):
            raise UsageError("--months must be zero or above.")
        return sorted({0.0, *months})
    ends = max((treatment.end_days for treatment in plan.treatments), default=0.0)
    last = (parse_duration(duration) if duration else ends) / DAYS_PER_MONTH
    if not last > 0:
        raise UsageError("How long? Give --duration, such as --duration '3 years', or --months.")
    step = 1.0 if last <= _MONTHLY else 3.0
    whole = [step * i for i in range(int(last / step) + 1)]
    return whole if last - whole[-1] < 1e-6 * last else [*whole, last]


def _run(
    chosen: list[Draws],
    plan: Regimen,
    months: list[float],
    outputs: list[str],
    seed: int,
    out: Path,
) -> None:
    from tqdm import tqdm

    from bonecycle.analysis import prediction, validation
    from bonecycle.problem.problem import load_problem
    from bonecycle.show import plot_prediction, plot_validation, save

    names = outputs or list(prediction.OUTPUTS)
    predictions = []
    for one in chosen:
        with tqdm(total=len(one), desc=f"{one.mechanism}: regimen", unit="draw") as bar:
            predictions.append(prediction.predict(one, plan, months, names, bar.update))
    held = len({target.regimen for target in validation.validation_targets(chosen[0])})
    with tqdm(total=held * sum(map(len, chosen)), desc="validation rows", unit="draw") as bar:
        rows = validation.validation_table(chosen, bar.update)
    table = prediction.prediction_table(predictions, plan, months)
    tables = {"prediction": table, "spread": prediction.spread_table(table)}
    # Tables of one's own need not keep a row, and a direction has no interval to lie in.
    if len(rows):
        tables["validation"] = rows
    if "within_95" in rows:
        tables["coverage"] = validation.coverage_table(rows)
    for name, frame in tables.items():
        atomic_write(out / f"{name}.csv", frame.to_csv(index=False))
    source = said_of(chosen)
    save(plot_prediction(table, str(plan), source), out / "prediction")
    if "coverage" in tables:
        save(plot_validation(rows, source), out / "validation")
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
            "dosing": {p.draws.mechanism: p.dosing.reason for p in predictions},
            "failed_draws": {p.draws.mechanism: p.failed for p in predictions},
            "failures": {p.draws.mechanism: p.courses.messages[:3] for p in predictions},
        },
    )
    _report(tables, predictions, source, out)


def _report(
    tables: dict[str, pd.DataFrame], predictions: list[Prediction], source: str, out: Path
) -> None:
    from bonecycle.analysis.prediction import RATIO

    console = Console(width=max(Console().width, 150))
    table = tables["prediction"]
    last = table[(table.time_months == table.time_months.max()) & (table.unit == RATIO)]
    shown = Table(title=f"Month {last.time_months.iloc[0]:.4g}, {RATIO}: median (95 % of draws)")
    for column in ("quantity", *dict.fromkeys(last.mechanism), "informed"):
        shown.add_column(column)
    for symbol, part in last.groupby("symbol", sort=False):
        cells = [
            f"{row['median']:.2f} ({row['lower_95']:.2f}-{row['upper_95']:.2f})"
            for row in part.to_dict("records")
        ]
        shown.add_row(str(symbol), *cells, "yes" if part["informed"].iloc[0] else "no")
    console.print(shown)
    why = dict.fromkeys(text for row in last.reason for text in row.split("; ") if text)
    if why:
        console.print(f"Not informed by data there: {'; '.join(why)}.", highlight=False)
    if "coverage" in tables:
        _report_validation(console, tables)
    else:
        console.print("No number is kept for validation in these tables.", highlight=False)
    for prediction in predictions:
        console.print(
            f"{prediction.draws.mechanism}: {prediction.failed} of {len(prediction.draws)} draws "
            f"failed; {prediction.dosing.reason}.",
            highlight=False,
        )
    console.print(source, highlight=False)
    console.print(f"Results in {out}", highlight=False, soft_wrap=True)


def _report_validation(console: Console, tables: dict[str, pd.DataFrame]) -> None:
    kept = Table(title="Kept for validation: observed, and 95 % interval with observation error")
    rows = tables["validation"].dropna(subset="within_95")
    names = list(dict.fromkeys(rows.mechanism))
    for column in ("study", "quantity", "month", "observed", *names):
        kept.add_column(column)
    for (study, symbol, _), part in rows.groupby(["study", "symbol", "time_months"]):
        cells = [
            f"{row['observed_lower_95']:.2f}-{row['observed_upper_95']:.2f}"
            + ("" if row["within_95"] else " *")
            for row in part.to_dict("records")
        ]
        kept.add_row(
            str(study),
            str(symbol),
            f"{float(part.time_months.iloc[0]):g}",
            f"{part.observed.iloc[0]:.3g}",
            *cells,
        )
    console.print(kept)
    for row in tables["coverage"].to_dict("records"):
        console.print(
            f"{row['mechanism']}: of {row['rows']} rows {row['within_50']} within 50 %, "
            f"{row['within_95']} within 95 %; {row['arm_fitted']} of the rows are of arms with "
            f"fitted rows, which their intervals take as given; {row['not_predicted']} kept rows "
            "have no observable.",
            highlight=False,
        )
