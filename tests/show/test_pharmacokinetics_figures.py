"""The figures and the report of published pharmacokinetics show every number once."""

import re

import pytest

from bonecycle import show
from bonecycle.analysis import pharmacokinetics
from bonecycle.analysis.experiments import experiments
from bonecycle.show.report import pharmacokinetics_report


@pytest.fixture(scope="module")
def table():
    return pharmacokinetics.validate(drugs=["clodronate", "denosumab"])


def test_the_overview_has_a_row_for_every_number_that_is_compared(table):
    figure = show.plot_overview(table)
    compared = table[table.role.isin(["estimation", "check"])]
    ticks = [text for axes in figure.axes for text in axes.get_yticklabels()]
    assert [text.get_text() for text in ticks if text.get_text() not in set(compared.fact)] == []
    assert len(ticks) == len(compared)
    taken = int((table.role == "taken over").sum())
    assert f"{taken} that the model takes over are left out" in figure.get_suptitle()
    assert {axes.get_xscale() for axes in figure.axes} == {"log"}
    assert "Model / published value" in [axes.get_xlabel() for axes in figure.axes]


def test_short_infusions_are_named_in_minutes():
    assert "4 mg iv over 15 min" in [found.label for found in experiments("zoledronate")]


@pytest.mark.parametrize(("drug", "panels"), [("clodronate", 3), ("denosumab", 1)])
def test_experiments_are_drawn_with_units_and_points(drug, panels):
    found = experiments(drug)
    figure = show.plot_experiments(drug, found)
    assert len(figure.axes) == panels * len(found)
    assert figure.axes[0].get_ylabel() == "Plasma (mg/L)"
    for experiment in found:
        assert experiment.plasma.max() > 0
        if panels == 3:
            # All urine and all bone together are less than what was given.
            assert (experiment.urine + experiment.bone).max() <= 100


def test_the_report_shows_every_row_and_loads_nothing(table):
    figures = {d: show.plot_experiments(d, experiments(d)) for d in ("clodronate", "denosumab")}
    facts = {"version": "0", "model_hash": "m", "data_hash": "d"}
    html = pharmacokinetics_report(table, show.plot_overview(table), figures, facts)
    total = pharmacokinetics.summarize(table).loc["all"]
    first = " ".join(re.sub("<[^>]+>", "", html.split("<table>")[0]).split())
    assert f"Of {total['rows']} published numbers the model says {total['said']}" in first
    assert f"{total['within']} lie within their spread, {total['outside']} outside" in first
    assert f"Only {total['checks']} are checks" in first
    sections = html.split('<h2 id="')[1:]
    assert [section.count("<tr class=") for section in sections] == [
        int((table.drug == drug).sum()) for drug in ("clodronate", "denosumab")
    ]
    assert html.count("data:image/png;base64,") == 3
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", html)
