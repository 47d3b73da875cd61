"""Reports as one HTML file each: figures inside, nothing loaded from elsewhere."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import jinja2
import pandas as pd
from matplotlib.figure import Figure

from bonecycle.analysis.pharmacokinetics import summarize

_DPI = 110


def pharmacokinetics_report(
    table: pd.DataFrame,
    overview: Figure,
    figures: Mapping[str, Figure],
    facts: Mapping[str, str],
) -> str:
    """Write the comparison with published pharmacokinetics as HTML.

    Parameters
    ----------
    table
        As `bonecycle.analysis.pharmacokinetics.validate` returns it.
    overview
        As `bonecycle.show.plot_overview` returns it.
    figures
        Figures of single drugs, by the drug's name.
    facts
        `version`, `model_hash` and `data_hash`.
    """
    rows = _records(table)
    summary = _records(summarize(table).reset_index(names="drug"))
    drugs = list(dict.fromkeys(row["drug"] for row in rows))
    sections = [
        {
            "drug": drug,
            "figure": _embedded(figures[drug]) if drug in figures else "",
            "rows": [row for row in rows if row["drug"] == drug],
        }
        for drug in drugs
    ]
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    source = files("bonecycle.show") / "templates" / "pharmacokinetics.html"
    return environment.from_string(source.read_text(encoding="utf-8")).render(
        all=summary[-1],
        summary=summary,
        drugs=drugs,
        overview=_embedded(overview),
        outside=[row for row in rows if row["within"] is False],
        sections=sections,
        number=_number,
        limits=_limits,
        unit=lambda text: "" if text == "1" else text,
        **facts,
    )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _embedded(figure: Figure) -> str:
    memory = io.BytesIO()
    figure.savefig(memory, format="png", dpi=_DPI)
    return base64.b64encode(memory.getvalue()).decode()


def _number(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3g}"


def _limits(row: Mapping[str, Any]) -> str:
    if math.isnan(row["lower"]):
        return ""
    end = "" if math.isnan(row["upper"]) else f" to {row['upper']:.3g}"
    text = f"{row['lower']:.3g}{end}" if end else f"at least {row['lower']:.3g}"
    return f"{text} (assumed)" if row["spread"] == "assumed" else text
