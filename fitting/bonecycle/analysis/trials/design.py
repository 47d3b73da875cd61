"""What a trial is: arms, times, hazards, who enters; in plain values that check themselves."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from bonecycle.errors import UsageError


class Event(StrEnum):
    """What happens to a patient; hazards are given for each."""

    BONE = "bone"
    NON_SKELETAL = "non_skeletal"
    DEATH = "death"


class Endpoint(StrEnum):
    """What a trial counts: first bone, first non-skeletal or first distant metastasis, death."""

    BONE = "bone"
    NON_SKELETAL = "non_skeletal"
    DISTANT = "distant"
    DEATH = "death"


class Window(StrEnum):
    """Period over which events are counted, per patient.

    `AFTER` compares those who reached the end of medication without the event: their arms are
    no longer as randomised.
    """

    TOTAL = "total"
    MEDICATION = "medication"
    AFTER = "after"


@dataclass(frozen=True)
class Stratum:
    """A kind of patient.

    Attributes
    ----------
    share_control, share_treated : float
        Share of each arm; unequal shares are a baseline imbalance.
    hazard_factor : float
        On the hazards of bone and of non-skeletal metastasis.
    effect_factor : float
        On the log hazard ratios of the drug.
    event_factor : dict of Event to float
        Further, on the hazard of an event, such as of bone with turnover.
    ratio_on, ratio_after : dict of Event to float
        Hazard ratios instead of the design's.
    """

    name: str
    share_control: float
    share_treated: float
    hazard_factor: float = 1.0
    effect_factor: float = 1.0
    event_factor: dict[Event, float] = field(default_factory=dict)
    ratio_on: dict[Event, float] = field(default_factory=dict)
    ratio_after: dict[Event, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Design:
    """A two-arm trial and the truth about its patients.

    Attributes
    ----------
    control, treated : int
        Patients of each arm.
    accrual_months, follow_up_months, medication_months : float
        Patients enter evenly over the accrual; the trial closes `follow_up_months` after its
        first patient; the drug is taken for `medication_months` from entry.
    hazards : dict of Event to float
        Per year, untreated, constant; that of death is without metastasis.
    death_after_metastasis : float
        Further hazard of death from the first metastasis on, per year.
    ratio_on, ratio_after : dict of Event to float
        Hazard ratios of a patient who takes the drug, during and after medication.
    adherence : float
        Share of the treated arm that takes the drug; the others are as untreated.
    effect_log_sd : float
        SD between patients of the log of the log hazard ratio, such as from absorption.
    strata : tuple of Stratum
        Empty for patients all alike.

    Raises
    ------
    UsageError
        With all faults, one a line.
    """

    name: str
    control: int
    treated: int
    accrual_months: float
    follow_up_months: float
    medication_months: float
    hazards: dict[Event, float]
    death_after_metastasis: float = 0.0
    ratio_on: dict[Event, float] = field(default_factory=dict)
    ratio_after: dict[Event, float] = field(default_factory=dict)
    adherence: float = 1.0
    effect_log_sd: float = 0.0
    strata: tuple[Stratum, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be a trial, all faults at once."""
        if faults := list(design_faults(self)):
            raise UsageError("\n".join(f"Trial {self.name}: {fault}" for fault in faults))


def design_faults(design: Design) -> Iterator[str]:
    """Yield what is wrong with a design, each with what to do."""
    for arm, size in (("control", design.control), ("treated", design.treated)):
        if size < 1:
            yield f"{size} patients in the {arm} arm - give one or more."
    times = {
        "accrual": design.accrual_months,
        "follow-up": design.follow_up_months,
        "medication": design.medication_months,
    }
    for name, months in times.items():
        if not (math.isfinite(months) and months >= 0):
            yield f"{name} of {months:g} months - give zero or more."
    if design.follow_up_months == 0:
        yield "follow-up of 0 months - patients must be followed."
    if design.follow_up_months < design.accrual_months:
        yield (
            f"follow-up of {design.follow_up_months:g} months is shorter than accrual of "
            f"{design.accrual_months:g} - the trial closes that long after its first patient."
        )
    rates = [(f"hazard of {e}", v) for e, v in design.hazards.items()]
    rates += [("hazard of death after metastasis", design.death_after_metastasis)]
    rates += [("SD of the effect", design.effect_log_sd)]
    for name, value in rates:
        if not (math.isfinite(value) and value >= 0):
            yield f"{name} of {value:g} - give zero or more."
    if missing := [event for event in Event if event not in design.hazards]:
        yield f"no hazard of {', '.join(missing)} - give each, zero for none."
    yield from _ratio_faults(design, "")
    if not 0 <= design.adherence <= 1:
        yield f"adherence of {design.adherence:g} - give a share from 0 to 1."
    yield from _stratum_faults(design.strata)


def _ratio_faults(kind: Design | Stratum, whose: str) -> Iterator[str]:
    for period, ratios in (("on", kind.ratio_on), ("after", kind.ratio_after)):
        for event, value in ratios.items():
            if not (math.isfinite(value) and value > 0):
                yield (
                    f"{whose}hazard ratio of {event} {period} medication is {value:g} - "
                    "give above 0."
                )


def _stratum_faults(strata: tuple[Stratum, ...]) -> Iterator[str]:
    for one in strata:
        factors = {
            name: getattr(one, name) for name in ("share_control", "share_treated", "hazard_factor")
        } | {f"factor of {event}": value for event, value in one.event_factor.items()}
        for name, value in factors.items():
            if not (math.isfinite(value) and value >= 0):
                yield f"stratum {one.name}: {name} of {value:g} - give zero or more."
        if not math.isfinite(one.effect_factor):
            yield f"stratum {one.name}: effect_factor is no number - give one."
        yield from _ratio_faults(one, f"stratum {one.name}: ")
    for arm in ("share_control", "share_treated"):
        total = sum(getattr(one, arm) for one in strata)
        if strata and not math.isclose(total, 1, abs_tol=1e-6):
            yield f"strata: {arm} adds up to {total:g} - make it 1."
