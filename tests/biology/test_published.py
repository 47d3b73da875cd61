"""Published models against what their papers state, never against ourselves."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import xarray as xr

from bonecycle.analysis.user_model import simulate_model
from bonecycle.biology.foreign import ForeignModel
from bonecycle.biology.published import published_model, published_models
from bonecycle.errors import UsageError

Changes = dict[str, float]
NO_TUMOUR = {"tumour_on_osteoclast_autocrine": 0.0, "tumour_on_osteoblast_autocrine": 0.0}
DRUG = {"drug_on_osteoblasts": 0.001, "drug_on_tumour": 0.008}
FIGURE_9 = {"osteoclasts_start": 13.0, "osteoblasts_start": 300.0}
UNSTABLE = {"tumour_on_osteoclast_autocrine": 0.02}


@cache
def ayati() -> ForeignModel:
    return published_model("ayati_2010")


def run(changes: Changes, days: int) -> xr.Dataset:
    return simulate_model(ayati(), f"{days}days", parameters=changes, points=2 * days + 1)


def peaks(found: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Days and heights of the peaks of osteoclasts."""
    values = found["osteoclasts"].values
    high = (values[1:-1] > values[:-2]) & (values[1:-1] > values[2:])
    return found["days"].values[1:-1][high], values[1:-1][high]


@pytest.mark.parametrize(
    ("changes", "osteoclasts", "osteoblasts"),
    [
        (NO_TUMOUR | {"osteoclast_autocrine": 0.5}, "1.06", "212.13"),  # figure 2
        (NO_TUMOUR, "1.16", "231.72"),  # figure 3
        ({}, "5.0", "316"),  # figure 4 has 5.0 and 316.0: 315.9 to one more digit
        (UNSTABLE, "5.46", "340.52"),  # figure 6
    ],
)
def test_ayati_rests_where_its_legends_say(
    changes: Changes, osteoclasts: str, osteoblasts: str
) -> None:
    found = run(changes, 1)
    for name, said in (("osteoclasts", osteoclasts), ("osteoblasts", osteoblasts)):
        value = float(found[f"{name}_at_rest"][0])
        assert round(value, len(said.partition(".")[2])) == float(said)


@pytest.mark.parametrize(("changes", "rate"), [({}, -0.00145), (UNSTABLE, 0.0002)])
def test_ayati_cycles_beside_a_full_tumour_fade_or_grow_as_in_figure_8(
    changes: Changes, rate: float
) -> None:
    rest = run(changes, 1)
    near = {
        f"{name}_start": float(rest[f"{name}_at_rest"][0]) * factor
        for name, factor in (("osteoclasts", 1.001), ("osteoblasts", 1.0))
    }
    found = run(changes | near | {"tumour_start": 100.0}, 1500)
    days, heights = peaks(found)
    heights = heights / float(rest["osteoclasts_at_rest"][0]) - 1
    assert len(heights) > 5
    assert np.polyfit(days, np.log(heights), 1)[0] == pytest.approx(rate, abs=3e-5)


def test_ayati_without_tumour_cycles_for_ever_about_a_bone_mass_of_100() -> None:
    starts = {"osteoclasts_start": 11.16, "osteoblasts_start": 231.72}
    found = run(NO_TUMOUR | starts, 2000)
    _, heights = peaks(found)
    assert len(heights) >= 7
    np.testing.assert_allclose(heights, heights[0], rtol=2e-3)
    bone = found["bone_mass"].values
    assert 90 < bone.min() < 100 < bone.max() < 110


def test_ayati_with_tumour_loses_its_bone_and_a_drug_gives_it_back() -> None:
    """Figures 5 and 10: bone mass to 0 and the tumour to 100; the tumour gone, bone recovers."""
    sick = run({}, 1200)
    assert float(sick["tumour"][-1]) == pytest.approx(100, abs=1.5)
    assert float(sick["bone_mass"][-1]) == pytest.approx(0, abs=2)
    treated, untreated = run(FIGURE_9 | DRUG, 2400), run(FIGURE_9, 2400)
    assert float(treated["tumour"][-1]) < 1e-3
    assert float(treated["bone_mass"][-1]) > float(treated["bone_mass"].min()) + 25
    assert float(untreated["bone_mass"][-1]) < 0
    start = int(np.searchsorted(treated["days"].values, 600))
    np.testing.assert_allclose(treated["bone_mass"][:start], untreated["bone_mass"][:start])


def test_koenders_returns_to_the_equilibrium_of_its_figure_3() -> None:
    """BIOMD0000000804 starts osteoclasts at 1.1 of equilibrium, the others at it."""
    model = published_model("koenders_2016")
    found = simulate_model(model, "500days", points=501)
    for name, rest in (
        ("osteoclasts", 1.14404610267855 / 1.1),
        ("osteoblasts", 208.00838230519),
        ("tumour", 10.0),
    ):
        assert float(found[name][-1]) == pytest.approx(rest, rel=1e-6), name


def test_koenders_has_no_equilibrium_beyond_a_call() -> None:
    """With growth by osteoclasts of power one: a fold at 3 / (10 (4 x 15 / 200^0.5)^(4/3))."""
    model = published_model("koenders_2016")
    fold = 3 / (10 * (4 * 15 / 200**0.5) ** (4 / 3))
    for share, rests in ((0.9, True), (1.1, False)):
        calls = {"osteoclasts_on_tumour": 1.0, "tumour_on_osteoclasts": share * fold}
        found = simulate_model(model, "250days", points=11, parameters=calls)["osteoclasts"]
        assert (float(found[-1]) < 2.62) == rests == (float(found[-1]) < 1000)


def test_all_are_named_with_their_sources() -> None:
    for name, one in published_models().items():
        assert one.source and one.place and one.file.is_file(), name
        assert published_model(name).time_unit == "day" and not published_model(name).notices
    with pytest.raises(UsageError, match="ayati_2010"):
        published_model("ayati")
