"""Densities with known moments, for the sampler; importable by worker processes."""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Normal:
    """Correlated normal with SDs from 0.1 to 10."""

    @property
    def covariance(self):
        correlation = np.full((4, 4), 0.9) + 0.1 * np.eye(4)
        sds = np.array([0.1, 1.0, 1.0, 10.0])
        return correlation * sds[:, None] * sds

    mean = np.array([1.0, -2.0, 0.0, 30.0])

    def __call__(self, points):
        gaps = points - self.mean
        return -0.5 * np.sum(gaps * np.linalg.solve(self.covariance, gaps.T).T, axis=1)


@dataclass(frozen=True)
class Banana:
    """A standard normal pair, the second bent by b (x^2 - 1): mean 0, variance 1 + 2 b^2."""

    bend: float = 0.7
    mean = np.zeros(2)

    @property
    def covariance(self):
        return np.diag([1.0, 1 + 2 * self.bend**2])

    def __call__(self, points):
        x, y = points.T
        return -0.5 * (x**2 + (y - self.bend * (x**2 - 1)) ** 2)

    def draw(self, rng, count):
        x, y = rng.standard_normal((2, count))
        return np.stack([x, y + self.bend * (x**2 - 1)], axis=1)


@dataclass(frozen=True)
class Slow:
    """A normal that takes a while and says in which process it is evaluated."""

    folder: Path
    seconds: float

    def __call__(self, points):
        (self.folder / f"process-{os.getpid()}").touch()
        time.sleep(self.seconds)
        return -0.5 * np.sum(points**2, axis=1)
