"""The encoder's head in a ranking: users' states by it, which live with their windows, and its features.

A state counts only by the encoder that made it. Where there is none by the present one, as for everybody when
an encoder has been promoted, it is worked out from the window; so a promotion holds nothing up, and whoever
reads the same events, learner or worker, restored or not, has the states it needs.
"""

import numpy as np

from streamproc.engine import pool
from streamproc.engine.pool import Pool
from streamproc.engine.scratch import LIKED, LINKED, Scratch
from streamproc.engine.window_arrays import Windows
from streamproc.engine.window_kernels import is_encoded, load_encoded, store_encoded
from streamproc_models import fusion
from streamproc_models.arrays import F32
from streamproc_models.heads import gru
from streamproc_models.heads.encoder import Encoder, recall
from streamproc_models.kernel import tight

HALF = np.float32(0.5)


@tight
def advance(encoder: Encoder, w: Windows, s: Scratch, row: int) -> None:
    """The user's state before the newest item in `s.encoded_before`, after it in `s.encoded`.

    `s.window` holds the newest items; without a state by this encoder, as many as `recall` reads.
    """
    liked = s.counts[LIKED]
    if liked == 0:
        for f in range(s.encoded.size):
            s.encoded[f] = 0.0
        return
    if is_encoded(w, row, encoder.since[0]):
        load_encoded(w, row, s.encoded_before)
    else:
        recall(encoder.gru, s.window, liked, s.encoded_before, s.recurrent)
    gru.advance(encoder.gru, s.window[0], s.encoded_before, s.encoded, s.recurrent)


@tight
def store(encoder: Encoder, w: Windows, s: Scratch, row: int) -> None:
    """What was the state after the newest item is now the one before it."""
    store_encoded(w, row, s.encoded, encoder.since[0])


@tight
def try_on(encoder: Encoder, s: Scratch) -> None:
    """The user's state by an encoder in shadow, in the place of the serving one's until `take_off`."""
    _copy(s.encoded, s.encoded_aside)
    liked = s.counts[LIKED]
    recall(encoder.gru, s.window, liked, s.encoded, s.recurrent)
    if liked > 0:
        gru.advance(encoder.gru, s.window[0], s.encoded, s.encoded, s.recurrent)


@tight
def take_off(s: Scratch) -> None:
    """The serving encoder's state is back."""
    _copy(s.encoded_aside, s.encoded)


@tight
def describe(encoder: Encoder, dense: Pool, s: Scratch) -> None:
    """The raw score, halved, of all candidates; those of the pool are gathered like the others."""
    n, linked, pooled = s.counts[LINKED], s.features[fusion.ENCODER], dense.features[pool.ENCODED]
    gru.scores(encoder.gru, s.encoded, s.item, n, linked)
    for c in range(n):
        linked[c] *= HALF
    for q in range(pool.SIZE):
        s.pooled[q] = max(dense.item[q], 0)
    gru.scores(encoder.gru, s.encoded, s.pooled, pool.SIZE, pooled)
    for q in range(pool.SIZE):
        pooled[q] *= HALF


@tight
def _copy(source: F32, target: F32) -> None:
    for f in range(source.size):
        target[f] = source[f]
