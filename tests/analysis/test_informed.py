"""What no data inform is found by reading the fitted rows."""

import pytest

from bonecycle.analysis.informed import reasons
from bonecycle.biology import catalogue
from bonecycle.biology.regimens import DAYS_PER_MONTH, parse_regimen
from bonecycle.problem.targets import make_targets
from bonecycle.studies.error_model import DEFAULT_ENCODING, ErrorModel, load_encodings
from bonecycle.studies.reader import load_studies, shipped_studies

ALENDRONATE = "alendronate 70 mg oral every 1 week for 60 months"
DENOSUMAB = "denosumab 60 mg sc every 6 months for 24 months"


@pytest.fixture(scope="module")
def targets():
    studies = load_studies(catalogue.observables(), shipped_studies())
    return make_targets(studies, ErrorModel.load(), load_encodings()[DEFAULT_ENCODING])


@pytest.mark.parametrize(
    ("regimen", "quantity", "month", "expected"),
    [
        (ALENDRONATE, "CTX", 24, []),
        (ALENDRONATE, "CTX", 47.9, []),
        (ALENDRONATE, "CTX", 50, ["longer than 48 months of alendronate, the longest serum"]),
        (ALENDRONATE, "Ac_f", 24, []),
        (ALENDRONATE, "Ac_f", 30, ["longer than 24 months of alendronate, the longest biopsy"]),
        (ALENDRONATE, "BMD_rel", 12, ["no row of BMD"]),
        (ALENDRONATE, "BSALP", 12, ["no row of BSALP"]),
        (ALENDRONATE, "Cn_C", 12, ["Cn.C: only a direction"]),
        (ALENDRONATE, "CTX", 0, []),
        ("untreated", "ES_BS", 12, []),
        (DENOSUMAB, "P1NP", 24, []),
        (DENOSUMAB, "P1NP", 26, ["more than 6 months after a dose of denosumab"]),
        (
            "alendronate 70 mg oral every 1 week for 12 months",
            "CTX",
            18,
            ["more than 31 days after a dose of alendronate"],
        ),
        ("zoledronate 5 mg iv at 0 months", "CTX", 11, []),
        (
            "zoledronate 5 mg iv at 0 months",
            "CTX",
            20,
            ["more than 12 months after a dose of zoledronate"],
        ),
        ("zoledronate 5 mg iv every 12 months for 36 months", "BFR_BS", 36, []),
        ("risedronate 5 mg oral every 1 day for 24 months", "CTX", 6, ["no row under risedron"]),
        ("ibandronate 3 mg iv every 3 months for 24 months", "BFR_BS", 24, ["no row under iban"]),
        (
            "alendronate 20 mg oral every 1 day for 12 months",
            "CTX",
            6,
            ["a dose of alendronate outside 5 to 10 mg/d"],
        ),
        (
            "alendronate 70 mg oral every 1 week for 12 months missing doses 2",
            "CTX",
            6,
            ["missed doses of alendronate"],
        ),
        (
            "alendronate 70 mg oral every 1 week for 12 months; "
            "denosumab 60 mg sc every 6 months from 12 months for 12 months",
            "CTX",
            15,
            ["more than 31 days after a dose of alendronate", "no row under alendronate and deno"],
        ),
    ],
)
def test_rules(targets, regimen, quantity, month, expected):
    found = reasons(targets, parse_regimen(regimen), quantity, month * DAYS_PER_MONTH)
    assert len(found) == len(expected), found
    for text, start in zip(
        found, sorted(expected, key=lambda e: "no row under alen" in e), strict=True
    ):
        assert text.startswith(start)


def test_every_fitted_number_is_informed(targets):
    numbers = [t for t in targets if t.fitted and t.observation.value is not None]
    assert len(numbers) > 40
    for t in numbers:
        assert reasons(targets, t.regimen, t.observation.variable, t.time_days) == []


def test_rules_follow_the_rows(targets):
    regimen = parse_regimen(DENOSUMAB)
    kept = [t for t in targets if t.study != "bone_2011"]
    assert reasons(targets, regimen, "CTX", 300.0) == []
    assert reasons(kept, regimen, "CTX", 300.0) == ["no serum marker under denosumab"]
