"""Write the templates of `bonecycle data template`: synthetic rows of the virtual biopsy.

Run ``python tools/own_template.py``; run again, it writes the same files.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from bonecycle.analysis.label_counts import predict_states
from bonecycle.analysis.virtual_biopsy import virtual_biopsies
from bonecycle.biology import catalogue
from bonecycle.biology.regimens import parse_regimen
from bonecycle.engines.choice import EngineName
from bonecycle.manifest import atomic_write

FOLDER = Path(__file__).parents[1] / "data" / "bonecycle_data" / "templates"
ARMS = {
    "control": "untreated",
    "alendronate": "alendronate 70 mg oral every 1 week for 24 months",
}
SEED, EACH, MONTH = 1, 5, 24
HEADS = {
    "ES_BS": "ES/BS (%)",
    "OS_BS": "OS/BS (%)",
    "MS_BS": "MS/BS (%)",
    "MAR": "MAR (um/d)",
    "O_Th": "O.Th (um)",
    "W_Th": "W.Th (um)",
    "Ac_f": "Ac.f (/yr)",
}
DIGITS = {"ES_BS": 2, "OS_BS": 2, "MS_BS": 2, "MAR": 2, "O_Th": 1, "W_Th": 1, "Ac_f": 3}
COMMENTS = """\
# study: EXAMPLE with synthetic numbers
# site: transiliac cancellous
# eroded surface includes osteoclasts: yes
# EVERY NUMBER BELOW IS SYNTHETIC (drawn by bonecycle's virtual biopsy): put your own in its place.
"""
BIOPSY_NOTES = """\
# One row a biopsy. Regimen: once for each arm. Month: since the start of the regimen.
# Leave a cell empty where nothing could be measured; write 0 where nothing was found, or <limit.
# Other names and units are understood (bonecycle data check). A column whose head begins with #
# is left out.
"""
SUMMARY_NOTES = """\
# One row a mean or a median. Spread: sd or se, or q1 and q3; n biopsies.
"""


def main() -> None:
    """Write both templates."""
    arms = [_arm(*item, seed) for seed, item in enumerate(ARMS.items(), start=SEED)]
    _write_biopsies(arms)
    _write_summary(arms)


def _arm(name: str, text: str, seed: int) -> pd.DataFrame:
    regimen = parse_regimen(text, catalogue.routes())
    state = predict_states(pd.DataFrame(index=[0]), regimen, MONTH, EngineName.ROADRUNNER)
    drawn = virtual_biopsies({k: float(v[0]) for k, v in state.items()}, EACH, seed=seed)
    return drawn.assign(arm=name, regimen=text)


def _write_biopsies(arms: list[pd.DataFrame]) -> None:
    lines = ["patient,arm,regimen,month,B.Pm (mm)," + ",".join(HEADS.values())]
    number = 0
    for arm in arms:
        for place, row in enumerate(arm.to_dict("records")):
            number += 1
            regimen = row["regimen"] if place == 0 else ""
            cells = [
                "" if np.isnan(row[name]) else f"{row[name]:.{DIGITS[name]}f}" for name in HEADS
            ]
            head = [f"EXAMPLE-{number:02d}", row["arm"], regimen, str(MONTH), ""]
            lines.append(",".join([*head, *cells]))
    text = COMMENTS + BIOPSY_NOTES + "\n".join(lines) + "\n"
    atomic_write(FOLDER / "biopsies.csv", text)


def _write_summary(arms: list[pd.DataFrame]) -> None:
    lines = ["arm,regimen,month,variable,unit,n,mean,sd,median,q1,q3"]
    first = True
    for arm in arms:
        for name in ("ES_BS", "OS_BS", "MS_BS", "MAR", "O_Th"):
            values = arm[name].dropna()
            regimen = arm["regimen"].iloc[0] if first or name == "ES_BS" else ""
            first = False
            symbol, _, unit = HEADS[name].partition(" ")
            numbers = [values.mean(), values.std(), *values.quantile([0.5, 0.25, 0.75])]
            texts = [f"{number:.3g}" for number in numbers]
            shown = ["", "", *texts[2:]] if name == "MS_BS" else [*texts[:2], "", "", ""]
            if len(values) > 1:
                cells = [arm["arm"].iloc[0], regimen, str(MONTH), symbol, unit.strip("()")]
                lines.append(",".join([*cells, str(len(values)), *shown]))
    text = COMMENTS + SUMMARY_NOTES + "\n".join(lines) + "\n"
    atomic_write(FOLDER / "summary.csv", text)


if __name__ == "__main__":
    main()
