"""The benchmark runs on a small case, and the page is what its results give."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from benchmarks import run
from benchmarks.cases import one_regimen
from benchmarks.competitors.ours import Ours
from benchmarks.competitors.roadrunner import RoadRunner
from benchmarks.measure import ERROR, interleave, prepare
from benchmarks.table import table


def test_a_small_case_is_measured_at_the_same_error() -> None:
    case = one_regimen("once", "zoledronate 5 mg iv at 3 days", 0.05, free=2)
    entries = [prepare(case, competitor, True) for competitor in (Ours(), RoadRunner())]
    load = interleave(entries, rounds=2)
    assert len(load) == 2
    for entry in entries:
        assert entry.error < ERROR
        assert entry.seconds.keys() == {"single", "batch", "jacobian"}
        assert all(len(rounds) == 2 and min(rounds) > 0 for rounds in entry.seconds.values())


@pytest.mark.skipif(not run.RESULTS.exists(), reason="nothing measured yet")
def test_the_page_is_what_the_results_give() -> None:
    results = json.loads(run.RESULTS.read_text(encoding="utf-8"))
    assert Path(run.DOCUMENT).read_text(encoding="utf-8") == table(results)
