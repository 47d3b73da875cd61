"""The calibration figure: a panel a quantity, and what is outside in red."""

import numpy as np

from bonecycle.inference.checks.uniformity import calibration_table, rank_table
from bonecycle.show import plot_calibration
from bonecycle.show.style import BLUE, VERMILLION


def test_what_is_outside_its_band_is_red():
    rng = np.random.default_rng(2)
    records = [
        {
            "draw": i,
            "redrawn": 0,
            "tau": 2.0,
            "spacing": 15,
            "ranks": {"a_rate": int(rng.integers(200)), "log_likelihood": int(rng.integers(20))},
        }
        for i in range(40)
    ]
    ranks = rank_table(records)
    figure = plot_calibration(ranks, calibration_table(ranks), "H1")
    colours = {
        axes.get_title(loc="left"): {line.get_color() for line in axes.lines}
        for axes in figure.axes
    }
    assert list(colours) == ["a rate", "log likelihood"]
    assert BLUE in colours["a rate"]
    assert VERMILLION in colours["log likelihood"]
    assert VERMILLION not in colours["a rate"]
    figure.canvas.draw()
