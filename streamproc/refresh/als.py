"""Weighted matrix factorisation by alternating least squares, made additive over the items of a user.

With the item factors V and the confidence c_i of each item, ALS gives a user the vector
    (V'V + mu I + sum_i (c_i - 1) v_i v_i')^-1 sum_i c_i v_i
(Hu, Koren and Volinsky, 2008, Collaborative Filtering for Implicit Feedback Datasets). Leaving out
the sum in the bracket makes the scores V W V' c with W = (V'V + mu I)^-1: each item has one row of
what it speaks for, and no vector of any user is needed.
"""

import numpy as np
from implicit.cpu.als import AlternatingLeastSquares
from scipy.sparse import csr_matrix

from streamproc.refresh.strongest import Neighbours, strongest
from streamproc_models.arrays import F32

FACTORS = 32  # d, latent dimensions
ALPHA = 10.0  # confidence of one typical event; of no event it is 1
MU = 10.0
COLD_SWEEPS, WARM_SWEEPS = 8, 3


def cold_start(items: int, seed: int) -> F32:
    """Small factors (items, d) that break the symmetry."""
    return np.random.default_rng(seed).random((items, FACTORS), np.float32) * np.float32(0.01)


def sweep(shown: csr_matrix, start: F32, sweeps: int) -> F32:
    """Item factors (items, d) after so many sweeps from `start` (items, d), for X = `shown` (users, items).

    Deterministic: one thread, and exact solutions, so that no vector of a user has to be drawn first.
    """
    model = AlternatingLeastSquares(
        factors=start.shape[1],
        regularization=MU,
        alpha=ALPHA,
        iterations=sweeps,
        num_threads=1,
        use_cg=False,
        random_state=0,
    )
    model.item_factors = start.copy()
    model.fit(shown, show_progress=False)
    factors: F32 = model.item_factors
    return factors


def linearise(factors: F32, slots: int) -> Neighbours:
    """The strongest `slots` entries above 0 in each row of V W V', off its diagonal."""
    items, size = factors.shape
    wide = factors.astype(np.float64)
    inverse = np.linalg.inv(wide.T @ wide + MU * np.eye(size))  # W (d, d)
    left = (wide @ inverse).astype(np.float32)  # (items, d)
    return strongest(lambda rows: left[rows] @ factors.T, items, slots)
