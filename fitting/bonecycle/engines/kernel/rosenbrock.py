"""The integrator: lanes of simulations, each with its own step size and clock.

A Rosenbrock method solves one linear system a stage and starts anew at full order after every
dose, where a multistep method falls back to order one. When a lane has finished, the next
simulation takes its place; lanes never see each other. Arrays hold one row a quantity and one
column a lane.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from bonecycle.engines.kernel.calls import call
from bonecycle.engines.kernel.tableau import GAMMA, ORDER, STAGES

OK, START, STEPS, STEP_SIZE = 0, 1, 2, 3
"""What became of a simulation: done, a start that cannot be, too many steps, too small a step."""

FIRST_STEP = 1e-3
SAFETY, SHRINK, GROW = 0.9, 0.2, 6.0
# A state far below its own largest value so far counts as if it were this share of it.
FLOOR = 1e-3
# A pivot this small against the identity's share of it asks for a smaller step.
PIVOT = 1e-3
SMALLEST_STEP = 1e-12


@njit(cache=True, error_model="numpy", inline="always")
def next_step(h: float, error: float) -> float:
    """Step size that the error of the last one allows."""
    factor = GROW if error == 0 else SHRINK  # not a number: much smaller
    if error > 0:
        factor = min(GROW, max(SHRINK, SAFETY * error ** (-1.0 / ORDER)))
    return h * factor


@njit(cache=True, error_model="numpy")
def stages(functions: Any, y: Any, c: Any, h: Any, u: Any, k: Any, work: Any) -> None:
    """Try one step of every lane: `u` gets the result, the last of `k` the error.

    Parameters
    ----------
    functions : int64 array
        Addresses of prepare, step, outputs.
    y, u : ndarray, shape (n_states, lanes)
    c : ndarray, shape (n_constants, lanes)
    h : ndarray, shape (lanes,)
    k : ndarray, shape (STAGES, n_states, lanes)
    work : tuple of ndarray
        Space for rates, inverse step, Jacobian, factors, shift and smallest pivot.
    """
    f, inverse, jacobian, factors, shift, smallest = work
    for lane in range(len(h)):
        inverse[lane] = 1.0 / h[lane]
        shift[lane] = inverse[lane] / GAMMA
    call(
        functions[1],
        (
            y.ctypes.data,
            c.ctypes.data,
            inverse.ctypes.data,
            u.ctypes.data,
            k.ctypes.data,
            f.ctypes.data,
            jacobian.ctypes.data,
            factors.ctypes.data,
            shift.ctypes.data,
            smallest.ctypes.data,
        ),
    )


@njit(cache=True, error_model="numpy")
def measure(
    y: Any, u: Any, top: Any, last: Any, relative: float, absolute: float, error: Any
) -> None:
    """Root mean square of the error of every lane, one being what is allowed."""
    n, lanes = y.shape
    error[:] = 0.0
    for i in range(n):
        for lane in range(lanes):
            size = max(abs(y[i, lane]), abs(u[i, lane]), FLOOR * top[i, lane])
            ratio = last[i, lane] / (relative * size + absolute)
            error[lane] += ratio * ratio
    for lane in range(lanes):
        error[lane] = np.sqrt(error[lane] / n)


@njit(cache=True, error_model="numpy")
def change(y: Any, c: Any, lane: int, span: Any, targets: Any, values: Any) -> None:
    """Apply the doses and switches of one moment to a lane."""
    n = y.shape[0]
    for q in range(span[0], span[1]):
        target = targets[q]
        if target < n:
            y[target, lane] += values[q]
        elif target < 2 * n:
            y[target - n, lane] = values[q]
        else:
            c[target - 2 * n, lane] = values[q]


def _integrate(
    functions: Any,
    sets: Any,
    fresh_c: Any,
    fresh_y: Any,
    physical: Any,
    moments: Any,
    first: Any,
    targets: Any,
    values: Any,
    times: Any,
    sizes: Any,
    tolerance: Any,
    max_steps: int,
) -> Any:
    """Simulate parameter sets from their start.

    Parameters
    ----------
    functions : int64 array
        See `stages`.
    sets : ndarray, shape (n_sets, n_parameters)
    fresh_c : ndarray, shape (n_constants, lanes)
        Space, with the start values of what events change.
    fresh_y : ndarray, shape (n_states, lanes)
        Space.
    physical : bool array, shape (n_states,)
        States that cannot start below zero.
    moments : ndarray, shape (n_moments,)
        Times of doses and switches, increasing.
    first : int array, shape (n_moments + 1,)
        First change of each moment.
    targets, values : ndarray, shape (n_changes,)
        What changes: state i to add to; n_states + i to set it; 2 n_states + i for constant i.
    times : ndarray, shape (n_times,)
        Increasing times of the outputs.
    sizes : tuple of int
        Outputs, entries of the Jacobian and of its factors.
    tolerance : tuple of float
        Relative and absolute tolerance of a step.
    max_steps : int

    Returns
    -------
    results : ndarray, shape (n_sets, n_times, n_outputs)
        NaN where a simulation failed.
    status, steps : int array, shape (n_sets,)
    """
    n, lanes = fresh_y.shape
    n_outputs, n_jacobian, n_factors = sizes
    n_sets, n_times, n_moments = len(sets), len(times), len(moments)
    results = np.full((n_sets, n_times, n_outputs), np.nan)
    status = np.zeros(n_sets, np.int64)
    steps = np.zeros(n_sets, np.int64)
    p = np.empty((sets.shape[1], lanes))
    y, u, top = np.ones((n, lanes)), np.empty((n, lanes)), np.ones((n, lanes))
    c = np.ones(fresh_c.shape)
    k = np.empty((STAGES, n, lanes))
    work = (
        np.empty((n, lanes)),
        np.empty(lanes),
        np.empty((n_jacobian, lanes)),
        np.empty((n_factors, lanes)),
        np.empty(lanes),
        np.empty(lanes),
    )
    smallest, shift = work[5], work[4]
    read, error = np.empty((n_outputs, lanes)), np.empty(lanes)
    t, h = np.zeros(lanes), np.ones(lanes)
    proposed, restart = np.zeros(lanes), np.zeros(lanes)
    owner = np.full(lanes, -1, np.int64)
    next_time, next_moment = np.zeros(lanes, np.int64), np.zeros(lanes, np.int64)
    stop = np.zeros(lanes)
    fresh, arrived = np.zeros(lanes, np.bool_), np.zeros(lanes, np.bool_)
    after_dose = np.zeros(lanes, np.bool_)
    waiting = 0
    p[:] = sets[0].reshape((-1, 1))
    while True:
        # Simulations that wait take the free lanes.
        for lane in range(lanes):
            fresh[lane] = owner[lane] < 0 and waiting < n_sets
            if fresh[lane]:
                p[:, lane] = sets[waiting]
                owner[lane] = waiting
                waiting += 1
        if fresh.any():
            call(functions[0], (p.ctypes.data, fresh_c.ctypes.data, fresh_y.ctypes.data))
            for lane in range(lanes):
                if not fresh[lane]:
                    continue
                c[:, lane] = fresh_c[:, lane]
                y[:, lane] = fresh_y[:, lane]
                top[:, lane] = np.abs(fresh_y[:, lane])
                t[lane], next_time[lane], next_moment[lane] = 0.0, 0, 0
                proposed[lane], restart[lane] = FIRST_STEP, FIRST_STEP
                after_dose[lane], arrived[lane] = False, True
                for i in range(n):
                    if not np.isfinite(y[i, lane]) or (physical[i] and y[i, lane] < 0):
                        status[owner[lane]] = START
        # Doses and switches, then samples of those lanes that stand at such a time.
        sample = False
        for lane in range(lanes):
            if owner[lane] < 0 or not arrived[lane] or status[owner[lane]] != OK:
                continue
            while next_moment[lane] < n_moments and moments[next_moment[lane]] <= t[lane]:
                m = next_moment[lane]
                change(y, c, lane, (first[m], first[m + 1]), targets, values)
                for i in range(n):
                    top[i, lane] = max(top[i, lane], abs(y[i, lane]))
                next_moment[lane] += 1
                proposed[lane] = restart[lane]
                after_dose[lane] = True
            sample = sample or times[next_time[lane]] <= t[lane]
        if sample:
            call(functions[2], (y.ctypes.data, c.ctypes.data, read.ctypes.data))
        active = False
        for lane in range(lanes):
            who = owner[lane]
            if who < 0:
                continue
            if arrived[lane] and status[who] == OK and times[next_time[lane]] <= t[lane]:
                results[who, next_time[lane]] = read[:, lane]
                next_time[lane] += 1
            if status[who] != OK or next_time[lane] == n_times:
                if status[who] != OK:
                    results[who] = np.nan
                owner[lane] = -1
                h[lane] = 1.0
                y[:, lane], c[:, lane], top[:, lane] = 1.0, 1.0, 1.0
                continue
            active = True
            arrived[lane] = False
            stop[lane] = times[next_time[lane]]
            if next_moment[lane] < n_moments:
                stop[lane] = min(stop[lane], moments[next_moment[lane]])
            left = stop[lane] - t[lane]
            h[lane] = proposed[lane]
            if h[lane] >= 0.999 * left:
                h[lane] = left
            elif h[lane] > 0.5 * left:
                h[lane] = 0.5 * left
        if not active:
            if waiting < n_sets:
                continue
            break
        stages(functions, y, c, h, u, k, work)
        measure(y, u, top, k[STAGES - 1], tolerance[0], tolerance[1], error)
        for lane in range(lanes):
            who = owner[lane]
            if who < 0:
                continue
            steps[who] += 1
            singular = not smallest[lane] > PIVOT * shift[lane]
            if singular or not error[lane] <= 1.0:
                smaller = 0.5 * h[lane] if singular else next_step(h[lane], error[lane])
                proposed[lane] = min(smaller, 0.9 * h[lane])
                if proposed[lane] < SMALLEST_STEP * (1.0 + t[lane]):
                    status[who] = STEP_SIZE
            else:
                larger = next_step(h[lane], error[lane])
                if after_dose[lane]:
                    restart[lane] = min(larger, proposed[lane] * GROW)
                    after_dose[lane] = False
                # A step cut short by a stop says little about the next.
                proposed[lane] = max(larger, proposed[lane]) if larger > h[lane] else larger
                if h[lane] >= stop[lane] - t[lane]:
                    t[lane] = stop[lane]
                    arrived[lane] = True
                else:
                    t[lane] += h[lane]
                for i in range(n):
                    y[i, lane] = u[i, lane]
                    top[i, lane] = max(top[i, lane], abs(u[i, lane]))
            if steps[who] >= max_steps and status[who] == OK:
                status[who] = STEPS
    return results, status, steps


integrate: Any = njit(cache=True, error_model="numpy")(_integrate)
