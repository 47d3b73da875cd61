"""Published counts of biopsies with a label, held against the virtual biopsy.

The counts validate and are not fitted: the constants of a section are assumed, and as targets the
counts would mostly set those; and two of the rows were kept for validation from the start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import pandas as pd
from scipy.stats import beta, binom

from bonecycle.analysis.virtual_biopsy import (
    STATE,
    Section,
    central_section,
    drawn_sections,
    finding_probability,
)
from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing, with_regimen
from bonecycle.biology.regimens import DAYS_PER_MONTH, Regimen
from bonecycle.biology.tables import read_rows
from bonecycle.engines.choice import EngineName, make_engine
from bonecycle.engines.interface import Floats
from bonecycle.errors import SimulationError
from bonecycle.problem.space import fitted_space
from bonecycle.studies.reader import load_studies

# Below this predictive probability of a count as far off, the model and the count disagree.
DISAGREES_BELOW = 0.05
# Draws of the constants; draws of parameters are used again until there are as many.
_SECTIONS = 4000
_PLACEBO = ("reid_2010", "placebo (FREEDOM)")


@dataclass(frozen=True)
class LabelCount:
    """One published count; `comparison` is ``equal``, or ``above`` for that many or more."""

    study: str
    arm: str
    regimen: Regimen
    time_months: float
    finding: str
    comparison: str
    count: int
    n: int
    published: str
    note: str


def read_counts() -> tuple[LabelCount, ...]:
    """Read label_counts.csv; regimens are those of the study tables."""
    studies = {study.name: study for study in load_studies(catalogue.observables())}
    found = []
    for row in read_rows(files("bonecycle_data") / "label_counts.csv"):
        arm = next(o for o in studies[row["study"]].observations if o.arm == row["arm"])
        assert arm.regimen is not None  # arms of the table have one
        found.append(
            LabelCount(
                row["study"],
                row["arm"],
                arm.regimen,
                float(row["time_months"]),
                row["finding"],
                row["comparison"],
                int(row["count"]),
                int(row["n"]),
                row["published"],
                row["note"],
            )
        )
    return tuple(found)


def predict_states(
    points: pd.DataFrame,
    regimen: Regimen,
    time_months: float,
    engine: EngineName = EngineName.KERNEL,
) -> dict[str, Floats]:
    """Observables that a virtual biopsy needs, at one time of a regimen.

    Parameters
    ----------
    points
        One row a parameter set, natural values by name; parameters without a value keep their
        prior centre, and strengths of mechanisms are zero.
    regimen, time_months
        What is given, and when the biopsy is taken.
    engine
        What simulates; doses up to a month apart act as their time average.

    Returns
    -------
    dict of str to ndarray, shape (n_sets,)

    Raises
    ------
    SimulationError
        When no set can be simulated; single failed sets are NaN.
    """
    model = compose("cycle", regimen.drugs)
    space = fitted_space(tuple(catalogue.mechanisms()), regimen.drugs)
    free = [p for p in space.parameters if p.id in model.parameters]
    names = tuple(p.id for p in free)
    dosed = with_regimen(model, regimen, Dosing.AVERAGED)
    runner, _ = make_engine(engine, dosed.sbml, names, STATE, dosed.name, str(regimen))
    own = [0.0 if p.mechanism else p.value for p in free]
    sets = np.tile(own, (len(points), 1))
    for name in points.columns:
        if name in names:
            given = points[name].to_numpy(dtype=float)
            place = names.index(name)
            sets[:, place] = np.where(np.isnan(given), own[place], given)
    days = time_months * DAYS_PER_MONTH
    batch = runner.simulate(sets, (0.0, days) if days else (0.0,))
    if not batch.ok.any():
        raise SimulationError("cycle", str(regimen), {}, "no parameter set could be simulated")
    values = np.where(batch.ok[:, None], batch.values[:, -1], np.nan)
    return dict(zip(STATE, values.T, strict=True))


def compare_counts(
    points: Mapping[str, pd.DataFrame],
    *,
    best: bool = True,
    counts: Sequence[LabelCount] | None = None,
    seed: int = 0,
    engine: EngineName = EngineName.KERNEL,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Hold every count against each mechanism.

    Parameters
    ----------
    points
        By mechanism, natural values; one row a set.
    best
        Whether the first set of each is a best point, with draws about it. Otherwise all are
        draws, of a posterior.
    counts
        Published counts, the one of the placebo arm among them; all when None.
    seed
        Of the constants of the sections, drawn once from their priors for each set.
    engine
        What simulates.
    progress
        Called with the number of finished counts and of all.

    Returns
    -------
    DataFrame
        One row a count and mechanism. ``probability``: at the best set with central constants, or
        the median of the draws; ``MS_BS`` and ``Oc_S_BS`` likewise.
        ``lower``, ``upper``: 95 % over draws of parameters and constants, where there are any.
        ``p``: twice the smaller predictive tail at the published count (for a limit: the predictive
        probability of meeting it), at the best set where there are no draws. ``disagrees``: p
        below 0.05. ``given_placebo``, ``p_given_placebo``: mean probability and p with the draws
        weighted by the count of the placebo arm, which so sets the constants of the sections.
    """
    together = pd.concat(list(points.values()), ignore_index=True)
    owners = np.repeat(list(points), [len(sets) for sets in points.values()])
    counts = read_counts() if counts is None else counts
    rows = []
    states: dict[tuple[Regimen, float], dict[str, Floats]] = {}
    for done, count in enumerate(counts, start=1):
        key = (count.regimen, count.time_months)
        if key not in states:
            states[key] = predict_states(together, *key, engine=engine)
        if progress is not None:
            progress(done, len(counts))
    for mechanism in points:
        own = {
            key: {name: values[owners == mechanism] for name, values in state.items()}
            for key, state in states.items()
        }
        found = [_probabilities(c, own[c.regimen, c.time_months], best, seed) for c in counts]
        placebo = next(i for i, c in enumerate(counts) if (c.study, c.arm) == _PLACEBO)
        weights = np.asarray(
            binom.pmf(counts[placebo].count, counts[placebo].n, found[placebo][1]), dtype=float
        )
        for count, (centre, drawn) in zip(counts, found, strict=True):
            state = own[count.regimen, count.time_months]
            middle = {n: float(v[0] if best else np.nanmedian(v)) for n, v in state.items()}
            rows.append(_row(count, mechanism, middle, centre, drawn, weights / weights.sum()))
    table = pd.DataFrame(rows)
    # Count by count, its mechanisms side by side.
    places = np.tile(np.arange(len(counts)), len(points))
    return table.iloc[np.argsort(places, kind="stable")].reset_index(drop=True)


def _probabilities(
    count: LabelCount, state: Mapping[str, Floats], best: bool, seed: int
) -> tuple[float, Floats]:
    """Probability of a finding in the centre, and over draws; one draw where there are none."""
    sets = finding_probability(count.finding, state, central_section())
    centre = float(sets[0] if best else np.nanmedian(sets))
    if len(sets) == 1:
        return centre, np.array([centre])
    rest = {name: np.resize(values[int(best) :], _SECTIONS) for name, values in state.items()}
    # The same sections for all arms: one laboratory reads a trial.
    drawn = finding_probability(count.finding, rest, drawn_sections(_SECTIONS, seed))
    return centre, np.nan_to_num(drawn, nan=centre)


def _row(
    count: LabelCount,
    mechanism: str,
    state: Mapping[str, float],
    centre: float,
    drawn: Floats,
    weights: Floats,
) -> dict[str, object]:
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) > 1 else (np.nan, np.nan)
    at_least = binom.sf(count.count - 1, count.n, drawn)
    at_most = binom.cdf(count.count, count.n, drawn)

    def p(weights: Floats) -> float:
        above, below = float(weights @ at_least), float(weights @ at_most)
        return above if count.comparison == "above" else min(1.0, 2 * min(above, below))

    plain = p(np.full(len(drawn), 1 / len(drawn)))
    given = (count.study, count.arm) != _PLACEBO
    return {
        "study": count.study,
        "arm": count.arm,
        "time_months": count.time_months,
        "finding": count.finding,
        "comparison": count.comparison,
        "count": count.count,
        "n": count.n,
        "published": count.published,
        "mechanism": mechanism,
        "MS_BS": state["MS_BS"],
        "Oc_S_BS": state["Oc_S_BS"],
        "probability": centre,
        "lower": float(low),
        "upper": float(high),
        "p": plain,
        "disagrees": plain < DISAGREES_BELOW,
        "given_placebo": float(weights @ drawn) if given else None,
        "p_given_placebo": p(weights) if given else None,
        "note": count.note,
    }


def implied_sites(section: Section | None = None) -> pd.DataFrame:
    """Labeled sites a biopsy that each count asks for, whatever the model of the bone.

    Returns
    -------
    DataFrame
        ``sites``: expected number at which the probability of the finding is the published share,
        with the 95 % Clopper-Pearson interval (infinite where every biopsy may show it), for the
        heterogeneity of `section` (central when None) and for none (``poisson``). ``ratio`` is to
        the placebo arm of reid_2010, within one heterogeneity.
    """
    h = float(np.asarray((section or central_section()).site_heterogeneity))
    rows = []
    for count in read_counts():
        if count.finding == "no osteoclasts":
            continue
        k, n = count.count, count.n
        low = float(beta.ppf(0.025, k, n - k + 1)) if k else 0.0
        high = float(beta.ppf(0.975, k + 1, n - k)) if k < n else 1.0
        for name, spread in (("gamma", h), ("poisson", 0.0)):
            sites, fewest, most = (_sites(share, spread) for share in (k / n, low, high))
            rows.append(
                {
                    "study": count.study,
                    "arm": count.arm,
                    "finding": count.finding,
                    "count": k,
                    "n": n,
                    "patients": name,
                    "sites": sites,
                    "lower": fewest,
                    "upper": most,
                }
            )
    table = pd.DataFrame(rows)
    placebo = table[table["arm"].str.startswith("placebo")].set_index("patients")["sites"]
    return table.assign(ratio=table["sites"] / table["patients"].map(placebo))


def _sites(share: float, heterogeneity: float) -> float:
    """Expected sites at which a share of biopsies shows one or more: inverse of the zero term."""
    if share >= 1:
        return float("inf")
    none = -np.log1p(-share)
    return float(np.expm1(heterogeneity * none) / heterogeneity if heterogeneity else none)
