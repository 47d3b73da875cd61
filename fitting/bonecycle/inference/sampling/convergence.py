"""Whether independent ensembles have converged, and how many draws they are worth.

A chain is an ensemble: walkers of one ensemble depend on each other, so they are no chains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from bonecycle.engines.interface import Floats
from bonecycle.inference.sampling.arviz_side import rhat

STEPS_PER_TAU = 50.0
"""The stop rule: more steps than so many autocorrelation times in every ensemble, and"""
RHAT_BELOW = 1.01
"""R-hat between the ensembles below this for every parameter."""
WALKERS_APART_BELOW = 3.0
"""Variance between means of walkers over the one that the autocorrelation explains, below this.

The largest of 17 parameters and 48 walkers was 1.5 (median) and 2.1 (highest of 60) for independent
draws, and at most 2.4 for chains of 280 steps and an autocorrelation time of 4.
"""
# Steps thrown away, as a share: more than ten autocorrelation times once the rule is met.
_BURN_IN = 0.2
# R-hat looks at so many steps of each ensemble; more change it little and sort for seconds.
_RHAT_STEPS = 200
# Lags that enter tau, in tau itself, as emcee has it (Sokal 1997).
_WINDOW = 5.0


@dataclass(frozen=True)
class Convergence:
    """State of a run after the burn-in.

    Attributes
    ----------
    names : tuple of str
        Parameters.
    steps, burn_in, walkers : int
        Steps of every ensemble, how many of them are thrown away, and walkers.
    tau : ndarray, shape (n_ensembles, n_parameters)
        Autocorrelation times in steps; infinite where they cannot be estimated yet.
    rhat : ndarray, shape (n_parameters,)
        Rank-normalized split R-hat with an ensemble as a chain.
    walkers_apart : ndarray, shape (n_ensembles, n_parameters)
        `walkers_apart` of every ensemble.
    """

    names: tuple[str, ...]
    steps: int
    burn_in: int
    walkers: int
    tau: Floats
    rhat: Floats
    walkers_apart: Floats

    @property
    def steps_per_tau(self) -> Floats:
        """Steps kept over the longest autocorrelation time, shape (n_ensembles,)."""
        return np.asarray((self.steps - self.burn_in) / self.tau.max(axis=1))

    @property
    def ess(self) -> Floats:
        """Effective sample size: steps kept x walkers / tau, summed over the ensembles."""
        return np.asarray(np.sum((self.steps - self.burn_in) * self.walkers / self.tau, axis=0))

    @property
    def reached(self) -> bool:
        """Whether the stop rule is met."""
        return bool(
            self.steps_per_tau.min() > STEPS_PER_TAU
            and self.rhat.max() < RHAT_BELOW
            and self.walkers_apart.max() < WALKERS_APART_BELOW
        )

    @property
    def verdict(self) -> str:
        """The state in words; what is missing where the stop rule is not met."""
        slow = self.names[int(self.tau.max(axis=0).argmax())]
        apart = self.names[int(self.rhat.argmax())]
        unmixed = self.names[int(self.walkers_apart.max(axis=0).argmax())]
        state = (
            f"after {self.steps} steps of {len(self.tau)} ensembles of {self.walkers} walkers: "
            f"N/tau is at least {self.steps_per_tau.min():.0f} (tau at most "
            f"{self.tau.max():.1f} steps, {slow}), R-hat at most {self.rhat.max():.4f} ({apart}), "
            f"walkers apart at most {self.walkers_apart.max():.2f} ({unmixed}), "
            f"effective draws at least {self.ess.min():.0f}."
        )
        if self.reached:
            return f"Converged {state}"
        missing = []
        if not self.steps_per_tau.min() > STEPS_PER_TAU:
            wanted = f"N/tau above {STEPS_PER_TAU:.0f} in every ensemble"
            if np.isfinite(self.tau).all():
                more = STEPS_PER_TAU * self.tau.max() / (1 - _BURN_IN)
                wanted += f" (about {more:.0f} steps)"
            missing.append(wanted)
        if not self.rhat.max() < RHAT_BELOW:
            above = [n for n, r in zip(self.names, self.rhat, strict=True) if not r < RHAT_BELOW]
            missing.append(f"R-hat below {RHAT_BELOW} for {', '.join(above)}")
        if not self.walkers_apart.max() < WALKERS_APART_BELOW:
            worst = zip(self.names, self.walkers_apart.max(axis=0), strict=True)
            above = [name for name, ratio in worst if not ratio < WALKERS_APART_BELOW]
            missing.append(
                f"walkers that mix (apart below {WALKERS_APART_BELOW:g}) for {', '.join(above)}"
            )
        return f"Not converged {state} Missing: {'; '.join(missing)}."


def judge(chains: Floats, names: Sequence[str]) -> Convergence:
    """Judge ensembles of equal length.

    Parameters
    ----------
    chains : ndarray, shape (n_ensembles, n_steps, n_walkers, n_parameters)
        From the first step on.
    names : sequence of str
        Parameters.
    """
    ensembles, steps, walkers, parameters = chains.shape
    burn_in = int(_BURN_IN * steps)
    kept = chains[:, burn_in:]
    chosen = np.unique(np.linspace(0, kept.shape[1] - 1, _RHAT_STEPS).astype(int))
    tau = np.array([autocorrelation_times(chain) for chain in kept])
    return Convergence(
        names=tuple(names),
        steps=steps,
        burn_in=burn_in,
        walkers=walkers,
        tau=tau,
        rhat=rhat(kept[:, chosen].reshape(ensembles, -1, parameters)),
        walkers_apart=np.array([walkers_apart(*one) for one in zip(kept, tau, strict=True)]),
    )


def autocorrelation_times(chain: Floats) -> Floats:
    """Autocorrelation time of each parameter in steps.

    Parameters
    ----------
    chain : ndarray, shape (n_steps, n_walkers, n_parameters)

    Returns
    -------
    ndarray, shape (n_parameters,)
        Infinite where nothing has moved. Short chains underrate it: see N/tau.
    """
    with np.errstate(invalid="ignore"):
        taus = 2 * np.cumsum(autocorrelation(chain), axis=0) - 1
    # emcee's `auto_window` answers zero, a tau of one, where the window never closes.
    closed = np.arange(len(taus))[:, None] >= _WINDOW * taus
    window = np.where(closed.any(axis=0), closed.argmax(axis=0), len(taus) - 1)
    found = taus[window, np.arange(taus.shape[1])]
    return np.asarray(np.where(np.isnan(found), np.inf, found), dtype=float)


def autocorrelation(chain: Floats) -> Floats:
    """Autocorrelation of each parameter, (n_steps, n_parameters); of a chain as above.

    About the mean and in the variance of the whole ensemble. emcee's own function takes those of
    each walker: a walker that stays in a mode of its own would look as if it mixed well.
    """
    steps = len(chain)
    centred = chain - chain.mean(axis=(0, 1))
    # Twice the length, so that the end does not meet the beginning.
    length = next_fast_len(2 * steps, real=True)
    power = np.abs(rfft(centred, length, axis=0)) ** 2
    products = np.asarray(irfft(power.mean(axis=1), length, axis=0)[:steps], dtype=float)
    with np.errstate(invalid="ignore"):
        return np.asarray(products / products[0], dtype=float)


def walkers_apart(chain: Floats, tau: Floats) -> Floats:
    """Variance of the means of walkers, over the ``tau / steps`` variances it should be.

    R-hat compares ensembles: it does not see walkers that stay in modes of their own, when every
    ensemble has the same share of them. Tau sees a walker that is stuck far out, and not one that
    is stuck where the others pass too. Near 1 where walkers mix, up to steps / tau and more where
    they do not.

    Parameters
    ----------
    chain : ndarray, shape (n_steps, n_walkers, n_parameters)
    tau : ndarray, shape (n_parameters,)
        Autocorrelation times in steps.

    Returns
    -------
    ndarray, shape (n_parameters,)
        Infinite where tau is.
    """
    if not np.isfinite(tau).all():
        return np.full(len(tau), np.inf)
    between = chain.mean(axis=0).var(axis=0, ddof=1)
    within = chain.var(axis=0, ddof=1).mean(axis=0)
    return np.asarray(between * len(chain) / (tau * within))
