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
# # The fit, step by step
#
# Bisphosphonates slow resorption, and formation falls strongly. Jensen 2021 reports that eroded
# surface does *not* fall strongly. Is that coupling alone (less resorption, so less formation:
# **H0**), or does something keep formation from starting on eroded surface? In **H1**,
# osteoprogenitors are recruited less because osteoclasts give fewer osteogenic factors.
#
# This notebook does what `bonecycle fit` does, for these two mechanisms, with the public functions.

# %%
# %matplotlib inline
import pandas as pd

import bonecycle
from bonecycle import show

pd.options.display.float_format = "{:.3g}".format
starts = 4  # of the search, per mechanism

# %% [markdown]
# ## The problem: model, studies, errors
#
# A `ProblemSpec` says in plain values what is fitted: the mechanism, the way in which "not strongly
# decreased" is read (the *encoding*), the studies, and how doses reach the model. `load_problem`
# composes the models and compiles them; the first time takes most of a minute, later ones a second.

# %%
specs = [bonecycle.ProblemSpec("H0"), bonecycle.ProblemSpec("H1")]
problem = bonecycle.load_problem(specs[1])
specs[1]

# %% [markdown]
# The targets, as published and as ratios to untreated. `log_sd` is the committed error on the log
# scale: 0.25 is about 28 %. The error model is a table of its own, written before the first fit,
# with a reason for each number. A direction ("decreased") has no number and is none: it is scored
# by the probability of being on its side.

# %%
observed = pd.DataFrame(
    {
        "study": [t.study for t in problem.targets],
        "variable": [t.observation.variable for t in problem.targets],
        "months": [t.observation.time_months for t in problem.targets],
        "comparison": [t.observation.comparison.value for t in problem.targets],
        "value": [t.value for t in problem.targets],
        "log_sd": [t.log_sd for t in problem.targets],
        "fitted": [t.fitted for t in problem.targets],
    }
)
observed

# %% [markdown]
# Many of them are serum markers; the biopsies, which see surfaces, are few. That matters below.

# %%
observed.groupby("variable", sort=False).size().rename("rows").to_frame().T

# %% [markdown]
# ## The fit
#
# Least squares from several starts: the prior centre first, then points spread over the prior. The
# residuals are those of the likelihood and of the priors, so the best point is the posterior mode.

# %%
fits = [bonecycle.fit(spec, starts=starts) for spec in specs]
bonecycle.mechanism_table(fits).T

# %% [markdown]
# `starts_at_best` says how many starts found the same cost. `cost` is that of data and priors. A
# lower cost is no verdict: H1 has one parameter more, and nobody has yet asked either mechanism to
# predict a study that it has not seen.

# %% [markdown]
# ## What each mechanism says about each target
#
# `distance` is log(fitted / observed) in committed errors; for a limit or a direction it is
# positive on the side asked for. Here are the rows that at least one mechanism misses.

# %%
targets = pd.concat([bonecycle.target_table(fit) for fit in fits], ignore_index=True)
missed = targets[(targets["met"] == False) & (targets["role"] == "fitted")]  # noqa: E712
missed[["mechanism", "study", "symbol", "time_months", "observed", "fitted", "distance"]]

# %% [markdown]
# All of them in one figure. A mechanism that fits has its marks in the band. Look at whether the
# marks of one study lie on one side: a shift shared by a whole series is a doubt about the model or
# the study that no single residual shows.

# %%
show.plot_residuals(targets)

# %% [markdown]
# ## Time courses
#
# The same best points between and beyond the data. Where the curves part without a datum nearby, a
# measurement would tell the mechanisms apart.

# %%
curves = {fit.spec.mechanism: bonecycle.fitted_curves(fit) for fit in fits}
show.plot_fit(problem.targets, curves)

# %% [markdown]
# ## The plane of formation against erosion
#
# The question in one figure. Under alendronate the biopsies ask for a point at the upper left:
# little formation beside much eroded surface. Under denosumab they ask for the lower left. Coupling
# alone takes erosion down together with formation.
#
# The upper edge of the demand is not a number of the source: "not strongly decreased" is *read as*
# a ratio above a threshold, which the figure names. Another reading moves it; the fit can be
# repeated with `ProblemSpec("H1", encoding="soft-0.4")` or with `"dropped"`.

# %%
show.plot_plane(problem.targets, curves)

# %% [markdown]
# ## The cycle under each drug
#
# Where the surface is. What the model calls arrested surface has left the way to formation; most of
# eroded surface is of this kind, and how long it stays decides how fast ES/BS can fall.

# %%
show.plot_drugs_cycle(problem.targets, curves)

# %% [markdown]
# ## What the data cannot tell
#
# First, many parameters. `share_of_prior_sd` is the width of the posterior relative to the prior:
# near one, the data have taught nothing, and the value is the prior's. The interval of such a
# parameter is an assumption and not a finding.

# %%
parameters = bonecycle.parameter_table(fits[1]).query("fitted").sort_values("share_of_prior_sd")
parameters[["name", "value", "lower", "upper", "unit", "share_of_prior_sd", "informed"]]

# %%
informed = parameters["informed"].astype(bool)
f"{informed.sum()} of {len(informed)} free parameters are informed by the data (under H1)."

# %% [markdown]
# Second, the directions that no free parameter moves: the model meets or misses them by
# construction, and they do not count.

# %%
fixed = targets[~targets["predictable"].astype(bool)]
fixed[["mechanism", "study", "symbol", "comparison", "fitted"]]

# %% [markdown]
# Third, *why* formation does not start. H1 is not the only way: released drug may act on the
# progenitors (H2), or the canopy that supplies them may be lost (H3). Fit those as well, by their
# names, and compare the planes: where two mechanisms end at the same points under every drug, these
# data cannot choose between them.
