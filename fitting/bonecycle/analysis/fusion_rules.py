"""The rules of fusion side by side: fits to the facts about cells, their evidence and draws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from bonecycle.engines.interface import Floats
from bonecycle.inference.comparison.laplace import at_mode
from bonecycle.inference.fitting.least_squares import Fit, fit
from bonecycle.inference.posterior.tables import posterior_table
from bonecycle.inference.sampling.run import Settings, sample
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
    rule: str, folder: Path, count: int, seed: int = 0
) -> tuple[dict[str, Floats], pd.DataFrame]:
    """Posterior draws of what the facts about cells fit under a rule.

    Parameters
    ----------
    rule : str
    folder : Path
        Of the chains; a finished run is not repeated.
    count : int
        Draws, spread evenly over the chains.
    seed : int

    Returns
    -------
    dict of str to ndarray, shape (count,)
        In the parameters' units.
    DataFrame
        `posterior_table` with ``prior_median`` and ``prior_share`` (SD of the posterior over that
        of the prior, on the scale of the prior; one: nothing learned).
    """
    spec = ProblemSpec(rule, model=MODEL)
    space = load_problem(spec).space
    run = sample(spec, folder, Settings(seed=seed))
    draws = run.draws()
    chosen = space.to_natural(draws[np.linspace(0, len(draws) - 1, count).astype(int)])
    table = posterior_table(run).assign(
        prior_median=[p.value for p in space.parameters],
        prior_share=draws.std(axis=0) / space.sds,
    )
    return dict(zip(space.names, np.asarray(chosen).T, strict=True)), table
