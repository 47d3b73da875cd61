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
# # To COPASI and PEtab
#
# The models are plain SBML, and a fitting problem can be written as PEtab. So nobody has to believe
# our simulator, and nobody has to use our fit. This notebook takes one regimen to COPASI, compares
# the curves, and takes a fitting problem to PEtab.
#
# COPASI is driven through `basico` (`pip install copasi-basico`).

# %%
# %matplotlib inline
from pathlib import Path

import basico
import pandas as pd
import petab.v1 as petab

import bonecycle

pd.options.display.float_format = "{:.3g}".format
folder = Path("results/exchange")
folder.mkdir(parents=True, exist_ok=True)

# %% [markdown]
# ## One file with its doses
#
# The exported file holds the cycle, the drug and its doses as events, units, and the observables
# under their ASBMR names. It needs nothing of this package.

# %%
regimen = "denosumab 60 mg sc every 6 months for 24 months"
exported = bonecycle.export_sbml(regimen)
(folder / "denosumab.xml").write_text(exported.sbml, encoding="utf-8")
exported.level, len(exported.sbml)

# %% [markdown]
# ## In COPASI
#
# Load it, run four years, and keep the observables. Two of these years are without a drug: what
# happens then rests on the model alone.

# %%
years = 4 * 365.25
copasi = basico.load_model(str(folder / "denosumab.xml"))
theirs = basico.run_time_course(
    duration=years, intervals=96, r_tol=1e-9, a_tol=1e-13, use_sbml_id=True, model=copasi
)
theirs[["CTX", "P1NP", "ES_BS", "Ac_f"]].iloc[::24]

# %% [markdown]
# ## Side by side
#
# The same from our own `simulate`, at the same times. Lines are ours, points are COPASI's.

# %%
ours = bonecycle.simulate(regimen, duration=years, points=97)
ours = ours.sel(time=theirs.index.to_numpy(), method="nearest").to_pandas()
shown = ["CTX", "P1NP", "ES_BS", "Ac_f"]
axes = ours.set_index("months")[shown].plot(subplots=True, layout=(2, 2), figsize=(8, 5))
marked = theirs.set_index(ours["months"])[shown].iloc[::4]
marked.plot(subplots=True, ax=axes.ravel(), ls="", marker="o", color="black", ms=3, legend=False)
axes[0, 0].figure.tight_layout()

# %% [markdown]
# How large is the largest difference, as a share of the largest value? Of all observables, the
# worst ones:

# %%
names = [name for name in ours if name in theirs]
difference = abs(ours[names].to_numpy() - theirs[names].to_numpy()).max(axis=0)
worst = pd.Series(difference / ours[names].abs().max().to_numpy(), names).sort_values()
worst.tail(5).map("{:.1e}".format)

# %% [markdown]
# What remains are the tolerances of two integrators. All drugs over ten years, in three simulators,
# stand in the documentation under *Simulators side by side*.
#
# The file can be changed in COPASI like any other. Here the residence of arrested surface is
# doubled; the model starts at the untreated steady state of the new value by itself. COPASI calls
# parameters by their names in words.

# %%
residence = "Residence of arrested eroded surface"
before = basico.get_parameters(residence, exact=True, model=copasi).initial_value.iloc[0]
basico.set_parameters(residence, initial_value=2 * before, exact=True, model=copasi)
longer = basico.run_time_course(duration=years, intervals=96, use_sbml_id=True, model=copasi)
basico.remove_datamodel(copasi)
both = {"as exported": theirs["ES_BS"], "doubled residence": longer["ES_BS"]}
pd.DataFrame(both).iloc[[0, 24, 48, 96]]

# %% [markdown]
# ## A fitting problem as PEtab
#
# Model, conditions, measurements, noise and priors in the tables of PEtab version 1, for pyPESTO,
# AMICI or whatever reads them.

# %%
problem = bonecycle.load_problem(bonecycle.ProblemSpec("H1"))
written = bonecycle.export_petab(problem, folder / "petab")
sorted(written.files)[:9]

# %% [markdown]
# PEtab's own checks find nothing (`False`: no errors).

# %%
read = petab.Problem.from_yaml(str(folder / "petab" / "problem.yaml"))
petab.lint_problem(read)

# %%
read.measurement_df.head()

# %% [markdown]
# PEtab cannot say everything: a direction ("decreased") is no number. What was left out or written
# another way is listed, with how often:

# %%
limits = pd.DataFrame(written.limits)
limits[limits["count"] > 0][["what", "handling", "count"]]

# %% [markdown]
# All of it comes back: beside the tables lies a file from which our own loader restores the whole
# problem. The log-likelihoods at the prior centre are the same number.

# %%
restored = bonecycle.load_problem(bonecycle.petab_spec(folder / "petab" / "problem.yaml"))
centre = problem.space.centers[None]
problem.evaluate(centre).log_likelihood.sum(), restored.evaluate(centre).log_likelihood.sum()
