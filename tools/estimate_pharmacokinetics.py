"""Estimate what no source gives of a drug, against its published pharmacokinetics.

Usage: python tools/estimate_pharmacokinetics.py [DRUG...]

Rewrites, in the drug's own file, the rows with the status `estimated` (value, log SD, where they
come from) and the centres of potency that rest on zoledronate's. Each estimate starts
at the value of ibandronate, the one bisphosphonate with a published model of all compartments,
with a wide prior around it. A published number counts by its limits: half of their distance on
the log scale is one SD. The log SD written is that of the posterior, from the curvature at the
best point. Nothing is drawn at random: run again, it writes the same files.
"""

import csv
import io
import math
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.special import log_ndtr

from bonecycle.analysis import pharmacokinetics, potency
from bonecycle.analysis.pharmacokinetics import Role
from bonecycle.biology import catalogue
from bonecycle.biology.tables import COLUMNS
from bonecycle.errors import BonecycleError, UsageError, unknown
from bonecycle.manifest import atomic_write

FOLDER = Path(__file__).resolve().parent.parent / "data" / "bonecycle_data" / "drugs"
START = "ibandronate"
# Log SD of the priors. Affinity to bone differs by far more than volumes and clearances.
PRIOR_SD = {"desorption_time": 3.0}
USUAL_PRIOR_SD = 1.0
# An open end (at least, more than) is a probit term of this width on the log scale.
OPEN_SD = 0.25
SMALLEST_SD = 0.1
ORIGIN = {
    "source": "pharmacokinetics.csv",
    "place": "rows of the drug with role estimation, by tools/estimate_pharmacokinetics.py",
    "note": f"Log SD of the posterior, at least {SMALLEST_SD:g}",
}
# What limits the estimates of one drug.
LIMITS = {
    "alendronate": (
        "; too narrow: four numbers of 10 mg iv, 0-72 h (Cocquyt urine, Porras retention, MIMS "
        "bone and kidney) count as independent"
    )
}
# Potency moves the third digit only: a few rounds are enough.
MOST_ROUNDS = 20

Floats = NDArray[np.float64]
Rows = dict[str, dict[str, str]]


def residual(model: float, lower: float, upper: float) -> float:
    """Deviation from the middle of the limits in SDs; for one limit, the root of its deviance."""
    if not model > 0:
        return 1e3
    if math.isnan(upper):
        return -math.sqrt(-2 * float(log_ndtr(math.log(model / lower) / OPEN_SD)))
    middle, sd = math.log(upper * lower) / 2, math.log(upper / lower) / 2
    return (math.log(model) - middle) / sd


def estimate(drug: str, known: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Value and log SD of every estimated parameter of a drug, by its id in the model.

    `known` holds the other parameters by id.
    """
    table = catalogue.drugs()[drug].parameters
    names = [p.id for p in table if p.status == "estimated"]
    if not names:
        return {}
    short = [name.removeprefix(f"{drug}_") for name in names]
    centre = {p.id.removeprefix(f"{START}_"): p.value for p in catalogue.drugs()[START].parameters}
    start = np.log([centre[name] for name in short])
    prior_sd = np.array([PRIOR_SD.get(name, USUAL_PRIOR_SD) for name in short])
    said = [f for f in pharmacokinetics.facts() if f.drug == drug and f.role is Role.ESTIMATION]

    def deviations(x: Floats) -> Floats:
        values = known | dict(zip(names, np.exp(x).tolist(), strict=True))
        found = [residual(pharmacokinetics.predict(f, values), f.lower, f.upper) for f in said]
        return np.concatenate([found, (x - start) / prior_sd])

    steps = np.full(len(start), 1e-4)
    fit = least_squares(deviations, start, x_scale=prior_sd, diff_step=steps)
    slopes = np.asarray(fit.jac, dtype=np.float64)
    spread = np.sqrt(np.diag(np.linalg.inv(slopes.T @ slopes)))
    return {
        name: (math.exp(x), max(float(sd), SMALLEST_SD))
        for name, x, sd in zip(names, fit.x, spread, strict=True)
    }


def rows_of_estimates(drug: str, found: dict[str, tuple[float, float]]) -> Rows:
    """What changes in the drug's file, by the row's id."""
    origin = ORIGIN | {"note": ORIGIN["note"] + LIMITS.get(drug, "")}
    return {
        name.removeprefix(f"{drug}_"): {"value": f"{value:.4g}", "prior_sd": f"{sd:.2g}"} | origin
        for name, (value, sd) in found.items()
    }


def row_of_potency(drug: str, parameters: dict[str, float]) -> Rows:
    """The centre of the half-effect release, where it rests on zoledronate's."""
    if drug not in potency.REGIMENS:
        return {}
    centre, uptake = potency.centre(drug, parameters)
    note = (
        "Potency is left to the fit. Centre, by tools/estimate_pharmacokinetics.py: "
        f"{potency.REGIMENS[drug].partition(' ')[2]} and {potency.REFERENCE_DOSE} have the same "
        f"mean uptake in the first year per half-effect uptake ({uptake:.3g}); log SD 1"
    )
    return {"half_effect_release": {"value": f"{centre:.2g}", "note": note}}


def rewrite(drug: str, changes: Rows) -> None:
    """Change rows of the drug's file; every other row stays as it is."""
    path = FOLDER / catalogue.drugs()[drug].module / f"{drug}.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row | changes.get(row["id"], {}) for row in rows)
    atomic_write(path, text.getvalue())


def revise(drugs: list[str], known: dict[str, float]) -> dict[str, Rows]:
    """One round: estimates first, then the potencies that follow from them."""
    changes = {drug: rows_of_estimates(drug, estimate(drug, known)) for drug in drugs}
    parameters = known | values_of(changes)
    for drug, rows in changes.items():
        rows |= row_of_potency(drug, parameters)
    return changes


def values_of(changes: dict[str, Rows]) -> dict[str, float]:
    """Values as written, by id in the model."""
    return {
        f"{drug}_{name}": float(row["value"])
        for drug, rows in changes.items()
        for name, row in rows.items()
    }


def main(drugs: list[str]) -> None:
    """Estimate and rewrite the given drugs, or all."""
    for drug in drugs:
        if drug not in catalogue.drugs():
            raise unknown("drug", drug, catalogue.drugs())
    known = {p.id: p.value for drug in catalogue.drugs().values() for p in drug.parameters}
    # Potency acts back on urine through turnover, in the third digit: repeat until it is quiet.
    for _ in range(MOST_ROUNDS):
        changes = revise(drugs or list(catalogue.drugs()), known)
        found = known | values_of(changes)
        if found == known:
            break
        known = found
    else:
        raise UsageError(f"The estimates did not settle in {MOST_ROUNDS} rounds: nothing written.")
    for drug, rows in changes.items():
        rewrite(drug, rows)
        for name, row in rows.items():
            sd = f" (log SD {row['prior_sd']})" if "prior_sd" in row else ""
            print(f"{drug} {name} {row['value']}{sd}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except BonecycleError as error:
        sys.exit(str(error))
