"""What `bonecycle biopsy` draws from: parameter sets by mechanism, and states of the bone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bonecycle.biology.regimens import Regimen
from bonecycle.engines.choice import EngineName
from bonecycle.errors import SimulationError

# pandas and numpy's users are slow to import: in the functions that need them.
if TYPE_CHECKING:
    import pandas as pd

    from bonecycle.analysis.draws import Draws
    from bonecycle.engines.interface import Floats

CENTRE = "prior centre"
# Compiling the kernel takes longer than so many simulations with roadrunner.
_COMPILE_ABOVE = 100

Points = dict[str, "pd.DataFrame"]
"""By mechanism, natural values by name, one row a set."""
States = dict[str, tuple[float, dict[str, dict[str, "Floats"]]]]
"""By arm: the month, and by mechanism the observables of every set that could be simulated."""


def points_at(fit: Path | None, draws: int, seed: int) -> Points:
    """The centre of the priors, or best points of a fit, each first, with draws about them."""
    import pandas as pd

    from bonecycle.inference.fitting.points import fitted_points

    return {CENTRE: pd.DataFrame(index=[0])} if fit is None else fitted_points(fit, draws, seed)


def points_of(chosen: Sequence[Draws], plan: Regimen) -> Points:
    """Draws of posteriors."""
    import pandas as pd

    from bonecycle.analysis.label_counts import read_counts
    from bonecycle.biology import catalogue

    asked = {*plan.drugs, *(drug for count in read_counts() for drug in count.regimen.drugs)}
    drugs = [name for name in catalogue.drugs() if name in asked]
    return {one.mechanism: pd.DataFrame(one.values(drugs)) for one in chosen}


def engine_for(points: Points) -> EngineName:
    """What simulates so many sets in the shortest time."""
    sets = sum(map(len, points.values()))
    return EngineName.KERNEL if sets > _COMPILE_ABOVE else EngineName.ROADRUNNER


def states_of(points: Points, plan: Regimen, month: float, *, best: bool) -> States:
    """Simulate every set, untreated and, where there is a treatment, treated.

    `best`: the first set of each mechanism is needed, the others are draws.
    """
    import numpy as np
    import pandas as pd

    from bonecycle.analysis.label_counts import predict_states

    together = pd.concat(list(points.values()), ignore_index=True)
    owners = np.repeat(list(points), [len(sets) for sets in points.values()])
    arms = {"untreated": (Regimen(()), 0.0)} | (
        {"treated": (plan, month)} if plan.treatments else {}
    )
    found: States = {}
    for arm, (given, time) in arms.items():
        state = predict_states(together, given, time, engine_for(points))
        ok = np.asarray(np.isfinite(np.stack(list(state.values()))).all(axis=0))
        for mechanism in points:
            if not (ok[owners == mechanism][0] if best else ok[owners == mechanism].any()):
                remedy = f"no set of {mechanism} that is needed could be simulated"
                raise SimulationError("cycle", str(given), {}, remedy)
        own = {
            mechanism: {name: values[ok & (owners == mechanism)] for name, values in state.items()}
            for mechanism in points
        }
        found[arm] = time, own
    return found


def draw(states: States, n: int, seed: int, *, best: bool) -> pd.DataFrame:
    """Biopsies of every arm and mechanism: at its best set, or each at a draw of its own."""
    import numpy as np
    import pandas as pd

    from bonecycle.analysis.virtual_biopsy import virtual_biopsies

    parts = []
    groups = [(arm, name) for arm, (_, own) in states.items() for name in own]
    alone = len({name for _, name in groups}) == 1
    seeds = np.random.SeedSequence(seed).spawn(len(groups))
    for (arm, mechanism), child in zip(groups, seeds, strict=True):
        month, own = states[arm]
        taken = {
            name: float(values[0]) if best else np.resize(values, n)
            for name, values in own[mechanism].items()
        }
        drawn = virtual_biopsies(taken, n, seed=child)
        group = arm if alone else f"{mechanism} {arm}"
        parts.append(drawn.assign(group=group, mechanism=mechanism, arm=arm, month=month))
    table = pd.concat(parts, ignore_index=True)
    first = ["mechanism", "arm", "month"]
    return table[[*first, *table.columns.drop(first)]]


def shares(states: States, seed: int, *, best: bool) -> pd.DataFrame:
    """Expected shares of biopsies with each finding, where a mechanism has draws."""
    import pandas as pd

    from bonecycle.analysis.label_shares import label_shares

    parts = []
    for arm, (month, own) in states.items():
        for mechanism, state in own.items():
            drawn = {name: values[int(best) :] for name, values in state.items()}
            if not len(drawn["MS_BS"]):
                continue
            # The same sections for all: one laboratory reads a trial.
            part = label_shares(drawn, seed)
            part.insert(0, "mechanism", mechanism)
            part.insert(1, "arm", arm)
            part.insert(2, "month", month)
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


def summaries(table: pd.DataFrame) -> pd.DataFrame:
    """Medians, zeros and missing values of every group, as a study reports them."""
    import pandas as pd

    from bonecycle.analysis.virtual_biopsy import summarize

    parts = []
    for group, own in table.groupby("group", sort=False):
        part = summarize(own)
        part.insert(0, "group", group)
        part.insert(1, "double_label", float((own["label"] == "double").mean()))
        part.insert(2, "any_label", float((own["label"] != "none").mean()))
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
