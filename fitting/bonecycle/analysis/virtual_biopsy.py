"""The virtual biopsy: what a pathologist can see of the modelled bone in one section.

A section shows a finite perimeter, and on it a whole number of remodeling sites: Poisson, with a
gamma distributed factor between patients. Two courses of tetracycline mark sites that mineralize
at the time; a site that begins or ends between them takes one label only (label escape). MS/BS is
the double labeled surface and half of the single labeled (Keshawarz and Recker 1986, Metab Bone
Dis Relat Res 8). MAR, BFR/BS and Ac.f exist where a double label was found.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bonecycle.engines.interface import Floats
from bonecycle.errors import UsageError
from bonecycle.studies.biopsies import constants

DAYS_PER_YEAR = 365.25
STATE = ("Oc_S_BS", "ES_BS", "OS_BS", "MS_BS", "MAR", "O_Th", "W_Th", "W_Th_new")
"""Observables that a virtual biopsy needs, in their units."""
MEASURES = ("Oc_S_BS", "ES_BS", "OS_BS", "MS_BS", "MAR", "BFR_BS", "O_Th", "W_Th", "Ac_f")
"""Observables that it shows."""
# Below this heterogeneity the number of sites is Poisson.
_POISSON = 1e-9

Number: TypeAlias = float | Floats
Seed: TypeAlias = int | np.random.SeedSequence


@dataclass(frozen=True)
class Section:
    """How a biopsy is read; rows of biopsy.csv, whose sources say that all are assumed.

    Attributes
    ----------
    section_perimeter, site_trace, shortest_trace : float or ndarray, shape (n,)
        Cancellous perimeter read, mean trace of a site on it, and shortest that is counted, mm.
    site_heterogeneity : float or ndarray, shape (n,)
        Squared coefficient of variation of the expected number of sites between patients.
    label_days, label_gap : float or ndarray, shape (n,)
        Length of a course of tetracycline and of the days off between two, d.
    size_log_sd : float or ndarray, shape (n,)
        Between-patient SD of thicknesses and MAR on the natural log scale.
    """

    section_perimeter: Number
    site_trace: Number
    shortest_trace: Number
    site_heterogeneity: Number
    label_days: Number
    label_gap: Number
    size_log_sd: Number

    def __post_init__(self) -> None:
        for field in fields(self):
            values = np.asarray(getattr(self, field.name), dtype=float)
            low = 0.0 if field.name in ("site_heterogeneity", "size_log_sd") else 1e-12
            if not (np.isfinite(values).all() and (values >= low).all()):
                raise UsageError(f"{field.name} of a section must be finite and above zero.")
        if np.any(np.asarray(self.site_trace) < self.shortest_trace):
            raise UsageError("site_trace, a mean, must not be below shortest_trace.")

    @property
    def interval(self) -> Number:
        """Days from the middle of the first course to that of the second."""
        return self.label_days + self.label_gap

    def sites(self, surface: Number) -> Floats:
        """Expected number of sites on a surface, given as a share of the bone surface."""
        return np.asarray(surface * self.section_perimeter / self.site_trace, dtype=float)


def central_section() -> Section:
    """Section with the central values of biopsy.csv."""
    return Section(**{field.name: constants()[field.name].value for field in fields(Section)})


def drawn_sections(n: int, seed: int = 0) -> Section:
    """Sections whose constants are drawn from their priors, arrays of shape (n,)."""
    rng = np.random.default_rng(seed)
    drawn: dict[str, Number] = {}
    for field in fields(Section):
        row = constants()[field.name]
        noise = rng.normal(size=n)
        drawn[field.name] = row.value * np.exp((row.prior_sd or 0.0) * noise)
    # The tails of two wide priors may cross.
    drawn["site_trace"] = np.maximum(drawn["site_trace"], drawn["shortest_trace"])
    return Section(**drawn)


def labeled(ms: Number, period: Number, interval: Number) -> tuple[Floats, Floats]:
    """Surface with a double and with a single label, in the unit of `ms`.

    At a steady onset, a site that mineralizes for `period` days takes both labels when it begins
    within period - interval days; otherwise one of them escapes it. Double plus half of single is
    MS/BS, whatever escapes.

    Parameters
    ----------
    ms
        Mineralizing surface at one time.
    period
        Days for which a site mineralizes (W.Th of a new packet / MAR).
    interval
        Days between the labels.
    """
    escaped = np.minimum(1.0, np.asarray(interval) / period)
    return np.asarray(ms * (1 - escaped)), np.asarray(2 * ms * escaped)


def none_probability(expected: Number, heterogeneity: Number) -> Floats:
    """Probability of no site where `expected` are expected: negative binomial, or Poisson.

    Parameters
    ----------
    expected
        Mean number of sites over the patients.
    heterogeneity
        Squared coefficient of variation between patients; zero for none.
    """
    h = np.maximum(heterogeneity, _POISSON)
    return np.asarray(np.exp(-np.log1p(h * expected) / h))


def finding_probability(finding: str, state: Mapping[str, Number], section: Section) -> Floats:
    """Probability that a biopsy shows a finding.

    Parameters
    ----------
    finding
        ``double`` (a double label), ``any`` (any label) or ``no osteoclasts``.
    state
        Observables of `STATE` at the time of the biopsy, scalars or arrays of one shape.
    section
        Its fields broadcast with the state.
    """
    h = section.site_heterogeneity
    if finding == "no osteoclasts":
        return none_probability(section.sites(np.asarray(state["Oc_S_BS"]) / 100), h)
    period = np.asarray(state["W_Th_new"]) / np.asarray(state["MAR"])
    double, single = labeled(np.asarray(state["MS_BS"]) / 100, period, section.interval)
    surfaces = {"double": double, "any": double + single}
    if finding not in surfaces:
        raise UsageError(f"{finding!r} is no finding: ask for double, any or no osteoclasts.")
    return np.asarray(1 - none_probability(section.sites(surfaces[finding]), h))


def virtual_biopsies(
    state: Mapping[str, Number], n: int, *, seed: Seed = 0, section: Section | None = None
) -> pd.DataFrame:
    """Draw the biopsies of n patients.

    Parameters
    ----------
    state
        Observables of `STATE` at the time of the biopsy in the units of the catalogue, scalars or
        arrays of shape (n,).
    n
        Number of patients, one biopsy each.
    seed
        Of all random numbers.
    section
        How the sections are read; central values when None.

    Returns
    -------
    DataFrame
        One row a biopsy: numbers of double and single labeled sites, ``label`` (double, single or
        none), and the columns of `MEASURES`. MAR, BFR/BS and Ac.f are missing without a double
        label (BFR/BS is zero without any), O.Th without osteoid. Beyond the shortest
        trace that is counted, lengths are exponential.
    """
    if n < 1:
        raise UsageError(f"{n} biopsies cannot be drawn: ask for one or more.")
    missing = [name for name in STATE if name not in state]
    if missing:
        raise UsageError(f"The state lacks {', '.join(missing)}.")
    section = section or central_section()
    rng = np.random.default_rng(seed)
    now = {name: np.broadcast_to(np.asarray(state[name], dtype=float), (n,)) for name in STATE}
    h = np.maximum(np.broadcast_to(section.site_heterogeneity, (n,)), _POISSON)
    turnover = np.where(h > _POISSON, rng.gamma(1 / h, h), 1.0)
    size = np.exp(np.asarray(section.size_log_sd) * rng.normal(size=(3, n)))
    period = now["W_Th_new"] / now["MAR"]
    double, single = labeled(now["MS_BS"] / 100, period, section.interval)

    def found(surface: Floats) -> tuple[NDArray[np.int64], Floats]:
        """Sites on a surface and their share of the perimeter."""
        sites = rng.poisson(turnover * section.sites(np.maximum(surface, 0.0)))
        longer = rng.gamma(np.maximum(sites, 1)) * (section.site_trace - section.shortest_trace)
        traces = sites * section.shortest_trace + longer
        return sites, np.where(sites > 0, traces / section.section_perimeter, 0.0)

    double_sites, double_surface = found(double)
    single_sites, single_surface = found(single)
    _, osteoclasts = found(now["Oc_S_BS"] / 100)
    _, eroded = found((now["ES_BS"] - now["Oc_S_BS"]) / 100)
    _, osteoid = found((now["OS_BS"] - now["MS_BS"]) / 100)
    ms = double_surface + single_surface / 2
    mar = np.where(double_sites > 0, now["MAR"] * size[0], np.nan)
    wall = now["W_Th"] * size[1]
    bfr = np.where(double_sites + single_sites > 0, ms * mar * DAYS_PER_YEAR, 0.0)
    whole = np.where(osteoid + ms > 0, now["O_Th"] * size[2], np.nan)
    return pd.DataFrame(
        {
            "double_sites": double_sites,
            "single_sites": single_sites,
            "label": np.select([double_sites > 0, single_sites > 0], ["double", "single"], "none"),
            # A reader cannot find more surface than there is.
            "Oc_S_BS": np.minimum(100 * osteoclasts, 100.0),
            "ES_BS": np.minimum(100 * (osteoclasts + eroded), 100.0),
            "OS_BS": np.minimum(100 * (osteoid + ms), 100.0),
            "MS_BS": np.minimum(100 * ms, 100.0),
            "MAR": mar,
            "BFR_BS": bfr,
            "O_Th": whole,
            "W_Th": wall,
            "Ac_f": np.where(double_sites > 0, bfr / wall, np.nan),
        }
    )


def summarize(biopsies: pd.DataFrame) -> pd.DataFrame:
    """Medians, quartiles, zeros and missing values of each measure, as a study reports them."""
    rows = []
    for name in MEASURES:
        values = biopsies[name].dropna()
        quartiles = values.quantile([0.25, 0.5, 0.75]).tolist() if len(values) else [np.nan] * 3
        rows.append(
            {
                "variable": name,
                "n": len(values),
                "missing": len(biopsies) - len(values),
                "zero": int((values == 0).sum()),
                "mean": float(values.mean()) if len(values) else np.nan,
                **dict(zip(("q1", "median", "q3"), quartiles, strict=True)),
            }
        )
    return pd.DataFrame(rows)
