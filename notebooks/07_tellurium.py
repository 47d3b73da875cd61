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
# # Our SBML in tellurium
#
# [tellurium](https://tellurium.analogmachine.org) reads the exported models as it reads any other.
# This notebook looks at a model as text, runs it, and changes it, with tellurium's own means only.
#
# Export first, then import tellurium: it brings a second copy of libsbml into the process, and the
# two do not go together.

# %%
# %matplotlib inline
import pandas as pd

import bonecycle

regimen = "zoledronate 5 mg iv every 12 months for 3 years"
sbml = bonecycle.export_sbml(regimen).sbml
ours = bonecycle.simulate(regimen, duration="5 years", points=121)

# %%
import tellurium as te  # noqa: E402

model = te.loadSBMLModel(sbml)
model.getNumFloatingSpecies(), model.getNumReactions(), model.getNumGlobalParameters()

# %% [markdown]
# ## The model as text
#
# What stands in the file, in Antimony. Here are the ways of a site into and out of the first class
# of arrested surface: arrest, lining over, and rebirth (whose rate is zero by default).

# %%
text = model.getAntimony()
print("\n".join(line for line in text.splitlines() if "arrested_1" in line and "=>" in line))

# %% [markdown]
# ## A run
#
# Five years, with an infusion a year for three of them. What comes after the last one rests on the
# model alone. `selections` names what is kept; observables carry their ASBMR names.

# %%
model.integrator.relative_tolerance = 1e-9
model.integrator.absolute_tolerance = 1e-13
names = ["time", "CTX", "P1NP", "ES_BS", "OS_BS"]
run = model.simulate(0, 5 * 365.25, 121, names)
frame = pd.DataFrame(run, columns=names).set_index("time")
axes = frame[["CTX", "P1NP"]].plot(figsize=(7, 3.2), xlabel="Time (d)", ylabel="Ratio to untreated")

# %% [markdown]
# Is it what our own `simulate` gives? The largest difference of each, as a share of its largest
# value:

# %%
same = ours[names[1:]].sel(time=frame.index.to_numpy(), method="nearest").to_pandas()[names[1:]]
((frame - same.to_numpy()).abs().max() / same.max().to_numpy()).map("{:.1e}".format)

# %% [markdown]
# ## A change
#
# Parameters can be set by name. `reset` then starts at the untreated steady state of the new
# values. Arrested surface that stays twice as long keeps eroded surface up, untreated and treated.

# %%
model.resetToOrigin()
model["arrest_residence"] = 2 * model["arrest_residence"]
model.reset()
frame["ES_BS, twice the residence"] = model.simulate(0, 5 * 365.25, 121, ["ES_BS"])[:, 0]
shown = frame[["ES_BS", "ES_BS, twice the residence"]]
axes = shown.plot(figsize=(7, 3.2), xlabel="Time (d)", ylabel="ES/BS (%)", ylim=(0, None))

# %% [markdown]
# ## A scan
#
# Five strengths of mechanism H1 (zero in the file: coupling alone), and eroded and osteoid surface
# after three years, each over its value before treatment.

# %%
rows = []
for strength in (0.0, 0.25, 0.5, 0.75, 1.0):
    model.resetToOrigin()
    model["osteogenic_share"] = strength
    found = model.simulate(0, 3 * 365.25, 37, ["ES_BS", "OS_BS"])
    rows.append([strength, *(found[-1] / found[0])])
pd.DataFrame(rows, columns=["osteogenic_share", "ES/BS", "OS/BS"]).round(3)

# %% [markdown]
# The more the onset of formation depends on osteoclasts, the more eroded and the less osteoid
# surface is left: the direction in which Jensen 2021 found them under alendronate.
