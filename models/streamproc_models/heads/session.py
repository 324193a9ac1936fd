"""What people take in the same session: a table of its own, in both directions, that forgets quickly.

For the items a_0 (newest), a_1, … of the session so far and the next one i:
    T[a_d, i] += w / sqrt(1 + d)        T[i, a_d] += w / sqrt(1 + d)
and the score of j is sum_d 1/sqrt(1+d) T[a_d, j] / T[a_d, .]  over the sum of the 1/sqrt(1+d) used. Unlike
co-visitation, it looks far back but never over the end of a session (item-to-item filtering within sessions:
Sarwar et al., 2001; Hidasi et al., 2016, use it as their strongest simple baseline).
"""

import numpy as np

from streamproc_models.arrays import I32
from streamproc_models.heads.covisitation import Covisitation
from streamproc_models.kernel import tight
from streamproc_models.slots import add_weight

WINDOW = 20  # newest items of the session that are paired and that vote
SHARES = (1.0 / np.sqrt(np.arange(1.0, WINDOW + 1.0))).astype(np.float32)


@tight
def learn(head: Covisitation, rows: I32, n: int, item: int, weight: float) -> None:
    """`item` came after the `n` newest `rows` of its session, newest first; `weight` of one event now."""
    for d in range(min(n, WINDOW)):
        before = rows[d]
        if before != item:
            share = weight * SHARES[d]
            add_weight(head.neighbours, head.weights, head.fill, head.totals, before, item, share)
            add_weight(head.neighbours, head.weights, head.fill, head.totals, item, before, share)
