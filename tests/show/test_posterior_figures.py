"""The figures of a posterior: every parameter, ensemble and prior; made-up draws."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from bonecycle import show

NAMES = [f"p{i}" for i in range(8)]


@pytest.fixture(scope="module")
def tree():
    rng = np.random.default_rng(1)
    draws = rng.standard_normal((8, 4, 200))
    draws[3] = draws[2] + 0.1 * draws[3]
    coords = {"chain": range(4), "draw": range(200)}
    groups = {}
    for group in ("prior", "posterior"):
        groups[group] = xr.Dataset(
            {
                name: (
                    ("chain", "draw"),
                    np.exp(values) if i % 2 else 1 / (1 + np.exp(-values)),
                    {"units": "1/d", "prior_scale": "log" if i % 2 else "logit"},
                )
                for i, (name, values) in enumerate(zip(NAMES, draws, strict=True))
            },
            coords=coords,
        )
    steps = np.broadcast_to(np.arange(200), (4, 200))
    groups["sample_stats"] = xr.Dataset({"step": (("chain", "draw"), steps)}, coords=coords)
    tree = xr.DataTree.from_dict(groups)
    tree.attrs["mechanism"] = "H1"
    return tree


def texts(figure):
    found = (text.get_text() for text in figure.findobj(lambda a: hasattr(a, "get_text")))
    return " ".join(" ".join(found).split())


@pytest.mark.parametrize("draw", [show.plot_traces, show.plot_ranks])
def test_every_parameter_and_ensemble_is_drawn(tree, draw):
    figure = draw(tree)
    written = texts(figure)
    assert all(name in written for name in [*NAMES, "ensemble 1", "ensemble 4", "H1"])
    assert len(figure.axes) == len(NAMES)


def test_traces_are_labelled_in_the_unit(tree):
    axes = show.plot_traces(tree).axes[1]
    ticks = [float(text.get_text()) for text in axes.get_yticklabels()]
    places = axes.get_yticks()
    assert len(ticks) >= 2
    assert np.allclose(np.log(ticks), places)


def test_pairs_show_what_is_tied_together(tree):
    figure = show.plot_pairs(tree)
    assert {"p2", "p3"} <= set(texts(figure).split())
    assert len(figure.axes) == 28
    two = show.plot_pairs(tree, ["p3", "p2"])
    assert len(two.axes) == 3
    correlation = two.axes[1].texts[0].get_text()
    assert float(correlation) > 0.98


def test_prior_against_posterior_states_the_numbers(tree):
    learned = pd.DataFrame(
        {
            "parameter": NAMES,
            "prior_median": [1.0 if i % 2 else 0.5 for i in range(8)],
            "prior_sd": 1.0,
            "sd_ratio": np.linspace(0.1, 0.8, 8),
            "bits": 1.5,
        }
    )
    figure = show.plot_learned(tree, learned)
    written = texts(figure)
    assert "SD x0.10 1.5 bits" in written
    assert "1/d" in written
    assert len(figure.axes) == 8


def test_autocorrelation_falls_from_one(tree):
    table = pd.DataFrame(
        [
            {
                "mechanism": "H1",
                "ensemble": ensemble,
                "parameter": name,
                "lag": lag,
                "autocorrelation": 0.8**lag,
            }
            for ensemble in range(4)
            for name in NAMES
            for lag in range(10)
        ]
    )
    figure = show.plot_autocorrelation(table)
    assert len(figure.axes) == 8
    line = figure.axes[0].lines[1]
    assert line.get_ydata()[0] == 1
    assert len(figure.axes[0].lines) == 5
