"""Online Newton steps: every gradient is divided by the curvature that the gradients before it have shown.

    k = P g / (1 + g'P g);  w += k;  P -= k (P g)'   (rank-one update: Sherman and Morrison, 1950)
after Hazan, Agarwal and Kale (2007, Logarithmic Regret Algorithms for Online Convex Optimization), with old
gradients forgotten over about 10,000 steps: P <- D P D. Two guards, without which long streams diverge:
D_f = min(sqrt(1 + 1/10,000), sqrt((1/30) / P_ff)) bounds the diagonal where no gradient comes, and only the
lower triangle exists, in double precision, since a rounding error that is not symmetric would grow.
"""

import numpy as np

from streamproc_models.arrays import F32, F64, I64
from streamproc_models.kernel import tight

_CEILING = 1.0 / 30.0  # of the diagonal, and where it starts
_FORGET = float(np.sqrt(1.0 + 1.0 / 10_000.0))
_TINY = 1e-12


def start(rows: int, features: int) -> F64:
    """Inverse curvatures (rows, features, features) before the first step."""
    one = np.eye(features) * _CEILING
    return np.repeat(one[None], rows, axis=0)


@tight
def step(weights: F32, inverse: F64, g: F64, places: I64, scratch: F64) -> float:
    """One step uphill along g (n,), where g[f] is the slope of weights[places[f]].

    `inverse` (at least n, as many), lower triangle; `scratch` (at least 2, at least n). Returns 1 where the
    step could not be computed: the inverse starts anew; else 0.
    """
    n = g.size
    slope, shrink = scratch[0, :n], scratch[1, :n]
    for f in range(n):
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
        weights[places[f]] += np.float32(share * slope[f])
    _update(inverse, slope, shrink, share)
    return 0.0


@tight
def _multiply(inverse: F64, g: F64, out: F64) -> None:
    """out (n,) += the symmetric matrix, of which the lower triangle is given, times g."""
    whole = g.size - g.size % 4
    for f in range(0, whole, 4):  # four rows at a time: one alone is too short for SIMD
        a, b, c, d = inverse[f], inverse[f + 1], inverse[f + 2], inverse[f + 3]
        ga, gb, gc, gd = g[f], g[f + 1], g[f + 2], g[f + 3]
        dot_a = dot_b = dot_c = dot_d = 0.0
        for z in range(f):
            v = g[z]
            dot_a += a[z] * v
            dot_b += b[z] * v
            dot_c += c[z] * v
            dot_d += d[z] * v
            out[z] += ga * a[z] + gb * b[z] + gc * c[z] + gd * d[z]
        out[f] += dot_a + a[f] * ga + b[f] * gb + c[f] * gc + d[f] * gd
        out[f + 1] += dot_b + b[f] * ga + b[f + 1] * gb + c[f + 1] * gc + d[f + 1] * gd
        out[f + 2] += dot_c + c[f] * ga + c[f + 1] * gb + c[f + 2] * gc + d[f + 2] * gd
        out[f + 3] += dot_d + d[f] * ga + d[f + 1] * gb + d[f + 2] * gc + d[f + 3] * gd
    for f in range(whole, g.size):
        row, value, dot = inverse[f], g[f], 0.0
        for z in range(f):
            dot += row[z] * g[z]
        for z in range(f):
            out[z] += value * row[z]
        out[f] += dot + row[f] * value


@tight
def _update(inverse: F64, slope: F64, shrink: F64, share: float) -> None:
    whole = slope.size - slope.size % 4
    for f in range(0, whole, 4):
        a, b, c, d = inverse[f], inverse[f + 1], inverse[f + 2], inverse[f + 3]
        ka, kb, kc, kd = share * slope[f], share * slope[f + 1], share * slope[f + 2], share * slope[f + 3]
        da, db, dc, dd = shrink[f], shrink[f + 1], shrink[f + 2], shrink[f + 3]
        for z in range(f):
            v, e = slope[z], shrink[z]
            a[z] = (a[z] - ka * v) * (da * e)
            b[z] = (b[z] - kb * v) * (db * e)
            c[z] = (c[z] - kc * v) * (dc * e)
            d[z] = (d[z] - kd * v) * (dd * e)
        for near in range(f, f + 4):
            _update_row(inverse[near], slope, shrink, share, f, near)
    for f in range(whole, slope.size):
        _update_row(inverse[f], slope, shrink, share, 0, f)


@tight
def _update_row(row: F64, slope: F64, shrink: F64, share: float, first: int, last: int) -> None:
    k, d = share * slope[last], shrink[last]
    for z in range(first, last + 1):
        row[z] = (row[z] - k * slope[z]) * (d * shrink[z])


@tight
def _begin_again(inverse: F64) -> None:
    for f in range(inverse.shape[0]):
        for z in range(inverse.shape[1]):
            inverse[f, z] = _CEILING if f == z else 0.0
