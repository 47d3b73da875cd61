# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Metastasis and the clodronate trials
#
# Do bisphosphonates prevent bone metastasis through turnover, directly, or both? And could three
# trials of one dose disagree by chance? First the model, then the trials.

# %%
# %matplotlib inline

import numpy as np
import pandas as pd

import bonecycle
from bonecycle import (
    Endpoint,
    by_difference,
    cell_table,
    cochran_q,
    kaplan_meier,
    operating_characteristics,
    published_ratio,
    q_table,
    regimen_table,
    shipped_designs,
    show,
    simulate_trials,
    trial_rows,
    trial_space,
)

trials = 1000  # of each design

# %% [markdown]
# ## The vicious cycle and a drug that slows it
#
# At the centres of wide priors, most of them without a source: 24 months of clodronate, then none.
# Growth factors fall with resorption, growing lesions with them; the hazard comes back after the
# drug, and dormant cells have waited.

# %%
regimen = "clodronate 1600 mg oral every 1 day for 24 months"
run = bonecycle.simulate(regimen, model="metastasis", duration="66 months")
pd.DataFrame(
    {
        name: run[name].values[:: len(run.time) // 11]
        for name in ("Tu_GF", "Tu_dormant", "Tu_growing")
    }
).round(2)

# %% [markdown]
# ## Beside published models
#
# Ayati 2010 (myeloma, a proteasome inhibitor from day 600) and this model with one overt lesion of
# two per cent of the marrow (clodronate throughout). Bone mass of Ayati has no floor; its cycles
# go on for ever without tumour.

# %%
ayati = bonecycle.published_model("ayati_2010")
figure_9 = {"osteoclasts_start": 13.0, "osteoblasts_start": 300.0}
proteasome = {"drug_on_osteoblasts": 0.001, "drug_on_tumour": 0.008}
parts = []
for drug, changes in (("", {}), ("proteasome inhibitor", proteasome)):
    run = bonecycle.simulate_model(ayati, "5 years", parameters=figure_9 | changes, points=1000)
    values = {"year": run.days / 365.25, "tumour": run.tumour, "bone": run.bone_mass}
    parts.append(run.assign(values).to_dataframe()[[*values]].assign(model="Ayati 2010", drug=drug))
for drug, plan in (("", "untreated"), ("clodronate", regimen.replace("24 months", "5 years"))):
    run = bonecycle.simulate(
        plan, model="metastasis", duration="5 years", parameters={"overt_start": 0.02}
    )
    values = {"year": run.time / 365.25, "tumour": run.Tu_overt, "bone": 100 * run.BV_rel}
    parts.append(run.assign(values).to_dataframe()[[*values]].assign(model="this model", drug=drug))
show.plot_bone_beside_tumour(pd.concat(parts))

# %% [markdown]
# Koenders 2016 is about an equilibrium of osteoclasts, osteoblasts and myeloma cells. Where tumour
# grows with osteoclasts and calls them, it ends beyond a call (0.044 here).

# %%
koenders = bonecycle.published_model("koenders_2016")
calls = {
    call: bonecycle.simulate_model(
        koenders,
        "200 days",
        parameters={"osteoclasts_on_tumour": 1.0, "tumour_on_osteoclasts": call},
    )
    for call in (0.0, 0.02, 0.04, 0.048)
}
pd.DataFrame({call: run.osteoclasts.values[::80] for call, run in calls.items()}).round(2)

# %% [markdown]
# ## Virtual trials
#
# Each with the numbers of patients, follow-up and hazards of its publication (trials.csv); the
# drug has the same effect in all. The third is hypothetical: the published one could not be
# verified.

# %%
designs = tuple(shipped_designs().values())
table = simulate_trials(designs, trials, seed=0)
show.plot_trials(table)

# %%
found = operating_characteristics(table)
found[found.window == "total"][["design", "endpoint", "ratio", "power", "reversed"]].round(3)

# %% [markdown]
# ## Published and virtual

# %%
rows = [row for row in trial_rows() if row["control_n"]]
forest = pd.DataFrame(
    [
        {"design": row["trial"], "endpoint": row["endpoint"], "window": row["period"]}
        | dict(zip(("log_ratio", "error"), published_ratio(row), strict=True))
        for row in rows
    ]
)
show.plot_forest(forest, table)

# %%
bone = [row for row in rows if row["endpoint"] == "bone" and row["period"] != "after"]
counts = pd.DataFrame(
    [
        {
            "arm": arm,
            "year": float(row["month"]) / 12,
            "events": int(row[f"{arm}_events"]),
            "patients": int(row[f"{arm}_n"]),
        }
        for row in bone
        for arm in ("control", "treated")
    ]
)
curves = kaplan_meier(designs[0], Endpoint.BONE, np.linspace(0, 7, 57))
show.plot_kaplan_meier(curves, counts, "bone metastasis")

# %% [markdown]
# ## Chance, or design?
#
# Cochran's Q over one trial of each design, with one difference between them at a time.

# %%
parts = [
    q_table(
        simulate_trials(group, trials, seed=1, endpoints=[Endpoint.BONE, Endpoint.DEATH])
    ).assign(differences=name)
    for name, group in by_difference(designs)
]
q = pd.concat(parts)
q[q.window == "total"][["differences", "endpoint", "q", "share", "share_error", "analytic"]].round(
    3
)

# %% [markdown]
# Diel and Powles have death in common. Their Q, and its chance with one degree of freedom:

# %%
death = forest[forest.endpoint == "death"]
float(cochran_q(death.log_ratio.to_numpy(), death.error.to_numpy()))

# %% [markdown]
# ## Regimens
#
# At the centres of the priors; `bonecycle metastasis fit` and `regimens` give bands.

# %%
plans = {
    "clodronate 1 y": regimen.replace("24 months", "1 year"),
    "clodronate 2 y": regimen,
    "clodronate 5 y": regimen.replace("24 months", "5 years"),
    "pamidronate 60 mg/3 mo, 2 y": "pamidronate 60 mg iv over 2 hours every 3 months for 2 years",
}
centers = {name: np.tile(trial_space(name).centers, (20, 1)) for name in ("indirect", "direct")}
regimens = regimen_table(centers, plans, [5.0])
show.plot_regimens(regimens)

# %% [markdown]
# ## Menopause
#
# Remodeling doubles across menopause (Recker 2018). Under the indirect effect patients after it
# have more bone metastases, and more to gain; under the direct effect neither.

# %%
cells = cell_table(centers)
cells[(cells.endpoint == "bone") & (cells.marrow == "unselected")][
    ["mechanism", "turnover", "period", "hazard", "ratio"]
].round(3)
