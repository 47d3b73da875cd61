"""Which perturbations of the route the model obeys, over draws of its parameters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bonecycle.analysis.draws import spread
from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing, with_regimen
from bonecycle.biology.perturbations import (
    Direction,
    Perturbation,
    perturbations,
    with_later_changes,
)
from bonecycle.biology.regimens import parse_regimen
from bonecycle.biology.tables import Scale
from bonecycle.engines.choice import EngineName, make_engine
from bonecycle.engines.interface import Engine, Floats
from bonecycle.errors import unknown

# A ratio nearer to one than this is no change: simulations are good to 1e-8.
CHANGED = 1e-3
# What is left of something that vanishes.
VANISHED = 0.02
# Cells per mm2 below which there are none.
ABSENT = 1e-6
# Parameters that differ by more than this between draws that obey and draws that do not, in SDs.
REVERSING = 0.5
_MOST_NAMED = 3
BY_CONSTRUCTION = "by construction"


@dataclass(frozen=True)
class Outcome:
    """A perturbation over draws.

    Attributes
    ----------
    row : Perturbation
    ratios : ndarray, shape (n_draws,)
        The observable over what it is compared with; its value where absence is asked for. NaN
        where a draw cannot be simulated.
    obeyed : ndarray of bool, shape (n_draws,)
    """

    row: Perturbation
    ratios: Floats
    obeyed: NDArray[np.bool_]

    @property
    def simulated(self) -> NDArray[np.bool_]:
        """Draws that could be simulated."""
        return np.isfinite(self.ratios)

    @property
    def share(self) -> float:
        """Share of the simulated draws that obey."""
        return float(self.obeyed[self.simulated].mean())


def prior_values(
    count: int, seed: int = 0, fitted: Mapping[str, Floats] | None = None
) -> dict[str, Floats]:
    """Draws of every parameter with a prior of the coupled model with its drugs.

    Parameters
    ----------
    count : int
    seed : int
    fitted : mapping of str to ndarray, shape (count,), optional
        Posterior draws of fitted parameters; the others come from their priors.

    Returns
    -------
    dict of str to ndarray, shape (count,)
        In the parameters' units. A name has the same prior draws in every model.
    """
    drugs = tuple(catalogue.drugs())
    names = compose("coupled", drugs).parameters
    noise = np.random.default_rng(seed)
    drawn = {p.id: spread(p, noise.normal(size=count)) for p in names.values() if p.scale}
    return drawn | dict(fitted or {})


def run_perturbations(
    values: Mapping[str, Floats],
    *,
    switches: Mapping[str, float] | None = None,
    rows: Sequence[str] | None = None,
    engine: EngineName = EngineName.KERNEL,
    progress: Callable[[int], object] | None = None,
) -> list[Outcome]:
    """Simulate perturbations for every draw.

    Parameters
    ----------
    values : mapping of str to ndarray, shape (n_draws,)
        Draws of parameters, see `prior_values`.
    switches : mapping of str to float, optional
        Of the rule of fusion; that of the review by default.
    rows : sequence of str, optional
        Ids of the table; None for all.
    engine : EngineName
    progress : callable, optional
        Called with one after every row.
    """
    table = perturbations()
    found: dict[str, Floats] = {}
    starts: dict[str, Floats] = {}
    outcomes = []
    for row in (table[name] for name in (table if rows is None else rows)):
        starts[row.id], found[row.id] = _read(row, row.day, values, switches or {}, engine)
        if row.from_start:
            other = starts[row.id]
        else:
            against = table[row.against]
            sibling = Perturbation(**{**vars(against), "observable": row.observable})
            other = _read(sibling, row.day, values, switches or {}, engine)[1]
        outcomes.append(_outcome(row, found[row.id], other))
        if progress is not None:
            progress(1)
    return outcomes


def _outcome(row: Perturbation, read: Floats, other: Floats) -> Outcome:
    if row.direction is Direction.ABSENT:
        return Outcome(row, read, read < ABSENT)
    # Beside nothing at all, something is a rise without a finite ratio.
    ratios = np.maximum(read, 0) / np.maximum(other, ABSENT * CHANGED)
    obeyed = {
        Direction.RISES: ratios > 1 + CHANGED,
        Direction.FALLS: ratios < 1 - CHANGED,
        Direction.VANISHES: ratios < VANISHED,
        Direction.REMAINS: ratios > VANISHED,
    }[row.direction]
    return Outcome(row, ratios, obeyed)


def _read(
    row: Perturbation,
    day: float,
    values: Mapping[str, Floats],
    switches: Mapping[str, float],
    name: EngineName,
) -> tuple[Floats, Floats]:
    """The observable at time zero and on a day, each (n_draws,)."""
    engine = _load(row.model, row.regimen, row.later, name)
    count = len(next(iter(values.values())))
    known = compose(row.model, parse_regimen(row.regimen or "untreated").drugs).parameters
    for parameter in row.changes:
        if parameter not in known:
            raise unknown("parameter", parameter, known)
    sets = np.empty((count, len(engine.parameters)))
    for place, parameter in enumerate(engine.parameters):
        table = known[parameter]
        own = 0.0 if table.mechanism and table.mechanism != row.mechanism else None
        given = row.changes.get(parameter, switches.get(parameter, own))
        drawn = values.get(parameter, np.full(count, table.value))
        sets[:, place] = drawn if given is None else given
    batch = engine.simulate(sets, [0.0, day])
    read = batch.values[:, :, engine.outputs.index(row.observable)]
    return read[:, 0], read[:, 1]


@cache
def _load(
    model: str, regimen: str, later: tuple[tuple[float, str, float], ...], name: EngineName
) -> Engine:
    plan = parse_regimen(regimen or "untreated", catalogue.routes())
    composed = compose(model, plan.drugs)
    changed = {parameter for _, parameter, _ in later}
    names = tuple(n for n in composed.parameters if n not in changed)
    dosed = with_regimen(composed, plan, Dosing.AVERAGED).sbml if plan.treatments else composed.sbml
    text = with_later_changes(dosed, later) if later else dosed
    # All that the table reads, so that its rows share the generated code.
    outputs = dict.fromkeys(r.observable for r in perturbations().values() if r.model == model)
    return make_engine(name, text, names, tuple(outputs), model, regimen)[0]


def perturbation_table(
    prior: Sequence[Outcome],
    posterior: Sequence[Outcome],
    values: Mapping[str, Floats],
) -> pd.DataFrame:
    """One row a perturbation: what is expected, what share of draws obeys, what could reverse it.

    Parameters
    ----------
    prior, posterior : sequence of Outcome
        Of the same rows in the same order; `posterior` may be empty.
    values : mapping of str to ndarray, shape (n_draws,)
        Prior draws of the parameters.

    Returns
    -------
    DataFrame
        ``reversing``: parameters whose prior draws differ most between draws that obey and draws
        that do not, in SDs on the scale of their prior; empty where all obey. ``verdict`` is
        "by construction" where every prior draw obeys: such a row is no prediction.
    """
    after = {one.row.id: one for one in posterior}
    rows = []
    for one in prior:
        row = one.row
        shown = one.ratios[one.simulated]
        low, middle, high = np.quantile(shown, [0.025, 0.5, 0.975])
        rows.append(
            {
                "id": row.id,
                "perturbation": row.title,
                "model": row.model,
                "observable": catalogue.observables_of(row.model)[row.observable].symbol,
                "expected": row.direction.value,
                "against": row.against,
                "prior_share": one.share,
                "posterior_share": after[row.id].share if row.id in after else float("nan"),
                "median_ratio": middle,
                "low_ratio": low,
                "high_ratio": high,
                "verdict": BY_CONSTRUCTION if one.share == 1 else "a prediction",
                "reversing": "; ".join(_reversing(one, values)),
                "draws": len(shown),
                "source": row.source,
                "place": row.place,
                "status": row.status,
                "note": row.note,
            }
        )
    return pd.DataFrame(rows)


def _reversing(one: Outcome, values: Mapping[str, Floats]) -> list[str]:
    """The parameters that set draws that disobey apart, with the distance of their means in SDs."""
    good, bad = one.obeyed & one.simulated, ~one.obeyed & one.simulated
    if not good.any() or not bad.any():
        return []
    drugs = parse_regimen(one.row.regimen or "untreated").drugs
    own = compose(one.row.model, drugs).parameters
    apart: dict[str, float] = {}
    for name, drawn in values.items():
        if name in own and name not in one.row.changes:
            place = np.log(drawn) if own[name].scale is Scale.LOG else np.log(drawn / (1 - drawn))
            apart[name] = float((place[bad].mean() - place[good].mean()) / place.std())
    # Few draws on one side differ by chance.
    least = max(REVERSING, 3 / np.sqrt(min(good.sum(), bad.sum())))
    found = sorted((n for n in apart if abs(apart[n]) > least), key=lambda n: -abs(apart[n]))
    return [f"{name} {'high' if apart[name] > 0 else 'low'}" for name in found[:_MOST_NAMED]]
