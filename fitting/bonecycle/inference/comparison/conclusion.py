"""What the comparison says, in plain words, and where its two verdicts disagree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from bonecycle.inference.checks.recovery import DECISIVE
from bonecycle.inference.comparison.left_out import ENOUGH_DRAWS
from bonecycle.inference.comparison.surface import VARIANT
from bonecycle.inference.parts import Record
from bonecycle.inference.sampling.arviz_side import K_HAT_BELOW

# A difference of elpd that small is no difference, whatever its standard error (Sivula et al.
# 2020, arXiv 2008.10296).
SMALL_ELPD = 4.0
# Nested and importance sampling should agree within so many of their joint standard errors.
_AGREE = 3.0
_Z95 = 1.959964


def evidence_table(records: Sequence[Record], whole_prior: Sequence[Record] = ()) -> pd.DataFrame:
    """One row a mechanism: log evidence by each method, and how far it is behind the best.

    Parameters
    ----------
    records, whole_prior
        Of `run.Evidence` and, where that was done, `run.WholePrior` for every mechanism.

    Returns
    -------
    DataFrame
        ``log_evidence`` is the one by nested sampling. ``behind`` with ``behind_lower`` and
        ``behind_upper``: 95 % interval of the numerical error alone; what the priors and the error
        model do to it is the surface's matter. ``probability``: with equal prior odds among these
        mechanisms. ``methods_agree``: nested and importance sampling, and nested sampling
        over the whole prior (``whole_prior``), within three errors.
    """
    table = pd.DataFrame(records)
    others = ["importance"]
    if whole_prior:
        table = table.merge(pd.DataFrame(whole_prior), on="mechanism")
        others.append("whole_prior")
    values, errors = table["nested"].to_numpy(), table["nested_error"].to_numpy()
    best = int(np.argmax(values))
    behind = values[best] - values
    error = np.where(behind > 0, np.hypot(errors, errors[best]), 0.0)
    odds = np.exp(-behind)
    agree = pd.Series(data=True, index=table.index)
    for other in others:
        joint = np.hypot(table["nested_error"], table[f"{other}_error"])
        gaps = (table["nested"] - table[other]).abs()
        agree &= gaps <= _AGREE * joint
    return table.assign(
        log_evidence=table["nested"],
        behind=behind,
        behind_lower=(behind - _Z95 * error),
        behind_upper=behind + _Z95 * error,
        probability=odds / odds.sum(),
        methods_agree=agree,
    )


def conclusion(
    differences: pd.DataFrame,
    evidence: pd.DataFrame,
    surface: pd.DataFrame,
    failing: pd.DataFrame,
) -> dict[str, Any]:
    """Both verdicts, what they agree on, and the sentences that say so.

    A mechanism is behind in prediction when its elpd is lower by more than two standard errors and
    by more than four, and stays lower whichever trial is not counted. It is behind in evidence at
    a log Bayes factor of 3 or more, at the near end of its numerical 95 % interval too.

    Parameters
    ----------
    differences, evidence, surface, failing : DataFrame
        As `left_out.difference_table`, `evidence_table`, `surface.surface_table` and
        `left_out.failing_table` return them.

    Returns
    -------
    dict
        ``predictive`` and ``evidence`` (best, behind, not told apart), ``disagreements``,
        ``remaining`` (behind in neither or only one), ``common_parts`` of what remains,
        ``surface`` (per mechanism the share of variants in which it is within 3 of the best;
        ``dropped``: variants that are not counted, as an evidence is NaN) and ``text``.
    """
    clear = (
        (differences["difference"] < -2 * differences["standard_error"])
        & (differences["difference"] < -SMALL_ELPD)
        & (differences["highest"] < 0)
    )
    predictive = _verdict(differences["mechanism"], differences["elpd"], clear)
    by_evidence = _verdict(
        evidence["mechanism"], evidence["log_evidence"], evidence["behind_lower"] >= DECISIVE
    )
    names = [str(name) for name in differences["mechanism"]]
    behind = [set(verdict["behind"]) for verdict in (predictive, by_evidence)]
    remaining = [name for name in names if name not in behind[0] & behind[1]]
    common = set.intersection(*(set(name.split("+")) for name in remaining))
    known = surface.groupby(VARIANT)["behind"].transform(lambda own: own.notna().all())
    counted = surface[known.astype(bool)]
    near = counted["behind"] < DECISIVE
    shares = near.groupby(counted["mechanism"], sort=False).mean()
    variants = counted.groupby(VARIANT).ngroups
    result = {
        "predictive": predictive,
        "evidence": by_evidence,
        "disagreements": [name for name in names if (name in behind[0]) != (name in behind[1])],
        "remaining": remaining,
        "common_parts": sorted(common - {"H0"}),
        "surface": {
            "variants": int(variants),
            "dropped": int(surface.groupby(VARIANT).ngroups - variants),
            "share_near_best": {str(name): float(share) for name, share in shares.items()},
        },
        "failing": _failing(failing, remaining),
    }
    return result | {"text": _sentences(result, differences, evidence)}


def _verdict(names: pd.Series[Any], scores: pd.Series[Any], behind: pd.Series[Any]) -> Record:
    best = str(names.iloc[int(np.argmax(scores))])
    far = [str(name) for name in names[behind.to_numpy()]]
    near = [str(name) for name in names if name not in (best, *far)]
    return {"best": best, "behind": far, "not_told_apart": near}


def _failing(failing: pd.DataFrame, remaining: list[str]) -> Record:
    """Rows that every remaining mechanism fails when their trial is left out."""
    own = failing[failing["mechanism"].isin(remaining)]
    keys = ["study", "arm", "symbol", "time_months", "comparison"]
    every = own.groupby(keys, sort=False)["fails"].all()
    rows = [f"{study} {symbol} at {month:.3g} months" for study, _, symbol, month, _ in every.index]
    counts = failing.groupby("mechanism", sort=False)["fails"].sum()
    return {
        "rows": len(every),
        "per_mechanism": {str(name): int(count) for name, count in counts.items()},
        "by_all_remaining": [row for row, fails in zip(rows, every, strict=True) if fails],
    }


def _list(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "none"


def _sentences(result: Record, differences: pd.DataFrame, evidence: pd.DataFrame) -> list[str]:
    predictive, by_evidence = result["predictive"], result["evidence"]
    trials = int(differences["trials"].iloc[0])
    gaps = differences.set_index("mechanism")
    weights = evidence.set_index("mechanism")
    far = [
        f"{name} ({gaps.loc[name, 'difference']:.1f}, SE {gaps.loc[name, 'standard_error']:.1f})"
        for name in predictive["behind"]
    ]
    out = [f"{name} ({weights.loc[name, 'behind']:.1f})" for name in by_evidence["behind"]]
    lines = [
        f"Leaving out one of {trials} trials at a time, {predictive['best']} predicts the "
        f"left-out trials best. Clearly behind it in log predictive density: {_list(far)}. Not "
        f"told apart from it: {_list(predictive['not_told_apart'])}. With {trials} trials a "
        "standard error is itself uncertain.",
        *_unsure(differences),
        f"By marginal likelihood {by_evidence['best']} is first. Behind it by a log Bayes factor "
        f"of {DECISIVE:g} or more, numerical error allowed for: {_list(out)}. Not told apart: "
        f"{_list(by_evidence['not_told_apart'])}.",
        _grounds(evidence),
        _agreement(result),
    ]
    remaining = result["remaining"]
    if result["common_parts"]:
        lines.append(
            f"Every mechanism that is not behind in both ({_list(remaining)}) contains "
            f"{_list(result['common_parts'])}: among the mechanisms compared here, the data ask "
            "for it."
        )
    else:
        lines.append(
            f"Mechanisms that are not behind in both: {_list(remaining)}. They share no "
            "part: which of them acts, if any, cannot be said from these data."
        )
    surface = result["surface"]
    if surface["variants"] > 1:
        shares = [f"{name} {share:.0%}" for name, share in surface["share_near_best"].items()]
        lines.append(
            f"Over {surface['variants']} variants (how 'not strongly decreased' is read, the size "
            "of the errors, the width of the strengths' priors) the mechanisms are within a log "
            f"Bayes factor of {DECISIVE:g} of the best, by the Laplace approximation, in: "
            f"{', '.join(shares)} of them."
        )
    if surface["dropped"]:
        lines.append(
            f"{surface['dropped']} of {surface['variants'] + surface['dropped']} variants are "
            "dropped from these shares: the evidence of a mechanism could not be determined there."
        )
    if not weights["methods_agree"].all():
        lines.append(
            "Ways to the evidence differ by more than their errors for "
            f"{_list([str(n) for n in weights.index[~weights['methods_agree']]])}: use more live "
            "points before resting anything on these."
        )
    failing = result["failing"]
    lines.append(
        f"Of {failing['rows']} rows predicted from the other trials (one in twenty would miss by "
        f"chance) {len(failing['by_all_remaining'])} fail under every mechanism that remains"
        + (f": {'; '.join(failing['by_all_remaining'])}." if failing["by_all_remaining"] else ".")
    )
    lines.append(
        "A mechanism that was not among those compared, or one error that several studies share, "
        "could change all of this."
    )
    return lines


def _unsure(differences: pd.DataFrame) -> list[str]:
    """Which differences rest on densities with too few draws."""
    unsure = differences[differences["unsure"] > 0]
    if unsure.empty:
        return []
    names = [f"{row.mechanism} ({row.unsure})" for row in unsure.itertuples()]
    return [
        f"Fewer than {ENOUGH_DRAWS} effective draws, or a Pareto k of {K_HAT_BELOW} or more, after "
        f"all rounds for some of the predictive densities behind the differences of {_list(names)}:"
        " these differences are not sure (left_out.csv, column enough); use more --draws."
    ]


def _grounds(evidence: pd.DataFrame) -> str:
    """How the evidence was computed, and what would see a second mode."""
    text = (
        "Evidence is computed by nested sampling in a base density around the one mode that the "
        "fits find, beside importance sampling around the same mode: a second mode far from it "
        "would be missed by both."
    )
    if "whole_prior" not in evidence:
        return f"{text} No run over the whole prior has looked for one."
    far = (evidence["whole_prior"] - evidence["nested"]).abs().max()
    return (
        f"{text} So one shorter run a mechanism goes over its whole prior: its log evidence "
        f"differs by at most {far:.1f}, with a numerical SD of up to "
        f"{evidence['whole_prior_error'].max():.1f}."
    )


def _agreement(result: Record) -> str:
    first, second = result["predictive"], result["evidence"]
    if not (first["behind"] or second["behind"]):
        return "Neither verdict puts a mechanism clearly behind the best."
    if not result["disagreements"]:
        same = first["best"] == second["best"]
        best = "and put the same one first" if same else "though another one is first in each"
        return f"The two verdicts put the same mechanisms behind, {best}."
    parts = [
        f"{name} is behind in {'prediction' if name in first['behind'] else 'evidence'} only"
        for name in result["disagreements"]
    ]
    return (
        f"The two verdicts disagree: {'; '.join(parts)}. Evidence weighs all data at once against "
        "the whole prior, width of the strengths included; prediction asks only what the other "
        "trials say about one, and its standard error is large among few trials. Neither "
        "overrules the other."
    )
