"""`bonecycle trial`: virtual trials of the prevention of metastasis."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from bonecycle.cli.work import finish
from bonecycle.errors import UsageError, unknown, unknown_names
from bonecycle.manifest import atomic_write, content_hash
from bonecycle.tasks import worker_pool

if TYPE_CHECKING:
    import pandas as pd

    from bonecycle.analysis.trials.design import Design, Endpoint

EPILOG = """Examples:

bonecycle trial

bonecycle trial powles --size 500 --trials 10000 --endpoint bone

bonecycle trial diel powles hypothetical_third --differences --observed bone=6

bonecycle trial powles --effect results/metastasis/periods.csv --mechanism direct

bonecycle trial powles --cells results/cells/cells.csv --after-menopause 0.5 --mechanism indirect

bonecycle trial mine --designs designs.csv --medication 36 --adherence 0.8 --out results/mine
"""


def trial(
    design: Annotated[
        list[str] | None, typer.Argument(help="Names of designs; default: all of the table.")
    ] = None,
    designs: Annotated[
        Path | None, typer.Option(help="Table of designs; default: trials.csv of the package.")
    ] = None,
    trials: Annotated[int, typer.Option(min=2, help="Trials of each design.")] = 2000,
    endpoint: Annotated[
        list[str] | None,
        typer.Option(help="bone, non_skeletal, distant or death; repeat. Default: all."),
    ] = None,
    size: Annotated[int | None, typer.Option(help="Patients an arm, for all designs.")] = None,
    accrual: Annotated[float | None, typer.Option(help="Months, for all designs.")] = None,
    follow_up: Annotated[
        float | None, typer.Option(help="Months from first entry to close, for all designs.")
    ] = None,
    medication: Annotated[float | None, typer.Option(help="Months, for all designs.")] = None,
    adherence: Annotated[
        float | None, typer.Option(help="Share of the treated arm that takes the drug.")
    ] = None,
    effect_log_sd: Annotated[
        float | None,
        typer.Option(help="SD between patients of the log of the effect, as from absorption."),
    ] = None,
    effect: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="periods.csv of `bonecycle metastasis fit`: the drug's hazard ratios.",
        ),
    ] = None,
    cells: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="cells.csv of `bonecycle metastasis cells`: hazards and effect by menopause.",
        ),
    ] = None,
    after_menopause: Annotated[
        float | None, typer.Option(help="Share of patients after menopause, with --cells.")
    ] = None,
    mechanism: Annotated[
        str, typer.Option(help="Which of --effect or --cells: indirect, direct or both.")
    ] = "both",
    observed: Annotated[
        list[str] | None, typer.Option(help="A value of Cochran's Q, such as bone=6; repeat.")
    ] = None,
    differences: Annotated[
        bool, typer.Option(help="Also simulate one difference between the designs at a time.")
    ] = False,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0 for all cores.")] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path("results/trial"),
) -> None:
    """Simulate trials: power, hazard ratios, and how far trials disagree by chance.

    Every patient has hazards of first bone metastasis, first non-skeletal metastasis and death,
    on medication and after it. Writes characteristics.csv (one row a design, endpoint and
    period), trials.csv (one row a trial), with two designs or more q.csv (Cochran's Q; simulated
    and analytic), trial.json, manifest.json and figures. The numbers are the same for any number
    of workers.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file: name a folder.")
    changes: dict[str, Any] = {
        "control": size,
        "treated": size,
        "accrual_months": accrual,
        "follow_up_months": follow_up,
        "medication_months": medication,
        "adherence": adherence,
        "effect_log_sd": effect_log_sd,
    }
    changes = {name: value for name, value in changes.items() if value is not None}
    wrong = list(_model_faults(effect, cells, after_menopause))
    chosen, endpoints, limits = _asked(
        design, designs, changes, endpoint, observed, differences, wrong
    )
    import pandas as pd

    from bonecycle.analysis.trials import heterogeneity
    from bonecycle.analysis.trials.run import operating_characteristics
    from bonecycle.show import plot_trials, save

    chosen = _with_model(chosen, effect, cells, after_menopause, mechanism)
    sets = {"all differences": chosen}
    if differences:
        sets = dict(heterogeneity.by_difference(chosen))
    tables, qs = {}, []
    with worker_pool(workers or os.cpu_count() or 1) as executor:
        for name, group in sets.items():
            tables[name] = _simulated(name, group, trials, seed, endpoints, executor)
            if len(group) > 1:
                qs.append(heterogeneity.q_table(tables[name], limits).assign(differences=name))
    table = tables["all differences"]
    found = operating_characteristics(table)
    atomic_write(out / "characteristics.csv", found.to_csv(index=False))
    atomic_write(out / "trials.csv", table.to_csv(index=False, float_format="%.6g"))
    record: dict[str, object] = {"trials": trials, "characteristics": _records(found)}
    if qs:
        q = pd.concat(qs, ignore_index=True)
        atomic_write(out / "q.csv", q.to_csv(index=False))
        record["q"] = _records(q)
    atomic_write(out / "trial.json", json.dumps(record, indent=1) + "\n")
    save(plot_trials(table), out / "hazard_ratios")
    hashes = {"designs": content_hash(repr(chosen))}
    extra = {"trials": trials, "designs": [repr(one) for one in chosen]}
    finish(out, seed, hashes, extra)
    _report(found, q if qs else None, out)


def _asked(
    names: list[str] | None,
    path: Path | None,
    changes: dict[str, Any],
    endpoints: list[str] | None,
    observed: list[str] | None,
    differences: bool,
    faults: list[str],
) -> tuple[tuple[Design, ...], tuple[Endpoint, ...], dict[str, float]]:
    """Check everything that was asked for; one message says all that is wrong."""
    from bonecycle.analysis.trials.design import Endpoint
    from bonecycle.analysis.trials.tables import read_designs, shipped_designs

    known = read_designs(path) if path else shipped_designs()
    kinds = [str(one) for one in Endpoint]
    chosen = []
    for name in dict.fromkeys(names or known):
        if name not in known:
            faults.append(str(unknown("design", name, known)))
            continue
        try:
            chosen.append(replace(known[name], **changes))
        except UsageError as error:
            faults.append(str(error))
    faults += unknown_names("endpoint", endpoints or (), kinds)
    limits = {}
    for text in observed or ():
        name, _, value = text.partition("=")
        if name not in kinds or not value.replace(".", "", 1).isdigit():
            faults.append(f"--observed {text!r} - write an endpoint and a number, as bone=6.")
        else:
            limits[name] = float(value)
    if (differences or observed) and len(set(names or known)) < 2:
        faults.append("Cochran's Q needs two designs or more - name them.")
    if faults:
        raise UsageError("\n".join(faults))
    return tuple(chosen), tuple(Endpoint(e) for e in endpoints or kinds), limits


def _model_faults(
    effect: Path | None, cells: Path | None, after_menopause: float | None
) -> Iterator[str]:
    if (cells is None) != (after_menopause is None):
        yield "--cells and --after-menopause go together: give both or neither."
    if effect is not None and cells is not None:
        yield "--effect and --cells both give the drug's hazard ratios: give one."
    if after_menopause is not None and not 0 <= after_menopause <= 1:
        yield f"--after-menopause {after_menopause:g} - give a share from 0 to 1."


def _with_model(
    designs: tuple[Design, ...],
    effect: Path | None,
    cells: Path | None,
    after_menopause: float | None,
    mechanism: str,
) -> tuple[Design, ...]:
    """Return the designs with what the model says of the drug, and of menopause."""
    from bonecycle.analysis.trials.effects import (
        read_cells,
        read_effects,
        with_effect,
        with_menopause,
    )

    if effect is not None:
        ratios = read_effects(effect, mechanism)
        return tuple(with_effect(one, ratios) for one in designs)
    if cells is None or after_menopause is None:
        return designs
    by_state = read_cells(cells, mechanism)
    return tuple(with_menopause(one, by_state, after_menopause) for one in designs)


def _simulated(
    name: str,
    designs: tuple[Design, ...],
    trials: int,
    seed: int,
    endpoints: tuple[Endpoint, ...],
    executor: Any,
) -> pd.DataFrame:
    from tqdm import tqdm

    from bonecycle.analysis.trials.run import simulate_trials

    with tqdm(desc=name, unit="block") as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        return simulate_trials(
            designs, trials, seed=seed, endpoints=endpoints, executor=executor, progress=progress
        )


def _records(table: pd.DataFrame) -> list[object]:
    return list(json.loads(table.to_json(orient="records")))


def _report(found: pd.DataFrame, q: pd.DataFrame | None, out: Path) -> None:
    console = Console(width=max(Console().width, 110))
    shown = Table(title="Virtual trials: hazard ratio, treated against control")
    heads = ("design", "endpoint", "period", "events", "HR (95 % of trials)", "power", "HR > 1")
    for head in heads:
        shown.add_column(head)
    for cells in _cells(found):
        shown.add_row(*cells)
    console.print(shown)
    if q is not None:
        shown = Table(title="Cochran's Q over one trial of each design: chance of at least Q")
        for head in (
            "differences",
            "endpoint",
            "period",
            "Q",
            "simulated",
            "analytic",
            "by chance",
        ):
            shown.add_column(head)
        for row in q.to_dict("records"):
            shown.add_row(
                row["differences"],
                row["endpoint"],
                row["window"],
                f"{row['q']:.2f}",
                f"{row['share']:.3f} ± {row['share_error']:.3f}",
                f"{row['analytic']:.2g}",
                f"{row['analytic_no_difference']:.2g}",
            )
        console.print(shown)
    console.print(f"Results in {out}", highlight=False, soft_wrap=True)


def _cells(found: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    for row in found.to_dict("records"):
        yield (
            row["design"],
            row["endpoint"],
            row["window"],
            f"{row['events_treated']:.0f} : {row['events_control']:.0f}",
            f"{row['ratio']:.2f} ({row['ratio_low']:.2f} to {row['ratio_high']:.2f})",
            f"{row['power']:.3f} ± {row['power_error']:.3f}",
            f"{row['reversed']:.2g}",
        )
