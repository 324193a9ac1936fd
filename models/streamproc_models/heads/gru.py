"""What a user takes next, as a recurrent network sees it: a GRU over the user's items.

One layer (Cho et al., 2014) with tied item embeddings, after GRU4Rec (Hidasi et al., 2016). A user's
state is the hidden vector from before the user's last item: `advance` takes the last item in with the
newest weights, `scores` compares the result with items, `remember` keeps what came next as a training
example. How it learns is in `gru_training`. The three gates lie side by side in the order reset,
update, candidate, as in torch; all weights of the cell lie in one array, transposed, so that a step
reads them row by row. An unknown item has its small starting embedding: its score is close to 0; a head
that goes on from another training (`encoder`) says itself where newcomers start.
"""

from typing import NamedTuple

import numpy as np

from streamproc_models.activations import sigmoid, tanh
from streamproc_models.arrays import F32, F64, I32, I64, on_lines
from streamproc_models.hashing import splitmix
from streamproc_models.kernel import tight
from streamproc_models.rows import add_rows

BATCHES, REPLAYED, FILL, TARGETS, SEED = range(5)  # places in `counters`
SPAN, BIAS = range(2)  # places in `newcomer`

EMBEDDING_SPAN = 0.04  # new embeddings lie between minus this and this
FIRST_SUM = 1e-6  # where Adagrad's sums start


class GruConfig(NamedTuple):
    """Settings; the defaults were measured on click and purchase streams."""

    enabled: bool = True
    size: int = 48  # length of a hidden vector and of an embedding; a multiple of 8
    batch: int = 128  # examples of one training step
    replay: int = 32  # older examples trained along with each batch
    negatives: int = 128  # further items that a batch is compared with
    rate: float = 0.2  # learning rate
    decay: float = 1.0  # what a step leaves of the Adagrad sums it adds to; 1 leaves all
    replay_ring: int = 131_072  # examples kept for replay
    seed: int = 7


class Weights(NamedTuple):
    """What is needed to rank: n items, hidden size h."""

    embeddings: F32  # (n, h)
    bias: F32  # (n,)
    cell: F32  # (2h + 2, 3h): weights of the input, of the hidden vector, their two biases


class Gru(NamedTuple):
    """The head's whole state: n items, hidden size h, batches of b examples, r examples in the ring."""

    embeddings: F32  # (n, h)
    bias: F32  # (n,)
    cell: F32  # (2h + 2, 3h): weights of the input, of the hidden vector, their two biases
    embeddings_sums: F32  # (n, h), Adagrad's sums of squared gradients, and so below
    bias_sums: F32  # (n,)
    cell_sums: F32  # (2h + 2, 3h)
    counts: I64  # (n,), how often each item was a target
    batch_hidden: F32  # (b, h), the batch being filled: hidden vector before the input,
    batch_inputs: I32  # (b,), row of the input,
    batch_targets: I32  # (b,), row of the item that followed
    ring_hidden: F32  # (r, h), examples of earlier batches, the same three
    ring_inputs: I32  # (r,)
    ring_targets: I32  # (r,)
    counters: I64  # (5,): batches done, examples ever put into the ring, fill of the batch, targets, seed
    newcomer: F64  # (2,): a new item's embedding lies between minus this and this; its bias


def empty(config: GruConfig, items_capacity: int) -> Gru:
    """A head that has learned nothing, with room for `items_capacity` items.

    Raises ValueError if the size is not a multiple of 8.
    """
    size, batch, ring = config.size, config.batch, config.replay_ring
    if size < 8 or size % 8:
        raise ValueError(f"the size of the GRU is {size}: make it a multiple of 8")
    cell = _uniform((2 * size + 2, 3 * size), config.seed + 1, 0, float(np.sqrt(3.0 / size)))
    cell[2 * size :] = 0
    return Gru(
        embeddings=_uniform((items_capacity, size), config.seed, 0, EMBEDDING_SPAN),
        bias=np.zeros(items_capacity, np.float32),
        cell=cell,
        embeddings_sums=_first_sums(items_capacity, size),
        bias_sums=_first_sums(items_capacity),
        cell_sums=_first_sums(2 * size + 2, 3 * size),
        counts=np.zeros(items_capacity, np.int64),
        batch_hidden=np.zeros((batch, size), np.float32),
        batch_inputs=np.zeros(batch, np.int32),
        batch_targets=np.zeros(batch, np.int32),
        ring_hidden=np.zeros((ring, size), np.float32),
        ring_inputs=np.zeros(ring, np.int32),
        ring_targets=np.zeros(ring, np.int32),
        counters=np.array([0, 0, 0, 0, config.seed], np.int64),
        newcomer=np.array([EMBEDDING_SPAN, 0.0]),
    )


def grow(gru: Gru, items: int) -> Gru:
    """The same head with room for `items` items; a new row starts the same whenever it is added."""
    known, size = gru.embeddings.shape
    added = items - known
    if added <= 0:
        return gru
    fresh = _uniform((added, size), int(gru.counters[SEED]), known, float(gru.newcomer[SPAN]))
    bias = np.full(added, gru.newcomer[BIAS], np.float32)
    return gru._replace(
        embeddings=_joined(gru.embeddings, fresh),
        bias=np.concatenate([gru.bias, bias]),
        embeddings_sums=np.concatenate([gru.embeddings_sums, _first_sums(added, size)]),
        bias_sums=np.concatenate([gru.bias_sums, _first_sums(added)]),
        counts=np.concatenate([gru.counts, np.zeros(added, np.int64)]),
    )


def weights(gru: Gru) -> Weights:
    """The part of the head that ranks; views, not copies."""
    return Weights(gru.embeddings, gru.bias, gru.cell)


def is_full(gru: Gru) -> bool:
    """Whether the batch has to be trained."""
    return int(gru.counters[FILL]) == gru.batch_targets.size


@tight
def advance(head: Weights | Gru, item_row: int, hidden_before: F32, hidden_after: F32, scratch: F32) -> None:
    """Take one item in: hidden_before (h,) -> hidden_after (h,), which may be the same array.

    `scratch` (6h,) is overwritten; nothing else changes.
    """
    size = hidden_before.size
    gates, recurrent = scratch[: 3 * size], scratch[3 * size : 6 * size]
    _project(head.embeddings[item_row], head.cell, 0, 2 * size, gates)
    _project(hidden_before, head.cell, size, 2 * size + 1, recurrent)
    step(gates, recurrent, hidden_before, hidden_after)


@tight
def scores(head: Weights | Gru, hidden: F32, rows: I32, count: int, out: F32) -> None:
    """out[k] = hidden . embedding + bias of the item rows[k], for the first `count` rows."""
    embeddings, bias = head.embeddings, head.bias
    whole = count - count % 4
    for place in range(0, whole, 4):
        first, second = embeddings[rows[place]], embeddings[rows[place + 1]]
        third, fourth = embeddings[rows[place + 2]], embeddings[rows[place + 3]]
        a = b = c = d = np.float32(0)
        for f in range(hidden.size):
            value = hidden[f]
            a += value * first[f]
            b += value * second[f]
            c += value * third[f]
            d += value * fourth[f]
        out[place], out[place + 1], out[place + 2], out[place + 3] = a, b, c, d
    for place in range(whole, count):
        row, a = embeddings[rows[place]], np.float32(0)
        for f in range(hidden.size):
            a += hidden[f] * row[f]
        out[place] = a
    for place in range(count):
        out[place] += bias[rows[place]]


@tight
def remember(gru: Gru, hidden_before: F32, input_row: int, target_row: int) -> int:
    """Keep one example for training: `target_row` came right after `input_row`.

    Returns how many the batch holds now; when it is full it must be trained before the next one.
    """
    fill = gru.counters[FILL]
    if fill >= gru.batch_targets.size:
        raise ValueError("the batch of the GRU is full: train it first")
    row = gru.batch_hidden[fill]
    for f in range(row.size):
        row[f] = hidden_before[f]
    gru.batch_inputs[fill] = input_row
    gru.batch_targets[fill] = target_row
    gru.counters[FILL] = fill + 1
    return int(fill + 1)


@tight
def _project(values: F32, cell: F32, start: int, bias: int, out: F32) -> None:
    """out = values @ (rows of `cell` from `start`) + (row `bias`); (h,) -> (3h,)."""
    for k in range(out.size):
        out[k] = cell[bias, k]
    add_rows(out, values, cell[start:])


@tight
def step(gates: F32, recurrent: F32, before: F32, after: F32) -> None:
    """One GRU step of one row, from its sums (3h,) over the input and over the hidden vector.

    after = candidate + update * (before - candidate). Leaves the gates' values in `gates`.
    """
    size = before.size
    for f in range(2 * size):
        gates[f] = sigmoid(gates[f] + recurrent[f])
    for f in range(size):
        gates[2 * size + f] = tanh(gates[2 * size + f] + gates[f] * recurrent[2 * size + f])
    for f in range(size):
        candidate = gates[2 * size + f]
        after[f] = candidate + gates[size + f] * (before[f] - candidate)


@tight
def fill_uniform(values: F32, seed: int, first_row: int, span: float) -> None:
    """Row r gets what the hash of (seed, first_row + r) says, whatever its neighbours."""
    start = splitmix(np.uint64(seed))
    for row in range(values.shape[0]):
        state = splitmix(start + np.uint64(first_row + row))
        for column in range(values.shape[1]):
            state = splitmix(state)
            share = np.float64(state >> np.uint64(40)) / 16_777_216.0  # in [0, 1)
            values[row, column] = span * (2.0 * share - 1.0) if span > 0 else 0.0  # and never -0.0


def _joined(known: F32, fresh: F32) -> F32:
    whole = on_lines((len(known) + len(fresh), known.shape[1]))
    whole[: len(known)], whole[len(known) :] = known, fresh
    return whole


def _first_sums(*shape: int) -> F32:
    return np.full(shape, FIRST_SUM, np.float32)


def _uniform(shape: tuple[int, int], seed: int, first_row: int, span: float) -> F32:
    values = on_lines(shape)
    fill_uniform(values, seed, first_row, span)
    return values
