"""Where the prior of a bisphosphonate's potency is centred when no source gives it.

Zoledronate has a published half-effect dose rate. A drug without one is centred so that its
usual regimen gives, in the first year, the same mean uptake by osteoclasts in units of its
half-effect uptake as zoledronate's does: the usual doses are taken to be about equally
effective. The centre is wide, and potency is left to the fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np

from bonecycle.biology import catalogue
from bonecycle.biology.compose import compose
from bonecycle.biology.dosing import Dosing, with_regimen
from bonecycle.biology.regimens import parse_regimen
from bonecycle.engines.roadrunner import RoadRunnerEngine
from bonecycle.errors import SimulationError

REFERENCE = "zoledronate"
REFERENCE_DOSE = "5 mg zoledronate"
# Licensed regimens, as in the studies and the evidence.
REGIMENS: Mapping[str, str] = {
    "alendronate": "alendronate 10 mg oral every 1 day",
    "clodronate": "clodronate 1600 mg oral every 1 day",
    "pamidronate": "pamidronate 90 mg iv every 1 month",
    "risedronate": "risedronate 5 mg oral every 1 day",
}
# Written with two digits.
_SETTLED = 1e-4
_ROUNDS = 20
_TIMES = np.linspace(0.0, 365.0, 366)


def centre(drug: str, parameters: dict[str, float]) -> tuple[float, float]:
    """Half-effect release of a drug (mg/d) and the relative uptake that it shares.

    Parameters
    ----------
    drug
        A name of `REGIMENS`.
    parameters
        Natural values of the drug and of zoledronate by name; the others keep their centre.

    Returns
    -------
    tuple of float
        The half-effect release, and the mean uptake per half-effect release (dimensionless).

    Raises
    ------
    SimulationError
        When the parameters allow no simulation, or the half-effect release does not settle.
    """
    relative = _mean_uptake(f"{REFERENCE} 5 mg iv every 1 year", parameters)
    relative /= _half_effect(REFERENCE)
    name = f"{drug}_half_effect_release"
    found = _half_effect(drug)
    # Uptake depends a little on the effect, through turnover: a few rounds settle it.
    for _ in range(_ROUNDS):
        before = found
        found = _mean_uptake(REGIMENS[drug], parameters | {name: found}) / relative
        if abs(found - before) <= _SETTLED * before:
            return found, relative
    remedy = f"the half-effect release did not settle in {_ROUNDS} rounds: check the uptake"
    raise SimulationError("cycle", REGIMENS[drug], parameters | {name: found}, remedy)


def _mean_uptake(regimen: str, parameters: dict[str, float]) -> float:
    """Mean uptake of the first year at untreated resorption, mg/d."""
    drug = regimen.partition(" ")[0]
    engine = _engine(drug, regimen)
    values = {p.id: p.value for p in catalogue.drugs()[drug].parameters} | parameters
    batch = engine.simulate(np.array([[values[n] for n in engine.parameters]]), _TIMES.tolist())
    if not batch.ok.all():
        raise SimulationError("cycle", regimen, dict(parameters), batch.messages[0])
    return float(np.trapezoid(batch.values[0, :, 0], _TIMES) / _TIMES[-1])


@cache
def _engine(drug: str, regimen: str) -> RoadRunnerEngine:
    dosed = with_regimen(
        compose("cycle", (drug,)), parse_regimen(f"{regimen} for 1 year"), Dosing.AVERAGED
    )
    names = tuple(p.id for p in catalogue.drugs()[drug].parameters)
    return RoadRunnerEngine(dosed.sbml, names, (f"{drug}_exposure",), arm=regimen)


def _half_effect(drug: str) -> float:
    values = {p.id: p.value for p in catalogue.drugs()[drug].parameters}
    return values[f"{drug}_half_effect_release"]
