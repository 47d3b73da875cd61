"""Estimate what no source gives of a drug, against its published pharmacokinetics.

Usage: python tools/estimate_pharmacokinetics.py [DRUG...]

Only rows with the status `estimated` are estimated and rewritten, in the drug's own file. Each
starts at the value of ibandronate, the one bisphosphonate with a published model of all
compartments, with a wide prior around it. A published number counts by its limits: half of
their distance on the log scale is one SD. The SD written is that of the posterior (Laplace).
"""

import csv
import io
import math
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from bonecycle.analysis import pharmacokinetics
from bonecycle.biology import catalogue
from bonecycle.biology.tables import COLUMNS

FOLDER = Path(__file__).resolve().parent.parent / "data" / "bonecycle_data" / "drugs"
START = "ibandronate"
# Log SD of the priors. Affinity to bone differs by far more than volumes and clearances.
PRIOR_SD = {"desorption_time": 3.0}
USUAL_PRIOR_SD = 1.0
# An open end (at least, more than) costs only when missed, with this log SD.
OPEN_SD = 0.25
SMALLEST_SD = 0.1

Floats = NDArray[np.float64]


def residual(model: float, lower: float, upper: float) -> float:
    """Deviation from the middle of the limits in SDs; of one limit, by how much it is missed."""
    if not model > 0:
        return 1e3
    if math.isnan(upper):
        return min(0.0, math.log(model / lower) / OPEN_SD)
    middle, sd = math.log(upper * lower) / 2, math.log(upper / lower) / 2
    return (math.log(model) - middle) / sd


def estimate(drug: str) -> dict[str, tuple[float, float]]:
    """Value and log SD of every estimated parameter of a drug, by its id in the file."""
    table = catalogue.drugs()[drug].parameters
    names = [p.id for p in table if p.status == "estimated"]
    if not names:
        return {}
    short = [name.removeprefix(f"{drug}_") for name in names]
    centre = {p.id.removeprefix(f"{START}_"): p.value for p in catalogue.drugs()[START].parameters}
    start = np.log([centre[name] for name in short])
    prior_sd = np.array([PRIOR_SD.get(name, USUAL_PRIOR_SD) for name in short])
    said = [f for f in pharmacokinetics.facts() if f.drug == drug and f.in_estimation]

    def deviations(x: Floats) -> Floats:
        values = dict(zip(names, np.exp(x).tolist(), strict=True))
        found = [residual(pharmacokinetics.predict(f, values), f.lower, f.upper) for f in said]
        return np.concatenate([found, (x - start) / prior_sd])

    steps = np.full(len(start), 1e-4)
    fit = least_squares(deviations, start, x_scale=prior_sd, diff_step=steps)
    slopes = np.asarray(fit.jac, dtype=np.float64)
    spread = np.sqrt(np.diag(np.linalg.inv(slopes.T @ slopes)))
    return {
        name: (math.exp(x), max(float(sd), SMALLEST_SD))
        for name, x, sd in zip(short, fit.x, spread, strict=True)
    }


def rewrite(drug: str, found: dict[str, tuple[float, float]]) -> None:
    """Write values and SDs into the drug's file; every other row stays as it is."""
    path = FOLDER / catalogue.drugs()[drug].module / f"{drug}.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    for row in rows:
        if row["id"] in found:
            value, sd = found[row["id"]]
            row["value"], row["prior_sd"] = f"{value:.4g}", f"{sd:.2g}"
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def main(drugs: list[str]) -> None:
    """Estimate and rewrite the given drugs, or all."""
    for drug in drugs or list(catalogue.drugs()):
        found = estimate(drug)
        rewrite(drug, found)
        for name, (value, sd) in found.items():
            print(f"{drug} {name} {value:.4g} (log SD {sd:.2g})")


if __name__ == "__main__":
    main(sys.argv[1:])
