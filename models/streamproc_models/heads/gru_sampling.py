"""What one training step of the GRU works on: its examples, and the items they are compared with.

A batch is joined by older examples from the replay ring. The targets of all of them are compared with
one another and with shared negatives, half uniform over the known items, half earlier targets. All
random numbers come from (seed, batch number).
"""

from typing import NamedTuple

import numpy as np

from streamproc_models.arrays import F32, I32, I64
from streamproc_models.hashing import splitmix
from streamproc_models.heads.gru import BATCHES, REPLAYED, SEED, TARGETS, Gru, GruConfig
from streamproc_models.kernel import tight


class Scratch(NamedTuple):
    """Room for one step: m examples, up to c columns (targets and negatives), u items in all; no state."""

    stamps: I64  # (items,), place of an item among this step's, if not below the step's first stamp
    clock: I64  # (1,), first stamp that no step has used
    items: I32  # (u,), rows of the step's items: columns first, then inputs that are no column
    inputs: I32  # (m,), places of the inputs in `items`
    targets: I32  # (m,), places of the targets in `items`
    embeddings: F32  # (u, h)
    embeddings_gradient: F32  # (u, h)
    offsets: F32  # (c,), bias less the logarithm of the expected count
    bias_gradient: F32  # (c,)
    hidden_before: F32  # (m, h)
    hidden: F32  # (m, h)
    hidden_gradient: F32  # (m, h)
    x: F32  # (m, h), embeddings of the inputs
    x_gradient: F32  # (m, h)
    gates: F32  # (m, 3h), and then the gradient of the sums over the input
    recurrent: F32  # (m, 3h), and then the gradient of the sums over the hidden vector
    logits: F32  # (m * c,), and then their gradient
    cell_gradient: F32  # (2h + 2, 3h)


def scratch(gru: Gru, config: GruConfig) -> Scratch:
    """Room for training steps of `gru`; make a new one when the head grows."""
    size = gru.embeddings.shape[1]
    examples = gru.batch_targets.size + config.replay
    columns = examples + config.negatives
    items = columns + examples

    def floats(*shape: int) -> F32:
        return np.zeros(shape, np.float32)

    return Scratch(
        stamps=np.zeros(gru.counts.size, np.int64),
        clock=np.ones(1, np.int64),
        items=np.zeros(items, np.int32),
        inputs=np.zeros(examples, np.int32),
        targets=np.zeros(examples, np.int32),
        embeddings=floats(items, size),
        embeddings_gradient=floats(items, size),
        offsets=floats(columns),
        bias_gradient=floats(columns),
        hidden_before=floats(examples, size),
        hidden=floats(examples, size),
        hidden_gradient=floats(examples, size),
        x=floats(examples, size),
        x_gradient=floats(examples, size),
        gates=floats(examples, 3 * size),
        recurrent=floats(examples, 3 * size),
        logits=floats(examples * columns),
        cell_gradient=floats(2 * size + 2, 3 * size),
    )


@tight
def draw(gru: Gru, config: GruConfig, work: Scratch, known_items: int) -> tuple[int, int, int]:
    """Choose the step's examples and items; returns how many examples, columns and items there are."""
    batch = gru.batch_targets.size
    in_ring = min(gru.counters[REPLAYED], gru.ring_targets.size)
    examples = batch + (config.replay if in_ring > 0 else 0)
    base = work.clock[0]
    state = splitmix(splitmix(np.uint64(gru.counters[SEED])) + np.uint64(gru.counters[BATCHES]))
    columns = 0
    for place in range(examples):
        hidden, source, target = gru.batch_hidden, gru.batch_inputs, gru.batch_targets
        example = np.int64(place)
        if place >= batch:
            state = splitmix(state)
            hidden, source, target = gru.ring_hidden, gru.ring_inputs, gru.ring_targets
            example = _below(state, in_ring)
        copy(hidden[example], work.hidden_before[place])
        work.inputs[place] = source[example]
        work.targets[place] = _place(work, base, target[example], columns)
        columns = max(columns, work.targets[place] + 1)
    for _ in range(config.negatives):
        state = splitmix(state)
        item = _below(state, known_items)
        if in_ring > 0 and state & np.uint64(1) == 0:
            item = np.int64(gru.ring_targets[_below(state, in_ring)])
        columns = max(columns, _place(work, base, item, columns) + 1)
    items = columns
    for place in range(examples):
        work.inputs[place] = _place(work, base, work.inputs[place], items)
        items = max(items, work.inputs[place] + 1)
    work.clock[0] = base + items
    _gather(gru, config, work, known_items, examples, columns, items)
    return examples, columns, items


@tight
def _place(work: Scratch, base: int, item: int | np.int64, count: int) -> int:
    """Where `item` lies among the step's items; put at place `count` if it is new."""
    if work.stamps[item] < base:
        work.stamps[item] = base + count
        work.items[count] = item
    return int(work.stamps[item] - base)


@tight
def _below(state: np.uint64, bound: int) -> np.int64:
    """A number in [0, bound) from the upper half of 64 random bits."""
    return np.int64(((state >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))


@tight
def copy(source: F32, target: F32) -> None:
    for f in range(source.size):
        target[f] = source[f]


@tight
def _gather(
    gru: Gru, config: GruConfig, work: Scratch, known_items: int, examples: int, columns: int, items: int
) -> None:
    half = 0.5 * config.negatives
    seen = (examples + half) / (gru.counters[TARGETS] + known_items)
    unseen = half / known_items
    for place in range(columns):
        item = work.items[place]
        expected = np.float32((gru.counts[item] + 1) * seen + unseen)
        work.offsets[place] = gru.bias[item] - np.log(expected)
    for place in range(items):
        copy(gru.embeddings[work.items[place]], work.embeddings[place])
    for place in range(examples):
        copy(work.embeddings[work.inputs[place]], work.x[place])
