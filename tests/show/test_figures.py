"""Figures name what they show, with units, and are written whole."""

import numpy as np
import pytest

from bonecycle import compose, show, simulate
from bonecycle.errors import UsageError
from bonecycle.show.phase_map import read_phases


@pytest.fixture(scope="module")
def run():
    regimen = "zoledronate 5 mg iv every 12 months for 24 months"
    return simulate(regimen, duration="2 years", points=30)


def texts(figure):
    return " ".join(text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text")))


@pytest.mark.parametrize("draw", [show.plot_surfaces, show.plot_time_courses])
def test_axes_carry_units(run, draw):
    figure = draw(run)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    labels = " ".join(axes.get_xlabel() + axes.get_ylabel() for axes in shown)
    assert "(months)" in labels
    assert any(unit in labels for unit in ("(%)", "(mg)", "(ratio to time zero)"))
    assert "zoledronate 5 mg iv" in texts(figure)


def test_no_title_or_label_leaves_the_figure():
    regimen = (
        "denosumab 60 mg sc every 6 months for 24 months; "
        "zoledronate 5 mg iv every 12 months from 24 months for 12 months"
    )
    run = simulate(regimen, duration="4 years", points=20, mechanisms=["H1", "H3", "H5"])
    draws = [show.plot_surfaces, show.plot_time_courses, show.plot_drug]
    for figure in [*(draw(run) for draw in draws), show.plot_phase_map(compose())]:
        figure.draw_without_rendering()
        box = figure.get_tightbbox()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.get_figwidth()
        assert box.y1 <= figure.get_figheight()


def test_the_drug_figure_has_logarithmic_time_the_pools_and_the_effect(run):
    figure = show.plot_drug(run)
    shown = {axes.get_title("left"): axes for axes in figure.axes if axes.get_visible()}
    pools = {"Plasma", "Bone surface", "Buried in bone", "Urine, cumulative"}
    assert set(shown) == pools | {"CTX", "P1NP", "ES/BS", "OS/BS"}
    assert {axes.get_xscale() for axes in shown.values()} == {"log"}
    assert shown["Plasma"].get_ylabel() == "Concentration (mg/L)"
    assert shown["Buried in bone"].get_ylabel() == "Amount (mg)"
    assert "zoledronate 5 mg iv" in texts(figure)
    assert {axes.get_xlabel() for axes in shown.values()} == {"Time since the first dose"}
    # Both yearly doses are followed, so nothing of plasma is left out.
    assert "resolve" not in texts(figure)
    assert not np.isnan(shown["Plasma"].lines[0].get_ydata()[1:]).any()


def test_plasma_between_unresolved_doses_is_not_drawn():
    regimen = "alendronate 70 mg oral every 1 week from 1 month for 3 months"
    run = simulate(regimen, duration="5 months", points=40)
    figure = show.plot_drug(run)
    assert "doses that the time points resolve" in texts(figure)
    plasma = next(axes for axes in figure.axes if axes.get_title("left") == "Plasma")
    days, shown = plasma.lines[0].get_data()
    drawn = days[~np.isnan(shown)]
    # A week after the first dose, and from a week after the last one; time counts from the first.
    last = 7 * 13
    assert drawn.min() == pytest.approx(1 / 1440, rel=1e-3)
    assert not ((drawn > 7.001) & (drawn < last)).any()
    assert (drawn > last).any()


def test_the_untreated_course_is_drawn_where_the_untreated_model_moves():
    regimen = "alendronate 70 mg oral every 1 month for 3 years"
    run, untreated = simulate(regimen, points=5), simulate(duration="3 years", points=5)
    figure = show.plot_time_courses(run, ["BMD_rel", "CTX"], untreated=untreated)
    density, marker = (axes.lines[1].get_ydata() for axes in figure.axes)
    assert density[-1] < 0.95 < float(run["BMD_rel"][-1])
    assert marker == pytest.approx(np.ones(len(marker)), abs=1e-3)
    assert "Dashed: without a drug" in texts(figure)


def test_drugs_given_at_once_have_a_row_of_bars_each():
    both = (
        "zoledronate 5 mg iv every 12 months for 12 months; "
        "denosumab 60 mg sc every 6 months for 12 months"
    )
    axes = show.plot_time_courses(simulate(both, points=3), ["CTX"]).axes[0]
    bars = [patch for patch in axes.patches if patch.get_alpha() is None]
    edges = [(bar.get_y(), bar.get_y() + bar.get_height()) for bar in bars]
    assert edges == [pytest.approx((0.975, 1.0)), pytest.approx((0.95, 0.975))]


def test_a_week_is_resolved_in_the_drug_figure():
    run = simulate("zoledronate 5 mg iv every 12 months for 1 week", duration="1 week")
    figure = show.plot_drug(run)
    assert "resolve" not in texts(figure)
    assert "1 d" in [text.get_text() for text in figure.axes[0].get_xticklabels()]


def test_absolute_time_courses_have_the_units_of_the_table(run):
    figure = show.plot_time_courses(run, ["MAR", "ES_BS"], absolute=True)
    assert [axes.get_ylabel() for axes in figure.axes] == ["MAR (um/d)", "ES/BS (%)"]


def test_the_phase_map_is_read_from_the_model():
    phases, flows = read_phases(compose())
    assert sum(phase.share for phase in phases) == pytest.approx(100.0, abs=1e-7)
    assert {"Quiescent surface", "Osteoclast surface", "Arrested eroded surface"} <= {
        phase.name for phase in phases
    }
    # What comes into a phase at rest leaves it.
    for phase in phases:
        into = sum(flow.per_year for flow in flows if flow.target == phase.name)
        out = sum(flow.per_year for flow in flows if flow.source == phase.name)
        assert into == pytest.approx(out, rel=1e-9)
    shown = " ".join(texts(show.plot_phase_map(compose())).split())
    assert all(phase.name in shown for phase in phases)


def test_saving_writes_png_and_svg_and_refuses_others(run, tmp_path):
    files = show.save(show.plot_surfaces(run), tmp_path / "surfaces")
    assert [file.name for file in files] == ["surfaces.png", "surfaces.svg"]
    assert all(file.stat().st_size > 5000 for file in files)
    with pytest.raises(UsageError, match=r"\.png"):
        show.save(show.plot_surfaces(run), tmp_path / "surfaces.bmp")


def test_a_run_without_a_drug_has_no_drug_figure():
    with pytest.raises(UsageError, match="no drug"):
        show.plot_drug(simulate(points=3))
