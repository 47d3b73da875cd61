"""COPASI gives every dose that was taken and no other, in every level."""

from __future__ import annotations

import numpy as np
import pytest
from tools.crosscheck import in_copasi

from bonecycle.biology.regimens import parse_regimen
from bonecycle.exchange.levels import Level

# Every command and every model starts anew: minutes in all.
pytestmark = pytest.mark.slow

# Trains that are interrupted, follow one another or start later: several events at work.
REGIMENS = [
    "denosumab 60 mg sc every 6 months for 4 years missing doses 1, 3, 6-7",
    "alendronate 70 mg oral every 1 week for 40 weeks taking 60 % (seed 4)",
    "zoledronate 5 mg iv every 12 months from 2 years for 2 years",
    "alendronate 5 mg oral every 1 day for 30 days; "
    "alendronate 10 mg oral every 1 day from 30 days for 20 days",
    "denosumab 60 mg sc every 6 months for 1 year; "
    "zoledronate 4 mg iv every 3 months from 1 year for 1 year",
]
DAYS, STEPS = 1500.0, 149


@pytest.mark.parametrize("level", [Level.L3V2, Level.L2V4])
@pytest.mark.parametrize("regimen", REGIMENS)
def test_copasi_gives_every_dose(exported, regimen: str, level: Level) -> None:
    treatments = parse_regimen(regimen).treatments
    drugs = tuple(dict.fromkeys(t.drug for t in treatments))
    names = [f"{drug}_given" for drug in drugs]
    curves, _ = in_copasi(exported(regimen, level), names, DAYS, STEPS)
    # No dose falls on an output but the start.
    times = np.linspace(0.0, DAYS, STEPS + 1)[1:]
    for column, drug in enumerate(drugs):
        own = [t for t in treatments if t.drug == drug]
        expected = sum(t.dose_mg * (t.dose_times()[:, None] <= times).sum(axis=0) for t in own)
        np.testing.assert_allclose(curves[1:, column], expected, rtol=1e-9)
