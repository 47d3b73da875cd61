"""The page on other simulators is what its results give; every drug is among the regimens."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tools import crosscheck_amici
from tools.crosscheck import largest_difference
from tools.crosscheck_cases import ASKED, CASES
from tools.crosscheck_page import PAGE, RESULTS, page

from bonecycle.biology import catalogue
from bonecycle.biology.regimens import parse_regimen


def test_every_drug_has_a_regimen() -> None:
    given = {drug for case in CASES for drug in parse_regimen(case.regimen).drugs}
    assert given == set(catalogue.drugs())


def test_the_page_is_what_the_results_give() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    assert list(results["cases"]) == [case.name for case in CASES]
    assert PAGE.read_text(encoding="utf-8") == page(results)
    for name, case in results["cases"].items():
        for simulator in ("copasi", "kernel"):
            assert case[simulator]["difference"] < ASKED, (name, simulator)


def test_amici_agrees_on_both_regimens() -> None:
    found = json.loads(RESULTS.read_text(encoding="utf-8"))["amici"]["cases"]
    assert [(name, case["days"]) for name, case in found.items()] == list(crosscheck_amici.CASES)
    for name, case in found.items():
        assert case["amici"]["difference"] < ASKED, name
        assert case["compared"] > 80


def test_differences_are_relative_to_size_and_range() -> None:
    first = np.array([[1.0, 0.0, 0.0], [2.0, 1e-9, 0.0]])
    assert largest_difference(first, first, "abc")[0] == 0.0
    second = first + np.array([[0.0, 0.0, 0.0], [2e-4, 0.0, 0.0]])
    assert largest_difference(first, second, "abc") == (pytest.approx(1e-4), "a")
    # Near zero a variable is held against a millionth of its range; always zero, against zero.
    small, never = np.zeros((2, 2, 3))
    small[0, 1], never[0, 2] = 1e-16, 1e-300
    assert largest_difference(first, first + small, "abc") == (pytest.approx(0.1), "b")
    assert largest_difference(first, first + never, "abc") == (np.inf, "c")
