"""What the fitted model of metastasis predicts: hazard ratios of regimens, the withheld one."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.resources import files

import numpy as np
import pandas as pd
from scipy.special import logsumexp
from scipy.stats import norm

from bonecycle.biology.compose import compose
from bonecycle.biology.regimens import Regimen, parse_regimen
from bonecycle.biology.tables import read_rows
from bonecycle.engines.choice import EngineName
from bonecycle.engines.interface import Floats
from bonecycle.problem.metastasis import (
    CLODRONATE,
    MECHANISMS,
    MODEL,
    OUTPUTS,
    TRIALS,
    load_engine,
    trial_space,
)

BETWEEN_STUDY_SD = 0.25
"""The default of the error model, for the pooled null."""
TURNOVER = "turnover.csv"
UNSELECTED = "unselected"
_YEAR = 365.25
_RATIOS = {"bone": "cumulated_bone", "non_skeletal": "cumulated_other"}


def simulate_arms(
    theta: Floats,
    mechanism: str,
    regimen: Regimen,
    years: Sequence[float],
    *,
    marrow_positive: bool = False,
    turnover: float = 1.0,
    engine: EngineName = EngineName.KERNEL,
    seed: int = 0,
) -> dict[str, Floats]:
    """Cumulated hazards and shares of patients under a regimen.

    Parameters
    ----------
    theta : ndarray, shape (n_draws, n_parameters)
        On the scales of the priors, in the order of the problem's space.
    years
        Times to read, rising.
    turnover
        Birth rate of remodeling sites relative to the unselected patient.
    seed
        Of the half-effect uptake of a drug that no trial is fitted of: from its prior.

    Returns
    -------
    dict of str to ndarray, shape (n_draws, n_years)
        By observable; a draw that cannot be simulated is NaN.
    """
    space = trial_space(mechanism)
    model = compose(MODEL, regimen.drugs or ("clodronate",))
    values = dict(zip(space.names, space.to_natural(theta).T, strict=True))
    rng = np.random.default_rng(seed)
    for drug in regimen.drugs:
        own = model.parameters.get(f"{drug}_half_effect_release")
        if own is not None and own.id not in values:
            noise = rng.standard_normal(len(theta)) * float(own.prior_sd or 0)
            values[own.id] = own.value * np.exp(noise)
    own_state = MECHANISMS[mechanism] | {
        "marrow_positive": float(marrow_positive),
        "untreated_births": turnover * model.parameters["reference_births"].value,
    }
    values = {name: own for name, own in values.items() if name in model.parameters}
    values |= {name: np.full(len(theta), value) for name, value in own_state.items()}
    outputs = (*_RATIOS.values(), *OUTPUTS.values())
    run, _ = load_engine(engine, tuple(values), regimen, outputs)
    times = [0.0, *(_YEAR * year for year in years)]
    batch = run.simulate(np.column_stack(list(values.values())), times)
    read = np.where(batch.ok[:, None, None], batch.values, np.nan)[:, 1:]
    return {name: read[:, :, place] for place, name in enumerate(outputs)}


def log_ratios(treated: Mapping[str, Floats], control: Mapping[str, Floats]) -> dict[str, Floats]:
    """Log hazard ratio by endpoint up to each time, (n_draws, n_years)."""
    return {endpoint: np.log(treated[name] / control[name]) for endpoint, name in _RATIOS.items()}


def trial_rows() -> list[dict[str, str]]:
    """Rows of the table of trials: counts and hazard ratios with their sources."""
    return read_rows(files("bonecycle_data") / TRIALS)


def withheld_row() -> dict[str, str]:
    """Row of the table whose hazard ratio is predicted."""
    (row,) = [row for row in trial_rows() if row["role"] == "withheld"]
    return row


def published_ratio(row: Mapping[str, str]) -> tuple[float, float]:
    """Log hazard ratio of a row and its error: of its interval, else of its counts."""
    if row["hazard_ratio"] and row["lower"]:
        width = np.log(float(row["upper"]) / float(row["lower"]))
        return float(np.log(float(row["hazard_ratio"]))), float(width / (2 * norm.isf(0.025)))
    shares, variance = [], 0.0
    for arm in ("treated", "control"):
        events, patients = int(row[f"{arm}_events"]), int(row[f"{arm}_n"])
        shares.append(-np.log1p(-events / patients))
        variance += 1 / events
    return float(np.log(shares[0] / shares[1])), float(np.sqrt(variance))


def pooled_null() -> tuple[float, float]:
    """Mean and SD of the log hazard ratio by the null: as written in the data's README.

    Inverse-variance mean of the fitted rows on metastasis in bone or anywhere, with its own error
    and the between-study SD.
    """
    rows = trial_rows()
    chosen = [
        published_ratio(row)
        for row in rows
        if row["role"] == "fitted" and row["endpoint"] in ("bone", "distant")
    ]
    centers, errors = np.array(chosen).T
    weight = errors**-2.0
    return (
        float((weight * centers).sum() / weight.sum()),
        float(np.sqrt(1 / weight.sum() + BETWEEN_STUDY_SD**2)),
    )


def score_withheld(
    draws: Mapping[str, Floats], engine: EngineName = EngineName.KERNEL
) -> pd.DataFrame:
    """Predict the withheld hazard ratio by mechanism, beside the pooled null.

    Parameters
    ----------
    draws : mapping of str to ndarray
        Theta by mechanism, from fits that did not see the withheld row.

    Returns
    -------
    DataFrame
        One row a prediction: `ratio` with its 95 % interval (of the truth, and with the published
        error of `published`), the width of the latter on the log scale, and `log_score`, the log
        density of the published log hazard ratio.
    """
    row = withheld_row()
    target, error = published_ratio(row)
    years = [float(row["month"]) / 12]
    rows = []
    for mechanism, theta in draws.items():
        treated = simulate_arms(theta, mechanism, parse_regimen(CLODRONATE), years, engine=engine)
        control = simulate_arms(theta, mechanism, Regimen.untreated(), years, engine=engine)
        values = log_ratios(treated, control)["bone"][:, 0]
        values = values[np.isfinite(values)]
        score = logsumexp(norm.logpdf(target, values, error)) - np.log(len(values))
        noise = np.random.default_rng(0).standard_normal(len(values)) * error
        rows.append(_prediction(mechanism, values, values + noise, float(score)))
    center, sd = pooled_null()
    normal = norm.ppf((np.arange(2000) + 0.5) / 2000)
    wide = float(np.hypot(sd, error))
    score = float(norm.logpdf(target, center, wide))
    rows.append(_prediction("pooled null", center + sd * normal, center + wide * normal, score))
    table = pd.DataFrame(rows)
    table.insert(0, "published", np.exp(target))
    return table


def _prediction(name: str, truth: Floats, seen: Floats, score: float) -> dict[str, object]:
    low, middle, high = np.quantile(truth, [0.025, 0.5, 0.975])
    seen_low, seen_high = np.quantile(seen, [0.025, 0.975])
    return {
        "prediction": name,
        "ratio": np.exp(middle),
        "low": np.exp(low),
        "high": np.exp(high),
        "published_low": np.exp(seen_low),
        "published_high": np.exp(seen_high),
        "log_width": seen_high - seen_low,
        "log_score": score,
    }


def period_table(
    draws: Mapping[str, Floats],
    engine: EngineName = EngineName.KERNEL,
    regimen: str = CLODRONATE,
    medication: float = 2.0,
    follow_up: float = 5.5,
    *,
    marrow_positive: bool = False,
    turnover: float = 1.0,
) -> pd.DataFrame:
    """Hazard ratios on medication and after it, by mechanism: the fade.

    The ratio of mean hazards over each period, in patients who have not had the event. A virtual
    trial takes it as constant within the period (`trials.effects.with_effect`).

    Parameters
    ----------
    medication, follow_up
        Years.
    marrow_positive, turnover
        Of the patients, as for `simulate_arms`.

    Returns
    -------
    DataFrame
        One row a mechanism, endpoint and period: median and 95 % band over draws of the `ratio`,
        and of the untreated `hazard` per year.
    """
    rows = []
    years = [medication, follow_up]
    arms = partial(
        simulate_arms,
        years=years,
        marrow_positive=marrow_positive,
        turnover=turnover,
        engine=engine,
    )
    for mechanism, theta in draws.items():
        treated = arms(theta, mechanism, parse_regimen(regimen))
        control = arms(theta, mechanism, Regimen.untreated())
        for endpoint, name in _RATIOS.items():
            both = (np.diff(arm[name], axis=1, prepend=0) for arm in (treated, control))
            of_drug, untreated = (cumulated / np.diff(years, prepend=0) for cumulated in both)
            for place, period in enumerate(("medication", "after")):
                low, middle, high = _band(of_drug[:, place] / untreated[:, place])
                hazard = _band(untreated[:, place])
                rows.append(
                    {"mechanism": mechanism, "endpoint": endpoint, "period": period}
                    | {"ratio": middle, "low": low, "high": high}
                    | dict(zip(("hazard_low", "hazard", "hazard_high"), hazard, strict=True))
                )
    return pd.DataFrame(rows)


def turnover_states() -> dict[str, float]:
    """Birth rate of remodeling sites by state, relative to the unselected patient."""
    rows = read_rows(files("bonecycle_data") / TURNOVER)
    return {UNSELECTED: 1.0} | {row["state"]: float(row["turnover"]) for row in rows}


def cell_table(
    draws: Mapping[str, Floats],
    engine: EngineName = EngineName.KERNEL,
    progress: Callable[[int], object] | None = None,
) -> pd.DataFrame:
    """Hazards and hazard ratios per kind of patient: what a virtual trial draws patients from.

    Returns
    -------
    DataFrame
        As `period_table`, once a state of `turnover` and a `marrow` (unselected or positive).
    """
    parts = []
    for state, turnover in turnover_states().items():
        for marrow, positive in ((UNSELECTED, False), ("positive", True)):
            own = period_table(draws, engine, turnover=turnover, marrow_positive=positive)
            parts.append(own.assign(turnover=state, marrow=marrow))
            if progress is not None:
                progress(1)
    return pd.concat(parts, ignore_index=True)


def regimen_table(
    draws: Mapping[str, Floats],
    regimens: Mapping[str, str],
    years: Sequence[float],
    *,
    engine: EngineName = EngineName.KERNEL,
    progress: Callable[[int], object] | None = None,
) -> pd.DataFrame:
    """Hazard ratios and patients spared under regimens, with bands over draws, by mechanism.

    Returns
    -------
    DataFrame
        One row a mechanism, regimen, endpoint and year: `ratio` of cumulated hazards (none for
        death) and `spared`, patients of a hundred without the event for the drug; medians and 95 %
        bands.
    """
    rows = []
    for mechanism, theta in draws.items():
        control = simulate_arms(theta, mechanism, Regimen.untreated(), years, engine=engine)
        for name, text in regimens.items():
            treated = simulate_arms(theta, mechanism, parse_regimen(text), years, engine=engine)
            ratios = log_ratios(treated, control)
            for endpoint, share in OUTPUTS.items():
                for place, year in enumerate(years):
                    spared = control[share][:, place] - treated[share][:, place]
                    found = {"spared": _band(spared)}
                    if endpoint in ratios:
                        found["ratio"] = np.exp(_band(ratios[endpoint][:, place]))
                    rows.append(
                        {
                            "mechanism": mechanism,
                            "regimen": name,
                            "endpoint": endpoint,
                            "year": year,
                        }
                        | {
                            f"{kind}{end}": float(value)
                            for kind, values in found.items()
                            for end, value in zip(("_low", "", "_high"), values, strict=True)
                        }
                    )
            if progress is not None:
                progress(1)
    return pd.DataFrame(rows)


def _band(values: Floats) -> Floats:
    return np.asarray(np.nanquantile(values, [0.025, 0.5, 0.975]))


def events_to_tell(ratio: float, other: float, alpha: float = 0.05, power: float = 0.8) -> float:
    """Events of a two-arm trial that tells two hazard ratios apart (Schoenfeld 1981)."""
    distance = np.log(ratio / other)
    events = 4 * (norm.isf(alpha / 2) + norm.ppf(power)) ** 2
    return float(events / distance**2) if distance else float("inf")


def deciding_table(table: pd.DataFrame) -> pd.DataFrame:
    """Events that would tell two mechanisms apart by their median hazard ratios.

    Parameters
    ----------
    table : DataFrame
        As `regimen_table` returns it.

    Returns
    -------
    DataFrame
        One row a regimen, endpoint, year and pair of mechanisms; `events` for a power of 80 % at
        5 %, infinite where the medians agree.
    """
    known = table.dropna(subset="ratio")
    rows = []
    keys = ["regimen", "endpoint", "year"]
    for (regimen, endpoint, year), own in known.groupby(keys, sort=False):
        ratios = dict(zip(own["mechanism"], own["ratio"], strict=True))
        for first, second in itertools.combinations(ratios, 2):
            rows.append(
                {
                    "regimen": regimen,
                    "endpoint": endpoint,
                    "year": year,
                    "first": first,
                    "second": second,
                    "ratio_first": ratios[first],
                    "ratio_second": ratios[second],
                    "events": events_to_tell(ratios[first], ratios[second]),
                }
            )
    return pd.DataFrame(rows)
