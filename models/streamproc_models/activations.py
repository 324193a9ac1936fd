"""Exponential, sigmoid and tanh of one float32, made so that loops over them become vector code.

The exponential is 2**k times a polynomial (Cody and Waite, 1980): relative error below 3e-7.
"""

import numpy as np

from streamproc_models.kernel import tight

_LIMIT = np.float32(80.0)  # beyond it float32 would overflow or lose its precision
_LOG2_E = np.float32(1.4426950408889634)
_LN_2_HIGH = np.float32(0.693359375)  # exact in few bits, so that k times it is exact
_LN_2_LOW = np.float32(-2.12194440e-4)
_ONE = np.float32(1.0)
_TWO = np.float32(2.0)


@tight
def exponential(x: np.float32) -> np.float32:
    """e**x; x is taken as -80 or 80 where it lies beyond."""
    x = x if x < _LIMIT else _LIMIT
    x = x if x > -_LIMIT else -_LIMIT
    power = np.floor(x * _LOG2_E + np.float32(0.5))
    rest = x - power * _LN_2_HIGH - power * _LN_2_LOW  # in [-ln 2 / 2, ln 2 / 2]
    series = np.float32(1 / 120) + rest * np.float32(1 / 720)
    series = np.float32(1 / 6) + rest * (np.float32(1 / 24) + rest * series)
    series = _ONE + rest * (_ONE + rest * (np.float32(0.5) + rest * series))
    scale = (np.int32(power) + np.int32(127)) << np.int32(23)  # the bits of 2**power
    return np.float32(series * np.int32(scale).view(np.float32))


@tight
def sigmoid(x: np.float32) -> np.float32:
    """1 / (1 + e**-x)."""
    return np.float32(_ONE / (_ONE + exponential(-x)))


@tight
def tanh(x: np.float32) -> np.float32:
    """Hyperbolic tangent; absolute error below 2e-7."""
    return np.float32(_TWO / (_ONE + exponential(-_TWO * x)) - _ONE)
