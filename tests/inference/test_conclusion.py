"""The words of a comparison say what its numbers say, and no more."""

import pandas as pd
import pytest

from bonecycle.inference.comparison.conclusion import conclusion, evidence_table


def differences(unsure=(), **rows):
    """Difference, standard error, and the difference without the trial that matters most."""
    return pd.DataFrame(
        [
            {
                "mechanism": name, "elpd": -20.0 + gap, "difference": gap, "standard_error": se,
                "trials": 10, "highest": highest, "unsure": int(name in unsure),
            }
            for name, (gap, se, highest) in rows.items()
        ]
    )  # fmt: skip


def evidence(**values):
    records = [
        {
            "mechanism": name, "laplace": value, "importance": value, "importance_error": 0.03,
            "nested": value, "nested_error": 0.1,
        }
        for name, value in values.items()
    ]  # fmt: skip
    return evidence_table(records, over_the_prior(values))


def over_the_prior(values, error=0.4):
    return [
        {"mechanism": name, "whole_prior": value + 0.3, "whole_prior_error": error}
        for name, value in values.items()
    ]


def tables(names):
    surface = pd.DataFrame(
        [
            {"mechanism": n, "encoding": e, "error_scale": 1.0, "prior_scale": 1.0, "behind": b}
            for e in ("soft-0.6", "dropped")
            for n, b in zip(names, [0.0, 2.0, 9.0], strict=False)
        ]
    )
    failing = pd.DataFrame(
        [
            {
                "mechanism": n, "study": s, "arm": "a", "symbol": "CTX", "time_months": 1.0,
                "comparison": "equal", "fails": s == "bone",
            }
            for n in names
            for s in ("bone", "saag")
        ]
    )  # fmt: skip
    return surface, failing


def test_agreement_names_what_remains_and_what_it_shares():
    found = conclusion(
        differences(H1=(0.0, 0.0, 0.0), **{"H1+H3": (-1.0, 0.5, -0.1)}, H0=(-15.0, 4.0, -9.0)),
        evidence(H1=-12.0, **{"H1+H3": -12.5}, H0=-25.0),
        *tables(["H1", "H1+H3", "H0"]),
    )
    assert found["predictive"] == found["evidence"]
    assert found["predictive"]["behind"] == ["H0"]
    assert found["remaining"] == ["H1", "H1+H3"]
    assert found["common_parts"] == ["H1"]
    assert found["disagreements"] == []
    text = " ".join(found["text"])
    assert "agree" not in text and "put the same mechanisms behind" in text
    assert "among the mechanisms compared here, the data ask for it" in text
    assert found["failing"]["by_all_remaining"] == ["bone CTX at 1 months"]
    assert found["surface"]["share_near_best"] == {"H1": 1.0, "H1+H3": 1.0, "H0": 0.0}


def test_disagreement_is_stated_and_nothing_is_overruled():
    found = conclusion(
        differences(H1=(0.0, 0.0, 0.0), H3=(-3.0, 4.0, 1.0), H0=(-15.0, 4.0, -9.0)),
        evidence(H1=-12.0, H3=-18.0, H0=-25.0),
        *tables(["H1", "H3", "H0"]),
    )
    assert found["disagreements"] == ["H3"]
    text = " ".join(found["text"])
    assert "The two verdicts disagree: H3 is behind in evidence only" in text
    assert "Neither overrules the other" in text
    assert "which of them acts, if any, cannot be said" in text


def test_a_variant_with_an_unknown_evidence_is_dropped_and_not_held_against_a_mechanism():
    surface, failing = tables(["H1", "H3"])
    assert surface.loc[3, "mechanism"] == "H3"
    surface.loc[3, "behind"] = float("nan")
    found = conclusion(
        differences(H1=(0.0, 0.0, 0.0), H3=(-3.0, 4.0, 1.0)),
        evidence(H1=-12.0, H3=-12.5),
        surface,
        failing,
    )
    assert found["surface"] == {
        "variants": 1,
        "dropped": 1,
        "share_near_best": {"H1": 1.0, "H3": 1.0},
    }
    assert "1 of 2 variants are dropped from these shares" in " ".join(found["text"])


@pytest.mark.parametrize(
    "row", [(-15.0, 9.0, -9.0), (-3.5, 0.5, -3.0), (-15.0, 4.0, 0.5)],
    ids=["wide error", "small", "one study alone"],
)  # fmt: skip
def test_a_difference_that_could_be_chance_puts_nobody_behind(row):
    found = conclusion(
        differences(H1=(0.0, 0.0, 0.0), H3=row),
        evidence(H1=-12.0, H3=-12.5),
        *tables(["H1", "H3"]),
    )
    assert found["predictive"]["behind"] == []
    assert found["predictive"]["not_told_apart"] == ["H3"]
    assert "Neither verdict puts a mechanism clearly behind" in " ".join(found["text"])


def test_evidence_is_behind_the_best_with_the_error_of_both():
    table = evidence(H0=-25.0, H1=-12.0).set_index("mechanism")
    assert table.loc["H1", "behind"] == table.loc["H1", "behind_upper"] == 0
    assert table.loc["H0", "behind"] == pytest.approx(13)
    half = table.loc["H0", "behind_upper"] - 13
    assert half == pytest.approx(1.959964 * 0.1 * 2**0.5)
    assert table["probability"].sum() == pytest.approx(1)
    assert table["methods_agree"].all()
    names = ["mechanism", "laplace", "importance", "importance_error", "nested", "nested_error"]
    records = evidence(H0=-25.0, H1=-12.0)[names]
    values = {"H0": -25.0, "H1": -12.0}
    far = records.assign(importance=-12.0).to_dict("records")
    assert evidence_table(far, over_the_prior(values))["methods_agree"].tolist() == [False, True]
    second = over_the_prior(values | {"H1": -10.0})
    found = evidence_table(records.to_dict("records"), second)
    assert found["methods_agree"].tolist() == [True, False]


def test_the_grounds_of_both_verdicts_are_named():
    found = conclusion(
        differences(H1=(0.0, 0.0, 0.0), H0=(-15.0, 4.0, -9.0), unsure=("H0",)),
        evidence(H1=-12.0, H0=-25.0),
        *tables(["H1", "H0"]),
    )
    text = " ".join(found["text"])
    assert "around the one mode that the fits find" in text
    assert "its log evidence differs by at most 0.3, with a numerical SD of up to 0.4" in text
    assert "behind the differences of H0 (1): these differences are not sure" in text
