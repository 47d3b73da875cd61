"""The figures of fits show every target and every mechanism where it stands."""

import re
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from bonecycle import relative, show, simulate
from bonecycle.biology import catalogue
from bonecycle.biology.dosing import Dosing
from bonecycle.errors import UsageError
from bonecycle.inference.fitting.least_squares import Fit, Start
from bonecycle.inference.fitting.summary import target_table
from bonecycle.problem.problem import ProblemSpec, load_problem
from bonecycle.problem.targets import make_targets
from bonecycle.show.courses import courses, write_beside
from bonecycle.studies.error_model import ErrorModel, load_encodings
from bonecycle.studies.reader import load_studies, shipped_studies

NAMES = ("H0", "H1", "H1+H3")
STUDIES = {"chavassieux_1997", "jensen_2021", "reid_2010", "delmas_2009", "recker_2008"}


def read_targets(encoding):
    studies = load_studies(catalogue.observables(), shipped_studies())
    found = make_targets(studies, ErrorModel.load(), load_encodings()[encoding])
    return [target for target in found if target.study in STUDIES]


@pytest.fixture(scope="module")
def targets():
    return read_targets("soft-0.6")


@pytest.fixture(scope="module")
def fits(targets):
    """Three mechanisms at the centres of their priors."""
    return {
        name: {
            regimen: simulate(
                regimen,
                duration=max(treatment.stop_days for treatment in regimen.treatments),
                mechanisms=[] if name == "H0" else name.split("+"),
                points=25,
                dosing=Dosing.AVERAGED,
            )
            for regimen in courses(targets)
        }
        for name in NAMES
    }


@pytest.fixture(scope="module")
def table():
    """Targets of H1 at the prior centre, under two names."""
    spec = ProblemSpec("H1")
    space = load_problem(spec).space
    start = Start(space.centers, 0.0, np.diag(space.sds**2), 1, 0, True, "")
    own = target_table(Fit(spec, (start,)))
    return pd.concat([own, own.assign(mechanism="H1+H3")], ignore_index=True)


def texts(figure):
    found = (text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text")))
    return " ".join(" ".join(found).split())


def test_everything_written_is_inside_the_figure(targets, fits, table):
    one = [target for target in targets if target.study == "reid_2010"]
    for figure in (
        show.plot_fit(one, fits),
        show.plot_plane(one, fits),
        show.plot_drugs_cycle(one, fits),
        show.plot_fit(targets, fits),
        show.plot_plane(targets, fits),
        show.plot_drugs_cycle(targets, fits),
        show.plot_residuals(table),
    ):
        figure.draw_without_rendering()
        box = figure.get_tightbbox()
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.get_figwidth()
        assert box.y1 <= figure.get_figheight()
        assert "coupling only" in texts(figure) or "H1 fewer osteogenic factors" in texts(figure)


def test_the_plane_ends_at_the_month_of_the_biopsies(targets, fits):
    figure = show.plot_plane(targets, fits)
    planes = [axes for axes in figure.axes if "month" in axes.get_title("left")]
    titles = [axes.get_title("left").strip() for axes in planes]
    assert titles == ["Alendronate, month 24", "Zoledronate, month 36", "Denosumab, month 24"]
    for axes, regimen in zip(planes, courses(targets), strict=True):
        months = int(axes.get_title("left").split()[-1])
        marks = [line for line in axes.lines if line.get_marker() == "o"]
        for mark, name in zip(marks, NAMES, strict=True):
            run = relative(fits[name][regimen])
            at = int(np.abs(run.months.to_numpy() - months).argmin())
            assert mark.get_xdata()[0] == pytest.approx(float(run["Ac_f"][at]), rel=0.02)
            assert mark.get_ydata()[0] == pytest.approx(float(run["ES_BS"][at]), rel=0.02)


@pytest.mark.parametrize("encoding", ["soft-0.4", "hard-0.9", "dropped"])
def test_the_plane_says_how_words_are_read(fits, encoding):
    targets = read_targets(encoding)
    shown = texts(show.plot_plane(targets, fits))
    threshold = load_encodings()[encoding].threshold
    told = f"read as > {threshold} (encoding {encoding})" if threshold else "left out of the fit"
    assert f"“not strongly decreased” Jensen 2021; {told}" in shown
    for datum in ("Ac.f, Chavassieux 1997", "MS/BS, Chavassieux 1997", "BFR/BS, Reid 2010"):
        assert datum in shown


def test_time_courses_have_a_panel_for_every_number(targets, fits):
    figure = show.plot_fit(targets, fits)
    panels = [axes for axes in figure.axes if axes.get_visible()]
    numbers = {
        (str(t.regimen), t.observation.variable)
        for t in targets
        if t.is_ratio and t.observation.comparison.value not in ("decreased", "increased")
    } - {(str(t.regimen), "MAR") for t in targets}  # said to be unchanged: words
    assert len(panels) == len(numbers)
    open_marks = [
        line
        for axes in panels
        for line in axes.lines
        if line.get_marker() == "o" and line.get_markerfacecolor() == "white"
    ]
    assert len(open_marks) == sum(t.observation.role.value == "validation" for t in targets)


def test_the_layers_of_the_cycle_are_eroded_and_osteoid_surface(targets, fits):
    figure = show.plot_drugs_cycle(targets, fits)
    assert len(figure.axes) == 3 * len(NAMES)
    run = fits["H0"][next(iter(courses(targets)))]
    axes = figure.axes[0]
    tops = [float(layer.get_datalim(axes.transData).y1) for layer in axes.collections]
    assert max(tops) == pytest.approx(float((run["ES_BS"] + run["OS_BS"]).max()))


def test_residuals_have_a_mark_for_every_row_that_counts(table):
    figure = show.plot_residuals(table)
    marks = [line for axes in figure.axes for line in axes.lines if line.get_marker() in "o<>"]
    counted = table[table["distance"].notna() & table["predictable"].astype(bool)]
    assert len(marks) == len(counted)
    titles = [axes.get_title("left") for axes in figure.axes]
    assert titles[0] == "Markers"
    assert titles[-1] == "Validation, not fitted"


def test_names_beside_crowded_marks_stay_apart():
    figure = Figure(figsize=(4, 4))
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    spots = np.random.default_rng(0).normal(0.5, 0.03, size=(8, 2))
    points = [(x, y, f"H{i}", "black") for i, (x, y) in enumerate(spots)]
    figure.draw_without_rendering()
    write_beside(axes, points)
    figure.draw_without_rendering()
    names = [text for text in axes.texts if re.fullmatch(r"H\d", text.get_text())]
    assert len(names) == 8
    # Without their leaders, which may cross.
    boxes = [Text.get_window_extent(text) for text in names]
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_figures_say_when_there_is_nothing_to_draw(targets, fits):
    untreated = load_studies(catalogue.observables(), shipped_studies())
    made = make_targets(untreated, ErrorModel.load(), load_encodings()["soft-0.6"])
    absolute = [target for target in made if not target.is_ratio]
    words = [target for target in targets if target.observation.variable == "O_Th"]
    assert absolute
    assert words
    for draw in (show.plot_fit, show.plot_plane, show.plot_drugs_cycle):
        with pytest.raises(UsageError, match="nothing to draw"):
            draw(absolute, fits)
    with pytest.raises(UsageError, match="no number"):
        show.plot_fit(words, fits)


def test_a_drug_without_biopsies_is_drawn_without_bands(targets, fits):
    markers = [target for target in targets if target.observation.variable in ("CTX", "P1NP")]
    figure = show.plot_plane(markers, fits)
    assert "Zoledronate" in texts(figure)
    assert "ES/BS: no datum" in texts(figure)
    assert "month" not in figure.axes[0].get_title("left")
