"""The setting of a problem with metastasis: counts of the clodronate trials, by mechanism.

Each count of events is compared with the share of patients that the model gives its arm at the
median follow-up. The hazard ratio that is withheld stays out with its counts, unless the encoding
asks for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing, with_regimen
from bonecycle.biology.regimens import DAYS_PER_MONTH, Regimen, parse_regimen
from bonecycle.biology.tables import read_rows
from bonecycle.engines.choice import EngineName, make_engine
from bonecycle.engines.interface import Engine, Floats
from bonecycle.errors import unknown
from bonecycle.manifest import content_hash
from bonecycle.problem.arms import Setting, make_arm
from bonecycle.problem.space import Space
from bonecycle.problem.spec import ProblemSpec
from bonecycle.problem.targets import Target
from bonecycle.studies.error_model import DEFAULT_ENCODING
from bonecycle.studies.schema import Comparison, Observation, Reference, Role, Unit

MODEL = "metastasis"
"""What `ProblemSpec.model` says for such a problem."""
MECHANISMS = {
    "indirect": {"indirect_effect": 1.0, "direct_effect": 0.0},
    "direct": {"indirect_effect": 0.0, "direct_effect": 1.0},
    "both": {"indirect_effect": 1.0, "direct_effect": 1.0},
}
"""Switches by mechanism: through growth factors, on tumour cells and macrophages, or both."""
ENCODINGS = ("withheld", "all")
"""Without the hazard ratio that is predicted, or with it."""
TRIALS = "metastasis_trials.csv"
CLODRONATE = "clodronate 1600 mg oral every 1 day for 24 months"
"""The regimen of the trials that are fitted."""
OUTPUTS = {
    "bone": "risk_bone",
    "non_skeletal": "risk_other",
    "distant": "risk_distant",
    "death": "risk_death",
}
"""Observable by endpoint."""
ARMS = ("control", "treated")
_DRUG = "clodronate"
# Of the cycle and the drug, what says how far clodronate lowers resorption.
_OF_THE_DRUG = (
    "bisphosphonate_max_inhibition",
    "bisphosphonate_hill",
    "clodronate_half_effect_release",
)
_ONLY_WITH = {
    "growth_factor_share": "indirect_effect",
    "direct_strength": "direct_effect",
    "outside_reach": "direct_effect",
}


@dataclass(frozen=True)
class _Count:
    """Events of one arm: the row of the table, and what they are of."""

    row: int
    trial: str
    endpoint: str
    arm: str
    month: float
    events: int
    patients: int
    source: str
    place: str
    note: str

    @property
    def log_variance(self) -> float:
        """Variance of the log of the share, binomial."""
        return (1 - self.events / self.patients) / self.events


def metastasis_setting(spec: ProblemSpec) -> Setting:
    """Set up the counts of the trials under a mechanism.

    Raises
    ------
    UsageError
        For an unknown mechanism or encoding.
    """
    if spec.mechanism not in MECHANISMS:
        raise unknown("mechanism of metastasis", spec.mechanism, MECHANISMS)
    encoding = ENCODINGS[0] if spec.encoding == DEFAULT_ENCODING else spec.encoding
    if encoding not in ENCODINGS:
        raise unknown("encoding", encoding, ENCODINGS)
    counts = _counts(("fitted",) if encoding == "withheld" else ("fitted", "withheld"))
    targets = tuple(_target(count, spec.error_scale) for count in counts)
    switches = MECHANISMS[spec.mechanism]
    model = compose(MODEL, (_DRUG,))
    space = trial_space(spec.mechanism)
    names = (*trial_space("both").names, *switches, "marrow_positive")
    arms, notices = [], []
    for trial, arm in dict.fromkeys((count.trial, count.arm) for count in counts):
        chosen = [
            (i, target)
            for i, (target, count) in enumerate(zip(targets, counts, strict=True))
            if (count.trial, count.arm) == (trial, arm)
        ]
        engine, notice = load_engine(spec.engine, names, arm_regimen(arm), tuple(OUTPUTS.values()))
        notices += [notice] if notice else []
        own = {p.id: p.value for p in model.parameters.values()} | switches
        own["marrow_positive"] = float(trial == "diel")
        reads = [target.observation.variable for _, target in chosen]
        arms.append(make_arm(engine, own, space.names, chosen, reads, [False] * len(chosen)))
    hashes = {
        "model": model.hash,
        "data": content_hash((files("bonecycle_data") / TRIALS).read_bytes()),
        "encoding": content_hash(encoding),
        "mechanism": content_hash(repr(switches)),
        "priors": content_hash(repr(space.parameters)),
    }
    covariance = spec.error_scale**2 * _error_covariance(counts)
    return Setting(
        targets, (), space, model.parameters, covariance, tuple(arms), hashes, tuple(notices)
    )


def trial_space(mechanism: str) -> Space:
    """Free what the mechanism uses: tumour, hazards, and how far the drug lowers resorption."""
    switches = MECHANISMS[mechanism]
    of_cycle = compose("cycle", (_DRUG,)).parameters
    return Space(
        tuple(
            p
            for name, p in compose(MODEL, (_DRUG,)).parameters.items()
            if p.fitted
            and (name not in of_cycle or name in _OF_THE_DRUG)
            and (name not in _ONLY_WITH or switches[_ONLY_WITH[name]])
        )
    )


def arm_regimen(arm: str) -> Regimen:
    """Regimen of an arm of the trials."""
    return parse_regimen(CLODRONATE) if arm == "treated" else Regimen.untreated()


@cache
def load_engine(
    name: EngineName, parameters: tuple[str, ...], regimen: Regimen, outputs: tuple[str, ...]
) -> tuple[Engine, str]:
    """Load a regimen once per process: mechanisms, trials and encodings share it."""
    # Untreated patients are simulated with the drug's equations too, so that parameters agree.
    model = compose(MODEL, regimen.drugs or (_DRUG,))
    if regimen.treatments:
        model = with_regimen(model, regimen, Dosing.AVERAGED)
    return make_engine(name, model.sbml, parameters, outputs, MODEL, str(regimen))


def _counts(roles: Sequence[str]) -> list[_Count]:
    path = files("bonecycle_data") / TRIALS
    return [
        _Count(
            row=number,
            trial=row["trial"],
            endpoint=row["endpoint"],
            arm=arm,
            month=float(row["month"]),
            events=int(row[f"{arm}_events"]),
            patients=int(row[f"{arm}_n"]),
            source=row["source"],
            place=row["place"],
            note=row["note"],
        )
        for number, row in enumerate(read_rows(path), start=2)
        if row["role"] in roles
        for arm in ARMS
    ]


def _target(count: _Count, error_scale: float) -> Target:
    value = 100 * count.events / count.patients
    observation = Observation(
        file=TRIALS,
        row=count.row,
        study=count.trial,
        doi="",
        pmid="",
        arm=count.arm,
        regimen=arm_regimen(count.arm),
        role=Role.FITTED,
        site=count.endpoint,
        time_months=count.month,
        variable=OUTPUTS[count.endpoint],
        comparison=Comparison.EQUAL,
        value=value,
        unit=Unit.PERCENT,
        reference=Reference.NONE,
        lower=None,
        upper=None,
        interval="",
        n=str(count.patients),
        source_place=count.place,
        note=count.note,
    )
    log_sd = error_scale * float(np.sqrt(count.log_variance))
    days = count.month * DAYS_PER_MONTH
    return Target(count.trial, count.trial, count.arm, observation, days, value, log_sd, True)


def _error_covariance(counts: Sequence[_Count]) -> Floats:
    """Covariance of log errors: binomial; a later count of one endpoint holds the earlier one."""
    covariance = np.diag([count.log_variance for count in counts])
    for i, first in enumerate(counts):
        for j, second in enumerate(counts):
            same = (first.trial, first.arm, first.endpoint) == (
                second.trial,
                second.arm,
                second.endpoint,
            )
            if i != j and same:
                later = max((first, second), key=lambda count: count.month)
                covariance[i, j] = later.log_variance
    return covariance
