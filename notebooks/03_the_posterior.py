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
# # The posterior and the verdict
#
# A fit gives one best point for each mechanism. Two questions remain: which other parameters agree
# with the data as well (the *posterior*), and which mechanism do the data require (the *verdict*)?
#
# **This is a short run.** It shows the way; it is not the result. The sampler stops long before its
# own rule is met, and nested sampling has few live points. The commands `bonecycle sample` and
# `bonecycle compare` do the same to the end.

# %%
# %matplotlib inline
from pathlib import Path

import pandas as pd

import bonecycle
from bonecycle import show

pd.options.display.float_format = "{:.3g}".format
steps = 200  # of each ensemble; a whole run needs about a thousand
live_points = 50  # of nested sampling; a whole run has 500
draws = 256  # for each trial that is left out; a whole run has 2048
data = ()  # the studies that are shipped; or paths of tables
folder = Path("results/posterior-short")  # chains are kept: run again, and it goes on

# %% [markdown]
# ## The posterior of one mechanism
#
# Four ensembles of walkers start far apart and know nothing of each other. The run may stop when
# each has gone more than 50 autocorrelation times and R-hat between them is below 1.01. This one
# is stopped earlier, and says so:

# %%
spec = bonecycle.ProblemSpec("H1", data=data)
sampled = bonecycle.sample(spec, folder / "H1", max_steps=steps)
tree, tables = bonecycle.write_posterior_results(folder / "H1", sampled)
sampled.state.verdict

# %% [markdown]
# Look first at the chains. The four colours should lie over each other and wander nowhere; the
# burn-in is cut off already.

# %%
show.plot_traces(tree)

# %% [markdown]
# ## What the data taught
#
# Grey is the prior, what was known before; colour is the posterior. Where both are the same, the
# data have taught nothing about this parameter, and its interval is an assumption.

# %%
show.plot_learned(tree, tables["learned"])

# %%
print((folder / "H1" / "unlearned.txt").read_text(encoding="utf-8"))

# %% [markdown]
# ## What is known only together
#
# A narrow oblique cloud is a combination that the data fix, while each of the two alone stays open.

# %%
show.plot_pairs(tree)

# %% [markdown]
# ## What follows from it
#
# Any regimen can be forwarded through the draws. Bands hold 50 and 95 % of them. Here is something
# no trial in the data has done. Where nothing in the data informs a value, the figure says so.

# %%
regimen = bonecycle.parse_regimen(
    "alendronate 70 mg oral every 1 week for 24 months; "
    "denosumab 60 mg sc every 6 months from 24 months for 24 months"
)
months = [*range(49)]
posterior = bonecycle.posterior_draws(folder / "H1" / "posterior.nc", 100)
predicted = bonecycle.predict(posterior, regimen, months, ["CTX", "P1NP", "ES_BS", "Ac_f"])
table = bonecycle.prediction_table([predicted], regimen, months)
show.plot_prediction(table, str(regimen), "Posterior draws of a short run, not converged.")

# %% [markdown]
# ## The verdict
#
# A better fit is not evidence that a mechanism is true: H1 holds H0 as a special case, so it can
# always follow the data at least as closely. Two other questions are asked of both.
#
# *Prediction.* Each trial is left out, the mechanism is fitted to the others, and has to predict
# it. A mark to the right is a trial that this mechanism predicts better.

# %%
fits = [bonecycle.fit(bonecycle.ProblemSpec(name, data=data), starts=1) for name in ("H0", "H1")]
left = bonecycle.run_parts(bonecycle.left_out_parts(fits, draws=draws), folder / "parts")
trials = bonecycle.trial_table(left)
show.plot_left_out(trials)

# %% [markdown]
# *Evidence.* How probable are the data under the whole prior of a mechanism? A parameter that the
# data do not need costs something here. Both verdicts side by side, zero is the better one of the
# two; a difference inside the pale band, or with an interval across zero, is none.

# %%
parts = bonecycle.evidence_parts(fits, folder / "parts", seed=0, live_points=live_points)
evidence = bonecycle.evidence_table(bonecycle.run_parts(parts, folder / "parts"))
differences = bonecycle.difference_table(trials)
show.plot_comparison(differences, evidence)

# %%
evidence[["mechanism", "log_evidence", "nested_error", "behind", "behind_lower", "behind_upper"]]

# %% [markdown]
# Last, the rows that a mechanism gets wrong when their trial is left out. What every mechanism
# fails is a doubt about the model or the trial, and no mechanism can be blamed for it.

# %%
show.plot_failing(bonecycle.failing_table(left, [fit.spec for fit in fits]))

# %% [markdown]
# What is missing here for a verdict: all mechanisms and their combinations, full runs, and the
# surface of readings. "Not strongly decreased" is read as a number, errors and priors have a
# width, and the evidence moves with all of them. `bonecycle compare` computes it for every reading
# and says in words where prediction and evidence disagree.
