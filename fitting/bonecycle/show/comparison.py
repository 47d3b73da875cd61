"""Figures of a comparison of mechanisms: both verdicts, where they come from, what fails."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import CenteredNorm
from matplotlib.figure import Figure

from bonecycle.inference.checks.recovery import DECISIVE
from bonecycle.inference.comparison.left_out import FAILS_BELOW, FAILS_BEYOND
from bonecycle.show.courses import author_year, heading, mark_style, mechanism_key
from bonecycle.show.style import BLACK, GREY, INK, PALE, styled

_Z95 = 1.959964
_LIMIT = 4.0


@styled
def plot_comparison(differences: pd.DataFrame, evidence: pd.DataFrame) -> Figure:
    """Draw both verdicts side by side: elpd of left-out trials and log evidence.

    Parameters
    ----------
    differences
        As `bonecycle.inference.comparison.left_out.difference_table` returns it.
    evidence
        As `bonecycle.inference.comparison.conclusion.evidence_table` returns it.
    """
    names = [str(name) for name in differences["mechanism"]]
    figure = Figure(figsize=(8.6, 1.9 + 0.33 * len(names)), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for line, row in enumerate(differences.to_dict("records")):
        half = _Z95 * row["standard_error"]
        _interval(left, line, row["difference"], half, str(row["mechanism"]))
        left.plot([row["lowest"], row["highest"]], [line, line], color=GREY, lw=4, alpha=0.35)
    own = {str(row["mechanism"]): row for row in evidence.to_dict("records")}
    best = max(own.values(), key=lambda row: float(row["log_evidence"]))
    for line, name in enumerate(names):
        row = own[name]
        _interval(right, line, -row["behind"], row["behind_upper"] - row["behind"], name)
        for method, mark in (("importance", "x"), ("laplace", "|")):
            gap = row[method] - best[method]
            right.plot(gap, line, marker=mark, color=BLACK, markersize=7, linestyle="none")
    right.axvspan(-DECISIVE, 0, color=PALE, linewidth=0, alpha=0.7, zorder=0)
    left.set_yticks(range(len(names)), names)
    left.set_ylim(len(names) - 0.4, -0.6)
    left.set_xlabel("Log predictive density of left-out trials\nabove the best mechanism's")
    right.set_xlabel("Log marginal likelihood\nabove the best mechanism's")
    left.set_title("Prediction: one trial left out")
    right.set_title("Evidence: nested sampling")
    for axes in (left, right):
        axes.axvline(0, color=GREY, linewidth=0.8, zorder=0)
        axes.grid(axis="y", color=PALE)
        axes.tick_params(axis="y", length=0)
    mechanism_key(figure, names, lines=False)
    heading(
        figure,
        "Which mechanism the data ask for: two verdicts",
        "Lines: 95 % intervals; left from the differences between trials (1.96 SE), right of the "
        "numerical error alone. Grey bar: without the one trial that matters most. Shaded: log "
        "Bayes factors below 3. x: importance sampling; |: Laplace.",
    )
    return figure


def _interval(axes: Axes, line: int, value: float, half: float, name: str) -> None:
    axes.plot([value - half, value + half], [line, line], color=INK, linewidth=1.2, zorder=2)
    axes.plot(value, line, **(mark_style(name) | {"markersize": 8}), zorder=3)


@styled
def plot_left_out(trials: pd.DataFrame) -> Figure:
    """Draw the elpd of every trial above the mean of the mechanisms: where differences come from.

    Parameters
    ----------
    trials
        As `bonecycle.inference.comparison.left_out.trial_table` returns it.
    """
    names = list(dict.fromkeys(map(str, trials["mechanism"])))
    order = list(dict.fromkeys(map(str, trials["trial"])))
    rows = dict(zip(trials["trial"], trials["rows"], strict=True))
    mean = trials.groupby("trial")["elpd"].transform("mean")
    figure = Figure(figsize=(7.4, 2.0 + 0.32 * len(order)), layout="constrained")
    axes = figure.subplots()
    for line in range(len(order)):
        axes.axhline(line, color=PALE, linewidth=0.6, zorder=0)
    for row in trials.assign(gap=trials["elpd"] - mean).to_dict("records"):
        name = str(row["mechanism"])
        spread = 0.06 * (names.index(name) - (len(names) - 1) / 2)
        style = mark_style(name) | {"markersize": 6, "markeredgewidth": 0.3}
        axes.plot(row["gap"], order.index(str(row["trial"])) + spread, **style)
    axes.axvline(0, color=GREY, linewidth=0.8, zorder=0)
    counts = [f"{trial.replace('_', ' ')} ({rows[trial]})" for trial in order]
    axes.set_yticks(range(len(order)), counts)
    axes.set_ylim(len(order) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("Log predictive density of the trial above the mean of the mechanisms")
    mechanism_key(figure, names, lines=False)
    heading(
        figure,
        "Where the predictive verdict comes from: one trial left out",
        "In brackets: fitted rows, predicted together from all other trials. Trials count alike, "
        "however many rows they have; one in which the marks lie together says nothing.",
    )
    return figure


@styled
def plot_failing(failing: pd.DataFrame) -> Figure:
    """Draw the rows that some mechanism fails when their trial is left out.

    Parameters
    ----------
    failing
        As `bonecycle.inference.comparison.left_out.failing_table` returns it.
    """
    keys = ["study", "arm", "symbol", "time_months", "comparison"]
    names = list(dict.fromkeys(map(str, failing["mechanism"])))
    groups = [
        (key, own) for key, own in failing.groupby(keys, sort=False) if bool(own["fails"].any())
    ]
    figure = Figure(
        figsize=(4.2 + 0.62 * len(names), 2.4 + 0.26 * max(len(groups), 1)), layout="constrained"
    )
    axes = figure.subplots()
    shown = np.full((len(groups), len(names)), np.nan)
    for line, (_, own) in enumerate(groups):
        for row in own.to_dict("records"):
            place = names.index(str(row["mechanism"]))
            _cell(axes, line, place, row)
            if pd.notna(row["standardized"]):
                shown[line, place] = row["standardized"]
    norm = CenteredNorm(0, _LIMIT)
    image = axes.imshow(shown, cmap="RdBu_r", norm=norm, aspect="auto", alpha=0.75)
    axes.set_xticks(range(len(names)), names)
    axes.set_yticks(range(len(groups)), [_row_label(own) for _, own in groups], fontsize=7.5)
    axes.set_xlim(-0.5, len(names) - 0.5)
    axes.set_ylim(len(groups) - 0.5, -0.5)
    axes.tick_params(length=0)
    bar = figure.colorbar(image, ax=axes, orientation="horizontal", aspect=40)
    bar.set_label("log(observed / predicted), SDs of the prediction", fontsize=8)
    total = len(failing[failing["mechanism"] == names[0]])
    heading(
        figure,
        f"Rows that a mechanism fails: {len(groups)} of {total}",
        f"Each row is predicted from all other trials. Bold: beyond {FAILS_BEYOND:g} SDs, or a "
        f"statement given less than {100 * FAILS_BELOW:g} %. Statements: their probability.",
    )
    return figure


def _cell(axes: Axes, line: int, place: int, row: dict[Any, Any]) -> None:
    number = pd.notna(row["standardized"])
    text = f"{row['standardized']:+.1f}" if number else f"{100 * row['probability']:.0f} %"
    weight = "bold" if row["fails"] else "normal"
    axes.text(place, line, text, ha="center", va="center", fontsize=7, fontweight=weight)


def _row_label(own: pd.DataFrame) -> str:
    row = own.iloc[0]
    signs = {"below": " <", "above": " >", "decreased": " falls", "increased": " rises"}
    words = {"unchanged": " unchanged", "not_strongly_decreased": " not strongly down"}
    said = (signs | words).get(str(row["comparison"]), "")
    value = "" if said and not said.endswith(("<", ">")) else f" {row['observed']:.2g}"
    year = author_year(str(row["source"]))
    return f"{year}, {row['arm']}: {row['symbol']}{said}{value}, {row['time_months']:.3g} mo"
