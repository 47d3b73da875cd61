"""Exact derivatives by the parameters: the integration itself, differentiated.

With W = I / (h gamma) - J(y), a stage solves W k_i = f(u_i) + sum_j C_ij / h k_j. Its derivative
dk_i solves the same matrix,

    W dk_i = J(u_i) du_i + f_c(u_i) dc + (J_y k_i) dy + (f_cy k_i) dc + sum_j C_ij / h dk_j,

where c are the constants and the step size counts as given. So the derivatives belong to the very
numbers that are computed, whatever the tolerance.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from bonecycle.engines.kernel.calls import call
from bonecycle.engines.kernel.model_code import VECTOR
from bonecycle.engines.kernel.rosenbrock import (
    FIRST_STEP,
    GROW,
    OK,
    PIVOT,
    SMALLEST_STEP,
    START,
    STEP_SIZE,
    STEPS,
    change,
    measure,
    next_step,
)
from bonecycle.engines.kernel.tableau import GAMMA, STAGES


@njit(cache=True, error_model="numpy")
def _try_step(functions: Any, y: Any, c: Any, h: float, u: Any, k: Any, e: Any, work: Any) -> None:
    """Try a step and keep what its derivative needs.

    `u`: result of the step; `k`: of the stages, shape (STAGES, n_states, 1). `e`: extended
    Jacobian at every stage.
    """
    f, inverse, factors, shift, smallest = work
    inverse[0] = 1.0 / h
    shift[0] = inverse[0] / GAMMA
    call(
        functions[3],
        (
            y.ctypes.data,
            c.ctypes.data,
            inverse.ctypes.data,
            u.ctypes.data,
            k.ctypes.data,
            f.ctypes.data,
            e.ctypes.data,
            factors.ctypes.data,
            shift.ctypes.data,
            smallest.ctypes.data,
        ),
    )


@njit(cache=True, error_model="numpy")
def _differentiate(
    functions: Any,
    y: Any,
    c: Any,
    inverse: Any,
    k: Any,
    e: Any,
    d: Any,
    s: Any,
    v: Any,
    dk: Any,
    factors: Any,
    still: Any,
) -> None:
    """Move the derivatives `s` over an accepted step, block of columns by block.

    `s`: shape (n_blocks, n_states + n_sensitive, VECTOR), derivatives of states and constants;
    `v`, `dk`: shape (n_states, VECTOR) and (STAGES, n_states, VECTOR), space for those of a
    stage's argument and result.
    """
    call(
        functions[4],
        (
            y.ctypes.data,
            c.ctypes.data,
            k.ctypes.data,
            e.ctypes.data,
            d.ctypes.data,
            still.ctypes.data,
        ),
    )
    for block in range(len(s)):
        call(
            functions[5],
            (
                inverse.ctypes.data,
                e.ctypes.data,
                d.ctypes.data,
                s[block].ctypes.data,
                v.ctypes.data,
                dk.ctypes.data,
                factors.ctypes.data,
            ),
        )


def _integrate(
    functions: Any,
    p: Any,
    c: Any,
    physical: Any,
    moments: Any,
    first: Any,
    targets: Any,
    values: Any,
    times: Any,
    sizes: Any,
    start: Any,
    read: Any,
    tolerance: Any,
    max_steps: int,
) -> Any:
    """Simulate one parameter set with derivatives by some of the parameters.

    Parameters
    ----------
    functions : int64 array
        Addresses of prepare, step, outputs (width 1), try_step, turn, differentiate,
        initial_gradient, output_gradient, multiply_output.
    p : ndarray, shape (n_parameters, 1)
    c : ndarray, shape (n_constants, 1)
        With the start values of what events change.
    start : ndarray of int, shape (n_entries, 2)
        Row (state, then sensitive constant) and column of every entry of initial_gradient; -1
        where the column is not asked for.
    read : tuple of int
        Entries of output_gradient, of the extended Jacobian and of its derivative along a
        direction, and what that needs besides; sensitive constants; columns asked for.
    physical, moments, first, targets, values, times, sizes, tolerance, max_steps
        As in `rosenbrock.integrate`.

    Returns
    -------
    results : ndarray, shape (n_times, n_outputs)
    gradient : ndarray, shape (n_times, n_outputs, n_columns)
    status, steps : int
    """
    n = len(physical)
    n_outputs, _, n_factors = sizes
    n_read, n_extended, n_turned, n_still, n_sensitive, n_columns = read
    n_times, n_moments = len(times), len(moments)
    results = np.full((n_times, n_outputs), np.nan)
    gradient = np.full((n_times, n_outputs, n_columns), np.nan)
    y, top, error = np.empty((n, 1)), np.empty((n, 1)), np.empty(1)
    u, k = np.empty((n, 1)), np.empty((STAGES, n, 1))
    e, d = np.empty((STAGES, n_extended)), np.empty((STAGES, n_turned))
    still = np.empty(n_still)
    factors, shift, smallest = np.empty(n_factors), np.empty(1), np.empty(1)
    inverse = np.empty(1)
    work = (np.empty((n, 1)), inverse, factors, shift, smallest)
    s = np.zeros((-(-n_columns // VECTOR), n + n_sensitive, VECTOR))
    v, dk = np.empty((n, VECTOR)), np.empty((STAGES, n, VECTOR))
    sample, slopes = np.empty((n_outputs, 1)), np.empty(max(1, n_read))
    found = np.empty((n_outputs, VECTOR))
    call(functions[0], (p.ctypes.data, c.ctypes.data, y.ctypes.data))
    at_start = np.empty(max(1, len(start)))
    call(functions[6], (p.ctypes.data, at_start.ctypes.data))
    for q in range(len(start)):
        row, column = start[q]
        if column >= 0:
            s[column // VECTOR, row, column % VECTOR] = at_start[q]
    for i in range(n):
        top[i, 0] = abs(y[i, 0])
        if not np.isfinite(y[i, 0]) or (physical[i] and y[i, 0] < 0):
            return results, gradient, START, 0
    t, proposed, restart = 0.0, FIRST_STEP, FIRST_STEP
    next_time, next_moment, steps = 0, 0, 0
    arrived, after_dose = True, False
    while True:
        if arrived:
            while next_moment < n_moments and moments[next_moment] <= t:
                span = (first[next_moment], first[next_moment + 1])
                for q in range(span[0], span[1]):
                    if n <= targets[q] < 2 * n:
                        s[:, targets[q] - n] = 0.0  # a state that is set forgets
                change(y, c, 0, span, targets, values)
                next_moment += 1
                proposed, after_dose = restart, True
                for i in range(n):
                    top[i, 0] = max(top[i, 0], abs(y[i, 0]))
            if times[next_time] <= t:
                call(functions[2], (y.ctypes.data, c.ctypes.data, sample.ctypes.data))
                call(functions[7], (y.ctypes.data, c.ctypes.data, slopes.ctypes.data))
                results[next_time] = sample[:, 0]
                for block in range(len(s)):
                    found[:] = 0.0
                    call(
                        functions[8],
                        (slopes.ctypes.data, s[block].ctypes.data, found.ctypes.data),
                    )
                    for column in range(block * VECTOR, min(n_columns, (block + 1) * VECTOR)):
                        gradient[next_time, :, column] = found[:, column % VECTOR]
                next_time += 1
                if next_time == n_times:
                    return results, gradient, OK, steps
        stop = times[next_time]
        if next_moment < n_moments:
            stop = min(stop, moments[next_moment])
        left = stop - t
        h = proposed
        if h >= 0.999 * left:
            h = left
        elif h > 0.5 * left:
            h = 0.5 * left
        _try_step(functions, y, c, h, u, k, e, work)
        measure(y, u, top, k[STAGES - 1], tolerance[0], tolerance[1], error)
        steps += 1
        singular = not smallest[0] > PIVOT * shift[0]
        arrived = False
        if singular or not error[0] <= 1.0:
            smaller = 0.5 * h if singular else next_step(h, error[0])
            proposed = min(smaller, 0.9 * h)
            if proposed < SMALLEST_STEP * (1.0 + t):
                return results, gradient, STEP_SIZE, steps
        else:
            _differentiate(functions, y, c, inverse, k, e, d, s, v, dk, factors, still)
            larger = next_step(h, error[0])
            if after_dose:
                restart = min(larger, proposed * GROW)
                after_dose = False
            proposed = max(larger, proposed) if larger > h else larger
            arrived = h >= stop - t
            t = stop if arrived else t + h
            for i in range(n):
                y[i, 0] = u[i, 0]
                top[i, 0] = max(top[i, 0], abs(y[i, 0]))
        if steps >= max_steps:
            return results, gradient, STEPS, steps


integrate: Any = njit(cache=True, error_model="numpy")(_integrate)
