"""The figures of a comparison show every mechanism, study and variant; small made-up tables."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from bonecycle import show
from bonecycle.inference.comparison.conclusion import evidence_table
from bonecycle.inference.comparison.left_out import difference_table
from bonecycle.inference.fitting.profiles import LEVEL

VALUES = {"H0": -25.0, "H1": -12.0, "H3": -18.0, "H1+H3": -12.5}
NAMES = tuple(VALUES)
STUDIES = ("bone_2011", "jensen_2021", "saag_2017", "reid_2010")


def texts(figure):
    found = (text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text")))
    return " ".join(" ".join(found).split())


def trials():
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        [
            {
                "mechanism": name, "trial": trial, "rows": 3, "error": 0.1, "enough": True,
                "elpd": -5 + rng.normal() + (i > 0) * 2,
            }
            for (i, name), trial in product(enumerate(NAMES), STUDIES)
        ]
    )  # fmt: skip


def evidence():
    return evidence_table(
        [
            {
                "mechanism": name,
                "laplace": value - 0.2,
                "importance": value,
                "importance_error": 0.02,
                "nested": value + 0.05,
                "nested_error": 0.1,
            }
            for name, value in VALUES.items()
        ],
        [
            {"mechanism": name, "whole_prior": value, "whole_prior_error": 0.4}
            for name, value in VALUES.items()
        ],
    )


def failing():
    rows = [
        ("bone_2011", "CTX", "equal", [3.1, 0.4, -2.5, 0.2], [None] * 4),
        ("jensen_2021", "ES/BS", "not_strongly_decreased", [None] * 4, [0.01, 0.6, 0.4, 0.7]),
        ("saag_2017", "P1NP", "equal", [0.1, 0.2, 0.3, 0.4], [None] * 4),
    ]
    return pd.DataFrame(
        [
            {
                "mechanism": name,
                "study": study,
                "arm": "drug",
                "symbol": symbol,
                "time_months": 12.0,
                "comparison": comparison,
                "observed": 0.5,
                "standardized": z,
                "probability": p,
                "fails": abs(z) > 2 if z is not None else p < 0.05,
                "source": "Saag 2017, N Engl J Med",
            }
            for study, symbol, comparison, zs, ps in rows
            for name, z, p in zip(NAMES, zs, ps, strict=True)
        ]
    )


def surface():
    rng = np.random.default_rng(2)
    table = pd.DataFrame(
        [
            {
                "mechanism": name,
                "encoding": encoding,
                "error_scale": scale,
                "prior_scale": width,
                "log_evidence": rng.normal(0, 5) + 6 * (name == "H1"),
            }
            for name, encoding, scale, width in product(
                NAMES, ("soft-0.6", "hard-0.9", "dropped"), (0.5, 1.0, 2.0), (0.5, 1.0, 2.0)
            )
        ]
    )
    best = table.groupby(["encoding", "error_scale", "prior_scale"])["log_evidence"]
    return table.assign(behind=best.transform("max") - table["log_evidence"])


def curves():
    z = np.linspace(-3, 3, 13)
    return pd.DataFrame(
        [
            {
                "mechanism": "H1",
                "parameter": name,
                "prior_sds": x,
                "rise": k * (x - 0.5) ** 2 + x**2,
                "likelihood_rise": k * (x - 0.5) ** 2,
            }
            for name, k in (("arrest_rate", 4.0), ("site_factor", 0.1))
            for x in z
        ]
    )


def intervals():
    said = [("arrest_rate", "interval"), ("site_factor", "nothing")]
    return pd.DataFrame(said, columns=["parameter", "data_say"])


def confusion(diagonal):
    counts = np.full((4, 4), 1) + diagonal * np.eye(4, dtype=int)
    return pd.DataFrame(counts, columns=NAMES).assign(truth=NAMES)


@pytest.fixture(scope="module")
def figures():
    return {
        "comparison": show.plot_comparison(difference_table(trials()), evidence()),
        "left_out": show.plot_left_out(trials()),
        "failing": show.plot_failing(failing()),
        "surface": show.plot_surface(surface()),
        "profiles": show.plot_profiles(curves(), intervals()),
        "recovery": show.plot_recovery(confusion(16), confusion(4)),
    }


def test_every_figure_can_be_saved(figures, tmp_path):
    for name, figure in figures.items():
        assert all(file.stat().st_size > 1000 for file in show.save(figure, tmp_path / name))


def test_every_mechanism_and_study_is_named(figures):
    for name in NAMES:
        assert name in texts(figures["comparison"])
    for study in STUDIES:
        assert study.replace("_", " ") in texts(figures["left_out"])


def test_only_rows_that_fail_are_shown(figures):
    written = texts(figures["failing"])
    assert "CTX" in written and "ES/BS" in written and "P1NP" not in written
    assert "2 of 3" in written
    assert "+3.1" in written and "1 %" in written


def test_the_surface_is_against_the_mechanism_that_is_near_the_best_most_often(figures):
    written = texts(figures["surface"])
    assert "H0 against H1" in written
    assert "H1 against" not in written.replace("H0 against H1", "").replace("H3 against H1", "")


def test_profiles_say_what_is_open_and_reach_the_level(figures):
    assert "open on both sides" in texts(figures["profiles"])
    assert figures["profiles"].axes[0].get_ylim()[1] > LEVEL


def test_counts_of_the_recovery_are_written(figures):
    assert "17" in texts(figures["recovery"])
    assert figures["recovery"].axes[0].get_xlabel() == "Chosen"
