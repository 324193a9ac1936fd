"""The items that a step's targets are compared with, and how often each is expected among them."""

from typing import NamedTuple

import numpy as np

from streamproc_models.arrays import F32, F64, I64

FLATTENING = 0.5  # negatives are drawn by count to this power


class Sampler(NamedTuple):
    """Counts of m items in the training pairs, and the distribution of the negatives."""

    counts: I64  # (m,), how often each was a target
    uses: F64  # (m,), share of the inputs and targets
    shares: F64  # (m,), share of the negatives
    ladder: F64  # (m,), their running sum


def sampler(inputs: I64, targets: I64) -> Sampler:
    """From how often each item (m,) was an input and a target."""
    uses = inputs + targets + 1e-3
    flat = (inputs + targets) ** FLATTENING
    shares = flat / flat.sum()
    ladder = np.cumsum(shares)
    return Sampler(targets, uses / uses.sum(), shares, ladder / ladder[-1])


def negatives(sampler: Sampler, count: int, draw: np.random.Generator) -> I64:
    """So many items, with repeats."""
    return np.searchsorted(sampler.ladder, draw.random(count), "right")


def log_expected(sampler: Sampler, items: I64, targets: int, negatives: int) -> F32:
    """Logarithm of how often each of `items` (k,) is expected in a step (logQ; Bengio and Senecal, 2008).

    A step holds its inputs, as many targets, and the negatives.
    """
    expected = 2 * targets * sampler.uses[items] + negatives * sampler.shares[items]
    return np.log(expected).astype(np.float32)
