"""What goes with what goes with the last item: two steps over the co-visitation table C.

With w_a = C[last, a] / C[last, .] for every neighbour a of the last item that has at least LEAST_SHARE,
    s(j) = sum_a w_a C[a, j] / C[a, .]  /  sum_a w_a
It reaches items that never met the last one (random walks of length two on the item graph: Cooper et al.,
2014, Random Walks in Recommender Systems). Whatever a walk reaches with LEAST_VOTE becomes a candidate;
terms of the sum below LEAST_TERM are left out.
"""

import numpy as np

LEAST_SHARE = np.float32(0.02)
LEAST_VOTE = np.float32(1e-3)
LEAST_TERM = LEAST_VOTE / np.float32(4)
