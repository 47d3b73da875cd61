"""The tables of a PEtab problem, versions 1 and 2."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from bonecycle.biology.regimens import Regimen
from bonecycle.biology.tables import Parameter, Scale
from bonecycle.exchange.petab_model import LOGIT, UNTREATED, arm_switch
from bonecycle.problem.targets import Target

Rows = list[dict[str, object]]
# Bounds in prior SDs, those of our own fits.
_BOUND_SDS = 5.0


class Version(IntEnum):
    """Versions of PEtab."""

    V1 = 1
    V2 = 2


@dataclass(frozen=True)
class Names:
    """Ids in PEtab of what the measurements need, in the letters that it takes.

    An observable is a variable, as a ratio or not, with one error: PEtab gives an observable one
    noise formula. A condition is an arm of a study.
    """

    observables: dict[tuple[str, bool, float], str]
    conditions: dict[tuple[str, str], str]

    @classmethod
    def of(cls, targets: Iterable[Target]) -> Names:
        """Name what some targets need."""
        names = cls({}, {})
        for target in targets:
            key = _observable(target)
            same = sum(other[:2] == key[:2] for other in names.observables)
            kind = "ratio" if target.is_ratio else "value"
            names.observables.setdefault(key, f"{key[0]}_{kind}_{same + 1}")
            arm = (target.study, target.arm)
            plain = re.sub("[^A-Za-z0-9]", "_", "__".join(arm))
            plain = f"arm_{plain}" if plain[0].isdigit() else plain
            while arm not in names.conditions and plain in names.conditions.values():
                plain += "_"
            names.conditions.setdefault(arm, plain)
        return names

    def observable(self, target: Target) -> str:
        """Id of the observable of a target."""
        return self.observables[_observable(target)]

    def condition(self, target: Target) -> str:
        """Id of the condition of a target."""
        return self.conditions[target.study, target.arm]


def _observable(target: Target) -> tuple[str, bool, float]:
    return target.observation.variable, target.is_ratio, target.log_sd


def measurement_tables(
    targets: Sequence[Target], regimens: Sequence[Regimen], names: Names, version: Version
) -> dict[str, Rows]:
    """Observables, conditions, experiments (version 2) and measurements, by file name."""
    switched = {
        names.condition(target): {
            arm_switch(place): float(regimen == target.regimen)
            for place, regimen in enumerate(regimens)
        }
        for target in targets
    }
    titles = {names.condition(target): str(target.regimen) for target in targets}
    noise = {"observableTransformation": "log", "noiseDistribution": "normal"}
    if version is Version.V2:
        noise = {"noiseDistribution": "log-normal"}
    tables: dict[str, Rows] = {
        "observables.tsv": [
            {
                "observableId": name,
                "observableFormula": f"{variable} / {variable}{UNTREATED}" if ratio else variable,
                "noiseFormula": repr(sd),
                **noise,
            }
            for (variable, ratio, sd), name in names.observables.items()
        ]
    }
    if version is Version.V1:
        tables["conditions.tsv"] = [
            {"conditionId": arm, "conditionName": titles[arm], **values}
            for arm, values in switched.items()
        ]
    else:
        tables["conditions.tsv"] = [
            {"conditionId": arm, "targetId": switch, "targetValue": value}
            for arm, values in switched.items()
            for switch, value in values.items()
        ]
        tables["experiments.tsv"] = [
            {
                "experimentId": _experiment(arm),
                "time": 0.0,
                "conditionId": arm if regimens else "",
            }
            for arm in switched
        ]
    tables["measurements.tsv"] = [_measurement(target, names, version) for target in targets]
    return tables


def _measurement(target: Target, names: Names, version: Version) -> dict[str, object]:
    condition = names.condition(target)
    where = {"simulationConditionId": condition}
    if version is Version.V2:
        where = {"experimentId": _experiment(condition)}
    return {
        "observableId": names.observable(target),
        **where,
        "time": repr(target.time_days),
        "measurement": repr(target.value),
    }


def _experiment(condition: str) -> str:
    return f"{condition}_course"


def parameter_table(parameters: Iterable[Parameter], version: Version) -> Rows:
    """Free parameters with bounds and priors; a share stands there as its logit."""
    table: Rows = []
    for parameter in parameters:
        is_log = parameter.scale is Scale.LOG
        center = np.log(parameter.value)
        if not is_log:
            center -= np.log1p(-parameter.value)
        sd = float(parameter.prior_sd or np.nan)
        low, high = center - _BOUND_SDS * sd, center + _BOUND_SDS * sd
        nominal = parameter.value if is_log else center
        prior = f"{float(center)!r};{sd!r}"
        row: dict[str, object] = {
            "parameterId": parameter.id if is_log else f"{parameter.id}{LOGIT}",
            "lowerBound": repr(float(np.exp(low) if is_log else low)),
            "upperBound": repr(float(np.exp(high) if is_log else high)),
            "nominalValue": repr(float(nominal)),
        }
        if version is Version.V1:
            row |= {
                "parameterScale": "log" if is_log else "lin",
                "estimate": 1,
                "objectivePriorType": "parameterScaleNormal",
                "objectivePriorParameters": prior,
            }
        else:
            row |= {
                "estimate": "true",
                "priorDistribution": "log-normal" if is_log else "normal",
                "priorParameters": prior,
            }
        table.append(row)
    return table
