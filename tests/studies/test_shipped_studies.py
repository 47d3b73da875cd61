"""The shipped tables load, and hold the published numbers as they were printed."""

import csv
from importlib.resources import files
from itertools import chain

import pytest

from bonecycle.biology import catalogue
from bonecycle.biology.regimens import DAYS_PER_MONTH, check_drugs
from bonecycle.studies.error_model import ErrorModel
from bonecycle.studies.reader import load_studies, shipped_studies
from bonecycle.studies.schema import Comparison, Kind, Observation, Reference, Role, Study

# Study, arm, month, variable: value as published, unit, reference.
PUBLISHED = {
    ("chavassieux_1997", "alendronate 10 mg", 24, "MS_BS"): (-92, "% change", "placebo"),
    ("chavassieux_1997", "alendronate 10 mg", 24, "Ac_f"): (-87, "% change", "placebo"),
    ("recker_2008", "zoledronate", 36, "BFR_BS"): (-63, "% change", "placebo"),
    ("reid_2010", "denosumab (FREEDOM)", 24, "BFR_BS"): (-97, "% change", "placebo"),
    ("reid_2010", "denosumab (FREEDOM)", 24, "ES_BS"): (-80, "% change", "placebo"),
    ("delmas_2009", "zoledronate", 36, "CTX"): (-50, "% change", "baseline"),
    ("delmas_2009", "zoledronate", 36, "P1NP"): (-56, "% change", "baseline"),
    ("delmas_2009", "zoledronate", 24.3285, "CTX"): (-60, "% change", "baseline"),
    ("mcclung_2005", "alendronate", 6, "P1NP"): (-67, "% change", "baseline"),
    ("chavassieux_2019", "placebo", 0, "MS_BS"): (1.60, "%", "none"),
    ("chavassieux_2019", "placebo", 2, "MS_BS"): (2.31, "%", "none"),
    ("chavassieux_2019", "placebo", 2, "ES_BS"): (3.4, "%", "none"),
}
# Fractions of the pre-treatment value by month: (CTX, P1NP), each with its limits as drawn.
DIGITISED = {
    "black_2006": {
        36: ((0.243, 0.194, 0.301), (0.316, 0.260, 0.363)),
        48: ((0.327, 0.255, 0.403), (0.332, 0.281, 0.383)),
    },
    "saag_2017": {
        1: ((0.407, 0.254, 0.523), (0.892, 0.731, 1.046)),
        3: ((0.299, 0.184, 0.522), (0.508, 0.377, 0.746)),
        6: ((0.276, 0.145, 0.483), (0.423, 0.285, 0.585)),
        9: ((0.313, 0.137, 0.483), (0.408, 0.292, 0.608)),
        12: ((0.290, 0.182, 0.528), (0.369, 0.269, 0.538)),
        15: ((0.304, 0.151, 0.566), (0.385, 0.254, 0.562)),
        18: ((0.342, 0.188, 0.642), (0.408, 0.231, 0.562)),
        24: ((0.364, 0.195, 0.656), (0.408, 0.246, 0.577)),
        36: ((0.277, 0.146, 0.554), (0.354, 0.246, 0.600)),
    },
    "bone_2011": {
        1: ((0.111, 0.097, 0.161), (0.670, 0.557, 0.812)),
        6: ((0.235, 0.138, 0.392), (0.264, 0.189, 0.330)),
        10: ((0.143, 0.088, 0.254), (0.264, 0.179, 0.340)),
        12: ((0.300, 0.143, 0.558), (0.326, 0.198, 0.453)),
        14: ((0.125, 0.092, 0.194), (0.260, 0.170, 0.321)),
        18: ((0.281, 0.171, 0.623), (0.283, 0.222, 0.496)),
        24: ((0.369, 0.189, 0.756), (0.364, 0.227, 0.567)),
    },
}
# Statements without a number: study, variable, comparison.
DIRECTIONS = {
    ("jensen_2021", "ES_low_density", "increased"),
    ("jensen_2021", "Cn_C", "decreased"),
    ("jensen_2021", "Ac_f", "decreased"),
    ("jensen_2021", "ES_OS", "increased"),
    ("jensen_2021", "ES_BS", "not_strongly_decreased"),
    ("chavassieux_1997", "MAR", "unchanged"),
    ("chavassieux_1997", "O_Th", "decreased"),
    ("chavassieux_1997", "OV_BV", "decreased"),
    ("chavassieux_1997", "OS_BS", "decreased"),
    ("chavassieux_1997", "W_Th", "increased"),
    ("chavassieux_1997", "E_De", "decreased"),
}


@pytest.fixture(scope="module")
def observables() -> list[str]:
    text = (files("bonecycle_models") / "observables.csv").read_text(encoding="utf-8")
    return [row["id"] for row in csv.DictReader(text.splitlines())]


@pytest.fixture(scope="module")
def studies(observables: list[str]) -> dict[str, Study]:
    return {study.name: study for study in load_studies(observables)}


def rows(studies: dict[str, Study], role: Role) -> list[tuple[str, Observation]]:
    return [
        (study.name, row)
        for study in studies.values()
        for row in study.observations
        if row.role is role
    ]


def test_all_shipped_tables_are_read(studies: dict[str, Study]) -> None:
    assert [f"{name}.csv" for name in studies] == [path.name for path in shipped_studies()]
    assert len(studies) == 15


def test_every_fitted_row_is_published_and_every_published_row_is_there(
    studies: dict[str, Study],
) -> None:
    fitted = rows(studies, Role.FITTED)
    numbers = {
        (name, row.arm, row.time_months, row.variable): (row.value, row.unit, row.reference)
        for name, row in fitted
        if row.value is not None and name not in DIGITISED
    }
    assert numbers == PUBLISHED
    directions = {(name, row.variable, row.comparison) for name, row in fitted if row.value is None}
    assert directions == DIRECTIONS
    digitised = {
        (name, row.variable, row.time_months): (row.value, row.lower, row.upper)
        for name, row in fitted
        if name in DIGITISED
    }
    assert digitised == {
        (name, variable, month): limits
        for name, months in DIGITISED.items()
        for month, pair in months.items()
        for variable, limits in zip(("CTX", "P1NP"), pair, strict=True)
    }


def test_only_the_eroded_surface_under_denosumab_is_a_limit(studies: dict[str, Study]) -> None:
    limits = [
        (name, row.variable, row.comparison)
        for name, row in rows(studies, Role.FITTED)
        if row.comparison in (Comparison.BELOW, Comparison.ABOVE)
    ]
    assert limits == [("reid_2010", "ES_BS", Comparison.BELOW)]


def test_what_is_kept_for_validation_is_never_fitted(studies: dict[str, Study]) -> None:
    assert [(name, row.variable, row.value) for name, row in rows(studies, Role.VALIDATION)] == [
        ("chavassieux_2019", "MS_BS", 1.51),
        ("delmas_2009", "BSALP", -30),
        ("recker_diva", "BFR_BS", 0.2),
    ]
    for _, row in rows(studies, Role.FITTED):
        assert row.variable != "BSALP"
        assert "STAND" not in row.arm


def test_no_fitted_row_lies_after_the_end_of_treatment(studies: dict[str, Study]) -> None:
    for arm in chain.from_iterable(study.arms() for study in studies.values()):
        stop = max((treatment.stop_days for treatment in arm.regimen.treatments), default=None)
        if stop is not None:
            assert max(row.time_days for row in arm.observations) <= stop


def test_regimens_are_those_of_the_trials(studies: dict[str, Study]) -> None:
    doses = set()
    for study in studies.values():
        for arm in study.arms(list(Role)):
            check_drugs(arm.regimen, catalogue.routes())
            for treatment in arm.regimen.treatments:
                doses.add((treatment.drug, treatment.dose_mg, treatment.route))
    assert doses == {
        ("alendronate", 5, "oral"),
        ("alendronate", 10, "oral"),
        ("alendronate", 70, "oral"),
        ("zoledronate", 5, "iv"),
        ("denosumab", 60, "sc"),
        ("ibandronate", 3, "iv"),
    }
    (arm,) = studies["delmas_2009"].arms()
    months = arm.regimen.treatments[0].dose_times() / DAYS_PER_MONTH
    assert months.tolist() == [0, 12, 24]
    early = [row.time_days for row in arm.observations if row.time_months < 36]
    assert early == [pytest.approx(24 * DAYS_PER_MONTH + 10, abs=0.01)]


def test_absolute_targets_are_surfaces_of_untreated_women(studies: dict[str, Study]) -> None:
    for _, row in rows(studies, Role.FITTED):
        if row.kind is Kind.ABSOLUTE:
            assert row.regimen is not None
            assert row.regimen.treatments == ()
            assert row.reference is Reference.NONE


def test_the_error_model_names_only_shipped_studies_and_observables(
    studies: dict[str, Study], observables: list[str]
) -> None:
    ErrorModel.load().check_names(list(studies), observables)
