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
# # What eroded surface and activation frequency depend on
#
# Under alendronate, formation falls to about a tenth and eroded surface is reported as "not
# strongly decreased". Which parameters of the model decide how far each of them falls? The answer
# says where a measurement would help, and which assumptions carry the result.
#
# This notebook does what `bonecycle sensitivity` does, with the functions behind it.

# %%
# %matplotlib inline
import bonecycle
from bonecycle import Measure, show

starts = 4  # of the search behind the posterior

# %% [markdown]
# ## The question
#
# A *response* holds what is asked: a regimen, observables, times, and the parameters that vary. By
# default these are the ones that a fit of the mechanism frees, each over its prior. Here the
# mechanism is H1 (osteoclasts give fewer osteogenic factors), and observables are ratios to
# untreated: the effect of the drug, without the differences between people before it.

# %%
regimen = "alendronate 10 mg oral every 1 day for 24 months"
asked = {"regimen": regimen, "months": [3, 12, 24], "mechanism": "H1", "measure": Measure.RATIO}
response = bonecycle.cycle_response(observables=["ES_BS", "Ac_f"], **asked)
response.names

# %% [markdown]
# ## Local: one per cent more, here
#
# Exact derivatives at the centres of the priors. A bar of -1 means that one per cent more of the
# parameter takes one per cent off the output.

# %%
local = bonecycle.local_sensitivities(response)
show.plot_tornado(local)

# %% [markdown]
# The same for all times. Red rises, blue falls. What moves ES/BS and Ac.f in *opposite* directions
# could make the paradox; what moves both alike cannot.

# %%
show.plot_sensitivity_map(local)

# %% [markdown]
# ## Morris: what matters at all
#
# A local picture holds for small changes, and the priors are wide. Morris screening walks through
# the central 90 % of everything with a prior, fitted or not. A parameter that stands out here and
# is not fitted is an assumption that carries the result.

# %%
everything = bonecycle.cycle_response(
    observables=["ES_BS", "Ac_f"], parameters=bonecycle.with_prior(regimen, "H1"), **asked
)
screening = bonecycle.screen(everything, trajectories=64)
show.plot_screening(screening.table)

# %%
last = screening.table.query("months == 24 and observable == 'ES_BS'")
leaders = last.sort_values("mu_star", ascending=False).head(10)
leaders.assign(fitted=leaders["parameter"].isin(response.names))[
    ["parameter", "fitted", "mu", "mu_star", "sigma"]
]

# %% [markdown]
# Trajectories with a set that could not be simulated (the phases would need more than the whole
# surface) are left out whole and counted.

# %%
screening.trajectories, screening.lost

# %% [markdown]
# ## Sobol: shares of the variance
#
# *First* is the share of the variance that a parameter accounts for alone, *total* with all its
# interactions. Lines are 95 % bootstrap intervals.

# %%
sobol = bonecycle.sobol_indices(response, samples=1024)
show.plot_indices(sobol.table)

# %% [markdown]
# Are there enough samples? The indices should have stopped moving, and their intervals be narrow.

# %%
show.plot_convergence(sobol.convergence)

# %%
sobol.summary

# %% [markdown]
# ## Over a posterior
#
# After a fit, parameters are correlated: Sobol's decomposition no longer exists. What remains is
# the share of the variance that would go if a parameter became known, with all that it shares with
# those it is correlated with. The draws here come from the curvature at a best point (Laplace),
# which is no posterior; `posterior_draws` takes those of `bonecycle sample`.

# %%
fit = bonecycle.fit(bonecycle.ProblemSpec("H1"), starts=starts)
posterior, values = bonecycle.over_draws(response, bonecycle.laplace_draws(fit, 1000))
given = bonecycle.given_data_indices(posterior, values)
show.plot_indices(given.table)

# %% [markdown]
# Compare with the prior: what the data have pinned down no longer varies, so it no longer matters
# here. What leads now is what a new measurement should be about. Where all shares are small, the
# variance lies in combinations of parameters: no single one of them would settle it.
