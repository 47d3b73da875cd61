"""Least squares with lmfit from several starts.

The residuals are those of the problem's likelihood and of its priors, so the best point is the
posterior mode on the scales of the priors (up to the constants of the terms).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import lmfit
import numpy as np
from scipy.stats import norm, qmc

from bonecycle.engines.interface import Floats
from bonecycle.errors import SimulationError
from bonecycle.inference.fitting.identifiability import fisher_information
from bonecycle.problem.problem import Problem, ProblemSpec, load_problem
from bonecycle.tasks import run_all

# Bounds in prior SDs: wide enough to say nothing, narrow enough to keep the models simulable.
BOUND_SDS = 5.0
# Residual of a set that could not be simulated: finite, since lmfit refuses NaN.
_FAILED_RESIDUAL = 1e3


@dataclass(frozen=True)
class Start:
    """Result of one start.

    Attributes
    ----------
    theta : ndarray, shape (n_parameters,)
        Where the search ended, on the scales of the priors.
    cost : float
        Sum of squared residuals, priors included.
    covariance : ndarray, shape (n_parameters, n_parameters)
        Inverse of the information of targets and priors at the end; NaN where that is not finite.
    evaluations, failures : int
        Parameter sets evaluated, and how many of them could not be simulated.
    converged : bool
    message : str
    """

    theta: Floats
    cost: float
    covariance: Floats
    evaluations: int
    failures: int
    converged: bool
    message: str


@dataclass(frozen=True)
class Fit:
    """Fit of one mechanism: its starts, the best first."""

    spec: ProblemSpec
    starts: tuple[Start, ...]

    @property
    def best(self) -> Start:
        """The start with the lowest cost."""
        return self.starts[0]


class _Objective:
    """Residuals and Jacobian of a problem in prior SDs from the prior centre."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.evaluations = 0
        self.failures = 0

    def residuals(self, points: Floats) -> Floats:
        """Residuals of fitted targets and priors, (n_sets, n_fitted + n_parameters)."""
        space = self.problem.space
        result = self.problem.evaluate(space.centers + points * space.sds)
        self.evaluations += len(points)
        self.failures += int((~result.ok).sum())
        data = np.where(
            result.ok[:, None], result.residuals[:, self.problem.fitted], _FAILED_RESIDUAL
        )
        return np.hstack([data, points])

    def of_parameters(self, parameters: lmfit.Parameters) -> Floats:
        """Residuals as lmfit asks for them."""
        point = np.array([[p.value for p in parameters.values()]])
        return np.asarray(self.residuals(point)[0])

    def jacobian(self, parameters: lmfit.Parameters) -> Floats:
        """Derivatives of `of_parameters` by what varies, (n_residuals, n_varying)."""
        point = np.array([p.value for p in parameters.values()])
        space = self.problem.space
        slopes = self.problem.residual_slopes(space.centers + point * space.sds)
        self.evaluations += 1
        # A point without a derivative is one that could not be simulated: its residuals are flat.
        data = np.nan_to_num(slopes[self.problem.fitted], nan=0.0) * space.sds
        varying = [p.vary for p in parameters.values()]
        return np.vstack([data, np.eye(len(point))])[:, varying]


def start_points(spec: ProblemSpec, starts: int, seed: int) -> Floats:
    """Starts in prior SDs, (starts, n_parameters).

    The prior centre, then scrambled Sobol points of the prior; the first ones do not depend on
    how many are asked for.
    """
    n = len(load_problem(spec).space.names)
    sobol = qmc.Sobol(n, scramble=True, rng=np.random.default_rng(seed))
    points = norm.ppf(sobol.random_base2(max(starts - 1, 1).bit_length())[: starts - 1])
    return np.vstack([np.zeros((1, n)), np.clip(points, -BOUND_SDS, BOUND_SDS)])


def fit(
    spec: ProblemSpec,
    *,
    starts: int = 4,
    seed: int = 0,
    executor: Executor | None = None,
    done: Mapping[int, Start] | None = None,
    progress: Callable[[int, int], None] | None = None,
    on_start: Callable[[int, Start], None] | None = None,
) -> Fit:
    """Fit one mechanism from several starts.

    Parameters
    ----------
    spec : ProblemSpec
        What to fit.
    starts : int
        Number of starts; the first is the prior centre.
    seed : int
        Seed of the other starts.
    executor : Executor, optional
        Where the starts run; None for this process.
    done : mapping of int to Start, optional
        Starts that finished in an earlier run, by index; they are not run again.
    progress : callable, optional
        Called with the number of finished starts and of all.
    on_start : callable, optional
        Called with the index and the result of each start as it finishes.

    Raises
    ------
    SimulationError
        When no start could be simulated.
    """
    points = start_points(spec, starts, seed)
    kept = {i: start for i, start in (done or {}).items() if i < starts}
    waiting = [i for i in range(starts) if i not in kept]

    def report(finished: int, _total: int) -> None:
        if progress is not None:
            progress(len(kept) + finished, starts)

    def keep(position: int, start: Start) -> None:
        if on_start is not None:
            on_start(waiting[position], start)

    report(0, starts)
    results = run_all(
        [(spec, points[i]) for i in waiting],
        _run,
        seed=seed,
        executor=executor,
        progress=report,
        on_result=keep,
    )
    return _sorted(spec, [*kept.values(), *results])


def refit(spec: ProblemSpec, points: Sequence[Floats]) -> Fit:
    """Fit from given points on the scales of the priors, in this process.

    Raises
    ------
    SimulationError
        When none of them could be simulated.
    """
    space = load_problem(spec).space
    unused = np.random.SeedSequence(0)
    starts = [_run((spec, space.standardized(point[None])[0]), unused) for point in points]
    return _sorted(spec, starts)


def _sorted(spec: ProblemSpec, starts: Sequence[Start]) -> Fit:
    finished = tuple(sorted(starts, key=lambda start: start.cost))
    if finished[0].cost >= _FAILED_RESIDUAL**2:
        remedy = f"none of {len(finished)} starts could be simulated; check the priors and the data"
        raise SimulationError("cycle", "all arms", {}, remedy)
    return Fit(spec, finished)


def _run(task: tuple[ProblemSpec, Floats], _seed: np.random.SeedSequence) -> Start:
    spec, point = task
    return search(load_problem(spec), point)


def search(problem: Problem, point: Floats, held: Collection[str] = ()) -> Start:
    """Search from one point, in prior SDs from the prior centre, shape (n_parameters,).

    Parameters named in `held` stay where they are.
    """
    objective = _Objective(problem)
    parameters = lmfit.Parameters()
    for name, value in zip(problem.space.names, point, strict=True):
        parameters.add(name, value=float(value), min=-BOUND_SDS, max=BOUND_SDS)
        parameters[name].vary = name not in held
    minimizer = lmfit.Minimizer(objective.of_parameters, parameters, scale_covar=False)
    result = minimizer.least_squares(
        Dfun=objective.jacobian, ftol=1e-6, xtol=1e-5, gtol=1e-5, max_nfev=60
    )
    u = np.array([result.params[name].value for name in problem.space.names])
    sds = problem.space.sds
    theta = problem.space.centers + u * sds
    information = fisher_information(problem, theta) + np.eye(len(u))
    usable = bool(np.isfinite(information).all())
    covariance = np.linalg.inv(information) if usable else np.full(information.shape, np.nan)
    return Start(
        theta=theta,
        cost=float(np.sum(np.asarray(result.residual) ** 2)),
        covariance=covariance * sds[:, None] * sds,
        evaluations=objective.evaluations,
        failures=objective.failures,
        converged=bool(result.success),
        message=str(result.message),
    )
