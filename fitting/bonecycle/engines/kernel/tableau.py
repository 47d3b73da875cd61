"""Coefficients of the integrator: Rodas5P.

G. Steinebach, Construction of Rosenbrock-Wanner method Rodas5P and numerical benchmarks within
the Julia Differential Equations package, BIT Numerical Mathematics 63, 27 (2023), table 3, in the
transformed form of E. Hairer and G. Wanner, Solving Ordinary Differential Equations II, 1996,
equation IV.7.25: eight stages, order five with an embedded order four, stiffly accurate, L-stable.
"""

from __future__ import annotations

import numpy as np

ORDER = 5
STAGES = 8
GAMMA = 0.21193756319429014
"""Diagonal coefficient: every stage solves with I / (h GAMMA) - J."""

_A = (
    (),
    (3.0,),
    (2.849394379747939, 0.45842242204463923),
    (-6.954028509809101, 2.489845061869568, -10.358996098473584),
    (2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641),
    (
        -7.502846399306121,
        2.561846144803919,
        -11.627539656261098,
        -0.18268767659942256,
        0.030198172008377946,
    ),
)
_C = (
    (),
    (-14.155112264123755,),
    (-17.97296035885952, -2.859693295451294),
    (147.12150275711716, -1.41221402718213, 71.68940251302358),
    (165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306),
    (
        24.854864614690072,
        -3.0009227002832186,
        47.4931110020768,
        5.5814197821558125,
        -0.6610691825249471,
    ),
    (
        30.91273214028599,
        -3.1208243349937974,
        77.79954646070892,
        34.28646028294783,
        -19.097331116725623,
        -28.087943162872662,
    ),
    (
        37.80277123390563,
        -3.2571969029072276,
        112.26918849496327,
        66.9347231244047,
        -40.06618937091002,
        -54.66780262877968,
        -9.48861652309627,
    ),
)


def _square(
    rows: tuple[tuple[float, ...], ...],
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    full = np.zeros((STAGES, STAGES))
    for i, row in enumerate(rows):
        full[i, : len(row)] = row
    return full


# The last two stages start from the one before: stage 7 adds k6 to the argument of stage 6,
# stage 8 adds k7; the result adds k8, and k8 is the estimate of the error.
A = _square((*_A, (*_A[5], 1.0), (*_A[5], 1.0, 1.0)))
"""Stage i is evaluated at y + sum_j A[i, j] k_j."""
C = _square(_C)
"""Stage i solves W k_i = f + sum_j C[i, j] / h k_j."""
