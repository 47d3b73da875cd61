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
# # Your own biopsies
#
# From a table of biopsies to an answer with figures. The numbers in the table that the package
# brings as an example are **synthetic**, drawn by the virtual biopsy: they show the way and say
# nothing about bone. Put your own in their place.
#
# The same without Python: `bonecycle data template`, `bonecycle data check` and
# `bonecycle fit --data`.

# %%
# %matplotlib inline
from pathlib import Path

import pandas as pd

import bonecycle
from bonecycle import show

pd.options.display.float_format = "{:.3g}".format
starts = 4  # of the search, per mechanism
table = Path("results/my_biopsies.csv")

# %% [markdown]
# ## The table
#
# One row is one biopsy. The regimen stands once for each arm; names and units are those of the
# field, in many spellings. An empty cell: nothing could be measured. Zero: nothing was found.

# %%
table.unlink(missing_ok=True)
bonecycle.write_template(table, per_biopsy=True)
print(table.read_text(encoding="utf-8"))

# %% [markdown]
# ## Is it understood?
#
# A table with a mistake is refused, with the place of every mistake and what was probably meant.
# Here are three, made on purpose.

# %%
wrong = Path("results/my_biopsies_wrong.csv")
text = table.read_text(encoding="utf-8")
for right, mistake in {"MS/BS": "MS/BSS", "2.96": "296", "untreated": "untreatd"}.items():
    text = text.replace(right, mistake)
wrong.write_text(text, encoding="utf-8")
try:
    bonecycle.load_problem(bonecycle.ProblemSpec("H0", data=(str(wrong),)))
except bonecycle.BonecycleError as error:
    print(error)

# %% [markdown]
# The right one loads. This is what a fit compares with the model: of each arm one value a measure,
# the geometric mean of what was found. `fitted` is false for what follows from other columns.

# %%
specs = [bonecycle.ProblemSpec(name, data=(str(table),)) for name in ("H0", "H1")]
problem = bonecycle.load_problem(specs[0])
pd.DataFrame(
    {
        "arm": [t.arm for t in problem.targets],
        "variable": [t.observation.variable for t in problem.targets],
        "value": [t.value for t in problem.targets],
        "unit": [t.observation.unit.value for t in problem.targets],
        "biopsies": [t.observation.n for t in problem.targets],
        "fitted": [t.fitted for t in problem.targets],
    }
)

# %% [markdown]
# ## What do the biopsies say, without any model of bone?
#
# Patients differ. What an arm says is its *median patient*, with an interval that knows how few
# biopsies there are, and counts a zero as "below what can be seen in a section". The spread between
# patients is estimated from all arms together.

# %%
(patients,) = bonecycle.read_patients([table]).values()
said = bonecycle.patient_table(table.stem, patients)
columns = ["kind", "arm", "variable", "value", "lower", "upper", "unit", "seen", "below", "missing"]
said[columns]

# %% [markdown]
# ## What does each mechanism say about them?
#
# The model is fitted to the median patients. With ten biopsies the priors do most of the work; the
# published studies can be added: `data=(str(table), ...)` takes several tables.

# %%
fits = [bonecycle.fit(spec, starts=starts) for spec in specs]
targets = pd.concat([bonecycle.target_table(fit) for fit in fits], ignore_index=True)
show.plot_own_biopsies(patients, targets)

# %% [markdown]
# Every dot is a biopsy, a triangle one in which nothing was found. The black bar is the median
# patient, the coloured marks are what the mechanisms say. Where the marks of all mechanisms lie
# together, these biopsies cannot tell them apart, however good the fit is.

# %%
bonecycle.mechanism_table(fits).T

# %% [markdown]
# ## What would have been needed?
#
# The virtual biopsy turns the question round: what would a pathologist see if H0 or H1 were true?
# Draw as many biopsies as there are in your table, and as many as you could take.

# %%
regimen = "alendronate 70 mg oral every 1 week for 24 months"
states = {
    name: bonecycle.simulate(regimen, mechanisms=[name] if name != "H0" else []).isel(time=-1)
    for name in ("H0", "H1")
}
drawn = pd.concat(
    bonecycle.virtual_biopsies(states[name], n, seed=seed).assign(group=f"{name}, {n}")
    for seed, (n, name) in enumerate([(5, "H0"), (5, "H1"), (200, "H0"), (200, "H1")])
)
show.plot_virtual_biopsies(drawn)

# %% [markdown]
# Five biopsies of an arm differ more by chance than by mechanism; two hundred show a difference
# that is small at the strength which the prior gives H1. `bonecycle design` asks which measurement
# would tell the mechanisms apart with the fewest patients.
