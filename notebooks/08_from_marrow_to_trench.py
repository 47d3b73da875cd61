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
# # From marrow to trench
#
# How does an osteoclast get to where it resorbs? The review by Soe, Delaisse and Borggaard (2021)
# describes the way in words. Here it is a model: every species counts nuclei on 1 mm2 of bone
# surface, and every reaction moves the nuclei that it takes. This notebook follows them.

# %%
# %matplotlib inline
import bonecycle
from bonecycle import (
    EngineName,
    fit_rules,
    fusion_rules,
    nuclei_distribution,
    perturbation_table,
    prior_values,
    rule_table,
    run_perturbations,
    show,
)

starts = 4  # of each fit

# %% [markdown]
# ## At rest
#
# Untreated, as many nuclei die as are born, and nothing moves. The numbers follow from the priors
# in closed form; those of the osteoclasts are near what is published (3 to 8 nuclei).

# %%
rest = bonecycle.simulate(model="route", duration="1 year")
places = ["N_Pg", "N_RANK", "N_TRAcP", "N_network", "N_blood", "N_canopy", "N_beneath", "N_Oc"]
{rest[name].attrs["long_name"]: round(float(rest[name][0]), 2) for name in places}

# %% [markdown]
# An osteoclast begins as a founder of one nucleus and gains others one at a time. If its life is
# long, it becomes a giant; if it cannot begin to resorb, it goes on fusing where it sits.

# %%
show.plot_nuclei(
    {
        "Untreated": nuclei_distribution(),
        "Life of 60 d": nuclei_distribution({"osteoclast_life": 60}),
        "Without alpha-v beta-3": nuclei_distribution({"integrin_activity": 0}, 365),
    }
)

# %% [markdown]
# ## One transfer of monocytes
#
# Without precursors of its own the marrow runs out of osteoclasts within months. A supply through
# the blood keeps them: circulating cells pass the canopy, settle, and join osteoclasts that exist.

# %%
transfer = {"lineage_activity": 0, "monocyte_infusion": 1}
alone = bonecycle.simulate(model="route", duration="6 months", parameters={"lineage_activity": 0})
helped = bonecycle.simulate(model="route", duration="6 months", parameters=transfer)
show.plot_osteoclasts(alone)

# %%
show.plot_osteoclasts(helped)

# %% [markdown]
# ## Pits and trenches
#
# Cathepsin K is needed for a trench and not for a pit: without it resorption goes on, in pits.

# %%
inhibited = {"cathepsin_k_activity": 0}
show.plot_osteoclasts(bonecycle.simulate(model="route", duration="3 months", parameters=inhibited))

# %% [markdown]
# ## Which rule of fusion?
#
# The facts about cells are few. The share of fusion events with a mononucleated partner (70 % in
# a dish) has events as denominator, the share of osteoclasts that formed sequentially (at least
# 90 % in bone) has osteoclasts: the first is read off a model of the dish, the second off the
# route.

# %%
rule_table(fit_rules(list(fusion_rules()), starts=starts))

# %% [markdown]
# Differences of log evidence below three or so tell nothing apart. Read as the 30 % of events that
# are left, the same fact excludes the rule that forbids them, and now chance stands three to four
# before maturity and size: one number, read one way.

# %%
rule_table(fit_rules(list(fusion_rules()), "complement", starts=starts))

# %% [markdown]
# ## What the model predicts, and what it was built to say
#
# A row that every prior draw obeys was built in: grey. The others are predictions: lost alpha-v
# beta-3 leaves more osteoclasts only where those that resorb live no longer than those that wait.

# %%
rows = ["no_rankl", "integrin_resorption", "integrin_number", "blocked_less", "tumour_founders"]
prior = prior_values(10 * starts)
before = run_perturbations(prior, rows=rows, engine=EngineName.ROADRUNNER)
table = perturbation_table(before, before, prior)
show.plot_perturbations(table)

# %% [markdown]
# ## The cycle, driven by the route
#
# In the coupled model founders give birth to sites, and nuclei and modes set erosion. Under
# alendronate osteoclasts that cannot begin to resorb go on fusing; if laden ones live long (H5),
# they become more, and giants.

# %%
regimen = "alendronate 70 mg oral every 1 week for 3 years"
laden = bonecycle.simulate(
    regimen, model="coupled", mechanisms=["H5"], dosing=bonecycle.Dosing.AVERAGED
)
show.plot_osteoclasts(laden)
