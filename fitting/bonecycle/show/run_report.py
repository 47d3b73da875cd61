"""The folder of a run as one HTML file: question, verdict and its limits, data, errors, results."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from bonecycle.biology import catalogue
from bonecycle.errors import UsageError
from bonecycle.manifest import atomic_write
from bonecycle.show.run_limits import limits
from bonecycle.studies.reader import load_studies, shipped_studies
from bonecycle.studies.schema import Role, Study

NAME = "report.html"
# More rows than this are folded away.
_LONG = 14

NO_VERDICT = (
    "This run draws no verdict between mechanisms: it does not predict trials left out and does "
    "not weigh the evidence; the command compare does both."
)


@dataclass(frozen=True)
class _Part:
    """A heading with words, tables (file and the columns shown, none for all) and figures."""

    heading: str
    words: str
    tables: tuple[tuple[str, tuple[str, ...]], ...] = ()
    figures: tuple[tuple[str, str], ...] = ()
    text: tuple[str, ...] = ()


_FIT = _Part(
    "Fit",
    "Least squares of each mechanism to all fitted rows, priors included. A lower cost is no "
    "verdict.",
    (
        (
            "mechanisms.csv",
            (
                *("mechanism", "free_parameters", "cost", "cost_priors", "effective_parameters"),
                *("predictive_chi_square", "numbers", "chi_square_p", "numbers_met"),
                *("limits_and_directions_met", "limits_and_directions", "starts_at_best", "starts"),
            ),
        ),
        (
            "parameters.csv",
            ("mechanism", "parameter", "value", "unit", "lower", "upper", "informed", "source"),
        ),
    ),
    (
        ("plane", "Formation against eroded surface for each drug and mechanism."),
        ("time_courses", "Published rows with two committed errors, and the best fits."),
        ("residuals", "Distances from the rows in committed errors."),
        ("cycle", "What each drug does to the cycle."),
        ("verdict", "Cost behind the best under each reading and size of the errors."),
    ),
)
_COMPARISON = _Part(
    "Comparison of mechanisms",
    "Prediction of each trial from the others (elpd, log predictive density), marginal "
    "likelihood, and what both hang on. Intervals are 95 %; those of the evidence are the "
    "numerical error alone.",
    (
        ("differences.csv", ()),
        (
            "evidence.csv",
            (
                *("mechanism", "log_evidence", "behind", "behind_lower", "behind_upper"),
                *("importance", "laplace", "whole_prior", "methods_agree"),
            ),
        ),
        ("left_out.csv", ()),
        ("failing.csv", ()),
        ("loo.csv", ()),
    ),
    (
        ("comparison", "Both verdicts, mechanism by mechanism."),
        ("left_out", "Trial by trial."),
        ("surface", "The verdict over readings, errors and priors."),
        ("failing", "Rows that a mechanism fails when their trial is left out."),
    ),
)
_PREDICTION = _Part(
    "Prediction",
    "Bands hold 50 and 95 % of the draws. Where no row informs a value the figure says so.",
    (("coverage.csv", ()), ("validation.csv", ()), ("spread.csv", ())),
    (
        ("prediction", "The regimen through the draws of each mechanism."),
        ("validation", "Rows kept for validation, never fitted."),
    ),
)
_POSTERIOR = _Part(
    "Posterior",
    "",
    (
        ("posterior.csv", ()),
        ("learned.csv", ()),
        ("combinations.csv", ()),
        ("coverage.csv", ()),
    ),
    (
        ("learned", "Posterior against prior."),
        ("pairs", "Parameters that hang together most."),
        ("traces", "Traces of the ensembles."),
        ("ranks", "Ranks of the ensembles: flat when they agree."),
        ("autocorrelation", "Autocorrelation in steps."),
    ),
    ("unlearned.txt",),
)


def write_report(folder: Path) -> Path:
    """Write `report.html` into the folder of a run, from the tables and figures that are there.

    Raises
    ------
    UsageError
        When the folder is not one that a command of ours wrote.
    """
    path = folder / NAME
    atomic_write(path, run_report(folder))
    return path


def run_report(folder: Path) -> str:
    """Return the report of a run as HTML; nothing in it is loaded from elsewhere.

    Raises
    ------
    UsageError
        When the folder is not one that a command of ours wrote.
    """
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        extra, command = dict(manifest["extra"]), str(manifest["command"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            f"{folder} has no manifest.json that can be read: name the --out folder of a command."
        ) from None
    listed = extra.get("data")
    published = shipped_studies()
    paths = [Path(name) for name in listed] if isinstance(listed, list) else published
    shipped = not {Path(str(path)).resolve() for path in paths}.isdisjoint(
        Path(str(path)).resolve() for path in published
    )
    studies = load_studies(catalogue.observables(), paths)
    encodings = pd.read_csv(str(files("bonecycle_data") / "encodings.csv"))
    reading = encodings[encodings["name"] == extra.get("encoding")].to_dict("records")
    named = [name for part in (_FIT, _COMPARISON, _PREDICTION) for name, _ in part.figures]
    rest = [(p.stem, p.stem.replace("_", " ")) for p in _pictures(folder) if p.stem not in named]
    sections = [_section(part, folder) for part in (_FIT, _COMPARISON, _PREDICTION)]
    sections += [_posterior(path.parent) for path in sorted(folder.glob("*/diagnosis.json"))]
    sections.append(_section(_Part("Further figures", "", figures=tuple(rest)), folder))
    template = (files("bonecycle.show") / "templates" / "run.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(template).render(
        command=command,
        verdict=_lines(folder / "verdict.txt") or [NO_VERDICT],
        limits=limits(studies, shipped),
        data=_data(studies),
        encoding=reading[0] if reading else None,
        errors=_frame(pd.read_csv(str(files("bonecycle_data") / "error_model.csv")), "errors"),
        sections=[section for section in sections if section["tables"] or section["figures"]],
        manifest=json.dumps(manifest, indent=2),
    )


def _data(studies: Sequence[Study]) -> dict[str, Any]:
    """Every row with its source, and how many have which role."""
    rows = [row for study in studies for row in study.observations]
    table = pd.DataFrame(
        {
            "study": row.study,
            "arm": row.arm,
            "month": row.time_months,
            "quantity": row.variable,
            "says": row.comparison.value.replace("_", " "),
            "value": row.value,
            "unit": row.unit.value,
            "role": row.role.value,
            "place in the source": row.source_place,
            "note": row.note,
        }
        for row in rows
    )
    return {
        "studies": len(studies),
        "counts": {role.value: sum(row.role is role for row in rows) for role in Role},
        "table": _frame(table, "rows"),
    }


def _posterior(folder: Path) -> dict[str, Any]:
    """A mechanism's posterior; the verdict of convergence first."""
    state = json.loads((folder / "diagnosis.json").read_text(encoding="utf-8"))
    words = f"{state.get('verdict', '')} Intervals are 95 % and equal-tailed."
    return _section(_POSTERIOR, folder, words) | {"heading": f"Posterior of {folder.name}"}


def _section(part: _Part, folder: Path, words: str = "") -> dict[str, Any]:
    tables = []
    for name, columns in part.tables:
        path = folder / name
        if path.exists():
            table = pd.read_csv(path)
            kept = [column for column in columns if column in table] or list(table.columns)
            tables.append(_frame(table[kept], name))
    return {
        "heading": part.heading,
        "words": words or part.words,
        "text": [line for name in part.text for line in _lines(folder / name)],
        "tables": tables,
        "figures": [
            {"caption": caption, "data": base64.b64encode(path.read_bytes()).decode()}
            for name, caption in part.figures
            if (path := folder / f"{name}.png").exists()
        ],
    }


def _frame(table: pd.DataFrame, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "columns": [str(column).replace("_", " ") for column in table],
        "rows": [[_cell(value) for value in row] for row in table.itertuples(index=False)],
        "folded": len(table) > _LONG,
    }


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.3g}"
    return "" if value is None else str(value)


def _lines(path: Path) -> list[str]:
    """Paragraphs of a text file; none where there is no file."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [line for line in text.splitlines() if line.strip()]


def _pictures(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.png"))
