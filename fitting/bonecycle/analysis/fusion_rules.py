"""The rules of fusion side by side: fits to the facts about cells, their evidence and draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from bonecycle.analysis.draws import laplace_draws
from bonecycle.engines.interface import Floats
from bonecycle.inference.comparison.laplace import at_mode
from bonecycle.inference.fitting.least_squares import Fit, fit
from bonecycle.problem.cells import ENCODINGS, MODEL
from bonecycle.problem.problem import ProblemSpec, load_problem

_SHOWN = {
    "sequential": "sequential osteoclasts in bone (%)",
    "fusion_events": "fusion events in the dish (%)",
    "nuclei": "nuclei per osteoclast",
    "collagen_contact": "TRAcP+ cells on collagen (%)",
}


def fit_rules(
    rules: Sequence[str],
    encoding: str = ENCODINGS[0],
    starts: int = 4,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> list[Fit]:
    """Fit the route to the facts about cells under each rule.

    Parameters
    ----------
    rules : sequence of str
        Names of `catalogue.fusion_rules`.
    encoding : str
        Reading of the share of fusion events: ``printed`` or ``complement``.
    starts, seed : int
        As in `least_squares.fit`.
    progress : callable, optional
        Called with one after every rule.
    """
    fits = []
    for rule in rules:
        fits.append(fit(ProblemSpec(rule, encoding, model=MODEL), starts=starts, seed=seed))
        if progress is not None:
            progress(1)
    return fits


def rule_table(fits: Sequence[Fit]) -> pd.DataFrame:
    """One row a rule.

    Returns
    -------
    DataFrame
        ``log_evidence``: log marginal likelihood by Laplace, less that of the best rule. ``cost``:
        squared residuals of data and priors. Then predictions of the facts about fusion.
    """
    rows = []
    for one in fits:
        problem = load_problem(one.spec)
        predicted = problem.evaluate(one.best.theta[None]).predictions[0]
        named = {t.study: float(p) for t, p in zip(problem.targets, predicted, strict=True)}
        rows.append(
            {
                "rule": one.spec.mechanism,
                "log_evidence": at_mode(problem, one.best).log_evidence,
                "cost": one.best.cost,
                **{text: named[fact] for fact, text in _SHOWN.items()},
            }
        )
    table = pd.DataFrame(rows)
    table["log_evidence"] -= table["log_evidence"].max()
    return table


def posterior_values(
    rule: str, count: int, seed: int = 0
) -> tuple[dict[str, Floats], dict[str, str]]:
    """Draws of what the facts about cells fit, and the hashes of that problem.

    From the normal approximation at a fit under the rule.

    Returns
    -------
    dict of str to ndarray, shape (count,)
        In the parameters' units.
    dict of str to str
    """
    (best,) = fit_rules([rule], seed=seed)
    problem = load_problem(best.spec)
    natural = problem.space.to_natural(laplace_draws(best, count, seed).theta)
    values = dict(zip(problem.space.names, np.asarray(natural).T, strict=True))
    return values, problem.hashes
