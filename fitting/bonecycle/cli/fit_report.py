"""What `bonecycle fit` prints."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

# pandas is slow to import: not for help.
if TYPE_CHECKING:
    import pandas as pd

_SIGNS = {
    "below": "< ",
    "above": "> ",
    "not_strongly_decreased": "> ",
    "decreased": "falls",
    "increased": "rises",
    "unchanged": "stays",
}


def report(tables: Mapping[str, pd.DataFrame], out: Path) -> None:
    """Print what the fits say."""
    from bonecycle.inference.fitting.summary import FAR_FROM_CENTER

    # Eight mechanisms side by side need more than the eighty columns of a pipe.
    console = Console(width=max(Console().width, 150))
    mechanisms = tables["mechanisms"]
    names = [str(name) for name in mechanisms["mechanism"]]
    console.print(target_report(tables["targets"], names))
    console.print(mechanism_report(mechanisms))
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
        "A lower cost is no verdict: mechanisms are compared by prediction of trials left out "
        "and by evidence, which this command does not do."
    )
    console.print(f"Results in {out}", highlight=False, soft_wrap=True)


def target_report(targets: pd.DataFrame, names: list[str]) -> Table:
    """Lay out targets as rows and mechanisms as columns."""
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


def mechanism_report(mechanisms: pd.DataFrame) -> Table:
    """Lay out one row a mechanism."""
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
