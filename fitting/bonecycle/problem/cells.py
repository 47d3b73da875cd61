"""The setting of a problem with the route: published facts about cells, under a rule of fusion.

Facts from bone are read off the route at rest, facts from a dish off the culture. So the two
facts about fusion keep their denominators: events of fusion in the dish, osteoclasts in bone.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import numpy as np

from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.regimens import DAYS_PER_MONTH, Regimen
from bonecycle.biology.tables import Parameter, read_rows
from bonecycle.engines.choice import EngineName, make_engine
from bonecycle.engines.interface import Engine
from bonecycle.errors import unknown
from bonecycle.manifest import content_hash
from bonecycle.problem.arms import Arm, Setting, make_arm
from bonecycle.problem.space import Space
from bonecycle.problem.spec import ProblemSpec
from bonecycle.problem.targets import Target
from bonecycle.studies.error_model import DEFAULT_ENCODING
from bonecycle.studies.schema import Comparison, Observation, Reference, Role, Unit

MODEL = "route"
"""What `ProblemSpec.model` says for such a problem; its mechanism is a rule of fusion."""
ENCODINGS = ("printed", "complement")
"""Readings of the share of fusion events: as printed, or as what is left of 100 %."""
_FACTS = "cells.csv"
_MODELS = ("route", "culture")


def cells_setting(spec: ProblemSpec) -> Setting:
    """Set up the facts about cells under the rule of fusion that the mechanism names.

    Raises
    ------
    UsageError
        For an unknown rule or encoding.
    """
    rules = catalogue.fusion_rules()
    if spec.mechanism not in rules:
        raise unknown("rule of fusion", spec.mechanism, rules)
    path = files("bonecycle_data") / _FACTS
    # The default of a spec names a reading of biopsies, of which there are none here.
    encoding = ENCODINGS[0] if spec.encoding == DEFAULT_ENCODING else spec.encoding
    if encoding not in ENCODINGS:
        raise unknown("encoding", encoding, ENCODINGS)
    rows = [row for row in read_rows(path) if row["encoding"] in ("", encoding)]
    targets = tuple(_targets(rows, spec.error_scale))
    models = {name: compose(name) for name in _MODELS}
    known: dict[str, Parameter] = {}
    for model in models.values():
        known |= model.parameters
    space = Space(tuple(p for p in known.values() if p.fitted))
    values = {p.id: p.value for p in known.values()} | rules[spec.mechanism].switches
    arms, notices = [], []
    for name in _MODELS:
        chosen = [(i, t) for i, (t, row) in enumerate(zip(targets, rows, strict=True))
                  if row["model"] == name]  # fmt: skip
        outputs = tuple(sorted({target.observation.variable for _, target in chosen}))
        engine, notice = _load(spec.engine, name, space.names, outputs)
        notices += [notice] if notice else []
        arms.append(_arm(engine, values, space, chosen))
    hashes = {
        "model": content_hash(*(model.hash for model in models.values())),
        "data": content_hash(path.read_bytes()),
        "encoding": content_hash(encoding),
        "rule": content_hash(repr(rules[spec.mechanism])),
        "priors": content_hash(repr(space.parameters)),
    }
    covariance = np.diag([target.log_sd**2 for target in targets])
    return Setting(targets, (), space, known, covariance, tuple(arms), hashes, tuple(notices))


def _arm(
    engine: Engine, values: dict[str, float], space: Space, chosen: list[tuple[int, Target]]
) -> Arm:
    reads = [target.observation.variable for _, target in chosen]
    return make_arm(engine, values, space.names, chosen, reads, [False] * len(chosen))


@cache
def _load(
    engine: EngineName, name: str, free: tuple[str, ...], outputs: tuple[str, ...]
) -> tuple[Engine, str]:
    """Load a model once per process: the rules share it, their switches are parameters."""
    model = compose(name)
    switches = next(iter(catalogue.fusion_rules().values())).switches
    names = tuple(p for p in model.parameters if p in free or p in switches)
    return make_engine(engine, model.sbml, names, outputs, name, "untreated")


def _targets(rows: list[dict[str, str]], error_scale: float) -> Iterator[Target]:
    for number, row in enumerate(rows, start=2):
        days = float(row["day"])
        observation = Observation(
            file=_FACTS,
            row=number,
            study=row["fact"],
            doi="",
            pmid="",
            arm=row["model"],
            regimen=Regimen.untreated(),
            role=Role.FITTED,
            site=row["denominator"],
            time_months=days / DAYS_PER_MONTH,
            variable=row["observable"],
            comparison=Comparison(row["comparison"]),
            value=float(row["value"]),
            unit=Unit.ONE,
            reference=Reference.NONE,
            lower=None,
            upper=None,
            interval="",
            n="",
            source_place=row["place"],
            note=row["reason"],
        )
        log_sd = error_scale * float(row["log_sd"])
        fact, value = row["fact"], float(row["value"])
        yield Target(fact, fact, row["model"], observation, days, value, log_sd, True)
