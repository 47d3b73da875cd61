"""Correlations across virtual patients: a cell a pair of measures and a mechanism."""

from __future__ import annotations

import pandas as pd
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from bonecycle.show.courses import heading, symbol
from bonecycle.show.style import BLUE, GREY, PALE, VERMILLION, styled

_SHARES = LinearSegmentedColormap.from_list("shares", [VERMILLION, "#FFFFFF", BLUE])
_READABLE = 0.22  # a cell nearer to 0 or 1 is dark


@styled
def plot_population(table: pd.DataFrame, source: str) -> Figure:
    """Median correlation and share of draws with the reported sign.

    Parameters
    ----------
    table : DataFrame
        Of `analysis.population.correlation_table`, one mechanism after another.
    source : str
        Where the draws come from.

    Returns
    -------
    Figure
        A panel a group of patients. Blue: the reported sign in most draws, red: the other one.
    """
    names = list(dict.fromkeys(table["mechanism"]))
    groups = list(dict.fromkeys(table["group"]))
    pairs = list(dict.fromkeys(zip(table["first"], table["second"], strict=True)))
    width = max(2.6 + 0.72 * len(names) * len(groups), 7.0)
    figure = Figure(figsize=(width, 1.9 + 0.36 * len(pairs)), layout="constrained")
    grid = figure.subplots(1, len(groups), squeeze=False, sharey=True)[0]
    image = None
    for axes, group in zip(grid, groups, strict=True):
        part = table[table["group"] == group].set_index(["first", "second", "mechanism"])
        shares = [[part.loc[(*pair, name), "share_sign"] for name in names] for pair in pairs]
        image = axes.imshow(shares, cmap=_SHARES, vmin=0, vmax=1, aspect="auto")
        axes.set_facecolor(PALE)
        for i, pair in enumerate(pairs):
            for j, name in enumerate(names):
                share = shares[i][j]
                dark = share == share and min(share, 1 - share) < _READABLE
                axes.text(
                    j,
                    i,
                    f"{part.loc[(*pair, name), 'rho']:+.2f}",
                    ha="center",
                    va="center",
                    fontsize=7.5,
                    color="white" if dark else "black",
                )
        axes.set_xticks(range(len(names)), names)
        axes.set_title(f"{group} (n = {part['patients'].iloc[0]})")
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    signs = dict(_signs(table))
    labels = [f"{symbol(a)} and {symbol(b)}  {signs[a, b]}" for a, b in pairs]
    grid[0].set_yticks(range(len(pairs)), labels)
    assert image is not None  # a table has a group
    bar = figure.colorbar(image, ax=list(grid), shrink=0.7, aspect=25)
    bar.set_label("Share of draws with the reported sign", color=GREY)
    bar.outline.set_visible(False)
    heading(
        figure,
        "Which correlations between patients does each mechanism reproduce?",
        "Numbers: median of Spearman's rho over the draws. Jensen 2021 says that the measures "
        "correlate; the signs at the left follow from their directions under alendronate. Grey: "
        f"no correlation reported. {source}",
    )
    return figure


def _signs(table: pd.DataFrame) -> list[tuple[tuple[str, str], str]]:
    words = {1.0: "(+)", -1.0: "(\N{MINUS SIGN})"}
    columns = (table["first"], table["second"], table["reported_sign"])
    return [((a, b), words.get(sign, "")) for a, b, sign in zip(*columns, strict=True)]
