"""How different the items of one list are: intra-list distance (Ziegler et al., 2005)."""

import numpy as np

from streamproc_models.arrays import F32, F64


def intra_list_distance(vectors: F32) -> F64:
    """Mean of 1 - cosine over the pairs of each list's items: 0 all alike, 1 nothing in common, at most 2.

    Of vectors (lists, items, d); a vector of zeros is no item. NaN for a list with less than two.
    The sum of all cosines of unit vectors u is |sum u|^2, of which n are those of an item with itself.
    """
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=2, keepdims=True)  # (lists, items, 1)
    units = np.divide(vectors, lengths, out=np.zeros(vectors.shape), where=lengths > 0)
    n = (lengths[:, :, 0] > 0).sum(axis=1)  # (lists,)
    cosines = np.square(units.sum(axis=1)).sum(axis=1) - n
    pairs = n * (n - 1)
    means: F64 = np.divide(cosines, pairs, out=np.full(n.size, np.nan), where=pairs > 0)
    return 1.0 - means
