"""What the figures of fits share: courses of treatment, names of studies, marks of mechanisms."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from bonecycle.biology import catalogue
from bonecycle.biology.regimens import DAYS_PER_MONTH, Regimen
from bonecycle.biology.treatments import Every
from bonecycle.errors import UsageError
from bonecycle.problem.targets import Target
from bonecycle.show.style import INK, MECHANISMS

Curves = Mapping[Regimen, xr.Dataset]

_POINT = 1 / 72  # inches
# Where a label may stand beside its mark, in points: the first free place is taken.
_PLACES = [
    (dx * far, dy * far)
    for far in (1.0, 1.7, 2.6, 3.6)
    for dx, dy in ((0, 11), (0, -11), (15, 0), (-15, 0), (12, 10), (-12, 10), (12, -10), (-12, -10))
]


def courses(targets: Iterable[Target]) -> dict[Regimen, list[Target]]:
    """Ratios under each course of treatment, by its longest regimen; courses of a drug together.

    Regimens that begin alike and only stop at another time are one course: no row of them is
    later than its stop.

    Raises
    ------
    UsageError
        When no row is a ratio under treatment.
    """
    found: dict[tuple[object, ...], list[Target]] = {}
    for target in targets:
        if target.is_ratio and target.regimen.treatments:
            key = tuple(
                (t.drug, t.dose_mg, t.route, t.interval_days, t.start_days)
                for t in target.regimen.treatments
            )
            found.setdefault(key, []).append(target)
    if not found:
        raise UsageError("No target is a ratio to untreated under a treatment: nothing to draw.")
    drugs = list(dict.fromkeys(course[0].regimen.treatments[0].drug for course in found.values()))
    ordered = sorted(
        found.values(),
        key=lambda course: (drugs.index(course[0].regimen.treatments[0].drug), -len(course)),
    )
    return {max((t.regimen for t in course), key=_stop): course for course in ordered}


def _stop(regimen: Regimen) -> float:
    return max(treatment.stop_days for treatment in regimen.treatments)


def drug_of(regimen: Regimen) -> str:
    """Name of the first drug, as a title."""
    return regimen.treatments[0].drug.capitalize()


def dose_of(regimen: Regimen) -> str:
    """Doses and interval in a few words: ``5, then 10 mg oral every day``."""
    doses = ", then ".join(f"{t.dose_mg:g}" for t in regimen.treatments)
    first = regimen.treatments[0]
    regular = isinstance(first.schedule, Every)
    when = f"every {_interval(first.interval_days)}" if regular else "on given days"
    return f"{doses} mg {first.route.value} {when}"


def _interval(days: float) -> str:
    for size, name in ((365.25, "year"), (DAYS_PER_MONTH, "month"), (7.0, "week"), (1.0, "day")):
        if days >= size * 0.999 and abs(days / size - round(days / size)) < 1e-6:
            count = round(days / size)
            return name if count == 1 else f"{count} {name}s"
    return f"{days:g} days"


def author_year(citation: str) -> str:
    """Beginning of a citation up to its year: ``Saag 2017``."""
    year = re.match(r".{1,30}?\b(19|20)\d\d\b", citation)
    return year.group() if year else citation[:24]


def symbol(variable: str) -> str:
    """ASBMR symbol of an observable."""
    return catalogue.observables()[variable].symbol


def color_of(mechanism: str) -> str:
    """Colour of a mechanism; of a combination, that of its first part."""
    return MECHANISMS.get(mechanism.split("+")[0], (INK, ""))[0]


def line_style(mechanism: str) -> dict[str, Any]:
    """Line of a mechanism; a combination alternates the colours of its first and last part."""
    first, *_, last = [mechanism.split("+")[0], *mechanism.split("+")]
    style: dict[str, Any] = {"color": color_of(first)}
    if first != last:
        style |= {"linestyle": (0, (4, 4)), "gapcolor": color_of(last)}
    return style


def mark_style(mechanism: str) -> dict[str, Any]:
    """Mark of a mechanism; a combination has the colours of its first and last part."""
    first, *_, last = [mechanism.split("+")[0], *mechanism.split("+")]
    return {
        "marker": "o",
        "fillstyle": "full" if first == last else "left",
        "markerfacecolor": color_of(first),
        "markerfacecoloralt": color_of(last),
        "markeredgecolor": "white",
        "linestyle": "none",
    }


def mechanism_key(figure: Figure, names: Sequence[str], lines: bool = True) -> None:
    """Put a key of the mechanisms with their meaning under the panels."""
    handles = []
    for name in names:
        meaning = MECHANISMS.get(name, (INK, ""))[1]
        style = line_style(name) if lines else mark_style(name) | {"markersize": 7}
        handles.append(Line2D([], [], label=f"{name} {meaning}".strip(), **style))
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=min(int(figure.get_figwidth() / 2.3), len(handles)),
        handlelength=2.2,
    )


def heading(figure: Figure, title: str, note: str) -> None:
    """Put a title and a note over the panels, flush left."""
    # About fifteen characters of this size take an inch.
    wide = int(15 * figure.get_figwidth())
    lines = [*textwrap.wrap(title, wide), *textwrap.wrap(note, wide)]
    figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=9.5)


def write_beside(axes: Axes, points: Sequence[tuple[float, float, str, str]]) -> None:
    """Write a name beside each mark where no other mark or name stands.

    Parameters
    ----------
    axes
        Axes in their final layout.
    points
        x and y in data coordinates, name, colour.
    """
    dots = axes.figure.dpi * _POINT
    at = [axes.transData.transform((x, y)) / dots for x, y, _, _ in points]
    frame = axes.get_window_extent()
    taken = [(x, y, 4.5, 4.5) for x, y in at]  # centre and half sizes, points
    for (x, y), (data_x, data_y, text, color) in zip(at, points, strict=True):
        half = 2.9 * len(text) + 1
        free = [
            (dx, dy)
            for dx, dy in (
                (dx + (half - 6) * (dx > 0) - (half - 6) * (dx < 0), dy) for dx, dy in _PLACES
            )
            if not any(
                abs(x + dx - other_x) < half + wide and abs(y + dy - other_y) < 5 + high
                for other_x, other_y, wide, high in taken
            )
            and frame.x0 / dots + half < x + dx < frame.x1 / dots - half
            and frame.y0 / dots + 5 < y + dy < frame.y1 / dots - 5
        ]
        dx, dy = free[0] if free else (0, 11)
        taken.append((x + dx, y + dy, half, 5))
        far = abs(dx) > half + 12 or abs(dy) > 14
        axes.annotate(
            text,
            (data_x, data_y),
            (dx, dy),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=8,
            fontweight="bold",
            color=color,
            arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.6} if far else None,
            path_effects=[withStroke(linewidth=2.5, foreground="white")],
            zorder=6,
        )
