"""EASE in closed form: which items speak for which, for catalogues small enough to invert.

    B = I - P diag(1 / P_jj),  P = (X'X + lambda I)^-1,  diagonal 0

H. Steck, 2019, Embarrassingly Shallow Autoencoders for Sparse Data. Time grows with the cube of the
items, memory with the square (5,000 items: 100 MB in single precision).
"""

import numpy as np
from scipy.linalg import lapack
from scipy.sparse import csr_matrix

from streamproc.refresh.strongest import Neighbours, strongest
from streamproc_models.arrays import F32
from streamproc_models.kernel import kernel

LAMBDA = 200.0


def ease(shown: csr_matrix, slots: int, regularisation: float = LAMBDA) -> Neighbours:
    """The strongest `slots` entries above 0 in each row of B, for X = `shown` (users, items)."""
    gram = (shown.T @ shown).toarray(order="F").astype(np.float32)
    inverse = _inverse(gram, regularisation)  # P (items, items)
    diagonal = inverse.diagonal().copy()
    return strongest(lambda rows: -inverse[rows] / diagonal, diagonal.size, slots)


def _inverse(gram: F32, regularisation: float) -> F32:
    """(gram + lambda I)^-1 by Cholesky; `gram` is used up."""
    gram[np.diag_indices_from(gram)] += np.float32(regularisation)
    triangle, failed = lapack.spotrf(gram, lower=1, overwrite_a=1)
    inverse, _ = lapack.spotri(triangle, lower=1, overwrite_c=1)
    if failed or not np.isfinite(inverse.diagonal()).all():
        raise ValueError("the item-item matrix could not be inverted")
    rows: F32 = inverse.T  # the same memory, row by row, with its upper triangle filled
    _mirror(rows)
    return rows


@kernel
def _mirror(matrix: F32) -> None:
    """Copies the upper triangle of `matrix` onto its lower one."""
    for row in range(matrix.shape[0]):
        for column in range(row):
            matrix[row, column] = matrix[column, row]
