"""Matrix factors learned pairwise, one event at a time: BPR with recent negatives; ISGD as the reference.

BPR (Rendle et al., 2009), for a user p, the item q_i just taken and a negative q_j:
    g = 1 / (1 + exp(p.(q_i - q_j)))
    p += r (g (q_i - q_j) - l p);  q_i += r (g p - l q_i);  q_j -= r (g p + l q_j)
Half of the negatives are drawn from all items, half from the targets of the last 4,096 events (what is
popular now); those in the user's window are left out. All negatives of one event form one step.
ISGD (Vinagre, Jorge and Gama, 2014) learns positives only:
    e = 1 - p.q;  p += r (e q - l p);  q += r (e p - l q)
"""

from typing import NamedTuple

import numpy as np

from streamproc_models.arrays import F32, I32, Hash, Real, on_lines
from streamproc_models.hashing import splitmix
from streamproc_models.kernel import tight

RECENT = 4096  # targets remembered to draw negatives from
LIMIT = np.float32(8.0)  # of every number: a rate too high for its data must not end in infinities
_SPREAD = 0.2  # new vectors are uniform in +-0.1


class Factors(NamedTuple):
    """The items' side of the head and its memory of recent targets; users' vectors live with the users."""

    items: F32  # (items, d)
    recent: I32  # (4096,), rows of the newest targets


def empty(items: int, size: int) -> Factors:
    """A head that has seen nothing; a row is filled by `start_vector` when its item appears."""
    return Factors(on_lines((items, size)), np.zeros(RECENT, np.int32))


@tight
def start_vector(vector: F32, identity: Hash) -> None:
    """Fills `vector` (d,) with small numbers that depend only on the 64-bit hash of a user or an item."""
    z = np.uint64(identity)
    for f in range(vector.size):
        z = splitmix(z)
        share = np.float32(z >> np.uint64(40)) / np.float32(1 << 24)  # in [0, 1)
        vector[f] = (share - np.float32(0.5)) * np.float32(_SPREAD)


@tight
def draw_negatives(head: Factors, event: int, known: int, seed: int, out: I32) -> None:
    """Fills `out` (negatives,) for event number `event`: a function of it and the seed alone."""
    z = splitmix(np.uint64(event) * np.uint64(1024) + np.uint64(seed))
    recent = min(event, RECENT)
    for k in range(out.size):
        z = splitmix(z)
        if (k & 1) == 1 or recent == 0:
            out[k] = np.int32(((z >> np.uint64(32)) * np.uint64(known)) >> np.uint64(32))
        else:
            out[k] = head.recent[(z >> np.uint64(8)) % np.uint64(recent)]


@tight
def learn_pairwise(
    user: F32, items: F32, target: int, negatives: I32, n: int, rate: float, regularisation: float, pull: F32,
    with_items: bool,
) -> None:  # fmt: skip
    """One BPR step of `user` (d,), and `with_items` of rows `target`, `negatives[:n]` of `items` (items, d).

    `pull` (d,) is scratch.
    """
    r, decay = np.float32(rate), np.float32(regularisation)
    chosen = items[target]
    size = user.size
    total = np.float32(0.0)
    for f in range(size):
        pull[f] = 0.0
    for k in range(n):
        other = items[negatives[k]]
        margin = np.float32(0.0)
        for f in range(size):
            margin += user[f] * (chosen[f] - other[f])
        g = np.float32(1.0) / (np.float32(1.0) + np.exp(margin))
        total += g
        for f in range(size):
            pull[f] -= g * other[f]
        if with_items:
            for f in range(size):
                v = other[f]
                other[f] = min(max(v - r * (g * user[f] + decay * v), -LIMIT), LIMIT)
    shrink = r * decay * np.float32(n)
    for f in range(size):
        u, v = user[f], chosen[f]
        user[f] = min(max(u + r * (pull[f] + total * v) - shrink * u, -LIMIT), LIMIT)
        pull[f] = min(max(v + r * total * u - shrink * v, -LIMIT), LIMIT)
    if with_items:
        for f in range(size):
            chosen[f] = pull[f]


@tight
def learn_positive(user: F32, item: F32, rate: float, regularisation: float) -> Real:
    """One ISGD step of a user's and an item's vector (d,); returns the error before it."""
    r, decay = np.float32(rate), np.float32(regularisation)
    error = np.float32(1.0)
    for f in range(user.size):
        error -= user[f] * item[f]
    for f in range(user.size):
        u, v = user[f], item[f]
        user[f] = min(max(u + r * (error * v - decay * u), -LIMIT), LIMIT)
        item[f] = min(max(v + r * (error * u - decay * v), -LIMIT), LIMIT)
    return error


@tight
def remember(head: Factors, event: int, target: int) -> None:
    """`target` was the item of event number `event`."""
    head.recent[event % RECENT] = target
