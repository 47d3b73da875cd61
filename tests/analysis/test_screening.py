"""Morris screening against a straight line, and where the answer is not one number."""

import numpy as np
import pytest
from closed_forms import Ishigami, Linear

from bonecycle.analysis.blocks import Run
from bonecycle.analysis.screening import REACH, screen
from bonecycle.errors import UsageError
from bonecycle.tasks import worker_pool


def test_a_straight_line_has_one_effect_everywhere() -> None:
    found = screen(Linear(), 8, seed=2)
    table = found.table.set_index("parameter")
    assert table["mu"].to_numpy() == pytest.approx(2 * REACH * np.array([2.0, -5.0, 0.0]))
    assert table["mu_star"].to_numpy() == pytest.approx(2 * REACH * np.array([2.0, 5.0, 0.0]))
    assert table["sigma"].to_numpy() == pytest.approx(0.0, abs=1e-9)
    assert (found.trajectories, found.lost) == (8, 0)


def test_interactions_and_curvature_show_in_sigma() -> None:
    table = screen(Ishigami(), 200).table.set_index(["observable", "parameter"])
    # x3 acts only together with x1: its effects cancel, their size does not.
    assert table.loc[("y", "x3"), "mu_star"] > 4 * abs(table.loc[("y", "x3"), "mu"])
    assert table.loc[("y", "x3"), "sigma"] > table.loc[("y", "x3"), "mu_star"]


def test_numbers_do_not_depend_on_workers() -> None:
    alone = screen(Ishigami(), 100, seed=4)
    with worker_pool(2) as executor:
        together = screen(Ishigami(), 100, seed=4, run=Run(executor))
    assert alone.table.equals(together.table)


def test_a_failed_set_takes_its_trajectory_with_it() -> None:
    # Only the corner where all three are at the top fails.
    found = screen(Linear(fails_above=2.9 * REACH), 64, seed=2)
    assert 0 < found.lost < 16
    assert found.trajectories + found.lost == 64
    assert found.table["mu"].to_numpy() == pytest.approx(2 * REACH * np.array([2.0, -5.0, 0.0]))
    with pytest.raises(UsageError, match="of 64 groups"):
        screen(Linear(fails_above=0.0), 64, seed=2)
