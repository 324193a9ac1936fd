"""What a user takes next, by a recurrent network that a refresh has trained over the whole history.

It is a second `gru` with arrays of its own: weights and Adagrad's sums are those that the training ended
with, and it goes on learning from every event like the first one. An item that the training did not meet has
no embedding, and a low bias. A user's state is worked out from the window when an encoder is new, and then
follows every event.
"""

from typing import NamedTuple

import numpy as np

from streamproc_models.arrays import F32, I32, I64
from streamproc_models.heads import gru
from streamproc_models.heads.gru import TARGETS, Gru, GruConfig, advance
from streamproc_models.kernel import tight

RECALLED = 50  # newest items that a state is worked out from
REPLAY_RING = 32_768  # examples kept for replay: catalogues are small


class Encoder(NamedTuple):
    """The head's whole state."""

    gru: Gru
    since: I64  # (1,), generation that brought it; 0 where there is none


class Trained(NamedTuple):
    """What a training hands over: m items, hidden size h; weights, then Adagrad's sums."""

    embeddings: F32  # (m, h)
    bias: F32  # (m,)
    cell: F32  # (2h + 2, 3h)
    embeddings_sums: F32  # (m, h)
    bias_sums: F32  # (m,)
    cell_sums: F32  # (2h + 2, 3h)
    counts: I64  # (m,), how often each item was a target
    unknown_bias: float  # of all other items


def absent(config: GruConfig) -> Encoder:
    """No encoder: arrays of the right kind, and next to no memory."""
    return Encoder(gru.empty(config._replace(batch=1, replay_ring=1), 1), np.zeros(1, np.int64))


def room(config: GruConfig, items_capacity: int) -> Encoder:
    """Arrays for an encoder over `items_capacity` items, none of which it has met; `since` is still 0."""
    head = gru.empty(config, items_capacity)
    head.embeddings[:] = 0
    head.newcomer[:] = 0
    return Encoder(head, np.zeros(1, np.int64))


def load(config: GruConfig, items_capacity: int, trained: Trained, rows: I32, generation: int) -> Encoder:
    """The encoder as a head; `rows` (m,) says where its items are, -1 where an item is unknown here."""
    loaded = room(config, items_capacity)
    head, known = loaded.gru, rows >= 0
    there = rows[known]
    head.newcomer[gru.BIAS] = trained.unknown_bias
    head.bias[:] = trained.unknown_bias
    head.embeddings[there], head.bias[there] = trained.embeddings[known], trained.bias[known]
    head.embeddings_sums[there] = trained.embeddings_sums[known]
    head.bias_sums[there] = trained.bias_sums[known]
    head.cell[:], head.cell_sums[:] = trained.cell, trained.cell_sums
    head.counts[there] = trained.counts[known]
    head.counters[TARGETS] = int(trained.counts.sum())
    loaded.since[0] = generation
    return loaded


def grow(encoder: Encoder, items: int) -> Encoder:
    """The same with room for `items` items, if it is there."""
    return encoder._replace(gru=gru.grow(encoder.gru, items)) if encoder.since[0] > 0 else encoder


@tight
def recall(head: Gru, window: I32, count: int, before: F32, scratch: F32) -> None:
    """The state `before` (h,) the newest of the `count` items of `window` (rows, newest first).

    It is worked out from the RECALLED items before that one; `scratch` (6h,) is overwritten.
    """
    for f in range(before.size):
        before[f] = 0.0
    for d in range(min(count - 1, RECALLED), 0, -1):
        advance(head, window[d], before, before, scratch)
