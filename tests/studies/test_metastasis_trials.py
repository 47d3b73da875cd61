"""The table of trials: verified numbers only, one withheld, intervals that fit their counts."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from bonecycle.biology.tables import read_rows

ROWS = read_rows(files("bonecycle_data") / "metastasis_trials.csv")


def test_one_hazard_ratio_is_withheld() -> None:
    (row,) = [row for row in ROWS if row["role"] == "withheld"]
    assert (row["trial"], row["endpoint"], row["period"]) == ("powles", "bone", "total")


def test_nothing_unverified_is_fitted_or_has_a_number() -> None:
    for row in ROWS:
        assert row["source"] and row["place"]
        if row["status"] == "unverified":
            assert row["role"] == "context"
            assert not any(row[name] for name in ("control_events", "treated_events"))
        if row["role"] == "fitted":
            assert row["status"] == "verified"


def test_periods_add_up_and_intervals_agree_with_counts() -> None:
    bone = {r["period"]: r for r in ROWS if (r["trial"], r["endpoint"]) == ("powles", "bone")}
    for arm in ("control_events", "treated_events"):
        parts = int(bone["medication"][arm]) + int(bone["after"][arm])
        assert parts == int(bone["total"][arm])
    for period in ("medication", "total"):
        row = bone[period]
        width = np.log(float(row["upper"]) / float(row["lower"])) / 3.92
        counts = np.sqrt(1 / int(row["control_events"]) + 1 / int(row["treated_events"]))
        np.testing.assert_allclose(width, counts, rtol=0.06)
