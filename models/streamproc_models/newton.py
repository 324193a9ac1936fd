"""Online Newton steps: every gradient is divided by the curvature that the gradients before it have shown.

    k = P g / (1 + g'P g);  w += k;  P -= k (P g)'   (rank-one update: Sherman and Morrison, 1950)
after Hazan, Agarwal and Kale (2007, Logarithmic Regret Algorithms for Online Convex Optimization), with old
gradients forgotten over about 10,000 steps: P <- D P D. Two guards, without which long streams diverge:
D_f = min(sqrt(1 + 1/10,000), sqrt((1/30) / P_ff)) bounds the diagonal where no gradient comes, and only the
lower triangle exists, in double precision, since a rounding error that is not symmetric would grow.
"""

import numpy as np

from streamproc_models.arrays import F32, F64
from streamproc_models.kernel import tight

_CEILING = 1.0 / 30.0  # of the diagonal, and where it starts
_FORGET = float(np.sqrt(1.0 + 1.0 / 10_000.0))
_TINY = 1e-12


def start(rows: int, features: int) -> F64:
    """Inverse curvatures (rows, features, features) before the first step."""
    one = np.eye(features) * _CEILING
    return np.repeat(one[None], rows, axis=0)


@tight
def step(weights: F32, inverse: F64, gradient: F32, mask: F32, scratch: F64) -> float:
    """One step uphill of `weights` (n,) where `mask` is 1; `inverse` (n, n), lower triangle.

    `scratch` (3, n). Returns 1 where the step could not be computed: the inverse starts anew; else 0.
    """
    n = gradient.size
    g, slope, shrink = scratch[0], scratch[1], scratch[2]
    for f in range(n):
        g[f] = gradient[f] * mask[f]
        slope[f] = 0.0
    _multiply(inverse, g, slope)
    total = 1.0
    for f in range(n):
        total += g[f] * slope[f]
    share = 1.0 / total
    sound = total > 0.0
    for f in range(n):
        left = inverse[f, f] - slope[f] * slope[f] * share
        sound = sound and left > 0.0
        shrink[f] = min(_FORGET, np.sqrt(_CEILING / max(left, _TINY)))
    if not sound:
        _begin_again(inverse)
        return 1.0
    for f in range(n):
        weights[f] += np.float32(share * slope[f])
    _update(inverse, slope, shrink, share)
    return 0.0


@tight
def _multiply(inverse: F64, g: F64, out: F64) -> None:
    """out (n,) += the symmetric matrix, of which the lower triangle is given, times g."""
    for f in range(g.size):
        row, value, dot = inverse[f], g[f], 0.0
        for z in range(f):
            dot += row[z] * g[z]
        for z in range(f):
            out[z] += value * row[z]
        out[f] += dot + row[f] * value


@tight
def _update(inverse: F64, slope: F64, shrink: F64, share: float) -> None:
    for f in range(slope.size):
        row, k, d = inverse[f], share * slope[f], shrink[f]
        for z in range(f + 1):
            row[z] = (row[z] - k * slope[z]) * (d * shrink[z])


@tight
def _begin_again(inverse: F64) -> None:
    for f in range(inverse.shape[0]):
        for z in range(inverse.shape[1]):
            inverse[f, z] = _CEILING if f == z else 0.0
