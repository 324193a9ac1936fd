"""How unevenly items are shown (Gini, 1912)."""

import numpy as np

from streamproc_models.arrays import I64


def gini(counts: I64) -> float:
    """0 where each is shown as often, near 1 where a few are all that is shown; those never shown count, too.

    Of counts (n,): 2 sum_i i c_i / (n sum_i c_i) - (n + 1) / n, with c ascending and i from 1 on.
    """
    n, total = len(counts), int(counts.sum())
    if total == 0:
        return 0.0
    ranked = float(np.arange(1, n + 1) @ np.sort(counts))
    return 2.0 * ranked / (n * total) - (n + 1) / n
