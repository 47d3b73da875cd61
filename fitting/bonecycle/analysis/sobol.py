"""Sobol indices: shares of the variance of an output that parameters account for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from SALib.analyze import sobol as analysis
from SALib.sample import sobol as sampling
from scipy.stats import norm

from bonecycle.analysis.blocks import Run, evaluate_in_blocks, whole_groups
from bonecycle.analysis.responses import Output, Response
from bonecycle.engines.interface import Floats
from bonecycle.errors import UsageError

STEADY, NARROW = 0.05, 0.1
"""Converged: no index moves by more than the first over the last doubling of the base samples,
and no 95 % interval reaches farther than the second from its estimate."""
# As the bounds of a fit: nothing is known of the model farther out.
_FARTHEST = 5.0
_DOUBLINGS = 4
_RESAMPLES = 200


@dataclass(frozen=True)
class Sobol:
    """Result of `sobol_indices`.

    Attributes
    ----------
    table : DataFrame
        observable, months, unit, parameter, `index` ("first": the parameter alone; "total": with
        all its interactions), `estimate`, and `lower` to `upper`, the bootstrap 95 % interval.
        NaN for an output that does not vary.
    convergence : DataFrame
        The same columns for growing numbers of base samples, `samples`.
    summary : DataFrame
        By output: mean, standard deviation, sum of first indices, largest change over the last
        doubling, widest interval, `converged`.
    samples, lost : int
        Base samples used, and left out because one of their sets could not be simulated.
    """

    table: pd.DataFrame
    convergence: pd.DataFrame
    summary: pd.DataFrame
    samples: int
    lost: int


def sobol_indices(
    response: Response, samples: int = 1024, *, seed: int = 0, run: Run | None = None
) -> Sobol:
    """Estimate first and total Sobol indices with bootstrap intervals.

    The parameters are taken as independent: over a prior they are, over a posterior they are not,
    and `given_data_indices` says what can be said there.

    Parameters
    ----------
    response : Response
    samples : int
        Base samples of a scrambled Sobol sequence, a power of two, 16 or more; each costs two
        sets more than there are parameters.
    seed : int
        Of scrambling and bootstrap.
    run : Run, optional
        Workers, checkpoints, progress.

    Raises
    ------
    UsageError
        For another number of samples, or when too many base samples hold a set that failed; see
        `blocks.whole_groups`.
    """
    if samples < 16 or samples & (samples - 1):
        raise UsageError(f"{samples} base samples: give a power of two, 16 or more.")
    names = list(response.names)
    cube = {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}
    places = sampling.sample(cube, samples, calc_second_order=False, seed=seed)
    scores = np.clip(norm.ppf(places), -_FARTHEST, _FARTHEST)
    size = len(names) + 2
    raw = evaluate_in_blocks(response, response.from_scores(scores), run)
    outputs, kept = whole_groups(raw, size)
    parts = []
    for doubling in range(_DOUBLINGS, -1, -1):
        # The first samples of the sequence, so that what failed does not shift the others.
        used = int(kept[: samples >> doubling].sum())
        if used > 1:
            part = _indices(cube, response.labels, outputs[: used * size], seed)
            parts.append(part.assign(samples=used))
    table = parts[-1].drop(columns="samples")
    groups = outputs.reshape(-1, size, outputs.shape[1])
    independent = np.concatenate([groups[:, 0], groups[:, -1]])
    summary = _summary(response.labels, independent, table, parts[-2])
    convergence = pd.concat(parts, ignore_index=True)
    return Sobol(table, convergence, summary, int(kept.sum()), int((~kept).sum()))


def _indices(
    cube: dict[str, object], labels: tuple[Output, ...], outputs: Floats, seed: int
) -> pd.DataFrame:
    parts = [
        part
        for column, label in enumerate(labels)
        for part in _of_output(cube, label, outputs[:, column], seed)
    ]
    return pd.concat(parts, ignore_index=True)


def _of_output(
    cube: dict[str, object], label: Output, values: Floats, seed: int
) -> Iterator[pd.DataFrame]:
    varies = _varies(values)
    if varies:
        found = analysis.analyze(
            cube,
            values,
            calc_second_order=False,
            num_resamples=_RESAMPLES,
            # SALib takes zero for no seed at all.
            seed=seed + 1,
        )
    for index, name in (("first", "S1"), ("total", "ST")):
        estimate = np.asarray(found[name]) if varies else np.nan
        reach = np.asarray(found[f"{name}_conf"]) if varies else np.nan
        yield pd.DataFrame(
            label._asdict()
            | {
                "parameter": cube["names"],
                "index": index,
                "estimate": estimate,
                "lower": estimate - reach,
                "upper": estimate + reach,
            }
        )


def _varies(values: Floats) -> bool:
    return bool(np.ptp(values) > 1e-9 * np.abs(values).max())


def _summary(
    labels: tuple[Output, ...], draws: Floats, table: pd.DataFrame, before: pd.DataFrame
) -> pd.DataFrame:
    change = (table["estimate"] - before["estimate"]).abs()
    reach = table["upper"] - table["estimate"]
    rows = []
    for column, label in enumerate(labels):
        own = (table["observable"] == label.observable) & (table["months"] == label.months)
        first = own & (table["index"] == "first")
        rows.append(
            label._asdict()
            | {
                "mean": float(draws[:, column].mean()),
                "sd": float(draws[:, column].std(ddof=1)),
                "sum_of_first": float(table.loc[first, "estimate"].sum(skipna=False)),
                "last_change": float(change[own].max()),
                "widest_interval": float(reach[own].max()),
                "converged": bool(change[own].max() <= STEADY and reach[own].max() <= NARROW),
            }
        )
    return pd.DataFrame(rows)
