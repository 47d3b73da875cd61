"""Are ranks uniform? Simultaneous bands of their cumulative distribution, tables and verdict.

Saeilynoja, Buerkner and Vehtari 2022, Stat. Comput. 32:32: the count of ranks up to each value is
binomial when they are uniform. The smallest of its tail probabilities over all values is the test
statistic; its distribution is simulated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.stats import binom

from bonecycle.engines.interface import Floats
from bonecycle.inference.checks.calibration import LOG_LIKELIHOOD, RANKED
from bonecycle.inference.parts import Record

LEVEL = 0.95
"""Probability with which a whole curve of uniform ranks lies inside its band."""
# Enough for tail probabilities of 0.05 over thirty quantities: a hundred simulations beyond.
_SIMULATIONS = 60_000
_BATCH = 2_000
# The band of ten draws is 0.45 high on either side, that of a hundred 0.15, of two hundred 0.11.
_FEW = 100


@dataclass(frozen=True)
class Bands:
    """Distribution of the cumulative counts of uniform ranks.

    Attributes
    ----------
    count : int
        Ranks.
    values : int
        Values that a rank may have, from 0 on.
    """

    count: int
    values: int = RANKED + 1

    @property
    def places(self) -> Floats:
        """Shares of the rank values at which counts are taken, shape (values - 1,)."""
        return np.arange(1, self.values) / self.values

    def counts(self, ranks: Floats) -> Floats:
        """How many ranks lie below each place, (..., count) to (..., values - 1)."""
        return np.asarray((ranks[..., None] < np.arange(1, self.values)).sum(axis=-2))

    def statistic(self, ranks: Floats) -> Floats:
        """Smallest two-sided tail probability over all places, (..., count) to (...)."""
        counts = self.counts(ranks)
        return np.asarray(self._tails[counts, np.arange(self.values - 1)].min(axis=-1))

    def p_value(self, ranks: Floats) -> float:
        """Probability that uniform ranks (count,) stray as far anywhere."""
        return float((1 + (self._simulated <= self.statistic(ranks)).sum()) / (1 + _SIMULATIONS))

    def band(self, level: float) -> tuple[Floats, Floats]:
        """Lowest and highest counts of curves that lie inside whole with this probability."""
        least = np.quantile(self._simulated, 1 - level, method="lower")
        inside = self._tails >= least
        lower = inside.argmax(axis=0)
        return lower, self.count - inside[::-1].argmax(axis=0)

    @cached_property
    def _tails(self) -> Floats:
        """Two-sided tail probability of each count at each place, (count + 1, values - 1)."""
        counts = np.arange(self.count + 1)[:, None]
        below = binom.cdf(counts, self.count, self.places)
        above = binom.sf(counts - 1, self.count, self.places)
        tails = np.minimum(below, above)
        # The mean of two that are equal but for rounding: ties between the two sides stay ties.
        return np.asarray(tails + tails[::-1, ::-1])

    @cached_property
    def _simulated(self) -> Floats:
        """Statistic of simulated uniform ranks."""
        rng = np.random.default_rng(20221)
        columns, lines = np.arange(self.values - 1), np.arange(_BATCH)[:, None]
        found = []
        for _ in range(_SIMULATIONS // _BATCH):
            drawn = rng.integers(self.values, size=(_BATCH, self.count)) + self.values * lines
            each = np.bincount(drawn.ravel(), minlength=_BATCH * self.values)
            counts = each.reshape(_BATCH, self.values).cumsum(axis=1)[:, :-1]
            found.append(self._tails[counts, columns].min(axis=1))
        return np.concatenate(found)


def rank_table(records: Sequence[Record]) -> pd.DataFrame:
    """One row a draw of the prior: its ranks, tau and what was redrawn; empty where it failed."""
    rows = [
        {
            "draw": record["draw"],
            "redrawn": record["redrawn"],
            "failed": record.get("failed", ""),
            "tau": record.get("tau", np.nan),
            "spacing": record.get("spacing", np.nan),
        }
        | record.get("ranks", {})
        for record in records
    ]
    return pd.DataFrame(rows)


def calibration_table(ranks: pd.DataFrame) -> pd.DataFrame:
    """One row a ranked quantity.

    Parameters
    ----------
    ranks
        As `rank_table` returns it.

    Returns
    -------
    DataFrame
        ``p``: probability that uniform ranks stray as far. ``inside_95``: whether the curve lies
        in its own band. ``inside_joint``: in the band of all quantities together, whatever their
        dependence (Bonferroni). ``mean_rank``: share of posterior draws below the truth on average,
        0.5 when right; lower when the posterior lies too high. ``spread``: SD of the ranks over
        that of uniform ones; above one when the posterior is too narrow.

    Raises
    ------
    ValueError
        When no draw has ranks.
    """
    usable = ranks[ranks["failed"] == ""]
    names = ranked_quantities(ranks)
    bands = Bands(len(usable))
    rows = []
    for name in names:
        own = usable[name].to_numpy(dtype=float)
        p = bands.p_value(own)
        shares = (own + 0.5) / bands.values
        rows.append(
            {
                "quantity": name,
                "draws": len(own),
                "p": p,
                "inside_95": p > 1 - LEVEL,
                "inside_joint": p > (1 - LEVEL) / len(names),
                "mean_rank": shares.mean(),
                "spread": float(np.sqrt(12 * np.mean((shares - 0.5) ** 2))),
            }
        )
    return pd.DataFrame(rows)


def ranked_quantities(ranks: pd.DataFrame) -> list[str]:
    """Columns of `rank_table` that are ranks: the parameters, and the log likelihood last.

    Raises
    ------
    ValueError
        When no draw has ranks.
    """
    if LOG_LIKELIHOOD not in ranks:
        raise ValueError("no draw has ranks")
    fixed = ("draw", "redrawn", "failed", "tau", "spacing")
    return [str(name) for name in ranks.columns if name not in fixed]


def passed(ranks: pd.DataFrame, table: pd.DataFrame) -> bool:
    """Whether every draw had a posterior and every quantity lies in the joint band."""
    return bool((ranks["failed"] == "").all() and table["inside_joint"].all())


def verdict(ranks: pd.DataFrame, table: pd.DataFrame) -> str:
    """The result in words, with what limits it."""
    outside = table[~table["inside_joint"]]
    alone = table[~table["inside_95"]]
    failed = int((ranks["failed"] != "").sum())
    lines = [
        f"{'Calibrated' if passed(ranks, table) else 'NOT calibrated'}: {len(table) - len(outside)}"
        f" of {len(table)} quantities lie inside the joint 95 % band (Bonferroni) and "
        f"{len(table) - len(alone)} inside their own, with {table['draws'].iloc[0]} draws."
    ]
    if table["draws"].iloc[0] < _FEW:
        lines.append(f"Fewer than {_FEW} draws show gross faults only: this is a trial.")
    for row in outside.itertuples():
        lines.append(
            f"{row.quantity}: p = {row.p:.2g}, mean rank {row.mean_rank:.2f} (0.5 when right), "
            f"spread {row.spread:.2f} (above 1: the posterior is too narrow)."
        )
    if failed:
        lines.append(f"{failed} draws have no posterior: see column 'failed' of ranks.csv.")
    redrawn = int(ranks["redrawn"].sum())
    lines.append(
        f"{redrawn} of {redrawn + len(ranks)} draws of the prior could not be simulated and were "
        "drawn again: the ranks hold under the prior cut to what can be simulated, as in every "
        "posterior of this problem."
    )
    slow = int((ranks["tau"] > ranks["spacing"]).sum())
    lines.append(
        f"Autocorrelation time: median {ranks['tau'].median():.1f} steps; longer than the "
        f"{ranks['spacing'].max():.0f} steps between ranked draws in {slow} of {len(ranks)} runs"
        + (" (give more --steps when these are many)." if slow else ".")
    )
    return "\n".join(lines)
