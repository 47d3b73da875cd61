"""What the data taught: posterior against prior, for parameters and their combinations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import differential_entropy

from bonecycle.engines.interface import Floats
from bonecycle.inference.fitting.summary import INFORMED_BELOW
from bonecycle.problem.space import Space

# Above this share of the prior SD the data have said next to nothing.
UNINFORMED_ABOVE = 0.9
# ... unless they have moved it: so many bits are a shift by half a prior SD.
_MOVED_ABOVE = 0.2
# Parameters that weigh less in a combination are not named.
_NAMED_ABOVE = 0.3
# Draws that enter an entropy; more sort for seconds and change the third digit.
_ENTROPY_DRAWS = 20_000


def learned_table(space: Space, theta: Floats) -> pd.DataFrame:
    """One row a parameter: its posterior against its prior, on the scale of the prior.

    Parameters
    ----------
    space : Space
    theta : ndarray, shape (n_draws, n_parameters)
        Draws of the posterior.

    Returns
    -------
    DataFrame
        ``prior_sd``: on the scale of the prior. ``sd_ratio``: posterior SD over prior SD.
        ``shift``: posterior mean from the prior centre in prior SDs. ``bits``: Kullback-Leibler
        divergence of the marginal posterior from the prior. ``verdict``: ``informed`` (SD below
        0.7 of the prior's), ``hardly`` (above 0.9, and below 0.2 bits), else ``somewhat``.
    """
    standard = space.standardized(theta)
    rows = [
        {
            "parameter": p.id,
            "name": p.name,
            "unit": p.unit,
            "prior_scale": str(p.scale),
            "prior_median": p.value,
            "prior_sd": p.prior_sd,
            "posterior_median": float(space.to_natural(np.median(theta, axis=0)[None])[0, i]),
            **_compared(standard[:, i]),
            "source_of_prior": p.source,
        }
        for i, p in enumerate(space.parameters)
    ]
    return pd.DataFrame(rows)


def combination_table(space: Space, theta: Floats) -> pd.DataFrame:
    """One row a combination of parameters that the posterior leaves uncorrelated, best known first.

    Eigenvectors of the posterior covariance in prior SDs, in which every combination has a prior
    SD of one.

    Returns
    -------
    DataFrame
        As `learned_table`, with ``combination``: weights of the leading parameters, whose squares
        add to one over all parameters.
    """
    standard = space.standardized(theta)
    _, vectors = np.linalg.eigh(np.cov(standard.T))
    rows = []
    for number, vector in enumerate(vectors.T, start=1):
        # A sign is free: the largest weight is positive.
        weights = vector * np.sign(vector[np.abs(vector).argmax()])
        order = np.argsort(-np.abs(weights))
        named = [i for i in order if abs(weights[i]) > _NAMED_ABOVE] or [order[0]]
        text = " ".join(f"{weights[i]:+.2f} {space.names[i]}" for i in named)
        rows.append({"number": number, "combination": text, **_compared(standard @ weights)})
    return pd.DataFrame(rows)


def unlearned_text(learned: pd.DataFrame, combinations: pd.DataFrame) -> str:
    """Say in words what the data cannot inform."""
    hardly = learned[learned["verdict"] == "hardly"]
    somewhat = learned[learned["verdict"] == "somewhat"]
    known = combinations[combinations["verdict"] == "informed"]
    blind = combinations[combinations["verdict"] == "hardly"]
    lines = [
        f"The data inform {len(known)} of {len(combinations)} combinations of parameters well "
        f"(posterior SD below {INFORMED_BELOW:g} of the prior's) and say next to nothing about "
        f"{len(blind)} (above {UNINFORMED_ABOVE:g}, and not moved).",
        "",
        "About these parameters the data say next to nothing; what is stated about each is its "
        "prior:"
        if len(hardly)
        else "There is no single parameter about which the data say next to nothing.",
        *map(_line, hardly.to_dict("records")),
    ]
    if len(somewhat):
        lines += ["", "These they narrow or move a little; the prior still weighs:"]
        lines += map(_line, somewhat.to_dict("records"))
    if len(blind):
        lines += ["", "Combinations that stay as the prior has them (weights in prior SDs):"]
        lines += [
            f"- {row['combination']}: posterior SD {row['sd_ratio']:.2f} of the prior's"
            for row in blind.to_dict("records")
        ]
    return "\n".join(lines) + "\n"


def _line(row: Mapping[Any, Any]) -> str:
    source = row["source_of_prior"]
    origin = "prior assumed" if source in ("", "none") else f"prior from {source}"
    return (
        f"- {row['name']} ({row['parameter']}): posterior SD {row['sd_ratio']:.2f} of the prior's, "
        f"moved by {row['shift']:+.2f} prior SDs, {row['bits']:.2f} bits; {origin}"
    )


def _compared(standard: Floats) -> dict[str, object]:
    """A posterior against a standard normal prior."""
    ratio, bits = float(np.std(standard)), divergence(standard)
    verdict = "somewhat"
    if ratio < INFORMED_BELOW:
        verdict = "informed"
    elif ratio > UNINFORMED_ABOVE and bits < _MOVED_ABOVE:
        verdict = "hardly"
    shift = float(np.mean(standard))
    return {"sd_ratio": ratio, "shift": shift, "bits": bits, "verdict": verdict}


def divergence(standard: Floats) -> float:
    """Kullback-Leibler divergence of draws (n_draws,) from the standard normal, in bits.

    The cross entropy is a mean; the entropy is estimated from spacings of the ordered draws, so
    no shape is assumed. Its error with thousands of draws is a few hundredths.
    """
    thinned = standard[:: max(len(standard) // _ENTROPY_DRAWS, 1)]
    cross = 0.5 * np.mean(standard**2) + 0.5 * np.log(2 * np.pi)
    entropy = differential_entropy(thinned)
    return max(float((cross - entropy) / np.log(2)), 0.0)
