"""How the GRU learns: one step per full batch, by gradients written out by hand.

Each example is one step of backpropagation: the hidden vector before the input is taken as given (it
was made with slightly older weights). A batch is joined by older examples from the replay ring, which
keep the head from forgetting. The loss is cross-entropy over the batch's own targets and shared
negatives, half uniform over the known items and half earlier targets, each score corrected by the
logarithm of how often the item is expected in that sample (logQ; Bengio and Senecal, 2008). The
update is Adagrad (Duchi et al., 2011), for embeddings only in the rows that took part.

All random numbers come from (seed, batch number), so the same examples give the same head. For that
the matrix products must run on one thread: start the process with OPENBLAS_NUM_THREADS=1.
"""

from typing import NamedTuple

import numpy as np

from streamproc_models.activations import exponential
from streamproc_models.arrays import F32, I32, I64
from streamproc_models.hashing import splitmix
from streamproc_models.heads.gru import BATCHES, FILL, REPLAYED, SEED, TARGETS, Gru, GruConfig, step
from streamproc_models.kernel import kernel


class GruStep(NamedTuple):
    """What became of one training step."""

    loss: float  # mean cross-entropy of the batch, in nats
    gradient_norm: float  # length of the gradient over all parameters
    applied: bool  # False: the gradient was not finite, the batch was dropped and nothing was learned


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
    input_weights_gradient: F32  # (h, 3h)
    recurrent_weights_gradient: F32  # (h, 3h)
    input_bias_gradient: F32  # (3h,)
    recurrent_bias_gradient: F32  # (3h,)


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
        input_weights_gradient=floats(size, 3 * size),
        recurrent_weights_gradient=floats(size, 3 * size),
        input_bias_gradient=floats(3 * size),
        recurrent_bias_gradient=floats(3 * size),
    )


@kernel
def train(gru: Gru, config: GruConfig, work: Scratch, known_items: int) -> GruStep:
    """Learn from the full batch and begin the next one; item rows below `known_items` are in use.

    `known_items` is the number right after the batch's last event. Where the gradient is not finite
    the batch is dropped: neither the weights nor the ring nor the counts change.
    """
    if gru.counters[FILL] < gru.batch_targets.size:
        raise ValueError("the batch of the GRU is not full")
    if work.stamps.size < gru.counts.size:
        raise ValueError("the GRU has grown: make a new scratch for it")
    examples, columns, items = _draw(gru, config, work, known_items)
    loss = _forward(gru, work, examples, columns)
    _backward(gru, work, examples, columns, items)
    norm, applied = _length(work, columns, items)
    if applied:
        _descend(gru, config, work, columns, items)
        _into_the_ring(gru)
    gru.counters[BATCHES] += 1
    gru.counters[FILL] = 0
    return GruStep(loss, norm, applied)


@kernel
def _draw(gru: Gru, config: GruConfig, work: Scratch, known_items: int) -> tuple[int, int, int]:
    """Choose the step's examples and items; returns how many examples, columns and items there are."""
    batch = gru.batch_targets.size
    in_ring = min(gru.counters[REPLAYED], gru.ring_targets.size)
    examples = batch + (config.replay if in_ring > 0 else 0)
    base = work.clock[0]
    state = splitmix(splitmix(np.uint64(gru.counters[SEED])) + np.uint64(gru.counters[BATCHES]))
    columns = 0
    for place in range(examples):
        hidden, source, target = gru.batch_hidden, gru.batch_inputs, gru.batch_targets
        example = place
        if place >= batch:
            state = splitmix(state)
            hidden, source, target = gru.ring_hidden, gru.ring_inputs, gru.ring_targets
            example = _below(state, in_ring)
        _copy(hidden[example], work.hidden_before[place])
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


@kernel
def _place(work: Scratch, base: int, item: int, count: int) -> int:
    """Where `item` lies among the step's items; put at place `count` if it is new."""
    if work.stamps[item] < base:
        work.stamps[item] = base + count
        work.items[count] = item
    return int(work.stamps[item] - base)


@kernel
def _below(state: np.uint64, bound: int) -> int:
    """A number in [0, bound) from the upper half of 64 random bits."""
    return np.int64(((state >> np.uint64(32)) * np.uint64(bound)) >> np.uint64(32))


@kernel
def _copy(source: F32, target: F32) -> None:
    for f in range(source.size):
        target[f] = source[f]


@kernel
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
        _copy(gru.embeddings[work.items[place]], work.embeddings[place])
    for place in range(examples):
        _copy(work.embeddings[work.inputs[place]], work.x[place])


@kernel
def _forward(gru: Gru, work: Scratch, examples: int, columns: int) -> float:
    """Gates, hidden vectors, and the gradient of the logits; returns the loss."""
    gates, recurrent, hidden = work.gates[:examples], work.recurrent[:examples], work.hidden[:examples]
    np.dot(work.x[:examples], gru.input_weights, gates)  # (m, h), (h, 3h) -> (m, 3h)
    np.dot(work.hidden_before[:examples], gru.recurrent_weights, recurrent)  # (m, h), (h, 3h) -> (m, 3h)
    for place in range(examples):
        _add(gru.input_bias, gates[place])
        _add(gru.recurrent_bias, recurrent[place])
        step(gates[place], recurrent[place], work.hidden_before[place], hidden[place])
    logits = work.logits[: examples * columns].reshape(examples, columns)
    np.dot(hidden, work.embeddings[:columns].T, logits)  # (m, h), (h, c) -> (m, c)
    work.bias_gradient[:columns] = 0
    loss = 0.0
    for place in range(examples):
        loss += _softmax(logits[place], work.offsets[:columns], work.targets[place], examples)
        _add(logits[place], work.bias_gradient[:columns])
    return loss / examples


@kernel
def _add(values: F32, total: F32) -> None:
    for k in range(total.size):
        total[k] += values[k]


@kernel
def _softmax(logits: F32, offsets: F32, target: int, examples: int) -> float:
    """The cross-entropy of one example; its gradient takes the place of the logits (c,)."""
    top = np.float32(-np.inf)
    for k in range(logits.size):
        logits[k] += offsets[k]
    for k in range(logits.size):
        top = logits[k] if logits[k] > top else top
    margin = top - logits[target]
    total = np.float32(0)
    for k in range(logits.size):
        logits[k] = exponential(logits[k] - top)
        total += logits[k]
    share = np.float32(1) / (total * np.float32(examples))
    for k in range(logits.size):
        logits[k] *= share
    logits[target] -= np.float32(1) / np.float32(examples)
    return float(np.log(total) + margin)


@kernel
def _backward(gru: Gru, work: Scratch, examples: int, columns: int, items: int) -> None:
    """The gradients of all parameters, from that of the logits."""
    hidden, before, x = work.hidden[:examples], work.hidden_before[:examples], work.x[:examples]
    gates, recurrent = work.gates[:examples], work.recurrent[:examples]
    logits = work.logits[: examples * columns].reshape(examples, columns)
    np.dot(logits, work.embeddings[:columns], work.hidden_gradient[:examples])  # (m, c), (c, h) -> (m, h)
    np.dot(logits.T, hidden, work.embeddings_gradient[:columns])  # (c, m), (m, h) -> (c, h)
    work.input_bias_gradient[:] = 0
    work.recurrent_bias_gradient[:] = 0
    for place in range(examples):
        _step_back(work.hidden_gradient[place], gates[place], recurrent[place], before[place])
        _add(gates[place], work.input_bias_gradient)
        _add(recurrent[place], work.recurrent_bias_gradient)
    np.dot(gates, gru.input_weights.T, work.x_gradient[:examples])  # (m, 3h), (3h, h) -> (m, h)
    np.dot(x.T, gates, work.input_weights_gradient)  # (h, m), (m, 3h) -> (h, 3h)
    np.dot(before.T, recurrent, work.recurrent_weights_gradient)  # (h, m), (m, 3h) -> (h, 3h)
    work.embeddings_gradient[columns:items] = 0
    for place in range(examples):
        _add(work.x_gradient[place], work.embeddings_gradient[work.inputs[place]])


@kernel
def _step_back(gradient: F32, gates: F32, recurrent: F32, before: F32) -> None:
    """Turn the gradient of `after` in `gru.step` into those of its sums, in their places (3h,)."""
    size = before.size
    for f in range(size):
        update, candidate = gates[size + f], gates[2 * size + f]
        turn = gradient[f] * (before[f] - candidate)
        gates[2 * size + f] = gradient[f] * (1 - update) * (1 - candidate * candidate)
        gates[size + f] = turn * update * (1 - update)
    for f in range(size):
        reset, slope = gates[f], gates[2 * size + f]
        gates[f] = slope * recurrent[2 * size + f] * reset * (1 - reset)
        recurrent[2 * size + f] = slope * reset
    for f in range(2 * size):
        recurrent[f] = gates[f]


@kernel
def _length(work: Scratch, columns: int, items: int) -> tuple[float, bool]:
    """Length of the whole gradient, and whether every part of it is finite."""
    squares = np.empty(6, np.float32)
    squares[0] = _square(work.embeddings_gradient[:items].reshape(-1))
    squares[1] = _square(work.bias_gradient[:columns])
    squares[2] = _square(work.input_weights_gradient.reshape(-1))
    squares[3] = _square(work.recurrent_weights_gradient.reshape(-1))
    squares[4] = _square(work.input_bias_gradient)
    squares[5] = _square(work.recurrent_bias_gradient)
    exponents = squares.view(np.int32) & np.int32(0x7F800000)
    finite = True
    for exponent in exponents:
        finite = finite and exponent != np.int32(0x7F800000)  # kernels may not compare with infinity
    return float(np.sqrt(squares.sum())), finite


@kernel
def _square(values: F32) -> np.float32:
    # By BLAS, not by a loop: compiled loops assume that nothing is infinite.
    return np.dot(values, values)


@kernel
def _descend(gru: Gru, config: GruConfig, work: Scratch, columns: int, items: int) -> None:
    rate, decay = np.float32(config.rate), np.float32(config.decay)
    for place in range(items):
        item = work.items[place]
        gradient = work.embeddings_gradient[place]
        _adagrad(gru.embeddings[item], gru.embeddings_sums[item], gradient, rate, decay)
    for place in range(columns):
        item, one = work.items[place], slice(place, place + 1)
        row = slice(item, item + 1)
        _adagrad(gru.bias[row], gru.bias_sums[row], work.bias_gradient[one], rate, decay)
    _adagrad(gru.input_bias, gru.input_bias_sums, work.input_bias_gradient, rate, decay)
    _adagrad(gru.recurrent_bias, gru.recurrent_bias_sums, work.recurrent_bias_gradient, rate, decay)
    for row in range(gru.input_weights.shape[0]):
        gradient = work.input_weights_gradient[row]
        _adagrad(gru.input_weights[row], gru.input_weights_sums[row], gradient, rate, decay)
        gradient = work.recurrent_weights_gradient[row]
        _adagrad(gru.recurrent_weights[row], gru.recurrent_weights_sums[row], gradient, rate, decay)


@kernel
def _adagrad(values: F32, sums: F32, gradient: F32, rate: np.float32, decay: np.float32) -> None:
    for k in range(values.size):
        sums[k] = sums[k] * decay + gradient[k] * gradient[k]
        values[k] -= rate * gradient[k] / np.sqrt(sums[k])


@kernel
def _into_the_ring(gru: Gru) -> None:
    """Keep the trained batch for replay and count its targets."""
    batch, room = gru.batch_targets.size, gru.ring_targets.size
    for example in range(batch):
        place = (gru.counters[REPLAYED] + example) % room
        _copy(gru.batch_hidden[example], gru.ring_hidden[place])
        gru.ring_inputs[place] = gru.batch_inputs[example]
        gru.ring_targets[place] = gru.batch_targets[example]
        gru.counts[gru.batch_targets[example]] += 1
    gru.counters[REPLAYED] += batch
    gru.counters[TARGETS] += batch
