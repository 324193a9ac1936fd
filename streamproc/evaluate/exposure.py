"""What the slates show: how evenly, and how far from what everybody knows.

Gini over all items that could have been shown, those never shown included: 0 where each is shown as often,
near 1 where a few are all that is shown. Novelty: mean of -log2 of an item's share of all events, as of the
moment it was shown (self-information: Zhou et al., 2010).
"""

import numpy as np

from streamproc.evaluate.predictions import Predictions
from streamproc_models.arrays import I64


def gini(counts: I64) -> float:
    """Of counts (n,): 2 sum_i i c_i / (n sum_i c_i) - (n + 1) / n, with c ascending and i from 1 on."""
    n, total = len(counts), int(counts.sum())
    if total == 0:
        return 0.0
    ranked = float(np.arange(1, n + 1) @ np.sort(counts))
    return 2.0 * ranked / (n * total) - (n + 1) / n


def novelty(p: Predictions) -> float:
    """Bits, as a mean over the slates that showed anything."""
    shown = p.novelty[p.novelty >= 0]
    return float(shown.mean(dtype=np.float64)) if len(shown) else 0.0
