"""What the slates show: how evenly, and how far from what everybody knows.

Novelty: mean of -log2 of an item's share of all events, as of the
moment it was shown (self-information: Zhou et al., 2010).
"""

import numpy as np

from streamproc.evaluate.predictions import Predictions
from streamproc_models.unevenness import gini

__all__ = ["gini", "novelty"]


def novelty(p: Predictions) -> float:
    """Bits, as a mean over the slates that showed anything."""
    shown = p.novelty[p.novelty >= 0]
    return float(shown.mean(dtype=np.float64)) if len(shown) else 0.0
