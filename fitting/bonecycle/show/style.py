"""The one style of all figures: sizes, colours, axis labels, saving."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib as mpl
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bonecycle.errors import UsageError
from bonecycle.manifest import atomic_write

# Okabe and Ito: told apart with every common colour vision deficiency.
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
YELLOW, BLUE, VERMILLION, PURPLE = "#F0E442", "#0072B2", "#D55E00", "#CC79A7"
INK, GREY, PALE = "#222222", "#767676", "#E4E4E4"

# Fixed for every figure. Eroded surface is warm, formation is cold.
PHASES = {
    "Quiescent surface": "#D9D9D9",
    "Activation": YELLOW,
    "Osteoclast surface": VERMILLION,
    "Reversal surface": ORANGE,
    "Arrested eroded surface": PURPLE,
    "Osteoid surface before mineralization": SKY,
    "Mineralizing surface": BLUE,
    "Terminal osteoid surface": GREEN,
}
DRUGS = {"alendronate": BLUE, "zoledronate": VERMILLION, "denosumab": GREEN}
# Colour and meaning. A figure that tells mechanisms apart draws data in ink, and no drug in colour.
MECHANISMS = {
    "H0": (GREY, "coupling only"),
    "H1": (BLUE, "fewer osteogenic factors"),
    "H2": (VERMILLION, "released drug on progenitors"),
    "H3": (GREEN, "canopy loss"),
    "H4": (ORANGE, "arrested surface persists"),
    "H5": (PURPLE, "drug-laden osteoclasts"),
}

_SETTINGS: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 9,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "text.color": INK,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": PALE,
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "figure.titlesize": 11,
    "svg.fonttype": "none",
    # A figure drawn again is the same file.
    "svg.hashsalt": "bonecycle",
}

_P = ParamSpec("_P")


def styled(draw: Callable[_P, Figure]) -> Callable[_P, Figure]:
    """Draw a figure in the style of the project, whatever the user's settings are."""

    @wraps(draw)
    def drawn(*args: _P.args, **kwargs: _P.kwargs) -> Figure:
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(_SETTINGS)
            return draw(*args, **kwargs)

    return drawn


def save(figure: Figure, path: str | Path) -> tuple[Path, ...]:
    """Write a figure whole or not at all.

    Parameters
    ----------
    figure
        Any figure.
    path
        Ends in ``.png`` (200 dots per inch), ``.svg`` or ``.pdf``; without an ending, PNG and
        SVG are written.

    Returns
    -------
    tuple of Path
        The files.
    """
    target = Path(path)
    endings = [target.suffix] if target.suffix else [".png", ".svg"]
    if not {".png", ".svg", ".pdf"}.issuperset(endings):
        raise UsageError(f"{target.name!r}: figures are saved as .png, .svg or .pdf.")
    files = []
    layout = figure.get_layout_engine()
    for ending in endings:
        memory = io.BytesIO()
        undated = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}[ending]
        with mpl.rc_context({k: v for k, v in _SETTINGS.items() if k.startswith("svg.")}):
            figure.savefig(memory, format=ending[1:], dpi=200, metadata=undated)
        files.append(target.with_suffix(ending))
        atomic_write(files[-1], memory.getvalue())
        # The first drawing has placed everything: doing it again takes longer than the drawing.
        figure.set_layout_engine("none")
    figure.set_layout_engine(layout)
    return tuple(files)


def label(variable: xr.DataArray, name: str = "") -> str:
    """Axis label with symbol and unit: ``ES/BS (%)``, ``ES/BS (ratio to time zero)``."""
    unit = variable.attrs["units"]
    if unit == "1":
        serum = variable.attrs["kind"] in ("marker", "relative")
        unit = "ratio to time zero" if serum or "reference" in variable.attrs else "ratio"
    return f"{name or variable.attrs['long_name']} ({unit})"


def month_axis(axes: Axes, months: float) -> None:
    """Give an axis months with ticks at whole years or half years."""
    step = next(s for s in (1, 3, 6, 12, 24, 60, 120, 240, 600, 10**9) if months / s <= 6.5)
    axes.set_xlim(0, months)
    axes.xaxis.set_major_locator(mpl.ticker.MultipleLocator(step))
