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
# # The remodeling cycle and its measures
#
# Bone renews itself in small sites on its surface: osteoclasts resorb a cavity, reversal cells
# gather on it, osteoblasts fill it. A biopsy shows how much surface is in which phase, and
# tetracycline labels show how fast mineral is laid down. This notebook walks through the model of
# the cycle, untreated and under alendronate, and through the measures that a pathologist reports.
# Nothing is fitted here: parameters stand at the centres of their priors.

# %%
# %matplotlib inline
import pandas as pd

import bonecycle
from bonecycle import show

pd.options.display.float_format = "{:.3g}".format

# %% [markdown]
# ## The phases
#
# The states of the model are shares of the trabecular surface and add up to one. The map is drawn
# from the model itself. Follow the ring: a site is born on quiescent surface, is resorbed, waits in
# reversal and is filled. On the way it can be *arrested*: then it stays eroded, with the cells that
# it has, until it is lined over. Little surface goes that way, but it stays so long that it makes
# up most of the eroded surface.

# %%
show.plot_phase_map(bonecycle.compose())

# %% [markdown]
# ## What a pathologist would report
#
# `simulate` returns every observable under its ASBMR name, with its unit. At time zero:

# %%
untreated = bonecycle.simulate("untreated", duration="10 years")
pd.DataFrame(
    [
        {"symbol": o.long_name, "value": float(o[0]), "unit": o.units, "meaning": o.description}
        for o in untreated.data_vars.values()
    ],
    index=list(untreated.data_vars),
)

# %% [markdown]
# They belong together as on the bench. Eroded surface is osteoclast, reversal and arrested surface;
# the wall thickness of a new packet is Aj.AR times the formation period; and at a steady state the
# activation frequency that is derived from BFR/BS and W.Th is the frequency with which formation
# really starts. Each pair should be equal.

# %%
now = untreated.isel(time=0)
pairs = {
    "ES/BS": (now.ES_BS, now.Oc_S_BS + now.Rv_S_BS + now.Ar_S_BS),
    "BFR/BS": (now.BFR_BS, now.MS_BS / 100 * now.MAR * 365.25),
    "W.Th": (now.W_Th_new, now.Aj_AR * now.FP),
    "Ac.f": (now.Ac_f, now.onset_flux),
}
pd.DataFrame({name: map(float, pair) for name, pair in pairs.items()}, index=["output", "from it"])

# %% [markdown]
# Fewer sites start formation than are born: the others are arrested first.

# %%
float(now.birth_rate), float(now.onset_flux)

# %% [markdown]
# ## Two years of alendronate
#
# Doses are written as a clinician would. Each weekly dose is an event in the model.

# %%
alendronate = bonecycle.simulate(
    "alendronate 70 mg oral every 1 week for 24 months", duration="24 months"
)
show.plot_surfaces(alendronate)

# %% [markdown]
# Fewer sites are born, so the phases empty one after the other, in the order of the cycle: first
# osteoclasts, then reversal, then osteoid. Arrested surface needs a year and more, because what is
# there has to be lined over first. In the end everything has fallen alike: this is coupling alone.
#
# The same relative to time zero, with the untreated model dashed. Look at the order in time: CTX
# falls in weeks, formation (P1NP, MS/BS, Ac.f) not before the sites that are already there have
# passed through reversal, and eroded surface last.

# %%
show.plot_time_courses(alendronate, untreated=untreated.sel(time=slice(0, 731)))

# %% [markdown]
# ## If formation is kept from starting
#
# Mechanism H1: osteoclasts give fewer osteogenic factors, so less resorption also means slower
# recruitment on what is already eroded. More sites are arrested, and eroded surface falls less
# while formation falls more. How strongly is what the data have to say: next notebook.

# %%
onset = bonecycle.simulate(
    "alendronate 70 mg oral every 1 week for 24 months", duration="24 months", mechanisms=["H1"]
)
ends = {"H0": alendronate, "H1": onset}
asked = ["Oc_S_BS", "ES_BS", "OS_BS", "ES_OS", "Rv_D", "Ac_f"]
pd.DataFrame(
    {name: bonecycle.relative(run)[asked].isel(time=-1).to_pandas() for name, run in ends.items()}
)

# %% [markdown]
# ## What can be seen of it in a biopsy
#
# A section is finite: some tens of millimetres of surface and a few sites. `virtual_biopsies` draws
# what a pathologist would find there. Where no label is found, MAR and Ac.f do not exist.

# %%
seen = pd.concat(
    bonecycle.virtual_biopsies(run.isel(time=-1), 200).assign(group=name)
    for name, run in {"untreated": untreated, "alendronate": alendronate}.items()
)
show.plot_virtual_biopsies(seen)

# %% [markdown]
# Single biopsies of one and the same bone differ by more than the drug does. The small number over
# a column is the share of biopsies in which the measure exists. That Ac.f is reported only where a
# label was found makes treated groups look less different than they are.
