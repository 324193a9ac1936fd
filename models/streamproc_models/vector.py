"""Logarithm and exponential over whole arrays, in single precision, in a form that compiles to SIMD.

Both read the exponent of a float through an int32 view of the same memory, so every scratch array
comes with its view. Polynomials: Cephes `logf` (Moshier, 1992) and a Taylor series of degree five.
"""

import numpy as np

from streamproc_models.arrays import F32, I32, Real
from streamproc_models.kernel import tight

_SQRT_HALF_BITS = np.int32(0x3F3504F3)
_MANTISSA = np.int32(0x007FFFFF)
_MANTISSA_BITS = np.int32(23)
_LN2 = np.float32(0.69314718056)
_LOG2_E = np.float32(1.44269504)
_EXPONENT_LIMIT = np.float32(60.0)
_ONE, _HALF = np.float32(1.0), np.float32(0.5)


@tight
def log_into(out: F32, x: F32, x_bits: I32, y: F32, y_bits: I32, n: int) -> None:
    """out[:n] = ln(x[:n]) for x >= 1e-30, error below 2e-7 + 1 ulp; `y` is scratch, `*_bits` are views."""
    for c in range(n):
        y_bits[c] = ((x_bits[c] - _SQRT_HALF_BITS) & _MANTISSA) + _SQRT_HALF_BITS
    for c in range(n):
        exponent = np.float32((x_bits[c] - _SQRT_HALF_BITS) >> _MANTISSA_BITS)
        f = y[c] - _ONE
        z = f * f
        p = np.float32(7.0376836292e-2)
        p = p * f - np.float32(1.1514610310e-1)
        p = p * f + np.float32(1.1676998740e-1)
        p = p * f - np.float32(1.2420140846e-1)
        p = p * f + np.float32(1.4249322787e-1)
        p = p * f - np.float32(1.6668057665e-1)
        p = p * f + np.float32(2.0000714765e-1)
        p = p * f - np.float32(2.4999993993e-1)
        p = p * f + np.float32(3.3333331174e-1)
        out[c] = f + (p * f * z - _HALF * z) + exponent * _LN2


@tight
def exp_into(out: F32, x: F32, shift: Real, y: F32, y_bits: I32, n: int) -> Real:
    """out[:n] = exp(x[:n] - shift), arguments clamped to +-60; returns the sum. Error below 3e-6 relative."""
    offset = np.float32(shift)
    for c in range(n):
        v = min(max(x[c] - offset, -_EXPONENT_LIMIT), _EXPONENT_LIMIT) * _LOG2_E
        k = np.floor(v + _HALF)
        f = (v - k) * _LN2
        y_bits[c] = (np.int32(k) + np.int32(127)) << _MANTISSA_BITS
        p = np.float32(0.0083333) * f + np.float32(0.041666668)
        p = p * f + np.float32(0.16666667)
        p = p * f + _HALF
        out[c] = (p * f + _ONE) * f + _ONE
    total = np.float32(0.0)
    for c in range(n):
        v = out[c] * y[c]
        out[c] = v
        total += v
    return total
