"""Gradient steps that shrink feature by feature as gradients add up (Duchi, Hazan and Singer, 2011).

a += g^2;  w += r g / sqrt(a)
"""

import numpy as np

from streamproc_models.arrays import F32
from streamproc_models.kernel import tight

_START = 1e-2  # of the sums of squares: bounds the first steps


def start(rows: int, features: int) -> F32:
    """Sums of squares before the first step."""
    return np.full((rows, features), _START, np.float32)


@tight
def step(weights: F32, squares: F32, gradient: F32, mask: F32, rate: float) -> None:
    """One step uphill of `weights` (n,) where `mask` is 1."""
    for f in range(gradient.size):
        g = gradient[f] * mask[f]
        squares[f] += g * g
        weights[f] += np.float32(rate) * g / np.sqrt(squares[f])
