"""Shares of biopsies with a label, with intervals over draws of the parameters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from bonecycle.analysis.virtual_biopsy import central_section, drawn_sections, finding_probability
from bonecycle.engines.interface import Floats

FINDINGS = ("double", "any", "no osteoclasts")
_INTERVAL = [0.025, 0.975]
# Draws of the constants; draws of parameters are used again until there are as many.
_SECTIONS = 4000


def label_shares(state: Mapping[str, Floats], seed: int = 0) -> pd.DataFrame:
    """Expected share of biopsies with each finding, over draws of the parameters.

    Parameters
    ----------
    state
        Observables of `virtual_biopsy.STATE`, arrays of shape (n_draws,), in their units.
    seed
        Of the constants of the sections.

    Returns
    -------
    DataFrame
        One row a finding. ``share``: median over the draws, with central constants of the section.
        ``lower``, ``upper``: 95 % of the draws. ``lower_section``, ``upper_section``: 95 % of
        draws of parameters and constants together, the constants from their priors.
    """
    many = {name: np.resize(values, _SECTIONS) for name, values in state.items()}
    sections = drawn_sections(_SECTIONS, seed)
    rows = []
    for finding in FINDINGS:
        drawn = finding_probability(finding, state, central_section())
        low, high = np.quantile(drawn, _INTERVAL)
        least, most = np.quantile(finding_probability(finding, many, sections), _INTERVAL)
        rows.append(
            {
                "finding": finding,
                "share": float(np.median(drawn)),
                "lower": float(low),
                "upper": float(high),
                "lower_section": float(least),
                "upper_section": float(most),
                "draws": len(drawn),
            }
        )
    return pd.DataFrame(rows)
