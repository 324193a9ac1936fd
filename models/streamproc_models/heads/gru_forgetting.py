"""Items that leave the recurrent head: no example may speak of a row that a newcomer will get."""

from streamproc_models.arrays import I32
from streamproc_models.heads.gru import BIAS, FILL, FIRST_SUM, REPLAYED, SEED, SPAN, Gru, fill_uniform
from streamproc_models.kernel import kernel


@kernel
def forget_items(gru: Gru, gone: I32, rows: int) -> None:
    """Rows with gone[row] != 0 start anew; examples with them are taken out, or replaced by a neighbour."""
    for row in range(rows):
        if gone[row] != 0:
            fill_uniform(gru.embeddings[row : row + 1], gru.counters[SEED], row, gru.newcomer[SPAN])
            gru.embeddings_sums[row] = FIRST_SUM
            gru.bias[row] = gru.newcomer[BIAS]
            gru.bias_sums[row] = FIRST_SUM
            gru.counts[row] = 0
    _replace_in_ring(gru, gone)
    _take_out_of_batch(gru, gone)


@kernel
def _replace_in_ring(gru: Gru, gone: I32) -> None:
    good, used = -1, min(gru.counters[REPLAYED], gru.ring_targets.size)
    for place in range(used):
        if gone[gru.ring_inputs[place]] == 0 and gone[gru.ring_targets[place]] == 0:
            good = place
        elif good >= 0:
            gru.ring_hidden[place] = gru.ring_hidden[good]
            gru.ring_inputs[place] = gru.ring_inputs[good]
            gru.ring_targets[place] = gru.ring_targets[good]


@kernel
def _take_out_of_batch(gru: Gru, gone: I32) -> None:
    kept = 0
    for place in range(gru.counters[FILL]):
        if gone[gru.batch_inputs[place]] == 0 and gone[gru.batch_targets[place]] == 0:
            gru.batch_hidden[kept] = gru.batch_hidden[place]
            gru.batch_inputs[kept] = gru.batch_inputs[place]
            gru.batch_targets[kept] = gru.batch_targets[place]
            kept += 1
    gru.counters[FILL] = kept
