"""Responses whose sensitivities are known; in a module of their own, so that workers find them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import norm

from bonecycle.analysis.responses import Output


def to_interval(scores, low, high):
    return low + (high - low) * norm.cdf(scores)


@dataclass(frozen=True)
class Ishigami:
    """sin x1 + a sin^2 x2 + b x3^4 sin x1 on (-pi, pi); Ishigami and Homma 1990."""

    a: float = 7.0
    b: float = 0.1
    # Sets with x1 above this fail.
    fails_above: float = np.inf
    # Calls are written there, to count them over processes.
    log: Path | None = None
    key: str = "ishigami"

    names = ("x1", "x2", "x3")
    labels = (Output("y", 0.0, "1"), Output("constant", 0.0, "1"))

    def from_scores(self, scores):
        return to_interval(scores, -np.pi, np.pi)

    def evaluate(self, values):
        if self.log is not None:
            with self.log.open("a") as stream:
                stream.write(f"{len(values)}\n")
        x1, x2, x3 = values.T
        y = np.sin(x1) + self.a * np.sin(x2) ** 2 + self.b * x3**4 * np.sin(x1)
        outputs = np.column_stack([y, np.ones_like(y)])
        outputs[x1 > self.fails_above] = np.nan
        return outputs

    @property
    def exact(self):
        """First and total indices."""
        a, b = self.a, self.b
        first = np.array(
            [0.5 * (1 + b * np.pi**4 / 5) ** 2, a**2 / 8, 0.0],
        )
        crossed = b**2 * np.pi**8 * (1 / 18 - 1 / 50)
        variance = first.sum() + crossed
        return first / variance, (first + np.array([crossed, 0.0, crossed])) / variance


@dataclass(frozen=True)
class Linear:
    """2 z1 - 5 z2 of normal scores z; the third parameter does nothing."""

    key: str = "linear"
    # Sets whose scores add up to more fail.
    fails_above: float = np.inf

    names = ("z1", "z2", "z3")
    labels = (Output("y", 0.0, "1"),)

    def from_scores(self, scores):
        return scores

    def evaluate(self, values):
        outputs = values @ np.array([[2.0], [-5.0], [0.0]])
        outputs[values.sum(axis=1) > self.fails_above] = np.nan
        return outputs
