"""Tables of what to measure next: ranked measurements, pairs of them, deciding studies.

Biopsies of different months are of different patients, so studies are compared by
``patients_total``: two arms, times months, times ``patients_a_month`` of each arm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations, product

import numpy as np
import pandas as pd

from bonecycle.analysis.design import DECIDED, PATIENTS, Candidates, Gain
from bonecycle.biology import catalogue

Progress = Callable[[int], object]
_ARMS = 2


def ranking_table(
    found: Candidates, patients: float, seed: int = 0, progress: Progress | None = None
) -> pd.DataFrame:
    """Single measurements by their gain, the best first, with `patients` an arm.

    Returns
    -------
    DataFrame
        ``bits`` with its Monte Carlo ``error``; ``limit``, with patients without end; ``of``, the
        bits that would name the mechanism for certain. ``decided_least``: the chance of a
        posterior probability above 0.9, for the mechanism that is named least often.
    """
    rows = []
    for place, measurement in enumerate(found.measurements):
        gain = found.gain([place], patients, seed)
        limit = found.gain([place], np.inf, seed)
        if progress is not None:
            progress(1)
        rows.append(
            {
                "measurement": str(measurement),
                "quantity": measurement.quantity,
                "time_months": measurement.month,
                "patients_an_arm": patients,
                "bits": gain.bits,
                "error": gain.error,
                "limit": limit.bits,
                "of": float(np.log2(len(found.mechanisms))),
                "decided_least": float(gain.decided.min()),
                "decided_mean": float(gain.decided.mean()),
            }
        )
    return pd.DataFrame(rows).sort_values("bits", ascending=False, ignore_index=True)


def pairs_table(
    found: Candidates, ranking: pd.DataFrame, best: int = 12, seed: int = 0
) -> pd.DataFrame:
    """Pairs of the `best` single measurements of `ranking_table`, by their gain together.

    All with as many patients in total as a single measurement: two months share them.
    """
    names = [str(measurement) for measurement in found.measurements]
    places = [names.index(name) for name in ranking["measurement"][:best]]
    patients = float(ranking["patients_an_arm"].iloc[0])
    rows = []
    for first, second in combinations(sorted(places), 2):
        months = found.months([first, second])
        gain = found.gain([first, second], patients / months, seed)
        rows.append(
            {
                "first": names[first],
                "second": names[second],
                "months": months,
                "patients_a_month": patients / months,
                "patients_total": _ARMS * patients,
                "bits": gain.bits,
                "error": gain.error,
                "decided_least": float(gain.decided.min()),
                "decided_mean": float(gain.decided.mean()),
            }
        )
    return pd.DataFrame(rows).sort_values("bits", ascending=False, ignore_index=True)


def studies(found: Candidates) -> dict[str, list[int]]:
    """Studies that are held against the aim: places of what each measures.

    All biopsy measures at every month; with the markers; both at every two months.
    """
    months = list(dict.fromkeys(m.month for m in found.measurements))
    once = [(month,) for month in months]
    twice = list(combinations(months, 2))
    kinds: dict[str, list[tuple[float, ...]]] = {
        "biopsies": [*once],
        "biopsies and markers": [*once, *twice],
    }
    chosen: dict[str, list[int]] = {}
    for words, times in kinds.items():
        for when in times:
            places = [
                i
                for i, m in enumerate(found.measurements)
                if m.month in when and ("markers" in words or not _is_marker(m.quantity))
            ]
            if places and places not in chosen.values():
                named = " and ".join(f"{month:g}" for month in when)
                chosen[f"{words}, month{'s' * (len(when) > 1)} {named}"] = places
    return chosen


def deciding_tables(
    found: Candidates, seed: int = 0, progress: Progress | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """How large a study decides, among all mechanisms and between every two.

    Returns
    -------
    studies : DataFrame
        One row a study and number of patients, the fewest in total first: ``bits``,
        ``decided_least`` (the lowest chance over true mechanisms of a posterior probability above
        0.9), its mechanism, and ``decided_H1`` ...
    pairs : DataFrame
        One row a pair of mechanisms: the smallest total of patients with which a study has a
        chance of 90 % of a Bayes factor above 10, whichever of both is true, and that study; the
        one with the best ``chance`` where none has, and ``decides`` is false.
    """
    names = found.mechanisms
    rows, best = [], dict[tuple[int, int], dict[str, object]]()
    chances = {pair: -1.0 for pair in combinations(range(len(names)), 2)}
    chosen = studies(found)
    sizes = [
        (_ARMS * found.months(places) * patients, patients, study, places)
        for patients, (study, places) in product(PATIENTS, chosen.items())
    ]
    for total, patients, study, places in sorted(sizes, key=lambda size: size[0]):
        gain = found.gain(places, patients, seed)
        size = {
            "months": found.months(places),
            "patients_a_month": patients,
            "patients_total": total,
        }
        rows.append(_study_row(names, study, len(places), size, gain))
        for pair in chances:
            chance = float(min(gain.pairs[pair], gain.pairs[pair[::-1]]))
            settled = chances[pair] >= DECIDED and best[pair]["patients_total"] != total
            if chance > chances[pair] and not settled:
                chances[pair] = chance
                best[pair] = {"study": study, **size, "chance": chance}
        if progress is not None:
            progress(1)
    pairs = [
        {"first": names[i], "second": names[j], **best[i, j], "decides": chances[i, j] >= DECIDED}
        for i, j in chances
    ]
    return pd.DataFrame(rows), pd.DataFrame(pairs)


def smallest_deciding(table: pd.DataFrame) -> pd.DataFrame:
    """Smallest study that has a chance of 90 % to name every mechanism; or the nearest to it.

    Smallest: the fewest patients in total. Nearest: the highest least chance, then the highest
    mean.
    """
    enough = table[table["decided_least"] >= DECIDED]
    if len(enough):
        return enough.sort_values(["patients_total", "measures"]).head(1)
    return table.sort_values(["decided_least", "decided_mean"], ascending=False).head(1)


def _study_row(
    names: Sequence[str], study: str, measures: int, size: dict[str, float], gain: Gain
) -> dict[str, object]:
    return {
        "study": study,
        "measures": measures,
        **size,
        "bits": gain.bits,
        "error": gain.error,
        "decided_least": float(gain.decided.min()),
        "least": names[int(np.argmin(gain.decided))],
        "decided_mean": float(gain.decided.mean()),
        **{f"decided_{n}": float(v) for n, v in zip(names, gain.decided, strict=True)},
    }


def _is_marker(quantity: str) -> bool:
    return catalogue.observables()[quantity].kind == "marker"
