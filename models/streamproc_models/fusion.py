"""The learned mixture of all heads: a conditional logit over features of the candidates.

    p(j) = exp(s_j) / sum_c exp(s_c),   s_j = (w_all + w_bucket) . x_j
Weights for everybody and for each length of history, learned online from every event whose item was a
candidate: g = x_target - E[x];  a += g^2;  w += r g / sqrt(a)  (McFadden, 1974; Adagrad: Duchi et al., 2011).
A target that is no candidate teaches nothing: putting it in by force makes the ranking worse.
"""

from typing import NamedTuple

import numpy as np

from streamproc_models.arrays import F32
from streamproc_models.kernel import tight

# Features, ordered by how many of the candidates have them: all, the followers of the last item, the window.
COVISITATION, COVISITATION_ROOT, LONG_TERM, LONG_TERM_ROOT = 0, 1, 2, 3
POPULARITY_SHORT, POPULARITY_MEDIUM, POPULARITY_LONG, AGE, FACTORS, GRU = 4, 5, 6, 7, 8, 9
MARKOV, MARKOV_ROOT = 10, 11
RECENCY, REPEATS, IN_WINDOW, IS_LAST = 12, 13, 14, 15
FEATURES = 16
POOL_FIRST, POOL_LAST = POPULARITY_SHORT, GRU  # what an item has without any link to the window
NAMES = (
    "covisitation_log", "covisitation_root", "long_term_log", "long_term_root",
    "popularity_short", "popularity_medium", "popularity_long", "age", "factors", "gru",
    "markov_log", "markov_root", "recency", "repeats", "in_window", "is_last",
)  # fmt: skip
BUCKETS = 4  # history of 0-1, 2-4, 5-19, 20+ items
EVERYBODY = BUCKETS
_START = 1e-2  # of the sums of squares: bounds the first steps


class Fusion(NamedTuple):
    """The weights and their sums of squared gradients; the last row is for everybody."""

    weights: F32  # (5, features)
    squares: F32  # (5, features)
    mask: F32  # (features,), 1; 0 for a feature that stays out


def empty(off: frozenset[str] = frozenset()) -> Fusion:
    """Starts as plain co-visitation; features whose name begins with a name in `off` stay out."""
    mask = np.array([not name.startswith(tuple(off)) for name in NAMES], np.float32)
    weights = np.zeros((BUCKETS + 1, FEATURES), np.float32)
    weights[EVERYBODY, COVISITATION] = mask[COVISITATION]
    return Fusion(weights, np.full((BUCKETS + 1, FEATURES), _START, np.float32), mask)


@tight
def bucket(history: int) -> int:
    """The row of weights for a window with so many items."""
    if history < 2:
        return 0
    if history < 5:
        return 1
    return 2 if history < 20 else 3


@tight
def combine(fusion: Fusion, row: int, out: F32) -> None:
    """out (features,) = the weights that hold for one bucket."""
    for f in range(out.size):
        out[f] = fusion.weights[EVERYBODY, f] + fusion.weights[row, f]


@tight
def step(fusion: Fusion, row: int, gradient: F32, rate: float) -> None:
    """One Adagrad step of everybody's weights and of one bucket's."""
    for which in (EVERYBODY, row):
        for f in range(gradient.size):
            g = gradient[f] * fusion.mask[f]
            fusion.squares[which, f] += g * g
            fusion.weights[which, f] += np.float32(rate) * g / np.sqrt(fusion.squares[which, f])
